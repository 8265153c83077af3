// Where nothing is feasible a solve ends at the point that comes nearest, with multipliers that say so; where a function falls without
// end, with the way it went.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"
#include "tests/solvers/known_cases.hpp"

namespace feasibility_test {

using namespace dini;
using namespace dini::tests;

struct Empty {
  KnownCase problem;
  Point z;
  Point certificate;  // side by side: of lower and upper bounds, equations, rows
};

KnownCase::Bound fixed(const Point& p) {
  return [p](const Array&) { return array(p); };
}

std::vector<Empty> empty_problems() {
  const auto sum_of = [](const Array&, const Array& z) { return sum(z); };
  // Of a disc and a half-plane the nearest point t(1, 1) has 8t(2t² - 1) = 4(3 - 2t).
  const double t = std::cbrt(.75), disc = 2 * t * t - 1, plane = 3 - 2 * t;
  std::vector<Empty> out;
  out.push_back({{.name = "x² + 1 ≤ 0",
                  .f = sum_of,
                  .at_most = [](const Array&, const Array& z) { return square(z) + 1; },
                  .start = {2}},
                 {0},
                 {0, 0, 1}});
  out.push_back({{.name = "x² + y² = -1",
                  .f = sum_of,
                  .equal = [](const Array&, const Array& z) { return array({sum(square(z)) + 1}); },
                  .start = {1, 2}},
                 {0, 0},
                 {0, 0, 0, 0, 1}});
  out.push_back({{.name = "a disc and a half-plane apart",
                  .f = sum_of,
                  .at_most =
                      [](const Array&, const Array& z) {
                        return array({sum(square(z)) - 1, 3 - sum(z)});
                      },
                  .start = {1, 0}},
                 {t, t},
                 {0, 0, 0, 0, disc / plane, 1}});
  // The bounds' multipliers are twice the violation, 7.
  out.push_back({{.name = "a sphere around a box",
                  .f = sum_of,
                  .lower = fixed({0, 0}),
                  .upper = fixed({1, 1}),
                  .equal = [](const Array&, const Array& z) { return array({sum(square(z)) - 9}); },
                  .start = {.5, .5}},
                 {1, 1},
                 {0, 0, 1, 1, -.5}});
  out.push_back({{.name = "bounds that contradict",
                  .f = [](const Array&, const Array& z) { return sum(square(z)); },
                  .lower = fixed({0, 1, 2}),
                  .upper = fixed({1, 0, 0}),
                  .at_most = [](const Array&, const Array& z) { return array({sum(z) + 9}); },
                  .start = {0, 0, 0}},
                 {},
                 {0, 1, 0, 0, 1, 0, 0}});
  return out;
}

TEST(Infeasible, EndsWhereTheViolationIsLeastWithItsMultipliers) {
  for (const Empty& c : empty_problems()) {
    for (const Solver& solver : {Solver(), Solver(InteriorPoint{})}) {
      for (bool compiled : {false, true}) {
        How how;
        how.options.solver = solver;
        how.options.on_failure = OnFailure::best;
        const auto find = [&](const Array& start) {
          How from = how;
          from.start = start;
          return solve(c.problem, zeros({0}), from);
        };
        const Array start = array(c.problem.start);
        const Solved s = compiled ? jit(find)(start) : find(start);
        const std::string what = c.problem.name + " by " + solver.name();
        EXPECT_EQ(s.code(), StatusCode::infeasible) << what << ": " << name(s.code());
        if (!c.z.empty()) { EXPECT_LE(largest(s.z - array(c.z)), 1e-6) << what << s.z; }
        ASSERT_EQ(s.certificate.size(), static_cast<std::int64_t>(c.certificate.size())) << what;
        EXPECT_LE(largest(s.certificate - array(c.certificate)), 1e-6) << what << s.certificate;
        EXPECT_TRUE(all(isnan(s.ray)).item<bool>()) << what << s.ray;
      }
    }
  }
}

TEST(Infeasible, AFunctionThatFallsWithoutEndHasItsWay) {
  const KnownCase c{.name = "down a line",
                    .f = [](const Array&, const Array& z) { return -sum(z); },
                    .equal = [](const Array&, const Array& z) { return array({z(0) - 2 * z(1)}); },
                    .start = {.3, 0}};
  for (const Solver& solver : {Solver(), Solver(InteriorPoint{}), Solver(AugmentedLagrangian{})}) {
    How how;
    how.options.solver = solver;
    how.options.on_failure = OnFailure::best;
    const Solved s = solve(c, zeros({0}), how);
    EXPECT_EQ(s.code(), StatusCode::unbounded) << solver.name();
    EXPECT_LE(largest(s.ray - array({1.0, .5})), 1e-9) << solver.name() << s.ray;
    EXPECT_TRUE(all(isnan(s.certificate)).item<bool>()) << solver.name() << s.certificate;
  }
}

TEST(Infeasible, LanesHaveTheirOwn) {
  // The nearest point to 1 with x² ≤ -a.
  const auto find = [](const Array& a) {
    return minimize([](const Array&, const Array& z) { return sum(square(z - 1)); }, array({2.0}),
                    subject_to(AtMost{[](const Array& t, const Array& z) { return square(z) + t; }}),
                    {.on_failure = OnFailure::best}, a);
  };
  const auto s = vmap(find)(array({-.25, 1.0, -4.0}));
  const std::vector<StatusCode> wanted = {StatusCode::converged, StatusCode::infeasible, StatusCode::converged};
  for (std::int64_t k = 0; k < 3; ++k) {
    EXPECT_EQ(Status{s.status.code(k)}.get(), wanted[static_cast<std::size_t>(k)]) << k;
    EXPECT_EQ(all(isnan(s.certificate.at_most(k))).item<bool>(), k != 1) << k;
  }
  EXPECT_NEAR(s.certificate.at_most(1, 0).item(), 1, 1e-12);
}

}  // namespace feasibility_test
