// minimize and least_squares: optima with known values and derivatives, what is no minimum, and the objective as a function.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/library.hpp"
#include "tests/implicit/optimum_cases.hpp"
#include "tests/solvers/accurate.hpp"

namespace optimum_test {

using namespace dini;
using tests::largest;

using Case = tests::OptimumCase;
using tests::optimum_cases;

auto solve(const Case& c, const Array& theta, const MinimizeOptions& o = {}) {
  return c.fit ? least_squares(c.f, c.start, LeastSquaresOptions::of(o), theta) : minimize(c.f, c.start, o, theta);
}
Array energy(const Case& c, const Array& theta, const Array& z) {
  return c.fit ? 0.5 * sum(square(c.f(theta, z))) : c.f(theta, z);
}

TEST(Optimum, KnownValuesAndDerivatives) {
  for (const Case& c : optimum_cases()) {
    const auto s = solve(c, c.theta);
    EXPECT_TRUE(s.status == StatusCode::converged) << c.name;
    EXPECT_LE(largest(s.value - c.value), 1e-9) << c.name << s.value;
    for (const Adjoint& adjoint : {Adjoint(), Adjoint(Direct{}), Adjoint(LU{}), Adjoint(CG{}), Adjoint(GMRES{})}) {
      auto z = [&](const Array& t) { return solve(c, t, {.adjoint = adjoint}).value; };
      const double digits = c.name == "enzyme kinetics" ? 1e-7 : 1e-9;
      const Array back = jacrev(z)(c.theta);
      EXPECT_LE(largest(back - c.slope), digits) << c.name << ' ' << adjoint.name() << back;
      EXPECT_LE(largest(jacfwd(z)(c.theta) - back), 1e-10) << c.name << ' ' << adjoint.name();
      EXPECT_LE(largest(jit(jacrev(z))(c.theta) - back), 1e-12) << c.name << ' ' << adjoint.name();
    }
  }
}

TEST(Optimum, TheObjectiveIsDifferentiable) {
  // By the envelope theorem its gradient is ∂E/∂θ at the optimum; its Hessian is ∂²E/∂θ² + ∂²E/∂θ∂z · dz/dθ.
  for (const Case& c : optimum_cases()) {
    const Array z = solve(c, c.theta).value;
    auto least = [&](const Array& t) { return solve(c, t).objective; };
    auto in_theta = [&](const Array& t, const Array& z) {
      return grad([&](const Array& s) { return energy(c, s, z); })(t);
    };
    EXPECT_LE(largest(least(c.theta) - energy(c, c.theta, z)), 1e-15 * (1 + largest(least(c.theta)))) << c.name;
    const Array expected = in_theta(c.theta, z), size = 1 + largest(expected);
    EXPECT_LE(largest((grad(least)(c.theta) - expected) / size), 1e-11) << c.name;
    EXPECT_LE(largest((jit(grad(least))(c.theta) - expected) / size), 1e-11) << c.name;
    const Array curved = jacfwd([&](const Array& t) { return in_theta(t, z); })(c.theta) +
                         dot(jacfwd([&](const Array& v) { return in_theta(c.theta, v); })(z), c.slope);
    const Array second = jacfwd(grad(least))(c.theta);
    EXPECT_LE(largest(second - curved), 1e-6 * (1 + largest(curved))) << c.name << second << curved;
  }
}

TEST(Optimum, LanesAreTheOptimaOneByOne) {
  for (const Case& c : optimum_cases()) {
    const Array some = stack({c.theta, 1.01 * c.theta, .99 * c.theta});
    auto one = [&](const Array& t) { return solve(c, t).value; };
    const Array together = vmap(one)(some), slopes = vmap(jacrev(one))(some);
    for (int k = 0; k < 3; ++k) {
      EXPECT_LE(largest(together(k) - one(some(k))), 1e-13 * (1 + largest(together))) << c.name << k;
      EXPECT_LE(largest(slopes(k) - jacrev(one)(some(k))), 1e-10 * (1 + largest(slopes))) << c.name << k;
    }
  }
}

TEST(Optimum, InFloat32) {
  for (const Case& c : optimum_cases()) {
    const Dtype d = Dtype::float32;
    auto f = [&](const Array& t, const Array& z) { return astype(c.f(t, z), d); };
    const Array z0 = astype(c.start, d), t = astype(c.theta, d);
    if (c.name == "enzyme kinetics" || c.name == "a quadratic form" || c.name == "a chain")
      continue;  // of float64 data
    const auto s = c.fit ? least_squares(f, z0, {.on_failure = OnFailure::best}, t)
                         : minimize(f, z0, {.on_failure = OnFailure::best}, t);
    if (s.status != StatusCode::converged) continue;
    EXPECT_LE(largest(s.value - c.value), 1e-4) << c.name << s.value;
  }
}

// ---- what is no minimum --------------------------------------------------------------------------------------------------

// Newton's method on the gradient does not go downhill.
TEST(Optimum, WhatIsNoMinimumHasNotConverged) {
  struct Claim {
    const char* name;
    std::function<Array(const Array&)> energy;
    std::vector<double> start;
    bool stationary;  // where Newton's method ends: its status is `not_a_minimum`
  };
  const Claim claims[] = {
      {"z^3, an inflexion", [](const Array& z) { return power(z(0), 3); }, {1}, false},
      {"(z-1)^3", [](const Array& z) { return power(z(0) - 1, 3); }, {3}, false},
      {"z^3 - 3z^2 + 3z - 1", [](const Array& z) { return sum(((z - 3) * z + 3) * z - 1); }, {2}, false},
      {"that, from beside", [](const Array& z) { return sum(((z - 3) * z + 3) * z - 1); }, {1 + 1e-9}, false},
      {"an inflexion along a valley",
       [](const Array& z) { return ((z(0) - 6.75) * z(0) + 15.1875) * z(0) + square(z(1) - z(0)); },
       {3, 2},
       false},
      {"z^5", [](const Array& z) { return power(z(0), 5); }, {1}, false},
      {"a maximum", [](const Array& z) { return square(square(z(0)) - 1); }, {0}, true},
      {"a maximum near by", [](const Array& z) { return square(square(z(0)) - 1); }, {.1}, true},
      {"-z^2", [](const Array& z) { return -sum(square(z)); }, {.5, .5}, true},
      {"a saddle", [](const Array& z) { return square(z(0)) - square(z(1)); }, {1, 1}, true},
      {"a saddle on an axis", [](const Array& z) { return square(z(0)) - square(z(1)); }, {1, 0}, true},
      {"a saddle of units", [](const Array& z) { return 1e8 * square(z(0)) - 1e-8 * square(z(1)); }, {1, 1}, true},
      {"a monkey saddle", [](const Array& z) { return power(z(0), 3) - 3 * z(0) * square(z(1)); }, {1, .5}, false},
      {"cos at its top", [](const Array& z) { return sum(cos(z)); }, {.1}, true},
      {"a quartic maximum", [](const Array& z) { return -power(z(0), 4); }, {1}, false},
      {"a slope", [](const Array& z) { return sum(z); }, {1, 2}, false},
      {"exp", [](const Array& z) { return exp(z(0)); }, {0}, false},
  };
  for (const Claim& c : claims) {
    for (Dtype d : {Dtype::float64, Dtype::float32}) {
      for (const Solver& solver : {Solver(Newton{})}) {
        const MinimizeOptions o{.solver = solver, .on_failure = OnFailure::best};
        const auto s = minimize(c.energy, array(c.start, d), o);
        EXPECT_TRUE(s.status != StatusCode::converged) << c.name << ' ' << name(d) << ' ' << solver.name() << s.value;
        EXPECT_TRUE(!c.stationary || s.status == StatusCode::not_a_minimum) << c.name << ' ' << name(d) << s.status;
        const auto raised = jit([&](const Array& z0) {
          return minimize(c.energy, z0, {.solver = solver, .on_failure = OnFailure::nan}).value;
        })(array(c.start, d));
        EXPECT_TRUE(all(isnan(raised)).item<bool>()) << c.name << ' ' << name(d) << ' ' << solver.name();
      }
    }
  }
}

TEST(Optimum, AFitThatIsAMaximumIsNone) {
  // ½(z² - a)² has its maximum at 0.
  auto r = [](const Array& a, const Array& z) { return square(z) - a; };
  const auto s = least_squares(r, array({0.0}), {.solver = Newton{}, .on_failure = OnFailure::best}, array({4.0}));
  EXPECT_TRUE(s.status == StatusCode::not_a_minimum) << s.status;
  const auto t = least_squares(r, array({1.8}), {}, array({4.0}));
  EXPECT_NEAR(t.value(0).item(), 2, 1e-13);
}

// Of the line of minima the nearest: steps are the shortest ones.
TEST(Optimum, AFitWithoutFullRankEndsAtTheNearestPoint) {
  const auto twice = [](const Array& y, const Array& z) { return array({z(0) + z(1) - y, z(0) + z(1) - y}); };
  struct Start {
    Array from, nearest;
  };
  const Start starts[] = {{array({0.0, 0.0}), array({1.0, 1.0})},
                          {array({1.0, -3.0}), array({3.0, -1.0})},
                          {array({5.0, 1.0}), array({3.0, -1.0})},
                          {array({100.0, 0.0}), array({51.0, -49.0})}};
  for (const Solver& solver :
       {Solver(), Solver(HybridLeastSquares{}), Solver(LevenbergMarquardt{}), Solver(GaussNewton{})}) {
    for (const Start& start : starts) {
      const auto s = least_squares(twice, start.from, {.solver = solver, .on_failure = OnFailure::best}, array(2.0));
      const bool there = s.status == StatusCode::converged;
      EXPECT_TRUE(there || s.status == StatusCode::singular) << solver.name() << s.status;
      EXPECT_TRUE(!there || largest(s.value - start.nearest) < 1e-6) << solver.name() << s.value;
    }
    const auto slope =
        grad([&](const Array& y) { return least_squares(twice, starts[0].from, {.solver = solver}, y).value(0); });
    EXPECT_THROW(slope(array(2.0)), SolveError) << solver.name();
  }
  EXPECT_TRUE(least_squares(twice, starts[0].from, {}, array(2.0)).status == StatusCode::converged);
}

TEST(Optimum, FlatMinimaHaveNoDerivative) {
  // z⁴ and flat directions: what is found may be a minimum; its derivative is not to be had.
  const std::function<Array(const Array&, const Array&)> flat[] = {
      [](const Array& t, const Array& z) { return power(z(0), 4) + t(0) * z(0); },
      [](const Array& t, const Array& z) { return power(z(0) - 1, 4) + t(0) * z(0); },
      [](const Array& t, const Array& z) { return square(z(0) - z(1)) + t(0) * z(0); },
      [](const Array& t, const Array& z) { return square(square(z(0)) + square(z(1)) - 1) + t(0) * z(0); },
  };
  int k = 0;
  for (const auto& e : flat) {
    const Array z0 = k < 2 ? array({1.3}) : array({1.3, .4});
    auto z = [&](const Array& t) {
      return sum(minimize(e, z0, {}, t).value * array(k < 2 ? std::vector<double>{1} : std::vector<double>{1, 3}));
    };
    for (bool compiled : {false, true}) {
      try {
        const Array slope = compiled ? jit(grad(z))(array({0.0})) : grad(z)(array({0.0}));
        EXPECT_FALSE(all(isfinite(slope)).item<bool>()) << k << slope;
      } catch (const SolveError& error) { EXPECT_FALSE(std::string(error.what()).empty()); }
    }
    ++k;
  }
}

}  // namespace optimum_test
