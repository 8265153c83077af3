// The finish of solves with bounds and constraints: from any point near a solution it finds the same active set and all the digits, says
// what is no solution, and does not mind units.
#include "dini/solvers/kkt.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/solvers/programs.hpp"
#include "tests/solvers/accurate.hpp"

namespace kkt_test {

using namespace dini;
using detail::ConstrainedEnd;

using detail::KktPoint;
using detail::Outcome;
using detail::SolverProblem;
using tests::largest;

// min E or, of a root, F = 0, with rows and bounds.
struct Problem {
  Kind kind = Kind::minimize;
  std::function<Array(const Array&)> f, equal = {}, at_most = {};
  Array lower = {}, upper = {};

  SolverProblem problem() const {
    SolverProblem p;
    p.kind = kind;
    if (kind == Kind::root) {
      p.residual = Function(f);
    } else {
      p.objective = Function(f);
      p.residual = Function([f = f](const Array& z) { return grad(f)(z); });
    }
    if (equal) p.equal = Function(equal);
    if (at_most) p.at_most = Function(at_most);
    p.lower = lower;
    p.upper = upper;
    return p;
  }
  Outcome finish(const Array& z, const Array& nu, const Array& lambda, const detail::StopRule& stop = {}) const {
    const Array none = array(std::int64_t{0});
    return detail::finished(
        problem(), {z, nu, lambda, array(static_cast<std::int64_t>(StatusCode::max_steps)), none, none, zeros({0})}, z,
        stop);
  }
  ConstrainedEnd end_of(const Outcome& o) const {
    return unflatten(detail::no_constrained_end(problem(), o.z), o.constrained);
  }
};

StatusCode status(const Outcome& o) { return static_cast<StatusCode>(o.status.item<std::int64_t>()); }

TEST(Finish, FindsDigitsAndMultipliersOfNonlinearProblems) {
  // x₁x₂ ≥ 1, x₁ + x₂² ≥ 0, x₁ ≤ ½ (Hock and Schittkowski 15): both the first row and the bound are active.
  const Problem hs15{.f = [](const Array& x) { return 100 * square(x(1) - square(x(0))) + square(1 - x(0)); },
                     .at_most =
                         [](const Array& x) {
                           return stack({1 - x(0) * x(1), -x(0) - square(x(1))});
                         },
                     .upper = array({0.5, 1e300})};
  for (double off : {1e-9, 1e-5, 1e-2}) {
    const Outcome o = hs15.finish(array({0.5 - off, 2 + off}), zeros({0}), array({700 - 100 * off, off}));
    EXPECT_EQ(status(o), StatusCode::converged) << off;
    EXPECT_LE(largest(o.z - array({0.5, 2.0})), 1e-14) << off;
    const ConstrainedEnd end = hs15.end_of(o);
    EXPECT_LE(largest(end.at_most - array({700.0, 0.0})), 1e-11) << off;
    EXPECT_TRUE(end.strict.upper(0).item<bool>() && end.strict.rows(0).item<bool>()) << off;
    EXPECT_FALSE(end.strict.rows(1).item<bool>() || end.weak.rows(1).item<bool>()) << off;
    EXPECT_LE(o.residual_norm.item<double>(), 1e-15) << off;
    EXPECT_LE(o.error_estimate.item<double>(), 1e-13) << off;
  }
}

TEST(Finish, OfARootInABox) {
  // F = (z₁ - 2, z₁ + z₂): at z₁ ≤ 1 it pushes on; F₁ ≤ 0 there.
  const Problem box{.kind = Kind::root,
                    .f =
                        [](const Array& z) {
                          return stack({z(0) - 2, z(0) + z(1)});
                        },
                    .lower = array({-10.0, -10.0}),
                    .upper = array({1.0, 10.0})};
  const Outcome o = box.finish(array({0.999, -1.0}), zeros({0}), zeros({0}));
  EXPECT_EQ(status(o), StatusCode::converged);
  EXPECT_LE(largest(o.z - array({1.0, -1.0})), 0);
  EXPECT_TRUE(box.end_of(o).strict.upper(0).item<bool>());
}

TEST(Finish, SaysWhatIsNoMinimum) {
  // x₁² - x₂², x₂ ≥ 0: at 0 the bound has a multiplier of 0, and the function falls along it.
  const auto saddle = [](const Array& x) { return square(x(0)) - square(x(1)); };
  const Array unit = ones({2});
  const Problem falls{.f = saddle, .lower = array({-1.0, 0.0}), .upper = unit};
  EXPECT_EQ(status(falls.finish(zeros({2}), zeros({0}), zeros({0}))), StatusCode::not_a_minimum);
  // x₂ ≤ 0 besides, as a row: both are in the way.
  const Problem held{
      .f = saddle, .at_most = [](const Array& x) { return x(slice(1, 2)); }, .lower = array({-1.0, 0.0})};
  EXPECT_EQ(status(held.finish(zeros({2}), zeros({0}), zeros({1}))), StatusCode::converged);
  // At a bound that it pushes against.
  const Problem corner{.f = saddle, .lower = -unit, .upper = unit};
  EXPECT_EQ(status(corner.finish(array({0.0, 1.0}), zeros({0}), zeros({0}))), StatusCode::converged);
  // Far from everything the solver's own word stands.
  const Problem far{.f = [](const Array& x) { return sum(exp(x)); }, .lower = array({-100.0})};
  EXPECT_EQ(status(far.finish(array({-3.0}), zeros({0}), zeros({0}))), StatusCode::max_steps);
}

TEST(Finish, OfRowsWithoutMultipliersIsSingular) {
  // Hock and Schittkowski 13: the gradients of (1 - x₁)³ ≥ x₂ and x₂ ≥ 0 at (1, 0) are opposite, and ∇f is not among them.
  const Problem hs13{.f = [](const Array& x) { return square(x(0) - 2) + square(x(1)); },
                     .at_most =
                         [](const Array& x) {
                           return stack({x(1) - power(1 - x(0), 3), -x(1)});
                         }};
  const Outcome o = hs13.finish(array({1.0 - 1e-9, 1e-27}), zeros({0}), array({3e17, 3e17}));
  EXPECT_EQ(status(o), StatusCode::singular);
}

TEST(Finish, ATieIsWeaklyActiveInAnyUnits) {
  for (double k : {1e-8, 1.0, 1e8}) {
    for (double unit : {1e-6, 1.0, 1e6}) {
      const Problem tie{.f = [=](const Array& x) { return 0.5 * k * sum(square(x / unit - 1)); },
                        .at_most = [=](const Array& x) { return (x(slice(0, 1)) / unit - 1) * 1e3; }};
      const Outcome o = tie.finish(array({0.9 * unit, unit}), zeros({0}), zeros({1}));
      EXPECT_EQ(status(o), StatusCode::converged);
      EXPECT_LE(largest(o.z / unit - 1), 1e-15);
      EXPECT_TRUE(tie.end_of(o).weak.rows(0).item<bool>());
      EXPECT_FALSE(tie.end_of(o).strict.rows(0).item<bool>());
    }
  }
}

TEST(Finish, AToleranceIsOnTheError) {
  const Problem bowl{.f = [](const Array& x) { return sum(power(x - 1, 4)); }, .lower = zeros({1})};
  const auto at = [&](double tolerance) {
    detail::StopRule stop;
    stop.tolerance = Tolerance(tolerance, 0);
    return bowl.finish(array({1.5}), zeros({0}), zeros({0}), stop);
  };
  EXPECT_EQ(status(at(1e-1)), StatusCode::converged);
  EXPECT_EQ(status(at(1e-9)), StatusCode::max_steps);
}

TEST(Finish, AnyPointNearASolutionEndsThere) {
  for (int k = 0; k < 4; ++k) {
    tests::ProgramDraw d(k);
    const tests::ProgramData p = tests::solvable(d, 6, 2, 8, 6, 10, true);
    const auto exact = quadratic_program(p.program());
    Problem same{.f = [=](const Array& x) { return 0.5 * dot(x, dot(p.p, x)) + dot(p.q, x); },
                 .equal = [=](const Array& x) { return dot(p.a, x) - p.b; },
                 .at_most = [=](const Array& x) { return dot(p.g, x) - p.h; },
                 .lower = p.lower,
                 .upper = p.upper};
    const Array x = clip(exact.value + 1e-7 * d.normal({6}), p.lower, p.upper);
    const Outcome o = same.finish(x, exact.duals.equal * (1 + 1e-7), exact.duals.at_most * (1 - 1e-7));
    EXPECT_EQ(status(o), StatusCode::converged) << k;
    EXPECT_LE(largest(o.z - exact.value), 1e-14 * (1 + largest(exact.value))) << k;
  }
}

}  // namespace kkt_test
