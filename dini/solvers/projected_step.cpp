#include "dini/solvers/projected_step.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/solvers/projected_search.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

ProjectedState projected_start(const BoundedMerit& merit, const Array& z0, double radius) {
  ProjectedState s;
  s.z = clip(z0, merit.bounds.lower, merit.bounds.upper);
  s.here = merit.model(s.z);
  const Array size = length(s.z), one = ones_like(size);
  s.radius = radius > 0 ? radius * one : where(size > 0, size, one);
  // The first Cauchy step is about as long as the radius.
  const Array slope = length(s.here.gradient);
  s.length = where(slope > 0, s.radius / where(slope > 0, slope, one), one);
  s.stuck = array(false);
  return s;
}

ProjectedState projected_step(const BoundedMerit& merit, const ProjectedState& s, double accept, std::int64_t rounds) {
  const BoxModel at{merit.bounds, s.z, s.here.gradient, s.here.hessian};
  const Projected cauchy = cauchy_point(at, s.radius, s.length);
  const Array way = subspace_step(at, cauchy.s, s.radius, rounds), size = length(way);
  const Array z = at.moved(way), predicted = -at.model(way), value = merit.value(z);
  const Array eps = scalar_like(epsilon(z.dtype()), z), rounding = eps * abs(s.here.value);
  const Array blind = predicted <= unseen_decrease(s.here.value), fall = s.here.value - value;
  const Array quality = fall / where(predicted > 0, predicted, ones_like(predicted));
  const Array better = (predicted > 0) & (quality > accept) & (~blind | (fall > 100 * rounding));
  const Array worth = isfinite(value) & (better | blind);
  const BoundedModel there = cond(
      worth, [&](const Array& to, const BoundedModel&) { return merit.model(to); },
      [](const Array&, const BoundedModel& here) { return here; }, z, s.here);
  const Array finite = isfinite(there.value) & all(isfinite(there.gradient)) & all(isfinite(there.hessian));
  const Array accepted = worth & finite & (better | (there.error < s.here.error));
  ProjectedState n;
  n.z = where(accepted, z, s.z);
  n.here = tree_map([&](const Array& a, const Array& b) { return where(accepted, a, b); }, there, s.here);
  n.length = cauchy.length;
  const Array shorter = ~accepted | (~blind & (quality < 0.25)), longer = (quality > 0.75) & (size >= 0.9 * s.radius);
  n.radius = where(shorter, 0.25 * minimum(s.radius, size), where(longer, 2 * s.radius, s.radius));
  n.stuck = n.radius <= eps * length(n.z);
  return n;
}

}  // namespace dini::detail
