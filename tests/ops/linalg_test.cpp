// Linear algebra: values from NumPy 2.4 and SciPy's expm, residuals, derivatives by formula, edges, errors.
#include "dini/ops/linalg.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"
#include "dini/transforms/vmap.hpp"
#include "expect_array.hpp"

namespace dini {
namespace {

const double infinity = std::numeric_limits<double>::infinity();
constexpr double near = 1e-13;
const Array A = array({{4.0, 1.0, 2.0}, {0.0, 3.0, -1.0}, {1.0, 2.0, 5.0}}), v = array({1.0, 2.0, 3.0}),
            B = array({{1.0, 2.0}, {3.0, 4.0}, {5.0, 7.0}});
Array symmetric() { return matmul(A, A.T()); }

TEST(Linalg, Solves) {
  expect_array(solve(A, v), {3}, {-0.09836065573770497, 0.7704918032786886, 0.31147540983606564}, near);
  expect_array(solve(A, B), {3, 2},
               {-0.34426229508196726, -0.31147540983606564, 1.1967213114754098, 1.6065573770491803, 0.5901639344262296,
                0.8196721311475411},
               near);
  expect_array(linalg::solve(stack({A, A.T()}), v)(0), {3}, solve(A, v).to_vector<double>(), near);
  expect_array(solve(A, stack({B, 2.0 * B}))(1), {3, 2}, (2.0 * solve(A, B)).to_vector<double>(), near);
  EXPECT_EQ(solve(reshape(A, {1, 3, 3}), stack({B, B})).shape(), (Shape{2, 3, 2}));
  expect_array(solve(array({{2, 0}, {0, 4}}), array({1, 1})), {2}, {0.5, 0.25});
  EXPECT_EQ(solve(astype(A, float32), astype(v, float32)).dtype(), float32);
  EXPECT_EQ(solve(zeros({0, 0}), zeros({0, 2})).shape(), (Shape{0, 2}));
}

TEST(Linalg, SingularSystemsDoNotThrow) {
  const auto x = solve(array({{1.0, 2.0}, {2.0, 4.0}}), array({1.0, 1.0})).to_vector<double>();
  EXPECT_FALSE(std::isfinite(x[0]) && std::isfinite(x[1]));
}

TEST(Linalg, Refuses) {
  expect_error<ShapeError>([] { solve(B, v); }, "solve: wants a square matrix, got shape (3, 2)");
  expect_error<ShapeError>([] { solve(A, zeros({2})); },
                           "solve: a matrix of shape (3, 3) does not fit a right-hand side of shape (2,)");
  expect_error<ShapeError>([] { inv(v); }, "inv: wants a matrix, got shape (3,)");
  expect_error<ValueError>([] { linalg::norm(A, 3.0); }, "norm: no norm of matrices is called 3");
  expect_error<ValueError>([] { linalg::norm(A, "max"); }, "norm: no norm of matrices is called \"max\"");
  EXPECT_THROW(jvp([](const Array& a) { return linalg::qr(a, true).q; }, B, B), ValueError);
}

TEST(Linalg, Determinants) {
  expect_array(det(A), {}, {61}, near);
  expect_array(det(stack({A, 2.0 * A})), {2}, {61, 488}, near);
  expect_array(
      inv(A), {3, 3},
      {0.27868852459016397, -0.016393442622950817, -0.11475409836065575, -0.01639344262295082, 0.29508196721311475,
       0.06557377049180328, -0.049180327868852465, -0.11475409836065574, 0.19672131147540986},
      near);
  const auto [sign, log] = slogdet(A(array({1, 0, 2})));
  expect_array(sign, {}, {-1});
  expect_array(log, {}, {std::log(61.0)}, near);
  EXPECT_EQ(slogdet(zeros({2, 2})).logabsdet.item(), -infinity);
  EXPECT_EQ(slogdet(zeros({2, 2})).sign.item(), 0);
  EXPECT_EQ(det(zeros({0, 0})).item(), 1);
  // ∂det = adjugateᵀ, also where A is singular
  expect_array(grad([](const Array& a) { return det(a); })(array({{1.0, 2.0}, {2.0, 4.0}})), {2, 2}, {4, -2, -2, 1},
               near);
  expect_array(grad([](const Array& a) { return det(a); })(diag(array({0.0, 2.0, 3.0}))), {3, 3},
               {6, 0, 0, 0, 0, 0, 0, 0, 0}, near);
  expect_array(grad([](const Array& a) { return slogdet(a).logabsdet; })(A), {3, 3}, inv(A).T().to_vector<double>(),
               near);
}

// Not to rounding only: what a factor leaves out has no slope.
TEST(Linalg, TangentsOfTriangularFactorsAreTriangular) {
  for (const Shape& shape : {Shape{5, 4}, Shape{4, 4}, Shape{3, 4}, Shape{2, 5, 4}}) {
    const Array a = sin(reshape(1.0 + arange(shape.size()), shape)), da = cos(3.0 * a + a * a);
    const Array dr = jvp([](const Array& x) { return linalg::qr(x).r; }, a, da).tangent;
    EXPECT_EQ(max(abs(tril(dr, -1))).item(), 0) << shape.str();
  }
  const Array dl = jvp([](const Array& x) { return cholesky(x); }, symmetric(), 1.0 + symmetric()).tangent;
  EXPECT_EQ(max(abs(triu(dl, 1))).item(), 0);
}

TEST(Linalg, Factors) {
  const Array s = symmetric();
  expect_array(cholesky(s), {3, 3},
               {4.58257569495584, 0, 0, 0.2182178902359924, 3.154739442867026, 0, 3.4914862437758782,
                0.07547223547528767, 4.219458229583055},
               near);
  EXPECT_TRUE(std::isnan(cholesky(-s)(0, 0).item()));
  expect_array(linalg::cho_solve(cholesky(s), v), {3}, solve(s, v).to_vector<double>(), near);
  const auto [q, r] = linalg::qr(B);
  expect_array(r, {2, 2}, {-5.916079783099616, -8.282511696339462, 0, 0.6324555320336759}, near);
  expect_array(matmul(q, r), {3, 2}, B.to_vector<double>(), near);
  const auto full = linalg::qr(B, true);
  expect_array(matmul(full.q.T(), full.q), {3, 3}, eye(3).to_vector<double>(), near);
  expect_array(matmul(full.q, full.r), {3, 2}, B.to_vector<double>(), near);
  const auto [u, sv, vt] = linalg::svd(B);
  expect_array(sv, {2}, {10.191428257097224, 0.3671376859438993}, near);
  expect_array(matmul(u * sv, vt), {3, 2}, B.to_vector<double>(), near);
  EXPECT_EQ(linalg::svd(B, true).u.shape(), (Shape{3, 3}));
  const auto [w, vectors] = linalg::eigh(s);
  expect_array(w, {3}, {8.845148213894118, 9.973093080748825, 42.181758705357055}, near);
  expect_array(matmul(vectors * w, vectors.T()), {3, 3}, s.to_vector<double>(), near);
  expect_array(linalg::solve_triangular(A, v), {3}, {(1 - 2 * 0.6 - 2.6 / 3) / 4, 2.6 / 3, 0.6}, near);
}

TEST(Linalg, RectangularSystems) {
  expect_array(linalg::pinv(B), {2, 3}, {-29.0 / 14, 11.0 / 14, 1.0 / 7, 1.5, -0.5, 0}, near);
  const auto [x, residuals, rank, s] = linalg::lstsq(B, v);
  expect_array(x, {2}, {-1.0 / 14, 0.5}, near);
  expect_array(residuals, {}, {1.0 / 14}, near);
  expect_array(rank, {}, {2});
  expect_array(s, {2}, {10.191428257097224, 0.3671376859438993}, near);
  // shortest solutions of a wide and of a rank-deficient system
  expect_array(linalg::lstsq(array({{1.0, 5.0, -1.0}, {-2.0, -2.0, 3.0}}), array({3.0, 4.0})).x, {3},
               {-65.0 / 78, 83.0 / 78, 116.0 / 78}, near);
  expect_array(linalg::lstsq(array({{1.0, 1.0}, {1.0, 1.0}}), array({1.0, 3.0})).x, {2}, {1, 1}, near);
  expect_array(linalg::matrix_rank(array({{1.0, 2.0}, {2.0, 4.0}})), {}, {1});
}

// dx of a rank-deficient system by the full formula, against differences along a curve of constant rank:
// A(t) = u(t) v(t)ᵀ has A⁺b = v (u·b)/(|u|²|v|²).
TEST(Linalg, DerivativeOfARankDeficientSolution) {
  const Array u = array({1.0, 2.0, -1.0}), w = array({3.0, 1.0}), du = array({0.5, -1.0, 2.0}), dw = array({1.0, 4.0}),
              b = array({2.0, 1.0, 5.0});
  const auto closed = [&](const Array& t) {
    const Array ut = u + t * du, wt = w + t * dw;
    return wt * (dot(ut, b) / (dot(ut, ut) * dot(wt, wt)));
  };
  const auto solved = [&](const Array& t) { return linalg::lstsq(outer(u + t * du, w + t * dw), b).x; };
  const auto inverted = [&](const Array& t) { return dot(linalg::pinv(outer(u + t * du, w + t * dw)), b); };
  const Array zero = array(0.0), one = array(1.0);
  const auto wanted = jvp(closed, zero, one).tangent.to_vector<double>();
  expect_array(jvp(solved, zero, one).tangent, {2}, wanted, 1e-12);
  expect_array(jvp(inverted, zero, one).tangent, {2}, wanted, 1e-12);
}

TEST(Linalg, Functions) {
  expect_array(linalg::expm(A / 4.0), {3, 3},
               {2.896207459516745, 0.9433513195546744, 1.4596434042761977, -0.08541184696663029, 1.9528561399620705,
                -0.6871157786547836, 0.7725276256214139, 1.4596434042761974, 3.497911391204898},
               near);
  expect_array(linalg::matrix_power(A, 3), {3, 3}, {89, 85, 110, -12, 4, -49, 61, 110, 126}, near);
  expect_array(linalg::matrix_power(A, 0), {3, 3}, eye(3).to_vector<double>());
  expect_array(
      linalg::matrix_power(A, -2), {3, 3},
      {0.083579682880946, 0.0037624294544477328, -0.055630206933620016, -0.012631013168503092, 0.07981725342649826,
       0.03413061005106154, -0.021499596882558456, -0.055630206933619995, 0.03681805966138136},
      near);
  expect_array(linalg::multi_dot({A, B, array({1.0, -1.0})}), {3},
               dot(dot(A, B), array({1.0, -1.0})).to_vector<double>(), near);
  // commuting directions: d e^A [A] = A e^A
  expect_array(jvp([](const Array& a) { return linalg::expm(a); }, A, A).tangent, {3, 3},
               matmul(A, linalg::expm(A)).to_vector<double>(), 1e-12);
}

TEST(Linalg, Norms) {
  expect_array(linalg::norm(B), {}, {10.198039027185569}, near);
  const std::pair<double, double> by_number[] = {
      {1, 13}, {-1, 9}, {2, 10.191428257097224}, {-2, 0.3671376859438993}, {infinity, 12}, {-infinity, 3}};
  for (const auto& [ord, wanted] : by_number) expect_array(linalg::norm(B, ord), {}, {wanted}, near);
  expect_array(linalg::norm(B, "fro"), {}, {10.198039027185569}, near);
  expect_array(linalg::norm(B, "nuc"), {}, {10.558565943041122}, near);
  expect_array(linalg::norm(B, 1.0, 0), {2}, {9, 13}, near);
  EXPECT_EQ(linalg::norm(ones({2, 3, 4}), 2.0, {0, 2}, true).shape(), (Shape{1, 3, 1}));
  expect_array(linalg::cond(A), {}, {2.1837845256019253}, near);
  expect_array(linalg::cond(A, 1.0), {}, {3.4098360655737707}, near);
}

// With ȳ = Aᵀ⁻¹w:  ∂(w·A⁻¹b) = (-ȳ xᵀ, ȳ).
TEST(Linalg, DerivativesOfSolve) {
  const Array w = array({1.0, -2.0, 0.5}), x = solve(A, v), y = solve(A.T(), w);
  const auto f = [&](const Array& a, const Array& b) { return dot(w, solve(a, b)); };
  const auto [da, db] = grad<0, 1>(f)(A, v);
  expect_array(da, {3, 3}, (-outer(y, x)).to_vector<double>(), near);
  expect_array(db, {3}, y.to_vector<double>(), near);
  expect_array(jit(grad<0>(f))(A, v), {3, 3}, (-outer(y, x)).to_vector<double>(), near);
}

TEST(Linalg, VmapOfSolveSharesTheFactors) {
  const Array many = counted({4, 3});
  expect_array(vmap([](const Array& b) { return solve(A, b); })(many), {4, 3},
               solve(A, many.T()).T().to_vector<double>(), near);
  expect_array(vmap([](const Array& b) { return solve(A, b); })(counted({2, 3, 2})), {2, 3, 2},
               stack({solve(A, counted({3, 2})), solve(A, counted({3, 2}, 6))}).to_vector<double>(), near);
  const Array both = stack({A, A.T()});
  expect_array(vmap([](const Array& a) { return solve(a, v); })(both), {2, 3},
               stack({solve(A, v), solve(A.T(), v)}).to_vector<double>(), near);
}

TEST(Linalg, SymmetricFactorsOfDefiniteAndOthers) {
  const Array indefinite = array({{0.0, 2.0, 1.0}, {2.0, 0.0, 3.0}, {1.0, 3.0, -1.0}});
  for (const Array& s : {symmetric(), indefinite}) {
    const Leaves f = emit(symmetric_factor_op(), {s});
    expect_array(detail::emit_linear_solve(f, s, v, false, true), {3}, solve(s, v).to_vector<double>(), near);
  }
}

// Square, and of rank one on the whole path: P = v uᵀ / (|u|²|v|²) for A = u vᵀ.
TEST(Linalg, ThePseudoinverseHasASlopeWhereTheRankStays) {
  using Two = std::pair<Array, Array>;
  const auto by_rule = [](const Two& t) { return linalg::pinv(outer(t.first, t.second)); };
  const auto by_formula = [](const Two& t) {
    return outer(t.second, t.first) / (sum(square(t.first)) * sum(square(t.second)));
  };
  const Two at{array({1.0, 2.0, -1.0}), array({2.0, -1.0, 3.0})}, by{array({0.5, -1.0, 2.0}), array({1.0, 1.0, -0.5})};
  const auto slope = [&](const auto& f) { return jvp(f, at, by).tangent; };
  expect_array(slope(by_rule), {3, 3}, slope(by_formula).to_vector<double>(), near);
}

// det is a polynomial: its derivatives at singular matrices are those of Σ sign(σ) Π a(i, σ(i)), written out.
TEST(Linalg, SingularMatricesHaveEveryDerivativeOfTheDeterminant) {
  const auto by_rule = [](const Array& a) { return det(a); };
  const auto written_out = [](const Array& a) {
    return a(0, 0) * (a(1, 1) * a(2, 2) - a(1, 2) * a(2, 1)) - a(0, 1) * (a(1, 0) * a(2, 2) - a(1, 2) * a(2, 0)) +
           a(0, 2) * (a(1, 0) * a(2, 1) - a(1, 1) * a(2, 0));
  };
  const Array rank_two = array({{1.0, 2.0, 3.0}, {2.0, 4.0, 6.0}, {-1.0, 0.0, 1.0}});
  for (const Array& a : {zeros({3, 3}), diag(array({1.0, 0.0, 2.0})), rank_two, outer(v, counted({3}, 1)), A}) {
    const auto same = [&](auto derivative) {
      const Array wanted = derivative(written_out)(a), got = derivative(by_rule)(a);
      expect_array(got, wanted.shape(), wanted.to_vector<double>(), 1e-13);
    };
    same([](auto f) { return hessian(f); });
    same([](auto f) { return jacrev(jacfwd(jacrev(f))); });
    same([](auto f) { return jit(jacfwd(jacfwd(jacrev(f)))); });
    same([](auto f) { return jacfwd(jacfwd(jacfwd(grad(f)))); });
  }
  expect_array(hessian(by_rule)(array({{1.0, 2.0}, {2.0, 4.0}})), {2, 2, 2, 2},
               {0, 0, 0, 1, 0, 0, -1, 0, 0, -1, 0, 0, 1, 0, 0, 0}, near);
  const Array many = stack({A, A, rank_two, A});
  expect_array(vmap(hessian(by_rule))(many)(3), {3, 3, 3, 3}, hessian(by_rule)(A).to_vector<double>(), near);
}

TEST(Linalg, NormsTellAxesFromOrds) {
  const Array x = array({{3.0, 0.0}, {4.0, 12.0}});
  expect_array(linalg::norm(x, {0, 1}), {}, {13});
  expect_array(linalg::norm(x, {0}), {2}, {5, 12});
  expect_array(linalg::norm(x, {0}, true), {1, 2}, {5, 12});
  expect_array(linalg::norm(x, 1, true), {2, 1}, {3, std::sqrt(160.0)}, near);
  expect_array(linalg::norm(x, {0, 1}, true), {1, 1}, {13});
  expect_array(linalg::norm(x, 1, {0}), {2}, {7, 12});
  expect_array(linalg::norm(x, 1, 0, true), {1, 2}, {7, 12});
  expect_array(linalg::norm(x, 1), {}, {12});
  expect_array(linalg::norm(x, std::string("fro"), {0, 1}), {}, {13});
}

TEST(Linalg, RepeatedEigenvaluesHaveNoDerivativeOfVectors) {
  const auto vectors = [](const Array& a) { return linalg::eigh(a).eigenvectors; };
  const Array changed = jvp(vectors, eye(2), array({{0.0, 1.0}, {1.0, 0.0}})).tangent;
  for (double x : changed.to_vector<double>()) EXPECT_TRUE(std::isnan(x));
  const auto left = [](const Array& a) { return linalg::svd(a).u; };
  const Array turned = jvp(left, 2.0 * eye(2), array({{1.0, 2.0}, {3.0, 5.0}})).tangent;
  for (double x : turned.to_vector<double>()) EXPECT_TRUE(std::isnan(x));
  const auto values = [](const Array& a) { return linalg::eigvalsh(a); };
  expect_array(jvp(values, eye(2), array({{1.0, 0.0}, {0.0, 3.0}})).tangent, {2}, {1, 3}, near);
}

}  // namespace
}  // namespace dini
