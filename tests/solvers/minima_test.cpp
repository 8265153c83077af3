// Solvers of minima and fits: what each of them solves of the problems of the literature, that none claims what is not so, where
// what is no minimum leads, and that derivatives do not depend on the solver.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"
#include "tests/solvers/optimisation_problems.hpp"

namespace minima_test {

using namespace dini;
using namespace dini::tests;

std::vector<SumOfSquares> problems() { return sample(sums_of_squares_of_the_literature(), 5); }

// Those that go downhill: of the others Newton's method on the gradient alone takes such problems.
std::vector<MethodInfo<Solver>> downhill(Kind kind) {
  std::vector<MethodInfo<Solver>> out;
  for (const auto& info : solvers_for(kind)) {
    if (info.name != "newton" && info.takes == Restriction::none) out.push_back(info);
  }
  return out;
}

// Slow ones are given fewer steps than they would take by themselves.
std::int64_t steps_for(const std::string& solver) {
  return solver == "nonlinear_cg" || solver == "gradient_descent" ? 1000 : -1;
}

Optimum<Array> solved(const SumOfSquares& p, Kind kind, const Solver& solver, Dtype d, std::int64_t max_steps = -1) {
  const Array z0 = array(p.start, d);
  const MinimizeOptions o{.solver = solver, .max_steps = max_steps, .on_failure = OnFailure::best};
  if (kind == Kind::least_squares) return least_squares(p.residuals, z0, LeastSquaresOptions::of(o));
  return minimize([&](const Array& z) { return 0.5 * sum(square(p.residuals(z))); }, z0, o);
}

// '#' the least of the minima that are known, 'o' another of them, '-' there without having converged, '.' not there, '!' a claim
// that is not so.
char look(const SumOfSquares& p, const Optimum<Array>& s) {
  const bool converged = s.status == StatusCode::converged;
  const double f = 2 * s.objective.item();
  for (std::size_t k = 0; k < p.minima.size(); ++k) {
    const double m = p.minima[k];
    if (std::fabs(f - m) <= (m == 0 ? 1e-12 : 1e-4 * m)) return !converged ? '-' : k == 0 ? '#' : 'o';
  }
  return converged ? '!' : '.';
}

TEST(Minima, OfTheLiteratureByEverySolver) {
  // How many each solves at least.
  const std::map<std::string, int> wanted{{"auto", 26},
                                          {"trust_region_newton", 26},
                                          {"trust_region_cg", 25},
                                          {"bfgs", 25},
                                          {"lbfgs", 25},
                                          {"nonlinear_cg", 21},
                                          {"gradient_descent", 15},
                                          {"nelder_mead", 25},
                                          {"hybrid_least_squares", 26},
                                          {"levenberg_marquardt", 26},
                                          {"gauss_newton", 20}};
  const auto tried = problems();
  const bool every = tried.size() == sums_of_squares_of_the_literature().size();
  for (Kind kind : {Kind::minimize, Kind::least_squares}) {
    std::printf("%s: %zu problems\n", name(kind), tried.size());
    std::vector<std::pair<std::string, Solver>> solvers{{"auto", Solver()}};
    for (const auto& info : downhill(kind)) {
      // Those for any minimum see the same function twice; once is enough.
      if (kind == Kind::minimize || !info.kinds.has(Kind::minimize)) solvers.emplace_back(info.name, info.make({}));
    }
    for (const auto& [solver, made] : solvers) {
      std::string line;
      int right = 0;
      std::int64_t evaluations = 0;
      for (const SumOfSquares& p : tried) {
        const auto s = solved(p, kind, made, Dtype::float64, steps_for(solver));
        line += look(p, s);
        right += line.back() == '#' || line.back() == 'o';
        evaluations += s.evaluations.item<std::int64_t>();
        EXPECT_NE(line.back(), '!') << name(kind) << ' ' << solver << ' ' << p.name << s.value << s.objective;
      }
      std::printf("  %-22s %s %3d in %7lld evaluations\n", solver.c_str(), line.c_str(), right,
                  static_cast<long long>(evaluations));
      ASSERT_TRUE(wanted.count(solver)) << solver << " has no number here";
      EXPECT_TRUE(!every || right >= wanted.at(solver)) << right << ' ' << name(kind) << ' ' << solver;
    }
  }
}

TEST(Minima, InFloat32TheErrorIsNoLargerThanWhatIsSaid) {
  std::size_t compared = 0;
  for (const SumOfSquares& p : problems()) {
    for (Kind kind : {Kind::minimize, Kind::least_squares}) {
      const auto s = solved(p, kind, {}, Dtype::float32);
      if (p.singular || s.status != StatusCode::converged) continue;
      // Where a solve in float64 from there ends; if that is far off, in another minimum, there is nothing to compare.
      SumOfSquares near = p;
      near.start = astype(s.value, Dtype::float64).to_vector<double>();
      const auto exact = solved(near, kind, {}, Dtype::float64);
      const Array off = abs(exact.value - array(near.start)) / where(exact.value == 0.0, 1.0, abs(exact.value));
      if (!(exact.status == StatusCode::converged) || largest(off) > 0.3) continue;
      const Array counts = abs(exact.value) > 1e-6;  // a component that is 0 is known to what the others are
      EXPECT_LE(largest(where(counts, off, 0.0)), 20 * s.error_estimate.item<float>() + 1e-5) << p.name << name(kind);
      ++compared;
    }
  }
  EXPECT_GE(compared, problems().size());
}

// ---- where what is no minimum leads --------------------------------------------------------------------------------------

struct Descent {
  const char* name;
  std::function<Array(const Array&)> energy;
  std::vector<double> start;
  StatusCode ends;
  double least = std::nan("");  // E where it converges
};

const std::vector<Descent>& descents() {
  using S = StatusCode;
  static const std::vector<Descent> all{
      {"z^3, an inflexion", [](const Array& z) { return power(z(0), 3); }, {1}, S::unbounded},
      {"(z-1)^3", [](const Array& z) { return power(z(0) - 1, 3); }, {3}, S::unbounded},
      {"an inflexion along a valley",
       [](const Array& z) { return ((z(0) - 6.75) * z(0) + 15.1875) * z(0) + square(z(1) - z(0)); },
       {3, 2},
       S::unbounded},
      {"z^5", [](const Array& z) { return power(z(0), 5); }, {1}, S::unbounded},
      {"a maximum", [](const Array& z) { return square(square(z(0)) - 1); }, {0}, S::converged, 0},
      {"next to a maximum", [](const Array& z) { return square(square(z(0)) - 1); }, {.1}, S::converged, 0},
      {"maxima",
       [](const Array& z) {
         return sum(square(square(z) - array({4.0, 9.0}, z.dtype())));
       },
       {0, 0},
       S::converged,
       0},
      {"-z^2", [](const Array& z) { return -sum(square(z)); }, {.5, .5}, S::unbounded},
      {"a saddle", [](const Array& z) { return square(z(0)) - square(z(1)); }, {1, 1}, S::unbounded},
      {"a saddle on an axis", [](const Array& z) { return square(z(0)) - square(z(1)); }, {1, 0}, S::unbounded},
      {"a saddle between minima",
       [](const Array& z) { return square(z(0)) + square(square(z(1)) - 1); },
       {1, 0},
       S::converged,
       0},
      {"a monkey saddle",
       [](const Array& z) { return power(z(0), 3) - 3 * z(0) * square(z(1)); },
       {1, .5},
       S::unbounded},
      {"a monkey saddle on an axis",
       [](const Array& z) { return power(z(0), 3) - 3 * z(0) * square(z(1)); },
       {1, 0},
       S::unbounded},
      {"cos at its top", [](const Array& z) { return sum(cos(z)); }, {0}, S::converged, -1},
      {"cos next to its top", [](const Array& z) { return sum(cos(z)); }, {.1}, S::converged, -1},
      {"a quartic maximum", [](const Array& z) { return -power(z(0), 4); }, {1}, S::unbounded},
      {"a slope", [](const Array& z) { return sum(z); }, {1, 2}, S::unbounded},
      {"a valley", [](const Array& z) { return square(z(0) - z(1)); }, {1.3, .4}, S::converged, 0},
      {"a ring", [](const Array& z) { return square(square(z(0)) + square(z(1)) - 1); }, {1.3, .4}, S::converged, 0},
  };
  return all;
}

TEST(Minima, WhatIsNoneIsLeft) {
  for (const Descent& c : descents()) {
    for (Dtype d : {Dtype::float64, Dtype::float32}) {
      for (const auto& [solver, made] :
           std::vector<std::pair<std::string, Solver>>{{"trust_region_newton", TrustRegionNewton{}},
                                                       {"auto", Solver()},
                                                       {"bfgs", BFGS{}},
                                                       {"lbfgs", LBFGS{}},
                                                       {"trust_region_cg", TrustRegionCG{}}}) {
        const auto s = minimize(c.energy, array(c.start, d), {.solver = made, .on_failure = OnFailure::best});
        const std::string which = std::string(c.name) + ' ' + name(d) + ' ' + solver;
        EXPECT_TRUE(s.status == c.ends) << which << s.status << s.value << s.objective;
        if (c.ends != StatusCode::converged) continue;
        EXPECT_NEAR(astype(s.objective, Dtype::float64).item(), c.least, d == Dtype::float64 ? 1e-12 : 1e-5) << which;
      }
    }
  }
}

TEST(Minima, ANumberThatNothingDependsOnAnyMoreIsNone) {
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    const auto s = minimize([](const Array& z) { return exp(z(0)); }, array({0.0}, d),
                            {.solver = TrustRegionNewton{}, .on_failure = OnFailure::best});
    EXPECT_TRUE(s.status != StatusCode::converged) << name(d) << s.value << s.status;
  }
}

TEST(Minima, AFitLeavesAMaximum) {
  auto r = [](const Array& a, const Array& z) { return square(z) - a; };
  for (const auto& info : downhill(Kind::least_squares)) {
    const auto s = least_squares(r, array({0.0}), {.solver = info.make({})}, array({4.0}));
    EXPECT_NEAR(std::fabs(s.value(0).item()), 2, 1e-12) << info.name;
  }
}

// ---- derivatives -----------------------------------------------------------------------------------------------------------

// Residuals moved by θ, in as many ways as there are residuals.
TEST(Minima, DerivativesDoNotDependOnTheSolver) {
  for (const SumOfSquares& p : sums_of_squares_of_the_literature()) {
    const bool some = p.name[0] == '5' || p.name.substr(0, 2) == "15" || p.name.substr(0, 2) == "35";
    if (p.name.substr(0, 2) != "1 " && (sanitized || !some)) continue;
    const Array z0 = array(p.start), none = zeros_like(p.residuals(z0));
    auto r = [&](const Array& t, const Array& z) { return p.residuals(z) + t; };
    auto e = [&](const Array& t, const Array& z) { return 0.5 * sum(square(r(t, z))); };
    auto fit = [&](const Solver& s) {
      return [&, s](const Array& t) { return least_squares(r, z0, {.solver = s}, t).value; };
    };
    auto minimum = [&](const Solver& s) {
      return [&, s](const Array& t) { return minimize(e, z0, {.solver = s}, t).value; };
    };
    const Array weights = arange(1.0, z0.size() + 1.0);
    auto second = [&](const auto& z) {
      return jacfwd(grad([&, z](const Array& t) { return sum(weights * z(t)); }))(none);
    };
    const Array slope = jacrev(fit({}))(none), curve = second(fit({}));
    auto near = [&](const Array& got, const Array& wanted, double digits) {
      return largest(got - wanted) <= digits * largest(wanted);
    };
    for (Kind kind : {Kind::least_squares, Kind::minimize}) {
      for (const auto& info : downhill(kind)) {
        if (solved(p, kind, info.make({}), Dtype::float64, 200).status != StatusCode::converged) continue;
        auto all = [&](const auto& z) {
          EXPECT_TRUE(near(jacrev(z)(none), slope, 1e-9)) << p.name << ' ' << info.name << name(kind);
          EXPECT_TRUE(near(jacfwd(z)(none), slope, 1e-9)) << p.name << ' ' << info.name << name(kind);
          EXPECT_TRUE(near(jit(jacrev(z))(none), slope, 1e-9)) << p.name << ' ' << info.name << name(kind);
          EXPECT_TRUE(near(second(z), curve, 1e-7)) << p.name << ' ' << info.name << name(kind);
        };
        if (kind == Kind::minimize)
          all(minimum(info.make({})));
        else
          all(fit(info.make({})));
      }
    }
  }
}

TEST(Minima, LanesAreSolvedAsOneByOne) {
  auto e = [](const Array& t, const Array& z) {
    return 100 * square(z(1) - square(z(0))) + square(t - z(0)) + t * sum(square(z));
  };
  const Array some = array({.1, 1.0, 3.0, 10.0});
  for (const auto& info : downhill(Kind::minimize)) {
    if (info.name == "gradient_descent" || info.name == "nonlinear_cg") continue;
    auto one = [&](const Array& t) { return minimize(e, array({-1.2, 1.0}), {.solver = info.make({})}, t); };
    const auto together = vmap(one)(some);
    const Array slopes = vmap(jacrev([&](const Array& t) { return one(t).value; }))(some);
    for (int k = 0; k < 4; ++k) {
      const auto alone = one(some(k));
      EXPECT_LE(largest(together.value(k) - alone.value), 1e-13 * largest(alone.value)) << info.name << k;
      EXPECT_EQ(together.steps(k).item<std::int64_t>(), alone.steps.item<std::int64_t>()) << info.name << k;
      EXPECT_LE(largest(slopes(k) - jacrev([&](const Array& t) { return one(t).value; })(some(k))), 1e-10)
          << info.name << k;
    }
  }
}

TEST(Minima, WhatIsNoneIsSeenWithoutAHessian) {
  // A saddle, a maximum and a minimum, at each of which the gradient is exactly 0.
  const int n = 250;
  const Array index = arange(0.0, n), bends = where(index == 17.0, -1.0, 1.0 + index);
  auto quartic = [&](const Array& z) { return sum(0.5 * bends * square(z) + 0.25 * power(z, 4)); };
  for (const Solver& solver : {Solver(BFGS{}), Solver(LBFGS{}), Solver(TrustRegionCG{})}) {
    const auto saddle = minimize(quartic, zeros({n}), {.solver = solver});
    EXPECT_NEAR(std::fabs(saddle.value(17).item()), 1, 1e-9) << solver.name();
    const auto top = minimize([](const Array& z) { return sum(cos(z)); }, zeros({n}), {.solver = solver});
    EXPECT_NEAR(top.objective.item(), -n, 1e-9) << solver.name();
    const auto there =
        minimize([&](const Array& z) { return sum(bends * bends * square(z)); }, zeros({n}), {.solver = solver});
    EXPECT_EQ(largest(there.value), 0) << solver.name();
    EXPECT_EQ(there.steps.item<std::int64_t>(), 0) << solver.name();
    // With nothing lower in sight.
    const auto stays = minimize([&](const Array& z) { return sum(where(abs(z) < 1e-6, -square(z), 1.0)); }, zeros({n}),
                                {.solver = solver, .on_failure = OnFailure::best});
    EXPECT_TRUE(stays.status == StatusCode::not_a_minimum) << solver.name() << stays.status;
  }
}

TEST(Minima, WithoutUnknownsOrResiduals) {
  for (Kind kind : {Kind::minimize, Kind::least_squares}) {
    for (const auto& info : downhill(kind)) {
      const auto none = kind == Kind::minimize
                            ? minimize([](const Array& z) { return sum(z) + 2; }, zeros({0}), {.solver = info.make({})})
                            : least_squares(
                                  [](const Array& z) {
                                    return concatenate({z, ones({2})});
                                  },
                                  zeros({0}), {.solver = info.make({})});
      EXPECT_TRUE(none.status == StatusCode::converged) << info.name;
      EXPECT_EQ(none.value.size(), 0) << info.name;
      if (kind == Kind::minimize) continue;
      // Nothing to fit: any z will do, and has no derivative.
      const auto any =
          least_squares([](const Array& z) { return z(slice(0, 0)); }, array({1.0, 2.0}), {.solver = info.make({})});
      EXPECT_TRUE(any.status == StatusCode::converged) << info.name << any.status;
      EXPECT_EQ(any.value(1).item(), 2) << info.name;
    }
  }
}

TEST(Minima, FunctionsMayReadTheirValues) {
  auto e = [](const Array& z) {
    EXPECT_TRUE(std::isfinite(z(0).item()));
    return 100 * square(z(1) - square(z(0))) + square(1 - z(0));
  };
  for (const auto& info : downhill(Kind::minimize)) {
    if (info.name == "gradient_descent" || info.name == "nonlinear_cg") continue;
    const auto s = minimize(e, array({-1.2, 1.0}), {.solver = info.make({}), .stage = false});
    EXPECT_LE(largest(s.value - 1), 1e-9) << info.name;
  }
  auto r = [](const Array& z) {
    EXPECT_TRUE(std::isfinite(z(0).item()));
    return stack({10 * (z(1) - square(z(0))), 1 - z(0)});
  };
  for (const auto& info : downhill(Kind::least_squares)) {
    if (info.kinds.has(Kind::minimize)) continue;
    EXPECT_LE(largest(least_squares(r, array({-1.2, 1.0}), {.solver = info.make({}), .stage = false}).value - 1), 1e-9)
        << info.name;
  }
}

TEST(Minima, HistoriesAndWatches) {
  auto e = [](const Array& z) { return 100 * square(z(1) - square(z(0))) + square(1 - z(0)); };
  for (const auto& info : downhill(Kind::minimize)) {
    const auto s = minimize(e, array({-1.2, 1.0}),
                            {.solver = info.make({}), .max_steps = 7, .on_failure = OnFailure::best, .history = 8});
    const auto norms = s.history.to_vector<double>();
    EXPECT_TRUE(s.status == StatusCode::max_steps) << info.name << s.status;
    EXPECT_NEAR(norms[0], 232.86768775422664, 1e-9) << info.name;
    EXPECT_EQ(norms[7], s.residual_norm.item()) << info.name;
    EXPECT_LE(s.objective.item(), 24.2) << info.name;
    int told = 0;
    CancelToken token;
    auto monitor = [&](const StepReport& report) {
      told = static_cast<int>(report.step);
      if (report.step == 3) token.cancel();
    };
    const auto ended = minimize(
        e, array({-1.2, 1.0}),
        {.solver = info.make({}), .on_failure = OnFailure::best, .watch = {.monitor = monitor, .token = token}});
    EXPECT_TRUE(ended.status == StatusCode::cancelled) << info.name << ended.status;
    EXPECT_EQ(told, 3) << info.name;
  }
}

TEST(Minima, OfManyUnknowns) {
  // Without a Hessian.
  const int n = 1500;
  auto e = [&](const Array& b, const Array& z) {
    return sum(square(z(slice(1, n)) - z(slice(0, n - 1)))) + sum(exp(0.1 * z) + square(z - b));
  };
  const Array b = sin(arange(0.0, n));
  for (const Solver& solver : {Solver(), Solver(LBFGS{})}) {
    const auto s = minimize(e, zeros({n}), {.solver = solver}, b);
    EXPECT_TRUE(s.status == StatusCode::converged) << s.status;
    EXPECT_LE(norm(grad([&](const Array& z) { return e(b, z); })(s.value)).item(), 1e-8) << s.solver();
    EXPECT_EQ(s.solver(), solver.name() == "auto" ? "trust_region_cg" : "lbfgs");
  }
}

}  // namespace minima_test
