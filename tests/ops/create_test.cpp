// Creation, against NumPy's results.
#include "dini/ops/create.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/sort.hpp"
#include "dini/transforms/grad.hpp"
#include "expect_array.hpp"

namespace dini {
namespace {

using Doubles = std::vector<double>;

TEST(Create, Constants) {
  EXPECT_EQ(zeros({2, 3}).dtype(), float64);
  EXPECT_TRUE(zeros({2, 3}).concrete());
  EXPECT_FALSE(zeros({2, 3}).weak());
  EXPECT_FALSE(zeros({}).weak());
  EXPECT_EQ(zeros({2, 3}).to_vector<double>(), Doubles(6, 0.0));
  EXPECT_EQ(ones({3}, int32).to_vector<int>(), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(ones({1, 1}, float32).dtype(), float32);
  EXPECT_EQ(full({2}, 7).dtype(), int64);
  EXPECT_EQ(full({2}, 7, float32).dtype(), float32);
  EXPECT_EQ(full({2, 3}, array({1.0, 2.0, 3.0})).to_vector<double>(), (Doubles{1, 2, 3, 1, 2, 3}));
  EXPECT_THROW(full({2}, zeros({3})), ShapeError);
  EXPECT_EQ(zeros_like(ones({2, 3}, float32)).dtype(), float32);
  EXPECT_EQ(ones_like(zeros({4}), int64).dtype(), int64);
  EXPECT_EQ(full_like(zeros({2}, float32), 2.5).data<float>()[1], 2.5f);
}

TEST(Create, Ranges) {
  const auto values = [](const Array& a) { return a.to_vector<double>(); };
  EXPECT_EQ(arange(3).dtype(), int64);
  EXPECT_EQ(values(arange(3)), (Doubles{0, 1, 2}));
  EXPECT_EQ(values(arange(2, 5)), (Doubles{2, 3, 4}));
  EXPECT_EQ(values(arange(5, 0, -2)), (Doubles{5, 3, 1}));
  EXPECT_EQ(values(arange(0, 5, 2)), (Doubles{0, 2, 4}));
  EXPECT_EQ(values(arange(0, 4, 2)), (Doubles{0, 2}));
  EXPECT_EQ(arange(5, 2).size(), 0);
  EXPECT_EQ(arange(-1).size(), 0);
  EXPECT_EQ(values(arange(0.0, 1.0, 0.25)), (Doubles{0, 0.25, 0.5, 0.75}));
  EXPECT_EQ(arange(0, 1, 0.1).size(), 10);
  EXPECT_EQ(arange(3.0).dtype(), float64);
  EXPECT_EQ(arange(3, float32).dtype(), float32);
  EXPECT_EQ(values(linspace(0, 1, 5)), (Doubles{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(values(linspace(2, 3, 1)), (Doubles{2}));
  EXPECT_EQ(linspace(0, 1, 0).size(), 0);
  EXPECT_EQ(linspace(0.1, 0.7, 50).data<double>()[49], 0.7);
  EXPECT_THROW(arange(0, 3, 0), ValueError);
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(arange(-huge, 1, huge).to_vector<std::int64_t>(), (std::vector<std::int64_t>{-huge, 0}));
  EXPECT_EQ(arange(1, -huge, -huge).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 1 - huge}));
  EXPECT_THROW(arange(-huge, huge), ShapeError);
  EXPECT_THROW(linspace(0, 1, -1), ValueError);
}

TEST(Create, Matrices) {
  EXPECT_EQ(eye(2, 3, 1).to_vector<double>(), (Doubles{0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(eye(3, 2, -1).to_vector<double>(), (Doubles{0, 0, 1, 0, 0, 1}));
  EXPECT_EQ(eye(2, float32).dtype(), float32);
  EXPECT_EQ(eye(2).shape(), (Shape{2, 2}));
  EXPECT_EQ(identity(2).to_vector<double>(), (Doubles{1, 0, 0, 1}));
  EXPECT_EQ(eye(2, 2, 5).to_vector<double>(), Doubles(4, 0.0));
  const auto grids = meshgrid({array({1.0, 2.0, 3.0}), array({4.0, 5.0})});
  EXPECT_EQ(grids[0].shape(), (Shape{2, 3}));
  EXPECT_EQ(grids[0].to_vector<double>(), (Doubles{1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(grids[1].to_vector<double>(), (Doubles{4, 4, 4, 5, 5, 5}));
  EXPECT_EQ(meshgrid({array({1.0, 2.0, 3.0}), array({4.0, 5.0})}, true)[1].to_vector<double>(),
            (Doubles{4, 5, 4, 5, 4, 5}));
}

TEST(Create, TakesALengthForAShapeAndNamesItself) {
  EXPECT_EQ(zeros(3).shape(), (Shape{3}));
  EXPECT_EQ(ones(2).to_vector<double>(), (Doubles{1, 1}));
  EXPECT_EQ(full(2, 1.5).to_vector<double>(), (Doubles{1.5, 1.5}));
  expect_error<ShapeError>([] { zeros({2, -2}); }, "zeros: negative length in (2, -2)");
  expect_error<ShapeError>([] { ones(-1); }, "ones: negative length in (-1,)");
  expect_error<ShapeError>([] { full({-2}, 1.0); }, "full: negative length in (-2,)");
  expect_error<ShapeError>([] { eye(-2); }, "eye: negative length in (-2, -2)");
  expect_error<ShapeError>([] { one_hot(array({0}), -2); }, "one_hot: negative length in (-2,)");
  expect_error<ShapeError>([] { tril_indices(-2); }, "tril_indices: negative length in (-2, -2)");
  expect_error<ShapeError>([] { triu_indices(1000000); },
                           "triu_indices: an array bool(1000000, 1000000) is larger than memory could hold");
  constexpr std::int64_t far = std::int64_t{1} << 40;
  EXPECT_EQ(tri(2, 3, far).to_vector<double>(), Doubles(6, 1));
  EXPECT_EQ(tri(2, 3, -far).to_vector<double>(), Doubles(6, 0));
  EXPECT_EQ(tril_indices(2, far)[1].to_vector<double>(), (Doubles{0, 1, 0, 1}));
  EXPECT_EQ(triu_indices(2, far)[1].size(), 0);
}

TEST(Create, ArraysOfArraysAndOfOtherDtypes) {
  const Array a = array({3.0, 1.0, 2.0});
  expect_array(array({a(0), a(1)}), {2}, {3, 1});
  expect_array(array({a, 2.0 * a}), {2, 3}, {3, 1, 2, 6, 2, 4});
  expect_array(array({{a(0), a(1)}, {a(2), a(0)}}), {2, 2}, {3, 1, 2, 3});
  expect_array(array({1, 2.5}), {2}, {1, 2.5});
  EXPECT_FALSE(array({1, 2.5}).weak());
  expect_array(array(std::vector<std::vector<double>>{{1, 2}, {3, 4}, {5, 6}}), {3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_THROW(array(std::vector<std::vector<int>>{{1, 2}, {3}}), ShapeError);
  expect_array(array({{1, 2}, {3, 4}}, float32), {2, 2}, {1, 2, 3, 4});
  for (const Array& x : {array({1, 2}, float32), array({{1, 2}, {3, 4}}, float32), array(std::vector<int>{1}, float32),
                         array(1, float32)}) {
    EXPECT_EQ(x.dtype(), float32);
  }
  expect_array(array({1.5, 2.5}, int32), {2}, {1, 2});
  expect_array(jacobian([](const Array& x) {
                 return array({x(1), x(0) * x(0)});
               })(array({3.0, 5.0})),
               {2, 2}, {0, 1, 6, 0});
}

TEST(Create, OneOfTwoWaysByNumPysName) {
  const Array u = array({1.0, 2.0, 3.0}), v = array({4.0, 5.0});
  for (const auto& [same, other] : {std::pair{meshgrid({u, v}, "ij")[0], meshgrid({u, v}, true)[0]},
                                    std::pair{meshgrid({u, v}, "xy")[0], meshgrid({u, v}, false)[0]},
                                    std::pair{meshgrid(u, v)[1], meshgrid({u, v})[1]},
                                    std::pair{searchsorted(u, u, "left"), searchsorted(u, u, false)},
                                    std::pair{searchsorted(u, u, std::string("right")), searchsorted(u, u, true)},
                                    std::pair{linalg::qr(ones({3, 2}), "complete").q, linalg::qr(ones({3, 2}), true).q},
                                    std::pair{linalg::qr(ones({3, 2}), "reduced").q, linalg::qr(ones({3, 2})).q}}) {
    expect_array(same, other.shape(), other.to_vector<double>());
  }
  expect_error<ValueError>([&] { meshgrid({u, v}, "yx"); }, "meshgrid: \"yx\" is neither \"xy\" nor \"ij\"");
  expect_error<ValueError>([&] { searchsorted(u, v, "Right"); },
                           "searchsorted: \"Right\" is neither \"left\" nor \"right\"");
  expect_error<ValueError>(
      [&] {
        linalg::qr(ones({3, 2}), "full");
      },
      "qr: \"full\" is neither \"reduced\" nor \"complete\"");
  static_assert(!std::is_convertible_v<bool, ReduceAxes> && !std::is_convertible_v<bool, AxisList>);
}

TEST(Sort, Descending) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(argsort(array({1, 2, 1, 2}), -1, true).to_vector<int>(), (std::vector<int>{1, 3, 0, 2}));
  expect_array(sort(array({{1.0, nan, 3.0}, {2.0, 0.0, 4.0}}), 1, true), {2, 3}, {nan, 3, 1, 4, 2, 0});
  expect_array(sort(array({{1.0, 7.0}, {2.0, 0.0}}), 0, true), {2, 2}, {2, 7, 1, 0});
  EXPECT_EQ(top_k(array({1.0, nan, 3.0, 3.0}), 3).indices.to_vector<int>(), (std::vector<int>{1, 2, 3}));
  expect_array(grad([](const Array& x) {
                 return sum(array({1.0, 10.0}) * top_k(x, 2).values);
               })(array({1.0, 5.0, 3.0})),
               {3}, {0, 1, 10});
  expect_error<ShapeError>([] { top_k(zeros(3), 4); }, "top_k: 4 of the last axis of (3,)");
}

TEST(Sort, ValuesAndSlopes) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Array x = array({{3.0, 1.0, 2.0}, {-1.0, 5.0, 0.0}});
  EXPECT_EQ(sort(x).to_vector<double>(), (Doubles{1, 2, 3, -1, 0, 5}));
  EXPECT_EQ(sort(x, 0).to_vector<double>(), (Doubles{-1, 1, 0, 3, 5, 2}));
  EXPECT_EQ(argsort(x).to_vector<int>(), (std::vector<int>{1, 2, 0, 0, 2, 1}));
  EXPECT_EQ(argsort(array({2.0, 1.0, 2.0, 1.0})).to_vector<int>(), (std::vector<int>{1, 3, 0, 2}));
  EXPECT_EQ(argsort(array({nan, 1.0, nan, 0.0})).to_vector<int>(), (std::vector<int>{3, 1, 0, 2}));
  EXPECT_EQ(sort(arange(3, 0, -1)).dtype(), int64);
  EXPECT_EQ(jacobian([](const Array& v) { return sort(v); })(array({3.0, 1.0, 2.0})).to_vector<double>(),
            (Doubles{0, 1, 0, 0, 0, 1, 1, 0, 0}));
  EXPECT_THROW(sort(array(1.0)), ShapeError);
}

}  // namespace
}  // namespace dini
