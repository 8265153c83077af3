// Problems with bounds and constraints by every solver that takes them: values, multipliers, statuses. And by the default one through
// the public functions: derivatives in all data, in both modes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/library.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/known_cases.hpp"

namespace constrained_test {

using namespace dini;
using namespace dini::tests;
using detail::ConstrainedEnd;
using detail::Outcome;
using detail::StopRule;

const std::vector<KnownCase>& all_cases() {
  static const std::vector<KnownCase> all = [] {
    std::vector<KnownCase> out = cases_with_bounds();
    for (const KnownCase& c : cases_with_constraints()) out.push_back(c);
    return out;
  }();
  return all;
}

std::vector<Solver> solvers_of(const KnownCase& c) {
  std::vector<Solver> out{Solver()};
  for (const auto& info : library_solvers()) {
    if (info.kinds.has(c.kind) && info.takes >= problem_of(c, array(c.theta)).restriction())
      out.push_back(info.make({}));
  }
  return out;
}

// Of two points that are meant to be one.
// Of what is known; a number that is none is infinitely far.
double apart(const Array& a, const Point& b) {
  double worst = 0;
  for (std::size_t k = 0; k < b.size(); ++k) {
    if (std::isnan(b[k])) continue;
    const double d = std::abs(a.to_vector<double>().at(k) - b[k]) / std::max(1.0, std::abs(b[k]));
    worst = std::max(worst, std::isnan(d) ? HUGE_VAL : d);
  }
  return worst;
}

const KnownCase::Solution* nearest(const KnownCase& c, const Array& z) {
  const KnownCase::Solution* out = nullptr;
  for (const auto& s : c.solutions) {
    if (!out || apart(z, s.z) < apart(z, out->z)) out = &s;
  }
  return out;
}

// Where a solver's own end is another than that of auto.
struct Exception {
  std::string solver, problem;
  StatusCode status;
};
const std::vector<Exception> exceptions = {
    // Penalties grow until rounding is all that is left of the objective.
    {"augmented_lagrangian", "HS13", StatusCode::stagnated},
    // Where the trust region is as large as that the Hessian of the penalty is lost in its rounding.
    {"augmented_lagrangian", "down a line without end", StatusCode::max_steps},
    // On the way there the constraint's own rounding, at 1e16, is as much as a step gains.
    {"sqp", "down a line without end", StatusCode::max_steps},
    // A solution along which the Hessian vanishes is met from where it is still definite; penalties are bounded.
    {"sqp", "HS26", StatusCode::stagnated},
    {"sqp", "HS13", StatusCode::stagnated},
};

class Constrained : public testing::TestWithParam<KnownCase> {};

TEST_P(Constrained, EverySolverFindsIt) {
  const KnownCase& c = GetParam();
  std::size_t number = c.name.size();
  for (const Solver& solver : solvers_of(c)) {
    if (!sampled(++number, 3)) continue;
    const std::string what = solver.name() + " on " + c.name;
    const auto solve = jit([&](const Array& theta, const Array& z) {
      return solver.method()->solve(problem_of(c, theta), z, StopRule{});
    });
    const Outcome o = solve(array(c.theta), array(c.start));
    StatusCode wanted = c.status;
    for (const Exception& e : exceptions) {
      if (e.solver == solver.name() && e.problem == c.name) wanted = e.status;
    }
    const StatusCode status = Status{o.status}.get();
    EXPECT_EQ(status, wanted) << what << ": " << name(status) << ", z " << o.z;
    std::printf("  %-21s %-14s %4lld steps %4lld evaluations, error %.1e\n", solver.name().c_str(), name(status),
                static_cast<long long>(o.steps.item<std::int64_t>()),
                static_cast<long long>(o.evaluations.item<std::int64_t>()), o.residual_norm.item());
    if (wanted != StatusCode::converged || status != wanted) continue;
    const auto* s = nearest(c, o.z);
    EXPECT_LE(apart(o.z, s->z), c.singular ? 1e-5 : 2e-11) << what << ": " << o.z;
    const auto p = problem_of(c, array(c.theta));
    const ConstrainedEnd end = unflatten(no_constrained_end(p, o.z), o.constrained);
    EXPECT_LE(apart(end.equal, s->equal), 1e-10) << what << ": " << end.equal;
    EXPECT_LE(apart(end.at_most, s->at_most), 1e-10) << what << ": " << end.at_most;
    const Array weak = concatenate({end.weak.lower, end.weak.upper, end.weak.rows});
    EXPECT_EQ(sum(weak).item<int>(), c.weakly_active) << what;
    // Within the bounds, to the last digit.
    const auto b = bounds_of(p, o.z);
    EXPECT_TRUE(all((o.z >= b.lower) & (o.z <= b.upper)).item<bool>()) << what << ": " << o.z;
  }
}

TEST_P(Constrained, ItsDerivativesAreKnown) {
  const KnownCase& c = GetParam();
  if (c.status != StatusCode::converged || c.singular || c.theta.empty()) return;
  auto solution = [&](const Array& theta) { return tests::solve(c, theta).z; };
  const Array theta = array(c.theta), z = jit(solution)(theta);
  const auto* s = nearest(c, z);
  const Array forward = jacfwd(solution)(theta), reverse = jit(jacrev(solution))(theta);
  for (std::size_t k = 0; k < s->slopes.size(); ++k) {
    if (s->slopes[k].empty()) continue;
    const auto column = static_cast<std::int64_t>(k);
    EXPECT_LE(apart(forward(ellipsis, column), s->slopes[k]), 1e-10) << c.name << ": " << forward;
    EXPECT_LE(apart(reverse(ellipsis, column), s->slopes[k]), 1e-10) << c.name << ": " << reverse;
  }
}

// Four ways to combine the modes.
TEST_P(Constrained, ItsSecondDerivativesAreKnown) {
  const KnownCase& c = GetParam();
  if (c.solutions.empty()) return;
  const Array theta = array(c.theta), zero = array(0.0);
  const auto* s = c.solutions.size() > 1 ? nearest(c, tests::solve(c, theta).z) : &c.solutions[0];
  for (std::size_t k = 0; k < s->bends.size(); ++k) {
    const Array way = where(arange(theta.size()) == static_cast<std::int64_t>(k), 1.0, 0.0);
    const auto z = [&](const Array& t) { return tests::solve(c, theta + t * way).z; };
    const auto forward = [&](const Array& t) { return jvp(z, t, array(1.0)).tangent; };
    const auto reverse = [&](const Array& t) { return jacrev(z)(t); };
    const Array bends[] = {jacfwd(forward)(zero), jacrev(forward)(zero), jit(jacfwd(reverse))(zero),
                           jacrev(reverse)(zero)};
    for (const Array& bend : bends) EXPECT_LE(apart(bend, s->bends[k]), 1e-10) << c.name << " by " << k << ": " << bend;
  }
}

TEST_P(Constrained, ItsMultipliersGoAsIsKnown) {
  const KnownCase& c = GetParam();
  if (c.solutions.empty()) return;
  const Array theta = array(c.theta);
  const auto* s = c.solutions.size() > 1 ? nearest(c, tests::solve(c, theta).z) : &c.solutions[0];
  const auto expect = [&](const std::vector<Point>& wanted, Array Solved::*of, const char* what) {
    if (wanted.empty()) return;
    const Array slopes = jacfwd([&](const Array& t) { return tests::solve(c, t).*of; })(theta);
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      const Array column = slopes(ellipsis, static_cast<std::int64_t>(k));
      EXPECT_LE(apart(column, wanted[k]), 1e-10) << c.name << ", " << what << " by " << k << ": " << column;
    }
  };
  expect(s->equal_slopes, &Solved::equal, "those of equations");
  expect(s->at_most_slopes, &Solved::at_most, "those of rows");
  expect(s->lower_slopes, &Solved::lower, "those of lower bounds");
  expect(s->upper_slopes, &Solved::upper, "those of upper bounds");
}

INSTANTIATE_TEST_SUITE_P(Cases, Constrained, testing::ValuesIn(all_cases()), [](const auto& info) {
  std::string out = std::to_string(info.index) + "_";
  for (char c : info.param.name) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return out;
});

}  // namespace constrained_test
