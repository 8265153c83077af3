// What does not depend on the solver: the derivative at a tie, multipliers and derivatives of rows that depend on each other, proofs that
// there is no solution, and that what has failed has no derivative.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/library.hpp"
#include "tests/implicit/random_cases.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"

namespace every_solver_ends_test {

using namespace dini;
using namespace dini::tests;

const double inf = std::numeric_limits<double>::infinity();

// All that take problems of a kind with these constraints, and the default.
std::vector<Solver> solvers_of(Kind kind, Restriction restriction) {
  std::vector<Solver> out{Solver()};
  for (const auto& info : library_solvers()) {
    if (info.kinds.has(kind) && info.takes >= restriction) out.push_back(info.make({}));
  }
  return out;
}

// ---- Ties -----------------------------------------------------------------------------------------------------------------

TEST(EverySolver, GivesTheMeanAtATieOfAnyScale) {
  // ½k(uz - y)² + ½k(z₂ - z₁)² with z₁ ≥ 0, at y = 0: the energy's scale is k, z₁'s is 1/u. Of a root its gradient.
  int asked = 0;
  std::size_t number = 0;
  for (Kind kind : {Kind::minimize, Kind::least_squares, Kind::root}) {
    for (const Solver& solver : solvers_of(kind, Restriction::bounds)) {
      for (double k : {1e-12, 1.0, 1e12}) {
        for (double u : {1e-3, 1.0, 1e3}) {
          if (!sampled(number++, 4)) continue;
          const std::string what = std::string(name(kind)) + " by " + solver.name() + ", k " + std::to_string(k) +
                                   ", u " + std::to_string(u);
          const Bounds bounds{array({0.0, -inf}), inf};
          const Array z0 = array({2 / u, 1.0}), root_k = array(std::sqrt(k)), unit = array(u);
          MinimizeOptions options;
          options.solver = solver;
          auto z = [&](const Array& y) {
            auto residuals = [&](const Array& y, const Array& z) {
              return root_k * stack({unit * z(0) - y, z(1) - unit * z(0)});
            };
            if (kind == Kind::least_squares)
              return least_squares(residuals, z0, subject_to(bounds), LeastSquaresOptions::of(options), y).value;
            auto energy = [&](const Array& y, const Array& z) { return 0.5 * sum(square(residuals(y, z))); };
            if (kind == Kind::minimize) return minimize(energy, z0, subject_to(bounds), options, y).value;
            auto slope = [&](const Array& y, const Array& z) { return grad<1>(energy)(y, z); };
            return root(slope, z0, bounds, options, y).value;
          };
          const Array by_y = jvp(z, array(0.0), array(1.0)).tangent;
          EXPECT_NEAR(by_y(0).item() * u, 0.5, 1e-12) << what;
          EXPECT_NEAR(by_y(1).item(), 0.5, 1e-12) << what;
          EXPECT_NEAR(grad([&](const Array& y) {
                        return sum(z(y) * array({u, 1.0}));
                      })(array(0.0))
                          .item(),
                      1, 1e-12)
              << what;
          ++asked;
        }
      }
    }
  }
  EXPECT_GE(asked, 9 * (7 + 7 + 3) / (sanitized ? 4 : 1));
}

// Programs and minima with rows are asked alike: how x goes with θ, and what was found.
struct WithRows {
  std::function<Array(const Array&theta, const Array&x)> f, equal, at_most;
  Array theta;
  std::int64_t n;
};
KnownCase as_case(const WithRows& p, Kind kind) {
  KnownCase c;
  c.kind = kind;
  c.f = p.f;
  c.equal = p.equal;
  c.at_most = p.at_most;
  c.start = Point(static_cast<std::size_t>(p.n), 0.3);
  return c;
}
template <class Use> void by_every_solver(const WithRows& p, const Use& use) {
  std::size_t number = 0;
  for (Kind kind : {Kind::minimize, Kind::quadratic_program}) {
    const KnownCase c = as_case(p, kind);
    for (const Solver& solver : solvers_of(kind, Restriction::general)) {
      if (!sampled(number++, 2)) continue;
      How how;
      how.options.solver = solver;
      const std::string what = std::string(name(kind)) + " by " + solver.name();
      use(solve(c, p.theta, how), jacfwd([&](const Array& t) { return solve(c, t, how).z; })(p.theta), what);
    }
  }
}

TEST(EverySolver, GivesTheMeanWhereARowTouches) {
  // ½‖x‖² with x₁ + x₂ = b = 1 and x₁ - 2x₂ ≤ -½, which touches at (½, ½).
  for (double k : {1e-8, 1.0, 1e8}) {
    const WithRows p{[k](const Array&, const Array& x) { return 0.5 * k * sum(square(x)); },
                     [](const Array& b, const Array& x) { return reshape(sum(x), {1}) - b; },
                     [](const Array&, const Array& x) { return reshape(x(0) - 2.0 * x(1) + 0.5, {1}); }, array({1.0}),
                     2};
    by_every_solver(p, [&](const Solved& s, const Array& slope, const std::string& what) {
      EXPECT_EQ(s.weakly_active.item<std::int64_t>(), 1) << what << k;
      EXPECT_GE(s.at_most.item(), 0) << what << k;
      EXPECT_LE(largest(slope - array({{7.0 / 12}, {5.0 / 12}})), 1e-12) << what << k << slope;
    });
  }
}

// ---- Rows that depend on each other ---------------------------------------------------------------------------------------

TEST(EverySolver, GivesMultipliersOfLeastNormOfDependentRows) {
  // ½x² - 2x with x ≤ h twice, h = 1.
  const WithRows inequalities{[](const Array&, const Array& x) { return sum(0.5 * square(x) - 2.0 * x); }, nullptr,
                              [](const Array& h, const Array& x) {
                                return concatenate({x, x}) - h;
                              },
                              array({1.0, 1.0}), 1};
  by_every_solver(inequalities, [](const Solved& s, const Array& slope, const std::string& what) {
    EXPECT_LE(largest(s.at_most - 0.5), 1e-12) << what << s.at_most;
    EXPECT_EQ(s.dependent.item<std::int64_t>(), 1) << what;
    EXPECT_LE(largest(slope - 0.5), 1e-12) << what << slope;
  });
  // ½‖x - p‖² with x₁ + x₂ = b twice, p = 0, b = 1.
  const WithRows equalities{[](const Array& t, const Array& x) { return 0.5 * sum(square(x - t(slice(0, 2)))); },
                            [](const Array& t, const Array& x) { return sum(x) - t(slice(2, 4)); }, nullptr,
                            array({0.0, 0.0, 1.0, 1.0}), 2};
  by_every_solver(equalities, [](const Solved& s, const Array& slope, const std::string& what) {
    EXPECT_LE(largest(s.equal + 0.25), 1e-12) << what << s.equal;
    EXPECT_EQ(s.dependent.item<std::int64_t>(), 1) << what;
    const Array wanted = array({{.5, -.5, .25, .25}, {-.5, .5, .25, .25}});
    EXPECT_LE(largest(slope - wanted), 1e-12) << what << slope;
  });
}

// ---- What has no solution -------------------------------------------------------------------------------------------------

TEST(EverySolver, ProvesOfAProgramThatThereIsNoSolution) {
  struct None {
    QuadraticProgram program;
    StatusCode status;
  };
  const None programs[] = {
      {{.P = eye(2), .q = zeros({2}), .G = array({{1.0, 1.0}, {-1.0, 0.0}, {0.0, -1.0}}), .h = array({-1.0, 0.0, 0.0})},
       StatusCode::infeasible},
      {{.P = eye(2), .q = zeros({2}), .A = ones({2, 2}), .b = array({1.0, 2.0})}, StatusCode::infeasible},
      {{.q = array({-1.0, 0.0}), .lower = 0.0, .upper = array({inf, 1.0})}, StatusCode::unbounded},
      {{.P = diag(array({0.0, 1.0})), .q = array({-1.0, 0.0})}, StatusCode::unbounded},
  };
  for (const Solver& solver : solvers_of(Kind::quadratic_program, Restriction::general)) {
    for (const None& none : programs) {
      for (double unit : {1e-4, 1.0, 1e4}) {
        QuadraticProgram p = none.program;
        if (p.P.defined()) p.P = unit * p.P;
        if (p.G.defined()) p.G = unit * p.G, p.h = unit * p.h;
        ProgramOptions options;
        options.solver = solver;
        options.on_failure = OnFailure::best;
        const auto s = quadratic_program(p, options);
        EXPECT_EQ(s.status, none.status) << solver.name() << unit;
        const bool empty = none.status == StatusCode::infeasible;
        const auto& proof = s.certificate;
        if (empty) {
          Array pull = proof.upper - proof.lower, gap = zeros({});
          if (p.A.defined()) pull = pull + dot(p.A.T(), proof.equal), gap = gap - dot(p.b, proof.equal);
          if (p.G.defined()) pull = pull + dot(p.G.T(), proof.at_most), gap = gap - dot(p.h, proof.at_most);
          EXPECT_LE(largest(pull), 1e-10 * gap.item()) << solver.name() << unit;
        } else {
          EXPECT_LT(dot(p.q, s.ray).item(), 0) << solver.name() << unit;
          EXPECT_NEAR(largest(s.ray), 1, 1e-14) << solver.name() << unit;
          if (p.P.defined()) { EXPECT_LE(largest(dot(p.P, s.ray)), 1e-10 * unit) << solver.name(); }
        }
      }
    }
  }
}

TEST(EverySolver, GivesNoDerivativeOfWhatHasFailed) {
  int asked = 0;
  for (const RandomCase& c : random_cases()) {
    const KnownCase& problem = c.problem;
    Draw draw(5);
    const Array theta = array(c.draw(draw, false));
    for (const Solver& solver : solvers_of(problem.kind, problem.restriction())) {
      // Those for more than the problem has are asked where it has that.
      if (solver.name() != "auto" && problem.kind != Kind::bracketed_root &&
          solver.method()->takes() != problem.restriction())
        continue;
      const std::string what = problem.name + " by " + solver.name();
      How how;
      how.options.solver = solver;
      how.options.max_steps = 20;
      how.options.on_failure = OnFailure::nan;
      const Solved s = solve(problem, theta, how);
      EXPECT_NE(s.code(), StatusCode::converged) << what;
      EXPECT_TRUE(all(isnan(s.z)).item<bool>()) << what << s.z;
      auto loss = [&](const Array& t) { return sum(solve(problem, t, how).z); };
      const Array slope = grad(loss)(theta), tangent = jvp(loss, theta, ones_like(theta)).tangent;
      EXPECT_FALSE(all(isfinite(slope)).item<bool>()) << what << slope;
      EXPECT_TRUE(isnan(tangent).item<bool>()) << what;
      for (OnFailure failure : {OnFailure::best, OnFailure::raise}) {
        if (failure == OnFailure::raise && solver.name() != "auto") continue;
        how.options.on_failure = failure;
        EXPECT_THROW(grad(loss)(theta), SolveError) << what;
        EXPECT_THROW(jvp(loss, theta, ones_like(theta)), SolveError) << what;
      }
      ++asked;
    }
  }
  EXPECT_GE(asked, 50);
}

}  // namespace every_solver_ends_test
