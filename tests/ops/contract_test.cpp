// Products: values from NumPy 2.4, shapes of every combination, errors, derivatives.
#include "dini/ops/contract.hpp"

#include <gtest/gtest.h>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"
#include "dini/transforms/vmap.hpp"
#include "expect_array.hpp"

namespace dini {
namespace {

TEST(Contract, DotAsNumpy) {
  const Array a = counted({2, 3, 4}), v = counted({4}, 1);
  expect_array(dot(v, v), {}, {30});
  expect_array(dot(a, v), {2, 3}, {20, 60, 100, 140, 180, 220});
  expect_array(dot(2.0, v), {4}, {2, 4, 6, 8});
  expect_array(dot(counted({2, 3}), counted({3, 2})), {2, 2}, {10, 13, 28, 40});
  expect_array(dot(counted({3}), counted({3, 2})), {2}, {10, 13});
  expect_array(dot(a, counted({1, 4, 2})), {2, 3, 1, 2}, {28, 34, 76, 98, 124, 162, 172, 226, 220, 290, 268, 354});
  EXPECT_EQ(dot(ones({2, 3}, float32), ones({3}, float64)).dtype(), float64);
  expect_array(dot(array({1, 2}), array({3, 4})), {}, {11});
  EXPECT_EQ(dot(array({1, 2}), array({3, 4})).dtype(), int64);
  EXPECT_EQ(dot(array({true, false}), array({true, true})).dtype(), bool_);
  expect_array(dot(zeros({2, 0}), zeros({0, 3})), {2, 3}, {0, 0, 0, 0, 0, 0});
}

TEST(Contract, Refuses) {
  expect_error<ShapeError>([] { dot(zeros({10, 4}), zeros({5})); }, "dot: inner dimensions differ: (10, 4) and (5,)");
  expect_error<ShapeError>(
      [] {
        matmul(zeros({2, 3}), zeros({2, 3}));
      },
      "matmul: inner dimensions differ: (2, 3) and (2, 3)");
  expect_error<ShapeError>([] { matmul(1.0, zeros({2})); }, "matmul: scalars are not matrices: () and (2,)");
  expect_error<ShapeError>(
      [] {
        matmul(zeros({2, 2, 3}), zeros({3, 3, 4}));
      },
      "matmul: leading axes do not broadcast: (2, 2, 3) and (3, 3, 4)");
  expect_error<ShapeError>([] { inner(zeros({2}), zeros({3})); }, "inner: inner dimensions differ: (2,) and (3,)");
  expect_error<ShapeError>(
      [] {
        tensordot(zeros({2, 3}), zeros({3, 2}), Axes{0});
      },
      "tensordot: axis 0 of (2, 3) and axis 0 of (3, 2) have different lengths");
  expect_error<ShapeError>([] { tensordot(zeros({2}), zeros({2}), 2); },
                           "tensordot: 2 axes are more than there are in (2,) and (2,)");
  expect_error<ValueError>(
      [] {
        einsum("ij,jk->im", zeros({2, 3}), zeros({3, 2}));
      },
      "einsum: \"ij,jk->im\": m of the result is in no operand");
  expect_error<ShapeError>(
      [] {
        einsum("ij,jk", zeros({2, 3}), zeros({4, 2}));
      },
      "einsum: \"ij,jk\": j has the lengths 3 and 4");
  expect_error<ShapeError>([] { einsum("ij", zeros({2})); }, "einsum: \"ij\" does not fit an array of shape (2,)");
  expect_error<ValueError>([] { einsum("i,j", zeros({2})); }, "einsum: \"i,j\": has 2 operands, but 1 are given");
  expect_error<ValueError>([] { einsum("i$", zeros({2})); }, "einsum: \"i$\": '$' is not understood");
}

TEST(Contract, MatmulBroadcasts) {
  const Array a = counted({2, 3, 4});
  expect_array(matmul(a, counted({4, 2})), {2, 3, 2}, {28, 34, 76, 98, 124, 162, 172, 226, 220, 290, 268, 354});
  expect_array(matmul(counted({2, 3}), a), {2, 2, 4},
               {20, 23, 26, 29, 56, 68, 80, 92, 56, 59, 62, 65, 200, 212, 224, 236});
  expect_array(matmul(counted({3, 1, 2, 4}, -3), counted({2, 4, 2})), {3, 2, 2, 2},
               {-8,  -14, 40,  50,  -56, -62, 120, 130, 88,  114, 136, 178,
                296, 322, 472, 514, 184, 242, 232, 306, 648, 706, 824, 898});
  expect_array(matmul(a, counted({4}, 1)), {2, 3}, {20, 60, 100, 140, 180, 220});
  EXPECT_EQ(matmul(counted({3}), a).shape(), (Shape{2, 4}));
  EXPECT_EQ(matmul(ones({1, 2, 3}), ones({5, 1, 3, 4})).shape(), (Shape{5, 1, 2, 4}));
  EXPECT_EQ(matmul(ones({1, 2, 3}), ones({1, 3, 4})).shape(), (Shape{1, 2, 4}));
  EXPECT_EQ(matmul(ones({0, 2, 3}), ones({3, 4})).shape(), (Shape{0, 2, 4}));
}

TEST(Contract, OtherProducts) {
  const Array a = counted({2, 3, 4});
  expect_array(vdot(counted({2, 2}), counted({2, 2}, 1)), {}, {20});
  expect_array(inner(counted({3, 4}), ones({2, 4})), {3, 2}, {6, 6, 22, 22, 38, 38});
  expect_array(outer(counted({2}, 1), counted({3})), {2, 3}, {0, 1, 2, 0, 2, 4});
  expect_array(tensordot(a, counted({4, 2}), 1), {2, 3, 2}, {28, 34, 76, 98, 124, 162, 172, 226, 220, 290, 268, 354});
  expect_array(tensordot(a, counted({4, 3}), std::pair(Axes{1, 2}, Axes{1, 0})), {2}, {440, 1232});
  expect_array(tensordot(a, counted({4, 3}), {{1, 2}, {1, 0}}), {2}, {440, 1232});
  expect_array(tensordot(counted({2, 3}), counted({3, 2}), {{0}, {1}}), {3, 3}, {3, 9, 15, 4, 14, 24, 5, 19, 33});
  expect_array(tensordot(counted({2, 3}), counted({2, 3}), axes_from(1, 2)), {2, 2}, {5, 14, 14, 50});
  EXPECT_EQ(tensordot(counted({2}), counted({3}), 0).shape(), (Shape{2, 3}));
  expect_array(kron(counted({2, 2}, 1), array({{0.0, 5.0, 1.0}})), {2, 6}, {0, 5, 1, 0, 10, 2, 0, 15, 3, 0, 20, 4});
  expect_array(cross(array({1.0, 2.0, 3.0}), array({4.0, -5.0, 6.0})), {3}, {27, 6, -13});
  expect_array(cross(array({1.0, 2.0}), array({4.0, -5.0})), {}, {-13});
}

TEST(Contract, Einsum) {
  const Array a = counted({2, 3, 4}), m = counted({3, 4}),
              s = array({{4.0, 1.0, 2.0}, {0.0, 3.0, -1.0}, {1.0, 2.0, 5.0}});
  expect_array(einsum("ijk,kl,j->il", a, counted({4, 2}), array({1.0, -1.0, 2.0})), {2, 2}, {200, 260, 488, 644});
  expect_array(einsum("ii->i", s), {3}, {4, 3, 5});
  expect_array(einsum("ii", s), {}, {12});
  expect_array(einsum("ba", counted({2, 3})), {3, 2}, {0, 3, 1, 4, 2, 5});
  expect_array(einsum("...ij,...j", a, counted({2, 4})), {2, 3}, {14, 38, 62, 302, 390, 478});
  expect_array(einsum("ij , ij", m, m), {}, {506});
  expect_array(einsum("ij->j", m), {4}, {12, 15, 18, 21});
  expect_array(einsum("i,j->ji", counted({2}, 1), counted({3})), {3, 2}, {0, 0, 1, 2, 2, 4});
  expect_array(einsum("bij,bjk->bik", a, counted({2, 4, 1})), {2, 3, 1}, {14, 38, 62, 302, 390, 478});
}

TEST(Contract, EinsumRefusesWhatNumPyRefuses) {
  expect_error<ShapeError>(
      [] {
        einsum("ll", ones({2, 1}));
      },
      "einsum: \"ll\": l has the lengths 2 and 1 in one operand");
  expect_error<ShapeError>(
      [] {
        einsum("iji->j", ones({1, 2, 3}));
      },
      "einsum: \"iji->j\": i has the lengths 1 and 3 in one operand");
  expect_error<ValueError>(
      [] {
        einsum("...ij->ij", ones({2, 2, 2}));
      },
      "einsum: \"...ij->ij\": the result has no ..., but an operand's stands for axes");
  expect_array(einsum("...ij->ij", ones({2, 2})), {2, 2}, {1, 1, 1, 1});  // of no axes
  expect_array(einsum("ij,ij->ij", ones({2, 1}), ones({2, 3})), {2, 3}, std::vector<double>(6, 1));
}

// ∂(Σ C∘(A B)) = (C Bᵀ, Aᵀ C).
TEST(Contract, DerivativesOfProducts) {
  const Array a = counted({2, 3}), b = counted({3, 4}, 1), c = counted({2, 4}, -3);
  const auto f = [&](const Array& x, const Array& y) { return sum(c * matmul(x, y)); };
  const auto [da, db] = grad<0, 1>(f)(a, b);
  expect_array(da, {2, 3}, dot(c, b.T()).to_vector<double>(), 1e-15);
  expect_array(db, {3, 4}, dot(a.T(), c).to_vector<double>(), 1e-15);
  expect_array(jit(grad(f))(a, b), {2, 3}, da.to_vector<double>(), 1e-15);
}

TEST(Contract, Vmapped) {
  const Array a = counted({5, 3}), b = counted({3, 4});
  expect_array(vmap([&](const Array& row) { return dot(row, b); })(a), {5, 4}, dot(a, b).to_vector<double>());
  expect_array(vmap([&](const Array& row) { return dot(b.T(), row); })(a), {5, 4}, dot(a, b).to_vector<double>());
  expect_array(vmap([](const Array& x, const Array& y) { return dot(x, y); })(a, a), {5},
               sum(a * a, 1).to_vector<double>());
}

}  // namespace
}  // namespace dini
