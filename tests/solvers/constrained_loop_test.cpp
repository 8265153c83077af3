// What all solvers of problems with bounds and constraints share: lanes, dtypes, ends of a solve, and that f is asked for nothing outside
// of the bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/library.hpp"

namespace constrained_loop_test {

using namespace dini;

constexpr double infinite = std::numeric_limits<double>::infinity();

std::vector<Solver> solvers_for(Restriction restriction, Kind kind = Kind::minimize) {
  std::vector<Solver> out{Solver()};
  for (const auto& info : library_solvers()) {
    if (info.kinds.has(kind) && info.takes >= restriction) out.push_back(info.make({}));
  }
  return out;
}

double apart(const Array& a, const Array& b) { return max(abs(a - b)).item(); }

// Rosenbrock's, with a bound in the way of its minimum; b moves it.
Array valley(const Array& b, const Array& z) { return 100 * square(z(1) - square(z(0))) + square(b - z(0)); }

TEST(ConstrainedLoop, LanesAreSolvedAsByThemselves) {
  const Array b = array({1.0, 0.2, -0.5, 3.0}), starts = array({{-1.2, 1.0}, {0.3, 0.3}, {2.0, 2.0}, {0.0, 0.0}});
  for (const Solver& solver : solvers_for(Restriction::general)) {
    auto solve = [&](const Array& by, const Array& z0) {
      const auto s = minimize(
          valley, z0,
          subject_to(Bounds{-1.0, 0.5}, AtMost{[](const Array&, const Array& z) { return array({sum(z) - 0.9}); }}),
          {.solver = solver, .on_failure = OnFailure::best}, by);
      return std::tuple(s.value, s.duals.at_most, s.status.code);
    };
    const auto [z, lambda, status] =
        jit([&](const Array& by, const Array& z0) { return vmap(solve)(by, z0); })(b, starts);
    for (std::int64_t k = 0; k < 4; ++k) {
      const auto [alone, own, code] = solve(b(k), starts(k));
      EXPECT_EQ(status(k).item<int>(), code.item<int>()) << solver.name() << k;
      EXPECT_EQ(code.item<int>(), 0) << solver.name() << k;
      EXPECT_LE(apart(z(k), alone), 1e-12) << solver.name() << k;
      EXPECT_LE(apart(lambda(k), own), 1e-10) << solver.name() << k;
    }
  }
}

TEST(ConstrainedLoop, ALaneMayBeInfeasible) {
  const Array upper = array({0.5, -2.0, 0.1});
  for (const Solver& solver : solvers_for(Restriction::bounds)) {
    const auto s = vmap([&](const Array& u) {
      return minimize([](const Array& z) { return valley(1.0, z); }, array({-0.5, 1.0}), subject_to(Bounds{-1.0, u}),
                      {.solver = solver, .on_failure = OnFailure::best});
    })(upper);
    EXPECT_EQ(s.status.code.to_vector<int>(), (std::vector<int>{0, static_cast<int>(StatusCode::infeasible), 0}))
        << solver.name();
    // z₁ = ½ is a bound, z₂ = ¼ the parabola's; and so for 0.1.
    EXPECT_LE(apart(s.value(0), array({0.5, 0.25})), 1e-14) << solver.name();
    EXPECT_LE(apart(s.value(2), array({0.1, 0.01})), 1e-14) << solver.name();
  }
}

TEST(ConstrainedLoop, InSinglePrecision) {
  auto one = [](double v) { return astype(array(v), float32); };
  for (const Solver& solver : solvers_for(Restriction::general)) {
    // Hock and Schittkowski's 71.
    const auto s =
        minimize([](const Array& z) { return z(0) * z(3) * (z(0) + z(1) + z(2)) + z(2); },
                 astype(array({1.0, 5.0, 5.0, 1.0}), float32),
                 subject_to(Bounds{one(1), one(5)}, Equal{[](const Array& z) { return array({sum(square(z)) - 40}); }},
                            AtMost{[](const Array& z) { return array({25 - prod(z)}); }}),
                 {.solver = solver});
    EXPECT_EQ(s.value.dtype(), float32);
    EXPECT_EQ(s.duals.equal.dtype(), float32);
    EXPECT_LE(apart(s.value, astype(array({1.0, 4.7429996, 3.8211500, 1.3794083}), float32)), 1e-5) << solver.name();
    EXPECT_NEAR(s.duals.at_most.item(), 0.5522937, 1e-5) << solver.name();
  }
  for (const Solver& solver : solvers_for(Restriction::bounds)) {
    const auto s = minimize([](const Array& z) { return valley(1.0, z); }, astype(array({-2.0, 1.0}), float32),
                            subject_to(Bounds{one(-2), one(0.5)}), {.solver = solver});
    EXPECT_LE(apart(s.value, astype(array({0.5, 0.25}), float32)), 1e-7) << solver.name();
  }
}

TEST(ConstrainedLoop, IteratesAreWithinTheBounds) {
  const std::vector<double> lower = {-1.5, -0.1}, upper = {0.8, 2};
  for (const Solver& solver : solvers_for(Restriction::bounds)) {
    std::vector<double> beyond;
    detail::SolverProblem p;
    p.kind = Kind::minimize;
    const Function f([&](const Array& z) {
      if (!z.concrete()) return valley(1.0, z);
      const auto v = z.to_vector<double>();
      beyond.push_back(std::max({lower[0] - v[0], lower[1] - v[1], v[0] - upper[0], v[1] - upper[1]}));
      return valley(1.0, z);
    });
    p.objective = f;
    p.residual = Function(grad([f](const Array& z) { return f(z); }));
    p.lower = array(lower);
    p.upper = array(upper);
    const auto o = solver.method()->solve(p, array({-1.2, 1.0}), {});
    EXPECT_LE(apart(o.z, array({0.8, 0.64})), 1e-14) << solver.name();
    if (beyond.empty()) {  // one that is traced whole is called with no values
      EXPECT_EQ(solver.name(), "lbfgsb");
      continue;
    }
    EXPECT_LE(*std::max_element(beyond.begin(), beyond.end()), 1e-6) << solver.name();  // of the finish
    const auto inside = std::count_if(beyond.begin(), beyond.end(), [](double b) { return b <= 0; });
    EXPECT_GE(inside, o.steps.item<std::int64_t>()) << solver.name();
  }
}

TEST(ConstrainedLoop, ALargeProblemByDefault) {
  // A rod between two points that is pushed against a floor: contact where it would be below.
  const std::int64_t n = 1500;
  auto energy = [&](const Array& floor, const Array& z) {
    const Array d = z(slice(1, end)) - z(slice(0, -1));
    return 0.5 * (sum(square(d)) + square(z(0)) + square(z(-1))) + 10.0 / static_cast<double>(n * n) * sum(z) +
           0.0 * floor;
  };
  const auto s = minimize(energy, zeros({n}), subject_to(Bounds{-0.8, infinite}), {}, array(0.0));
  EXPECT_EQ(s.solver(), "lbfgsb");
  EXPECT_LE(s.residual_norm.item(), 2.4e-11);
  EXPECT_EQ(min(s.value).item(), -0.8);
}

TEST(ConstrainedLoop, StepsAreCountedAndLimited) {
  for (const Solver& solver : solvers_for(Restriction::bounds)) {
    auto solve = [&](std::int64_t most) {
      return minimize([](const Array& z) { return valley(1.0, z); }, array({-2.0, 1.0}), subject_to(Bounds{-3.0, 3.0}),
                      {.solver = solver, .max_steps = most, .on_failure = OnFailure::best, .history = 400});
    };
    const auto whole = solve(-1), part = solve(5);
    const auto steps = whole.steps.item<std::int64_t>();
    EXPECT_TRUE(whole.status == StatusCode::converged) << solver.name();
    ASSERT_GT(steps, 5) << solver.name();
    ASSERT_LT(steps, 399) << solver.name();
    EXPECT_TRUE(part.status == StatusCode::max_steps) << solver.name();
    EXPECT_EQ(part.steps.item<std::int64_t>(), 5) << solver.name();
    if (solver.name() == "auto") continue;  // whose history is of the trial that was best
    for (std::int64_t k = 0; k < 400; ++k) {
      EXPECT_EQ(std::isfinite(whole.history(k).item()), k <= steps) << solver.name() << k;
      EXPECT_EQ(std::isfinite(part.history(k).item()), k <= 5) << solver.name() << k;
    }
  }
}

TEST(ConstrainedLoop, AToleranceIsOnTheError) {
  for (const Solver& solver : solvers_for(Restriction::general)) {
    auto solve = [&](const Tolerance& t) {
      return minimize([](const Array& z) { return valley(1.0, z); }, array({-2.0, 1.0}),
                      subject_to(AtMost{[](const Array& z) { return array({sum(square(z)) - 1}); }}),
                      {.solver = solver, .tolerance = t});
    };
    const auto loose = solve(1e-3), whole = solve({});
    EXPECT_LE(loose.steps.item<std::int64_t>(), whole.steps.item<std::int64_t>()) << solver.name();
    EXPECT_LE(loose.residual_norm.item(), 1e-3) << solver.name();
  }
}

TEST(ConstrainedLoop, AWatchMayEndIt) {
  for (const Solver& solver : solvers_for(Restriction::bounds)) {
    for (bool compiled : {false, true}) {
      CancelToken token;
      std::int64_t last = -1;
      Watch watch{.monitor =
                      [&](const StepReport& r) {
                        last = r.step;
                        if (r.step == 3) token.cancel();
                      },
                  .token = token};
      auto solve = [&](const Array& b) {
        const auto s = minimize(valley, array({-2.0, 1.0}), subject_to(Bounds{-3.0, 3.0}),
                                {.solver = solver, .on_failure = OnFailure::best, .watch = watch}, b);
        return std::tuple(s.value, s.status.code);
      };
      const auto [z, status] = compiled ? jit(solve)(array(1.0)) : solve(array(1.0));
      EXPECT_EQ(status.item<int>(), static_cast<int>(StatusCode::cancelled)) << solver.name();
      EXPECT_EQ(last, 3) << solver.name();
      EXPECT_TRUE(all(isfinite(z)).item<bool>()) << solver.name();
    }
  }
}

TEST(ConstrainedLoop, BadInputIsAStatus) {
  for (const Solver& solver : solvers_for(Restriction::bounds)) {
    auto status = [&](const auto& f, const Array& z0, const Array& lower, const Array& upper) {
      return minimize(f, z0, subject_to(Bounds{lower, upper}), {.solver = solver, .on_failure = OnFailure::best})
          .status;
    };
    auto bowl = [](const Array& z) { return sum(square(z)); };
    EXPECT_TRUE(status(bowl, array({1.0, 1.0}), array({2.0, 0.0}), array({1.0, 3.0})) == StatusCode::infeasible)
        << solver.name();
    auto undefined = [](const Array& z) { return sum(log(z - 5)); };
    EXPECT_TRUE(status(undefined, array({1.0, 1.0}), array(0.0), array(2.0)) == StatusCode::nonfinite) << solver.name();
    auto falls = [](const Array& z) { return -sum(z); };
    EXPECT_TRUE(status(falls, array({1.0, 1.0}), array(0.0), array(infinite)) == StatusCode::unbounded)
        << solver.name();
  }
}

TEST(ConstrainedLoop, NoUnknowns) {
  for (const Solver& solver : solvers_for(Restriction::bounds)) {
    const auto s =
        minimize([](const Array& z) { return sum(z); }, zeros({0}), subject_to(Bounds{0.0, 1.0}), {.solver = solver});
    EXPECT_TRUE(s.status == StatusCode::converged) << solver.name();
  }
}

}  // namespace constrained_loop_test
