#include "dini/solvers/kkt.hpp"

#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

namespace kkt_parts_of {

Array only(const Array& mask, const Array& a) { return where(mask, a, zeros_like(a)); }
Array largest(const Array& v) { return v.size() ? max(v) : zeros({}, v.dtype()); }
Array column(const Array& v) { return reshape(v, {v.size(), 1}); }
// a/b, 0 where b is.
Array part(const Array& a, const Array& b) { return only(b > 0, a / where(b > 0, b, ones_like(b))); }

// ∇L but for the bounds' multipliers.
Array force(const KktParts& p, const KktUnknowns& at) {
  return p.gradient + dot(transpose(p.c_slope), at.equal) + dot(transpose(p.g_slope), at.at_most);
}

// ŝ of g ≤ 0 whose gradient has the length `slope` (sum of magnitudes) and whose value at 0 is `offset`; ∞ for a row that is none.
Array slack(const Array& g, const Array& slope, const Array& offset, const Array& reach) {
  const Array none = g == -infinite, value = where(none, zeros_like(g), g);
  const Array units = slope * reach + where(none, ones_like(g), abs(offset));
  return where(none, scalar_like(infinite, g), part(-value, units));
}

// For each row of g the one that is its opposite, -1 for none. Rows are compared by a product with a vector that they have nothing to do
// with.
Array opposite_rows(const Array& g, const Array& g_slope) {
  const std::int64_t m = g.size(), n = g_slope.shape()[1];
  if (m < 2 || n == 0) return full({m}, Array(std::int64_t{-1}));
  const Array mark = dot(g_slope, 1 + 0.5 * cos(1.7 * astype(arange(n), g.dtype())));
  const Array pairs = (column(mark) == -mark) & (column(g) == -g) & (mark != 0.0);
  return where(any(pairs, 1), argmax(astype(pairs, Dtype::int64), 1), Array(std::int64_t{-1}));
}

}  // namespace kkt_parts_of

KktParts kkt_parts(const SolverProblem& problem, const KktUnknowns& at, const KktParts* before) {
  const Array& z = at.z;
  const std::int64_t n = z.size(), me = at.equal.size(), mg = at.at_most.size();
  KktParts p;
  p.gradient = problem.residual(z);
  p.c = me ? problem.equal(z) : zeros({0}, z.dtype());
  p.g = mg ? problem.at_most(z) : zeros({0}, z.dtype());
  p.c_slope = me ? jacobian(problem.equal)(z) : zeros({0, n}, z.dtype());
  p.g_slope = mg ? jacobian(problem.at_most)(z) : zeros({0, n}, z.dtype());
  const BoundsOf bounds = bounds_of(problem, z);
  p.lower = bounds.lower;
  p.upper = bounds.upper;
  if (before) {
    p.hessian = before->hessian;
    p.bending =
        p.hessian.defined() && problem.kind == Kind::quadratic_program ? dot(abs(p.hessian), abs(z)) : before->bending;
    p.opposite = before->opposite;
    return p;
  }
  p.opposite = kkt_parts_of::opposite_rows(p.g, p.g_slope);
  auto slope = [&](const Array& x) { return lagrangian_gradient(problem, x, at.equal, at.at_most); };
  if (n > formed_unasked) {
    p.bending = bending_by_products(Function(slope), z);
  } else {
    p.hessian = jacobian(slope)(z);
    p.bending = dot(abs(p.hessian), abs(z));
  }
  return p;
}

Array bending_by_products(const Function& slope, const Array& z) {
  const Array even = arange(z.size()) % 2 == 0, alternating = where(even, abs(z), -abs(z));
  auto product = [&](const Array& v) { return abs(jvp(slope, z, v).tangent); };
  return maximum(product(z), product(alternating));
}

Array unfelt(const Array& bending_at_start) {
  const double eps = epsilon(bending_at_start.dtype());
  const Array force = eps * eps / solution_tolerance(bending_at_start.dtype()) * bending_at_start;
  return where(isfinite(force), force, zeros_like(force));
}

KktLook kkt_look(const KktParts& p, const KktUnknowns& at, const Array& z0) {
  using namespace kkt_parts_of;
  const Array reach = maximum(largest(abs(at.z)), largest(abs(z0)));
  const Array pull = force(p, at);
  Array forces = p.bending + abs(p.gradient) + dot(abs(transpose(p.c_slope)), abs(at.equal)) +
                 dot(abs(transpose(p.g_slope)), abs(at.at_most));
  if (p.hessian.defined()) forces = forces + unfelt(dot(abs(p.hessian), abs(z0)));
  const Array sigma = largest(forces);
  KktLook out;
  const Array one = ones_like(at.z);
  out.slack = slack(p.g, sum(abs(p.g_slope), 1), p.g - dot(p.g_slope, at.z), reach);
  out.lower_slack = slack(p.lower - at.z, one, p.lower, reach);
  out.upper_slack = slack(at.z - p.upper, one, p.upper, reach);
  const Array longest = p.g_slope.size() ? max(abs(p.g_slope), 1) : zeros_like(p.g);
  out.multiplier = part(at.at_most * longest, sigma);
  const Array stationary = part(pull, sigma), zero = zeros_like(pull);
  out.lower_multiplier = where(out.lower_slack < infinite, maximum(stationary, zero), zero);
  out.upper_multiplier = where(out.upper_slack < infinite, maximum(-stationary, zero), zero);

  const Array units = sum(abs(p.c_slope), 1) * reach + abs(p.c - dot(p.c_slope, at.z));
  out.violation = maximum(largest(part(abs(p.c), units)), zeros({}, p.gradient.dtype()));
  for (const Array& s : {out.slack, out.lower_slack, out.upper_slack})
    out.violation = maximum(out.violation, largest(-s));
  // A bound takes up what pushes against it as far as it is there.
  const Array beside = maximum(where(pull > 0, out.lower_slack, out.upper_slack), zero);
  out.error = maximum(largest(minimum(abs(stationary), beside)), out.violation);
  out.error = maximum(out.error, largest(minimum(out.multiplier, out.slack)));
  out.error = abs(maximum(out.error, largest(-out.multiplier)));
  // Of what is not finite nothing is small.
  const Array sound = all(isfinite(at.z)) & all(isfinite(pull)) & all(isfinite(p.bending)) & all(isfinite(p.c)) &
                      all(p.g < infinite) & ~any(isnan(p.lower)) & ~any(isnan(p.upper));
  out.error = where(sound, out.error, scalar_like(std::numeric_limits<double>::quiet_NaN(), out.error));
  return out;
}

Array kkt_matrix(const KktParts& p, const ActiveSet& active) {
  using namespace kkt_parts_of;
  const std::int64_t n = p.gradient.size(), me = p.c.size(), mg = p.g.size();
  const Dtype dtype = p.gradient.dtype();
  const Array g = only(column(active.rows), p.g_slope);
  const Array top = concatenate({p.hessian, transpose(p.c_slope), transpose(g)}, 1);
  return concatenate({where(column(active.lower | active.upper), eye(n, n + me + mg, 0, dtype), top),
                      concatenate({p.c_slope, zeros({me, me + mg}, dtype)}, 1),
                      concatenate({g, zeros({mg, me}, dtype), -diag(astype(~active.rows, dtype))}, 1)});
}

Array kkt_residual(const KktParts& p, const KktUnknowns& at, const ActiveSet& active) {
  using namespace kkt_parts_of;
  const Array fixed = active.lower | active.upper;
  const Array bound = where(active.lower, p.lower, where(active.upper, p.upper, zeros_like(at.z)));
  const Array pull = force(p, {at.z, at.equal, only(active.rows, at.at_most)});
  return concatenate({where(fixed, at.z - bound, pull), p.c, where(active.rows, p.g, -at.at_most)});
}

Array first_of_pair(const Array& opposite, const Array& multiplier) {
  const Array other = take(multiplier, maximum(opposite, Array(std::int64_t{0})), 0);
  return (multiplier > other) | ((multiplier == other) & (arange(opposite.size()) < opposite));
}

ActiveSets active_sets(const KktParts& p, const KktLook& look, double smallest) {
  const Array tau = scalar_like(smallest, p.gradient);
  // A variable that is fixed is held by the side that its multiplier says, by both where that is 0.
  const Array equal = p.lower == p.upper;
  auto holds = [&](const Array& opposite) { return equal & ~(opposite > tau); };
  auto strict = [&](const Array& multiplier, const Array& slack) { return (multiplier > tau) & (multiplier > slack); };
  auto weak = [&](const Array& multiplier, const Array& slack) { return (multiplier <= tau) & (slack <= tau); };
  ActiveSets out;
  out.strict = {strict(look.lower_multiplier, look.lower_slack) | holds(look.upper_multiplier),
                strict(look.upper_multiplier, look.upper_slack) | holds(look.lower_multiplier),
                strict(look.multiplier, look.slack)};
  if (p.g.size() > 1 && p.opposite.defined()) {
    const Array paired = p.opposite >= 0;
    out.strict.rows = where(paired, first_of_pair(p.opposite, look.multiplier), out.strict.rows);
  }
  const Array free = ~(out.strict.lower | out.strict.upper);
  out.weak = {weak(look.lower_multiplier, look.lower_slack) & free,
              weak(look.upper_multiplier, look.upper_slack) & free, weak(look.multiplier, look.slack)};
  if (p.g.size() > 1 && p.opposite.defined()) out.weak.rows = out.weak.rows & (p.opposite < 0);
  return out;
}

}  // namespace dini::detail
