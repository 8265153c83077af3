#include "dini/implicit/regularity.hpp"

#include <cmath>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/products.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/ends_by_itself.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {

namespace detail {

namespace {

// By how much one correction may change A for factors of A before it to serve after it: what is refined with them twice is wrong by
// its cube. And the change that makes A suspicious.
double near_enough(Dtype dtype) { return dtype == Dtype::float32 ? 1e-3 : 1e-5; }
constexpr double suspicious = 0.1;

Array because(Cause c) { return array(static_cast<std::int64_t>(c)); }

// The Newton correction at z, and the largest, in the unknowns' units, that rounding may hide.
struct Corrections {
  Array newton, felt;
};
Corrections corrections_at(const SolverProblem& problem, const Array& z, const Array& a, const Inverse& inverse) {
  const Array residual = stop_gradient(problem.residual(z)), noise = stop_gradient(noise_at(problem, z, a));
  const Array all = inverse(concatenate({reshape(residual, {z.size(), 1}), noise_patterns(noise, a)}, 1));
  const Array newton = -all(slice(), 0);
  return {newton, felt_correction(newton, all(slice(), slice(1, end)), a)};
}

// The value that a user's solver returned, where its correction is too large.
Verdict with_value_checked(Verdict v, const PointOfSolve& point, const Array& size) {
  const Array s = maximum(length(point.z), length(stop_gradient(point.z0)));
  const Array far = (size > point.accept * s) & (v.status == 0);
  v.status = where(far, code(StatusCode::not_a_solution), v.status);
  v.cause = where(far, because(Cause::far_from_solution), v.cause);
  v.measure = where(far, size / where(s > 0, s, scalar_like(1, s)), v.measure);
  return v;
}

}  // namespace

Factored factor_at(const SolverProblem& problem, const PointOfSolve& point) {
  const Array z = stop_gradient(point.z), a = stop_gradient(point.matrix), zero = array(std::int64_t{0});
  if (z.size() == 0) return {factorize(a, problem.structure), {zero, zero, scalar_like(1, z)}};
  const MatrixStructure& known = problem.structure;
  const auto jacobian_at = [&](const Array& v) { return stop_gradient(slopes_at(problem, v)); };
  const auto inverse = [&](const Leaves& factors, const Array& matrix) -> Inverse {
    return [=](const Array& b) { return solve_factored(factors, matrix, b, known); };
  };
  const double least = static_cast<double>(z.size()) * epsilon(z.dtype()) / 2, near = near_enough(z.dtype());
  const auto compare = [&](const Array& matrix, const Leaves& factors, const Leaves& others, const Array& at,
                           double enough) {
    Leaves changes;
    for (const Array& other : others) changes.push_back(other - matrix);
    if (!is_symmetric(known) && !known.diagonal) return change_of_factored(matrix, factors, changes, at, enough);
    FactoredChange c{reciprocal_condition(matrix), relative_change(matrix, inverse(factors, matrix), changes[0], at)};
    if (changes.size() > 1)
      c.omega = maximum(c.omega, relative_change(matrix, inverse(factors, matrix), changes[1], at));
    return c;
  };

  struct Look {
    Array z, matrix;  // a point and, but for the first, A there
    // What was said of the first, and ω of the last.
    Leaves factors;
    Array rcond, finite, newton, omega;
    Array turns, going;
    auto tree() { return std::tie(z, matrix, factors, rcond, finite, newton, omega, turns, going); }
  };
  Look found{z, a, {}, scalar_like(1, z), array(true), scalar_like(0, z), scalar_like(0, z), zero, array(true)};
  if (point.factors.empty()) {
    found.factors = no_factors(a, known);
    found.going = found.finite = all(isfinite(a));
  } else {
    // The solve's own factors, of a point near by.
    const Array& before = point.factors.front();
    found.factors = Leaves(point.factors.begin() + 1, point.factors.end() - 1);
    found.matrix = before;
    const Corrections at_z = corrections_at(problem, z, before, inverse(found.factors, before));
    const FactoredChange c = compare(before, found.factors, {jacobian_at(z + at_z.felt)}, z, near);
    found.rcond = c.rcond;
    if (point.check_value) found.newton = length(at_z.newton);
    found.going = ~(point.factors.back() & (c.omega < near) & (c.rcond > least));
  }
  // Factors of A at z itself, and where these make it suspicious, two corrections on.
  found = loop([](const Look& at) { return at.going; },
               [&](const Look& at) {
                 const Array first = at.turns == 0, matrix = where(first, a, at.matrix);
                 const Leaves factors = factorize(matrix, known);
                 const Corrections c = corrections_at(problem, at.z, matrix, inverse(factors, matrix));
                 // Half of the way on, too: about a triple root A is even, and the whole way may end where it is the same.
                 const Array next = jacobian_at(at.z + c.felt), halfway = jacobian_at(at.z + 0.5 * c.felt);
                 const FactoredChange change = compare(matrix, factors, {next, halfway}, at.z, suspicious);
                 Look to = at;
                 to.z = at.z + c.felt;
                 to.matrix = next;
                 for (std::size_t k = 0; k < factors.size(); ++k)
                   to.factors[k] = where(first, factors[k], at.factors[k]);
                 to.rcond = where(first, change.rcond, at.rcond);
                 to.finite = where(first, all(isfinite(matrix)), at.finite);
                 if (point.check_value) to.newton = where(first, length(c.newton), at.newton);
                 to.omega = change.omega;
                 to.turns = at.turns + 1;
                 to.going = where(first, ~(change.omega < suspicious), at.turns < 2);
                 return to;
               },
               found, ends_by_itself);
  const Array ill = ~(found.rcond > least), multiple = ~(found.omega < suspicious);
  Verdict verdict;
  verdict.status = where(ill | multiple, code(StatusCode::singular), zero);
  verdict.status = where(found.finite, verdict.status, code(StatusCode::nonfinite));
  verdict.cause = where(~ill & multiple, because(Cause::multiple_root), because(Cause::condition));
  verdict.measure = where(~ill & multiple, found.omega, found.rcond);
  if (point.check_value) verdict = with_value_checked(verdict, point, found.newton);
  return {found.factors, verdict};
}

Verdict judge_by_products(const SolverProblem& problem, const Products& a, const PointOfSolve& point) {
  struct Point {
    Array next, newton, size, change, known;
    auto tree() { return std::tie(next, newton, size, change, known); }
  };
  // ‖A⁻¹(A(z + δ) - A(z))δ‖, which is half of ‖δ‖ or more at a multiple root, now and two corrections on.
  const auto look = [&](const Array& at) {
    const Leaves here = a.linearized(at), kept(here.begin() + 1, here.end());
    const Array noise = stop_gradient(noise_at(problem, at, Array())), residual = stop_gradient(here[0]);
    const Array felt = residual + where(residual < 0, -noise, noise);
    // What all of felt moves z by, and what it does with every other sign changed, where the first may cancel.
    const LinearOutcome to = a.solved(-felt, kept), other = a.solved(noise_patterns(felt)(slice(), 1), kept);
    const Array larger = (other.status == 0) & (length(other.x) > 2 * length(to.x));
    const Array delta = where(larger, other.x, to.x);
    const Leaves moved = a.linearized(at + delta);
    const LinearOutcome back =
        a.solved(a.product(delta, Leaves(moved.begin() + 1, moved.end())) - a.product(delta, kept), kept);
    return Point{at + delta, length(to.x), length(delta), length(back.x), (to.status == 0) & (back.status == 0)};
  };
  const auto sound = [](const Point& p) { return ~p.known | (p.change < suspicious * p.size) | (p.size == 0.0); };
  const Array start = stop_gradient(point.z), zero = array(std::int64_t{0});
  const Point first = look(start);
  const Array multiple = cond(
      sound(first), [](const Point&) { return array(false); },
      [&](const Point& p) { return ~sound(look(look(p.next).next)); }, first);
  Verdict v;
  v.status = where(multiple, code(StatusCode::singular), zero);
  v.cause = zero + static_cast<std::int64_t>(Cause::multiple_root);
  v.measure = first.change / where(first.size > 0, first.size, scalar_like(1, start));
  return point.check_value ? with_value_checked(v, point, where(first.known, first.newton, scalar_like(0, start))) : v;
}

}  // namespace detail

}  // namespace dini
