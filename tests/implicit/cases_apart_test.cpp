// Equations with known solutions whose tests ask for more than a row of a table: adjoints with respect to matrices, second
// derivatives, inexact adjoints, failures with a name, lanes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace cases_apart_test {

using namespace dini;
using tests::largest;

TEST(CasesApart, ALargeContraction) {
  // x = Mx + b of 200 unknowns: b̄ = (I - M)⁻ᵀx̄, M̄ = b̄xᵀ.
  const int n = 200;
  const Array i = reshape(arange(1.0 * n), {n, 1}), j = arange(1.0 * n);
  const Array M = sin(i * 1.3 + j * j * 0.7) * (0.5 / n), b = cos(j), up = sin(j * 0.37);
  const Array A = eye(n, n) - M;
  const Array x = linalg::solve(A, b), bar = linalg::solve(transpose(A), up);
  for (const auto& solver : tests::usual_solvers(Kind::fixed_point)) {
    if (!solver.automatic) continue;
    for (const auto& adjoint : library_adjoints()) {
      if (!adjoint.make({}).exact() || !tests::takes_any_jacobian(adjoint.name)) continue;
      auto loss = [&](const Array& M, const Array& b) {
        return sum(up * fixed_point([](const Array& M, const Array& b, const Array& x) { return dot(M, x) + b; },
                                    zeros({n}), {.solver = solver.make({}), .adjoint = adjoint.make({})}, M, b)
                            .value);
      };
      const auto [m_bar, b_bar] = grad<0, 1>(loss)(M, b);
      EXPECT_LE(largest(b_bar - bar), 1e-10) << solver.name << adjoint.name;
      EXPECT_LE(largest(m_bar - outer(bar, x)), 1e-10) << solver.name << adjoint.name;
    }
  }
}

TEST(CasesApart, MatrixOfATriangularMap) {
  auto loss = [](const Array& M, const Array& b) {
    return sum(
        fixed_point([](const Array& M, const Array& b, const Array& z) { return dot(M, z) + b; }, zeros({2}), {}, M, b)
            .value);
  };
  const auto [m_bar, b_bar] = grad<0, 1>(loss)(array({{.2, .1}, {0.0, .4}}), array({1.0, 2.0}));
  EXPECT_LE(largest(b_bar - array({1.25, 1.875})), 1e-13);
  EXPECT_LE(largest(m_bar - array({{1.25 * 5 / 3, 1.25 * 10 / 3}, {1.875 * 5 / 3, 1.875 * 10 / 3}})), 1e-13);
}

TEST(CasesApart, ExpansiveMapOfTwoRows) {
  // z = zW + 1 with W of ones and spectral radius 3: L = Σz = -3, dL/dW = ½ each, dL/db = -1 each, dL/dz0 = 0.
  auto z = [](const Array& W, const Array& b, const Array& z0, const Solver& s) {
    return fixed_point([](const Array& W, const Array& b, const Array& z) { return dot(z, W) + b; }, z0, {.solver = s},
                       W, b)
        .value;
  };
  auto loss = [&](const Array& W, const Array& b, const Array& z0) { return sum(z(W, b, z0, Newton{})); };
  const Array W = ones({3, 3}), b = ones({3}), z0 = zeros({2, 3});
  EXPECT_NEAR(loss(W, b, z0).item(), -3, 1e-13);
  const auto [w_bar, b_bar, z_bar] = grad<0, 1, 2>(loss)(W, b, z0);
  EXPECT_LE(largest(w_bar - 0.5), 1e-13);
  EXPECT_LE(largest(b_bar + 1.0), 1e-13);
  EXPECT_EQ(largest(z_bar), 0);
  try {
    z(W, b, z0, ForwardIteration{});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SolveError& e) { EXPECT_EQ(e.code, StatusCode::diverged); }
}

TEST(CasesApart, SecondDerivativeOfTheCubeRoot) {
  auto y = [](const Array& a) {
    return root([](const Array& a, const Array& y) { return power(y, 3) - a; }, Array(array(1.0)), {}, a).value;
  };
  auto forward = [&](const Array& a) { return jvp(y, a, ones_like(a)).tangent; };
  const double wanted = -1.0 / 144;
  EXPECT_NEAR(grad(grad(y))(array(8.0)).item(), wanted, 1e-14);
  EXPECT_NEAR(grad(forward)(array(8.0)).item(), wanted, 1e-14);
  EXPECT_NEAR(jvp(forward, array(8.0), array(1.0)).tangent.item(), wanted, 1e-14);
  EXPECT_NEAR(jvp(grad(y), array(8.0), array(1.0)).tangent.item(), wanted, 1e-14);
}

TEST(CasesApart, InexactAdjointsAreTheirTruncatedSums) {
  // J = -sin z at z = cos z + 0.3: Σ Jᵏ over k < terms; one step is a sum of one term.
  auto slope = [](const Adjoint& a) {
    return grad([&](const Array& t) {
             return fixed_point([](const Array& t, const Array& z) { return cos(z) + t; }, Array(array(1.0)),
                                {.adjoint = a}, t)
                 .value;
           })(array(0.3))
        .item();
  };
  EXPECT_NEAR(slope(OneStep{}), 1, 1e-15);
  EXPECT_NEAR(slope(Neumann{.terms = 5}), .73109780144, 1e-11);
  EXPECT_NEAR(slope(Neumann{.terms = 400}), .55841394343907, 1e-11);
  // Where ∂f/∂z = 0 one step is exact.
  auto heron = [](const Array& a) {
    return fixed_point([](const Array& a, const Array& z) { return 0.5 * (z + a / z); }, Array(array(1.0)),
                       {.adjoint = OneStep{}}, a)
        .value;
  };
  EXPECT_NEAR(grad(heron)(array(2.0)).item(), .3535533906, 1e-10);
}

TEST(CasesApart, ABadlyScaledMatrixBothModes) {
  // A = U(0, 1) + diag(i⁶): the Jacobian in b is A⁻¹, whose entries go from 1 to 1e-6.
  const int n = 10;
  const Array A = random::uniform(random::key(3), {n, n}) + diag(power(arange(1.0, 11.0), 6)), inverse = linalg::inv(A);
  for (const Adjoint& a : {Adjoint(Direct{}), Adjoint(GMRES{}), Adjoint(BiCGStab{})}) {
    auto x = [&](const Array& b) {
      return root([&](const Array& b, const Array& x) { return dot(A, x) - b; }, zeros({n}), {.adjoint = a}, b).value;
    };
    EXPECT_LE(largest(jacfwd(x)(ones({n})) - inverse), 1e-9) << a.name();
    EXPECT_LE(largest(jacrev(x)(ones({n})) - inverse), 1e-9) << a.name();
  }
}

TEST(CasesApart, AStartFromWhichNewtonEndsOnAPlateauIsNoSuccess) {
  // tanh 2c from c = 0.7: the first step ends at -1.3, the next far out, where all slopes vanish.
  auto F = [](const Array& v) { return tanh(v * array({1.0, 1.0, 2.0}) + array({.1, -.5, 0.0})); };
  const auto s = root(F, array({.5, -.3, .7}), {.solver = Newton{}, .on_failure = OnFailure::best});
  EXPECT_TRUE(s.status == StatusCode::singular) << s.status;
  // What the default solver tries next takes shorter steps.
  EXPECT_LE(largest(root(F, array({.5, -.3, .7})).value - array({-.1, .5, 0.0})), 1e-15);
}

TEST(CasesApart, AnEquationWithoutSolutionFails) {
  // tanh twice, and 1 = 0.
  auto F = [](const Array& v) { return stack({ones_like(v(0)), tanh(v(1) - .5), tanh(2 * v(2))}); };
  const auto s = root(F, array({.5, -.3, .7}), {.on_failure = OnFailure::best});
  EXPECT_TRUE(s.status == StatusCode::singular) << s.status;
  EXPECT_TRUE(std::isfinite(s.residual_norm.item()));
}

TEST(CasesApart, ASingularStartHasItsName) {
  // ((y₀ - 1)², (y₁ - 2)²) from (2, 2): the second row of ∂F/∂y is zero, though its equation holds.
  auto F = [](const Array& y) { return square(y - array({1.0, 2.0})); };
  const auto s = root(F, array({2.0, 2.0}), {.solver = Newton{}, .on_failure = OnFailure::best});
  EXPECT_TRUE(s.status == StatusCode::singular) << s.status;
}

TEST(CasesApart, AnExplicitToleranceIsReachedWithoutDivergence) {
  const auto s = root([](const Array& y) { return tanh(y); }, Array(array(.5)), {.tolerance = {1e-8, 1e-5}});
  EXPECT_TRUE(s.status == StatusCode::converged);
  EXPECT_NEAR(s.value.item(), 0, 1e-5);
  EXPECT_LE(s.residual_norm.item(), 1e-5 * std::tanh(.5));
}

TEST(CasesApart, ASingularMatrixByGMRES) {
  // [[1, 1], [0, 0]] x = (1, 0): neither the solve nor its derivative takes (1, 0) for the solution.
  const Array A = array({{1.0, 1.0}, {0.0, 0.0}});
  auto x = [&](const Array& b) {
    return root([&](const Array& b, const Array& x) { return dot(A, x) - b; }, array({.5, .5}), {.adjoint = GMRES{}}, b)
        .value;
  };
  EXPECT_EQ(x(array({1.0, 0.0})).to_vector<double>(), (std::vector<double>{.5, .5}));
  try {
    jvp(x, array({1.0, 0.0}), array({1.0, 0.0}));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SolveError& e) { EXPECT_EQ(e.code, StatusCode::singular); }
}

TEST(CasesApart, ABatchOfAFastAndASlowLane) {
  // z = az + 1, a = (0.1, 0.99): the first is done by step 8, and is as it would be alone.
  auto z = [](const Array& a) {
    return fixed_point([](const Array& a, const Array& z) { return a * z + 1; }, Array(array(0.0)),
                       {.solver = ForwardIteration{}, .tolerance = 1e-6}, a);
  };
  const auto s = vmap(z)(array({.1, .99}));
  EXPECT_LE(largest(s.value - array({1.1111, 100.0})), 1e-4);
  const std::vector<std::int64_t> steps = s.steps.to_vector<std::int64_t>(),
                                  calls = s.evaluations.to_vector<std::int64_t>();
  EXPECT_LE(steps[0], 8);
  EXPECT_GT(steps[1], 100);
  EXPECT_EQ(calls[0], steps[0] + 1);
}

TEST(CasesApart, ALaneWithoutARoot) {
  // z = az² + 0.1, a = (0.5, 3) from 0.
  auto z = [](const Array& a) {
    return fixed_point([](const Array& a, const Array& z) { return a * square(z) + .1; }, Array(array(0.0)),
                       {.on_failure = OnFailure::best}, a);
  };
  const auto s = vmap(z)(array({.5, 3.0}));
  EXPECT_NEAR(s.value(0).item(), 1 - std::sqrt(.8), 1e-15);
  EXPECT_TRUE(std::isfinite(s.value(1).item()));
  const std::vector<std::int64_t> codes = s.status.code.to_vector<std::int64_t>();
  EXPECT_EQ(codes[0], 0);
  EXPECT_NE(codes[1], 0);
}

TEST(CasesApart, ALayerByAllSolversWithCheckedDerivatives) {
  const Array W = 0.3 * cos(reshape(arange(25.0), {5, 5}) * 1.1), x = sin(arange(5.0));
  Array first;
  for (const auto& info : tests::solvers_for(Kind::fixed_point)) {
    auto layer = [&](const Array& W, const Array& x) {
      return fixed_point([](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); }, zeros({5}),
                         tests::accurate(info), W, x)
          .value;
    };
    const Array z = layer(W, x);
    if (!first.defined()) first = z;
    EXPECT_LE(largest(z - first), 1e-12) << info.name;
    EXPECT_NO_THROW(check_grads(layer, std::tuple(W, x))) << info.name;
  }
}

}  // namespace cases_apart_test
