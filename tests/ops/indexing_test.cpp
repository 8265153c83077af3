// Indexing: values from NumPy 2.4, updates and their derivatives, errors.
#include "dini/ops/indexing.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing_ops.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/sort.hpp"
#include "dini/trace/internal.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"
#include "dini/transforms/vmap.hpp"
#include "expect_array.hpp"

namespace dini {
namespace {

const Array box = counted({2, 3, 4}), matrix = counted({3, 4});

TEST(Indexing, IntegersAndSlices) {
  expect_array(matrix(1, 2), {}, {6});
  expect_array(matrix(-1), {4}, {8, 9, 10, 11});
  expect_array(matrix(slice(), 0), {3}, {0, 4, 8});
  expect_array(matrix(slice(1, end), slice(end, end, 3)), {2, 2}, {4, 7, 8, 11});
  expect_array(matrix(slice(0, 2), newaxis, -1), {2, 1}, {3, 7});
  expect_array(matrix(ellipsis, 1), {3}, {1, 5, 9});
  expect_array(box(slice(end, end, -1), -1, slice(3, 0, -2)), {2, 2}, {23, 21, 11, 9});
  expect_array(counted({5})(slice(end, end, -2)), {3}, {4, 2, 0});
  expect_array(counted({5})(slice(-2, -100, -1)), {4}, {3, 2, 1, 0});
  EXPECT_EQ(counted({5})(slice(3, 1)).shape(), (Shape{0}));
  EXPECT_EQ(counted({5})(slice(1, 3, -1)).shape(), (Shape{0}));
  expect_array(counted({5})(slice(2, 100)), {3}, {2, 3, 4});
}

TEST(Indexing, IntegerArraysAsNumpy) {
  const Array two_zero = array({2, 0}), zero_one = array({0, 1});
  expect_array(box(zero_one, two_zero), {2, 4}, {8, 9, 10, 11, 12, 13, 14, 15});
  expect_array(box(slice(), two_zero), {2, 2, 4}, {8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15});
  expect_array(box(0, slice(), array({1, 2})), {2, 3}, {1, 5, 9, 2, 6, 10});
  expect_array(box(array({1, 0}), slice(), array({3, 1})), {2, 3}, {15, 19, 23, 1, 5, 9});
  expect_array(box(slice(), array({0, 2}), array({1, 3})), {2, 2}, {1, 11, 13, 23});
  expect_array(box(array({{0}, {1}}), two_zero), {2, 2, 4}, {8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15});
  expect_array(box(array({1}), newaxis, slice(), 2), {1, 1, 3}, {14, 18, 22});
  expect_array(box(array({-1})), {1, 3, 4}, box(1).to_vector<double>());
  expect_array(matrix(argmax(matrix(slice(), 0))), {4}, {8, 9, 10, 11});
  EXPECT_EQ(matrix(array(std::vector<int>{})).shape(), (Shape{0, 4}));
}

TEST(Indexing, Masks) {
  expect_array(matrix(mod(matrix, 3.0) == 1.0), {4}, {1, 4, 7, 10});
  expect_array(
      box(slice(), array({{true, false, false, true}, {false, false, true, false}, {false, false, false, false}})),
      {2, 3}, {0, 3, 6, 12, 15, 18});
  expect_array(matrix(array({true, false, true}), 1), {2}, {1, 9});
  expect_array(box(ellipsis, array({true, false, true, false}))(0), {3, 2}, {0, 2, 4, 6, 8, 10});
  expect_error<ShapeError>(
      [&] {
        matrix(array({true, false}));
      },
      "index: a mask has length 2 along axis 0 of an array of shape (3, 4)");
}

TEST(Indexing, Refuses) {
  expect_error<ShapeError>([&] { matrix(3); }, "index: index 3 is out of range for axis 0 with length 3");
  expect_error<ShapeError>([&] { matrix(0, -5); }, "index: index -5 is out of range for axis 1 with length 4");
  expect_error<ShapeError>(
      [&] {
        matrix(slice(), array({1, 4}));
      },
      "index: index 4 is out of range for axis 1 with length 4");
  expect_error<ShapeError>([&] { matrix(0, 1, 2); }, "index: 3 indices for an array of shape (3, 4)");
  expect_error<ShapeError>([&] { matrix(ellipsis, ellipsis); }, "index: more than one ellipsis");
  expect_error<ShapeError>([&] { matrix(slice(0, 1, 0)); }, "index: a slice with step 0");
  expect_error<DtypeError>([&] { matrix(array({1.0})); },
                           "index: an index array must be of integers or bool, not float64(1,)");
  expect_error<ShapeError>([&] { take(matrix, array({4}), 1); },
                           "take: index 4 is out of range for axis 1 with length 4");
  EXPECT_THROW(matrix(array({0, 1}), array({0, 1, 2})), ShapeError);
  EXPECT_THROW(vmap([](const Array& m) { return matrix(m); })(array({{true, false, true}})), TraceError);
}

TEST(Indexing, TracedIndicesAreMovedToTheEnds) {
  const auto f = jit([](const Array& i) { return matrix(i, 1); });
  expect_array(f(array({0, 2, 7, -1, -9})), {5}, {1, 9, 9, 9, 1});
  const auto g = jit([](const Array& i, const Array& j) { return matrix(i, j); });
  expect_array(g(array({0, 2}), array({9, -2})), {2}, {3, 10});
}

TEST(Indexing, UpdatesKeepTheRest) {
  const Array z = zeros({3, 4});
  expect_array(z.at(1).set(2.0), {3, 4}, {0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0});
  expect_array(z.at(slice(1, end), slice(end, end, 2)).set(counted({2, 2}, 1)), {3, 4},
               {0, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0});
  expect_array(counted({5}).at(slice(end, end, -2)).set(counted({3}, 10)), {5}, {12, 1, 11, 3, 10});
  expect_array(z.at(array({0, 2}), array({1, 3})).set(array({5.0, 6.0})), {3, 4}, {0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6});
  expect_array(z.at(slice(), array({3, 0})).add(counted({2}, 1)), {3, 4}, {2, 0, 0, 1, 2, 0, 0, 1, 2, 0, 0, 1});
  expect_array(matrix.at(slice(0, 2), array({1})).multiply(-1.0), {3, 4}, {0, -1, 2, 3, 4, -5, 6, 7, 8, 9, 10, 11});
  expect_array(matrix.at(-1, slice(1, 3)).min(9.5), {3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9.5, 11});
  expect_array(matrix.at(matrix > 9.0).max(10.5), {3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10.5, 11});
  expect_array(counted({3}).at(array({0, 0, 1})).add(array({1.0, 10.0, 100.0})), {3}, {11, 101, 2});
  expect_array(counted({3}).at(array({0, 0})).set(array({5.0, 6.0})), {3}, {6, 1, 2});
  expect_array(matrix.at(2, 1).get(), {}, {9});
  expect_array(z.at(ellipsis).set(1.0), {3, 4}, std::vector<double>(12, 1.0));
}

TEST(Indexing, UpdatesKeepTheDtype) {
  EXPECT_EQ(zeros({2}, float32).at(0).set(1.5).dtype(), float32);
  EXPECT_EQ(zeros({2}, float32).at(slice()).set(array({1.5, 2.5})).dtype(), float32);
  EXPECT_FALSE(zeros({2}, float32).at(slice()).set(1.5).weak());
  expect_array(zeros({2}, int32).at(0).set(1.5), {2}, {1, 0});
  expect_error<ShapeError>([] { (void)zeros({2}).at(2).set(0.0); },
                           "at().set: index 2 is out of range for axis 0 with length 2");
  EXPECT_THROW((void)zeros({3}).at(slice(0, 2)).set(counted({3})), ShapeError);
}

// d/da and d/dv of Σ w·a.at(i).op(v).
TEST(Indexing, DerivativesOfUpdates) {
  const Array a = array({1.0, 2.0, 3.0}), w = array({1.0, 10.0, 100.0}), i = array({0, 0, 2});
  const auto both = [&](auto&& f, const Array& v) {
    return grad<0, 1>([&, f](const Array& x, const Array& y) { return sum(w * f(x, y)); })(a, v);
  };
  {
    const auto [da, dv] = both([&](const Array& x, const Array& v) { return x.at(i).set(v); }, array({5.0, 6.0, 7.0}));
    expect_array(da, {3}, {0, 10, 0});
    expect_array(dv, {3}, {0, 1, 100});
  }
  {
    const auto [da, dv] = both([&](const Array& x, const Array& v) { return x.at(i).add(v); }, array({5.0, 6.0, 7.0}));
    expect_array(da, {3}, {1, 10, 100});
    expect_array(dv, {3}, {1, 1, 100});
  }
  {
    const auto [da, dv] =
        both([&](const Array& x, const Array& v) { return x.at(i).multiply(v); }, array({5.0, 6.0, 7.0}));
    expect_array(da, {3}, {30, 10, 700});
    expect_array(dv, {3}, {6, 5, 300});
  }
  {  // one zero, two zeros
    const auto [da, dv] =
        both([&](const Array& x, const Array& v) { return x.at(i).multiply(v); }, array({0.0, 6.0, 0.0}));
    expect_array(da, {3}, {0, 10, 0});
    expect_array(dv, {3}, {6, 0, 300});
    const auto [ea, ev] =
        both([&](const Array& x, const Array& v) { return x.at(i).multiply(v); }, array({0.0, 0.0, 1.0}));
    expect_array(ea, {3}, {0, 10, 100});
    expect_array(ev, {3}, {0, 0, 300});
  }
  {  // element 0: the old one and one update attain the largest; element 2: the update does
    const auto [da, dv] = both([&](const Array& x, const Array& v) { return x.at(i).max(v); }, array({1.0, -6.0, 7.0}));
    expect_array(da, {3}, {0.5, 10, 0});
    expect_array(dv, {3}, {0.5, 0, 100});
  }
  {
    const auto [da, dv] =
        both([&](const Array& x, const Array& v) { return x.at(slice(0, 2)).min(v); }, array({1.0, 0.5}));
    expect_array(da, {3}, {0.5, 0, 100});
    expect_array(dv, {2}, {0.5, 10});
  }
  {  // what is not finite at one place is none of the others' affair
    const Array dv = grad([](const Array& v) {
      return sum(array({INFINITY, 2.0, NAN, 3.0}).at(array({1, 0, 1, 2, 3})).multiply(v)(array({1, 3})));
    })(array({5.0, 6.0, 7.0, 8.0, 9.0}));
    expect_array(dv(array({0, 2, 4})), {3}, {14, 10, 3});
  }
  {  // the updates' alone, at a tie with a constant
    const Array dv = grad([](const Array& v) {
      return sum(array({1.0, 2.0}).at(array({0, 1})).max(v));
    })(array({1.0, 3.0}));
    expect_array(dv, {2}, {0.5, 1});
  }
}

// Traced, where an index cannot be looked at: reads clamp, updates are dropped (values from JAX 0.4).
TEST(Indexing, TracedOutOfRangeUpdatesAreDropped) {
  expect_array(jit([](const Array& i) { return counted({3}).at(i).set(9.0); })(array(10)), {3}, {0, 1, 2});
  expect_array(jit([](const Array& i) { return counted({3}).at(i).add(9.0); })(array(-7)), {3}, {0, 1, 2});
  expect_array(jit([](const Array& i) { return counted({3}).at(i).add(9.0); })(array(-3)), {3}, {9, 1, 2});
  expect_array(jit([](const Array& i) { return counted({3}).at(i).get(); })(array(10)), {}, {2});
  expect_array(fori_loop(
                   0, 5, [](const Array& i, const Array& s) { return s.at(i).set(1.0 * i); }, zeros({3})),
               {3}, {0, 1, 2});
  // Several indices: one out of range drops the update, also where the sum of both would be another element's.
  const auto set_pair = [](const Array& i, const Array& j) { return matrix.at(i, j).set(-1.0); };
  expect_array(jit(set_pair)(array({0, 3, 1}), array({4, 0, 2})), {3, 4}, {0, 1, 2, 3, 4, 5, -1, 7, 8, 9, 10, 11});
  expect_array(jit([](const Array& i, const Array& j) { return matrix(i, j); })(array({0, 3}), array({4, 0})), {2},
               {3, 8});
  // A lane's index out of range is not its neighbour's.
  const auto lane = [](const Array& a, const Array& i) { return a.at(i).set(-1.0); };
  expect_array(vmap(lane)(counted({3, 2}), array({2, -3, 1})), {3, 2}, {0, 1, 2, 3, 4, -1});
  expect_array(vmap(set_pair)(array({0, 2}), array({4, -1}))(0), {3, 4}, matrix.to_vector<double>());
  // What is dropped has no slope, whatever stands at the ends of the axis.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Array a = array({nan, 2.0, nan}), v = array({3.0, nan, nan}), i = array({1, 9, -9});
  const auto slopes = [&](auto&& update) {
    return jit([=](const Array& i) { return grad([&](const Array& y) { return update(a.at(i), y)(1); })(v); })(i);
  };
  expect_array(slopes([](const IndexUpdate& at, const Array& y) { return at.set(y); }), {3}, {1, 0, 0});
  expect_array(slopes([](const IndexUpdate& at, const Array& y) { return at.add(y); }), {3}, {1, 0, 0});
  expect_array(slopes([](const IndexUpdate& at, const Array& y) { return at.multiply(y); }), {3}, {2, 0, 0});
  expect_array(slopes([](const IndexUpdate& at, const Array& y) { return at.min(y); }), {3}, {0, 0, 0});
  expect_array(slopes([](const IndexUpdate& at, const Array& y) { return at.max(y); }), {3}, {1, 0, 0});
  expect_array(jit([&](const Array& i) {
                 return grad([&](const Array& y) { return a.at(i).multiply(y)(1); })(array(3.0));
               })(array(-9)),
               {}, {0});
  // The slope of a read that was clamped is the end's.
  expect_array(jit([](const Array& i) { return grad([&](const Array& x) { return x(i); })(counted({3})); })(array(7)),
               {3}, {0, 0, 1});
}

TEST(Indexing, DerivativesOfPicks) {
  expect_array(grad([](const Array& x) {
                 return sum(square(x(array({0, 2, 0}))));
               })(array({1.0, 2.0, 3.0})),
               {3}, {4, 0, 6});
  expect_array(grad([](const Array& x) { return sum(x(x > 1.5) * x(x > 1.5)); })(array({1.0, 2.0, 3.0})), {3},
               {0, 4, 6});
  expect_array(grad([](const Array& x) { return x(1, -1) * 3.0; })(matrix), {3, 4},
               {0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0});
}

TEST(Indexing, Vmapped) {
  const Array rows = array({2, 0});
  expect_array(vmap([&](const Array& i) { return matrix(i); })(rows), {2, 4}, {8, 9, 10, 11, 0, 1, 2, 3});
  expect_array(vmap([](const Array& a, const Array& i) { return a(i, 0); })(box, rows), {2}, {8, 12});
  expect_array(vmap([](const Array& a, const Array& i) { return a.at(i).set(0.0); })(counted({2, 3}, 1), rows), {2, 3},
               {1, 2, 0, 0, 5, 6});
}

TEST(Indexing, Takes) {
  expect_array(take(matrix, array({{0, 2}, {-1, 1}}), 1), {3, 2, 2}, {0, 2, 3, 1, 4, 6, 7, 5, 8, 10, 11, 9});
  expect_array(take(matrix, array({5, -1})), {2}, {5, 11});
  expect_array(take_along_axis(matrix, array({{3, 0}, {1, 1}, {-1, 2}}), 1), {3, 2}, {3, 0, 5, 5, 11, 10});
  expect_array(take_along_axis(matrix, array({{2, 1, 0, 1}}), 0), {1, 4}, {8, 5, 2, 7});
  const Array x = array({{3.0, 1.0, 2.0}, {-1.0, 5.0, 0.0}});
  expect_array(take_along_axis(x, argsort(x)), {2, 3}, sort(x).to_vector<double>());
}

TEST(Indexing, Searches) {
  const Array sorted = array({1.0, 2.0, 2.0, 5.0}), v = array({0.0, 2.0, 3.0, 9.0});
  expect_array(searchsorted(sorted, v), {4}, {0, 1, 3, 4});
  expect_array(searchsorted(sorted, v, true), {4}, {0, 3, 3, 4});
  expect_array(searchsorted(sorted, 2.0), {}, {1});
  const auto places = unravel_index(array({0, 7, 23}), {2, 3, 4});
  expect_array(places[0], {3}, {0, 0, 1});
  expect_array(places[1], {3}, {0, 1, 2});
  expect_array(places[2], {3}, {0, 3, 3});
}

TEST(Indexing, Diagonals) {
  expect_array(triu(matrix, 1), {3, 4}, {0, 1, 2, 3, 0, 0, 6, 7, 0, 0, 0, 11});
  expect_array(tril(matrix, -1), {3, 4}, {0, 0, 0, 0, 4, 0, 0, 0, 8, 9, 0, 0});
  expect_array(diag(array({1.0, 2.0}), -1), {3, 3}, {0, 0, 0, 1, 0, 0, 0, 2, 0});
  expect_array(diag(array({1.0, 2.0}), 1), {3, 3}, {0, 1, 0, 0, 0, 2, 0, 0, 0});
  expect_array(diag(matrix, 1), {3}, {1, 6, 11});
  expect_array(diag(matrix, -2), {1}, {8});
  EXPECT_EQ(diag(matrix, 9).shape(), (Shape{0}));
  expect_array(diagonal(box, 1, 0, 2), {3, 2}, {1, 14, 5, 18, 9, 22});
  expect_array(trace(matrix, 1), {}, {18});
  expect_array(grad([](const Array& x) { return trace(x); })(counted({2, 3})), {2, 3}, {1, 0, 0, 0, 1, 0});
}

}  // namespace
}  // namespace dini
