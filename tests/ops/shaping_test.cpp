// Shapes: values from NumPy 2.4, errors, sharing of memory.
#include "dini/ops/shaping.hpp"

#include <gtest/gtest.h>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"
#include "expect_array.hpp"

namespace dini {
namespace {

TEST(Shaping, ReshapeTakesOneOpenLength) {
  const Array a = counted({2, 6});
  EXPECT_EQ(reshape(a, {3, -1}).shape(), (Shape{3, 4}));
  EXPECT_EQ(reshape(a, -1).shape(), (Shape{12}));
  EXPECT_EQ(reshape(a, Shape{4, 3}).shape(), (Shape{4, 3}));
  EXPECT_EQ(reshape(counted({1}), {}).shape(), (Shape{}));
  EXPECT_EQ(reshape(zeros({0, 3}), {0, 7}).shape(), (Shape{0, 7}));
  expect_array(reshape(a, {2, 2, 3}), {2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST(Shaping, ReshapeSharesMemory) {
  const Array a = counted({2, 6});
  EXPECT_EQ(reshape(a, {12}).raw(), a.raw());
  EXPECT_EQ(expand_dims(a, 1).raw(), a.raw());
  EXPECT_EQ(squeeze(reshape(a, {1, 12})).raw(), a.raw());
}

TEST(Shaping, ReshapeRefuses) {
  const Array a = counted({2, 6});
  expect_error<ShapeError>([&] { reshape(a, {5, -1}); }, "reshape: (2, 6) does not fit into (5, -1)");
  expect_error<ShapeError>([&] { reshape(a, {5}); }, "reshape: (2, 6) does not fit into (5,)");
  expect_error<ShapeError>([&] { reshape(a, {-1, -1}); }, "reshape: more than one -1 in (-1, -1)");
  expect_error<ShapeError>([&] { reshape(a, {-2, 6}); }, "reshape: (2, 6) does not fit into (-2, 6)");
  expect_error<ShapeError>([&] { reshape(zeros({0}), {0, -1}); }, "reshape: (0,) does not fit into (0, -1)");
  expect_error<ValueError>([&] { reshape(Array(), {1}); }, "reshape: an array that was never assigned");
}

TEST(Shaping, AxesComeAndGo) {
  const Array a = counted({2, 3});
  EXPECT_EQ(expand_dims(a, -1).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(expand_dims(a, {0, 2}).shape(), (Shape{1, 2, 1, 3}));
  EXPECT_EQ(squeeze(expand_dims(a, {0, 2}), 0).shape(), (Shape{2, 1, 3}));
  expect_error<ShapeError>([&] { squeeze(a, 1); }, "squeeze: axis 1 of (2, 3) does not have length 1");
  EXPECT_EQ(atleast_1d(2.0).shape(), (Shape{1}));
  EXPECT_EQ(atleast_2d(counted({3})).shape(), (Shape{1, 3}));
  EXPECT_EQ(atleast_3d(counted({3})).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(atleast_3d(a).shape(), (Shape{2, 3, 1}));
}

TEST(Shaping, Transposes) {
  const Array a = counted({2, 3, 4});
  EXPECT_EQ(a.T().shape(), (Shape{4, 3, 2}));
  expect_array(counted({2, 3}).T(), {3, 2}, {0, 3, 1, 4, 2, 5});
  EXPECT_EQ(transpose(a, {1, 2, 0}).shape(), (Shape{3, 4, 2}));
  EXPECT_EQ(moveaxis(a, 0, -1).shape(), (Shape{3, 4, 2}));
  EXPECT_EQ(moveaxis(a, {0, 1}, {-1, 0}).shape(), (Shape{3, 4, 2}));
  EXPECT_EQ(swapaxes(a, 0, 2).shape(), (Shape{4, 3, 2}));
  expect_error<ShapeError>(
      [&] {
        transpose(a, {0, 1});
      },
      "transpose: 2 axes are given for an array of shape (2, 3, 4)");
  expect_error<ShapeError>([&] { transpose(a, {0, 1, 1}); }, "transpose: axis 1 stands twice");
}

TEST(Shaping, LargeTransposesInEveryDtype) {
  for (Dtype dtype : {bool_, int32, int64, float32, float64}) {
    const Array a = astype(mod(counted({70, 3, 45}), 251.0), dtype), b = transpose(a, {2, 1, 0});
    const auto from = a.to_vector<double>(), to = b.to_vector<double>();
    for (std::size_t i = 0; i < 70; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        for (std::size_t k = 0; k < 45; ++k) ASSERT_EQ(to[(k * 3 + j) * 70 + i], from[(i * 3 + j) * 45 + k]);
      }
    }
  }
}

TEST(Shaping, Joins) {
  const Array a = counted({2, 3}), b = counted({1, 3}, 10);
  expect_array(concatenate({a, b}), {3, 3}, {0, 1, 2, 3, 4, 5, 10, 11, 12});
  expect_array(concatenate({a, a}, -1), {2, 6}, {0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5});
  expect_array(stack({counted({2}), counted({2}, 5)}, 1), {2, 2}, {0, 5, 1, 6});
  expect_array(stack({1.0, 2.0}), {2}, {1, 2});
  expect_array(vstack({counted({2}), counted({2}, 5)}), {2, 2}, {0, 1, 5, 6});
  expect_array(hstack({counted({2}), counted({1}, 5)}), {3}, {0, 1, 5});
  expect_array(column_stack({counted({2}), counted({2}, 5)}), {2, 2}, {0, 5, 1, 6});
  EXPECT_EQ(concatenate({ones({1}, float32), ones({1})}).dtype(), float64);
  EXPECT_EQ(concatenate({ones({1}, float32), ones({1}, int32)}).dtype(), float32);
  expect_array(block({{zeros({1, 1}), ones({1, 2})}, {ones({2, 1}), counted({2, 2})}}), {3, 3},
               {0, 1, 1, 1, 0, 1, 1, 2, 3});
  expect_array(block({{1.0, counted({2})}}), {1, 3}, {1, 0, 1});
  expect_error<ShapeError>(
      [&] {
        concatenate({a, counted({2, 2})});
      },
      "concatenate: shapes (2, 3) and (2, 2) differ in another axis than 0");
  expect_error<ShapeError>([&] { stack({a, b}); }, "stack: shapes differ: (2, 3) and (1, 3)");
  expect_error<ShapeError>([&] { concatenate({}); }, "concatenate: needs at least one array");
  expect_error<ShapeError>([&] { concatenate({1.0, 2.0}); }, "concatenate: scalars cannot be joined; use stack");
}

TEST(Shaping, Splits) {
  const auto thirds = split(counted({6}), 3);
  ASSERT_EQ(thirds.size(), 3u);
  expect_array(thirds[1], {2}, {2, 3});
  const auto parts = split(counted({2, 5}), std::vector<std::int64_t>{1, 3}, 1);
  ASSERT_EQ(parts.size(), 3u);
  expect_array(parts[1], {2, 2}, {1, 2, 6, 7});
  expect_array(parts[2], {2, 2}, {3, 4, 8, 9});
  expect_error<ShapeError>([&] { split(counted({5}), 2); }, "split: axis 0 of (5,) cannot be split into 2 equal parts");
}

TEST(Shaping, Repeats) {
  const Array m = counted({3, 4});
  expect_array(roll(m, 1, 1), {3, 4}, {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10});
  expect_array(roll(m, -2), {3, 4}, {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1});
  expect_array(roll(m, 13, 1), {3, 4}, roll(m, 1, 1).to_vector<double>());
  expect_array(tile(counted({3}), {2, 2}), {2, 6}, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2});
  expect_array(tile(counted({2, 1}), 3), {2, 3}, {0, 0, 0, 1, 1, 1});
  EXPECT_EQ(tile(m, {0, 1}).shape(), (Shape{0, 4}));
  expect_array(repeat(counted({2, 2}), 2, 1), {2, 4}, {0, 0, 1, 1, 2, 2, 3, 3});
  expect_array(repeat(counted({2}), 3), {6}, {0, 0, 0, 1, 1, 1});
  expect_array(flip(counted({2, 2})), {2, 2}, {3, 2, 1, 0});
  expect_array(flip(counted({2, 2}), 1), {2, 2}, {1, 0, 3, 2});
}

TEST(Shaping, Pads) {
  expect_array(pad(counted({2, 2}, 1), {{1, 0}, {0, 2}}, 9.0), {3, 4}, {9, 9, 9, 9, 1, 2, 9, 9, 3, 4, 9, 9});
  expect_array(pad(counted({2}, 1), {{1, 1}}), {4}, {0, 1, 2, 0});
  EXPECT_EQ(pad(ones({2}, int32), {{1, 1}}).dtype(), int32);
  expect_error<ShapeError>(
      [&] {
        pad(counted({2, 2, 2}), {{1, 1}, {1, 1}});
      },
      "pad: 2 pairs of widths for an array of shape (2, 2, 2)");
}

TEST(Shaping, PadsByMode) {
  expect_array(pad(counted({2}, 1), 1), {4}, {0, 1, 2, 0});
  expect_array(pad(counted({2}, 1), {1, 2}, 9.0), {5}, {9, 1, 2, 9, 9});
  expect_array(pad(counted({3}), {2, 1}, "reflect"), {6}, {2, 1, 0, 1, 2, 1});
  expect_array(grad([](const Array& x) {
                 return sum(counted({6}) * pad(x, {2, 1}, "reflect"));
               })(counted({3})),
               {3}, {2, 1 + 3 + 5, 0 + 4});
  expect_error<ValueError>([] { pad(counted({2}), 1, "mean"); },
                           "pad: \"mean\" is none of \"constant\", \"edge\", \"reflect\", \"symmetric\", \"wrap\"");
  expect_error<ShapeError>(
      [] {
        pad(zeros({2, 0}), {{0, 0}, {1, 0}}, "edge");
      },
      "pad: axis 1 of (2, 0) has nothing to repeat");
  expect_array(pad(zeros({2, 0}), {{1, 1}, {0, 0}}, "edge"), {4, 0}, {});
  EXPECT_THROW(pad(counted({2}), -1), ShapeError);
  expect_error<ShapeError>([] { pad(counted({2}), std::int64_t{1} << 60, "edge"); },
                           "pad: an array int64(1152921504606846976,) is larger than memory could hold");
}

TEST(Shaping, RepeatsByCountsAndRollsByAxes) {
  expect_array(repeat(counted({2, 2}), array({2, 0}), 1), {2, 2}, {0, 0, 2, 2});
  expect_array(repeat(counted({2, 2}), array({0, 1, 2, 0})), {3}, {1, 2, 2});
  expect_array(repeat(counted({2}), array(2)), {4}, {0, 0, 1, 1});
  expect_array(grad([](const Array& x) {
                 return sum(counted({3}) * repeat(x, array({1, 2})));
               })(counted({2})),
               {2}, {0, 3});
  EXPECT_THROW(jit([](const Array& n) { return repeat(counted({2}), n); })(array({1, 2})), TraceError);
  EXPECT_THROW(repeat(counted({2}), array({1.0, 2.0})), DtypeError);
  expect_error<ShapeError>([] { repeat(counted({2}), array({1, -2})); }, "repeat: negative number of repeats: -2");
  EXPECT_THROW(repeat(counted({2}), array({1, 2, 3})), ShapeError);
  expect_error<ShapeError>(
      [] {
        repeat(counted({2}), array({std::int64_t{1}, std::int64_t{1} << 60}));
      },
      "repeat: an array int64(1152921504606846976,) is larger than memory could hold");
  expect_array(roll(counted({2, 3}), {1, 1}, {0, 1}), {2, 3}, {5, 3, 4, 2, 0, 1});
  expect_error<ShapeError>([] { roll(counted({2, 3}), {1, 1, 1}, {0, 1}); }, "roll: 3 shifts for 2 axes");
}

TEST(Shaping, AListInBracesIsNoNumberOfParts) {
  const auto two = split(counted({6}), {2});
  ASSERT_EQ(two.size(), 2u);
  expect_array(two[0], {2}, {0, 1});
  expect_array(two[1], {4}, {2, 3, 4, 5});
  expect_array(split(counted({6}), 2)[1], {3}, {3, 4, 5});
}

TEST(Shaping, Broadcasts) {
  expect_array(broadcast_to(counted({2, 1}), {2, 3}), {2, 3}, {0, 0, 0, 1, 1, 1});
  expect_array(broadcast_to(counted({2}), {2, 2}), {2, 2}, {0, 1, 0, 1});
  const auto both = broadcast_arrays({counted({2, 1}), counted({3})});
  EXPECT_EQ(both[0].shape(), (Shape{2, 3}));
  EXPECT_EQ(both[1].shape(), (Shape{2, 3}));
  EXPECT_THROW(broadcast_to(counted({2}), {3}), ShapeError);
}

TEST(Shaping, DerivativesGoBackWhereElementsCameFrom) {
  const Array w = counted({3, 4});
  expect_array(grad([&](const Array& x) {
                 return sum(w * roll(reshape(x, {3, 4}), 1, 1));
               })(counted({12})),
               {12}, {1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8});
  expect_array(grad([&](const Array& x) {
                 return sum(w * tile(x, {3, 2}));
               })(counted({2})),
               {2}, {0 + 2 + 4 + 6 + 8 + 10, 1 + 3 + 5 + 7 + 9 + 11});
  expect_array(jit([](const Array& x) { return concatenate({flip(x), x}); })(counted({3})), {6}, {2, 1, 0, 0, 1, 2});
}

}  // namespace
}  // namespace dini
