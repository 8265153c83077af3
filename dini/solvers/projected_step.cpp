#include "dini/solvers/projected_step.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/projected_search.hpp"

namespace dini::detail {

BoundedState projected_start(const BoundedMerit& merit, const Array& z0, double radius) {
  BoundedState s;
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

BoundedState projected_step(const BoundedMerit& merit, const BoundedState& s, double accept, std::int64_t rounds) {
  const BoxModel at{merit.bounds, s.z, s.here.gradient, s.here.hessian};
  const Projected cauchy = cauchy_point(at, s.radius, s.length);
  const Array way = subspace_step(at, cauchy.s, s.radius, rounds);
  BoundedState from = s;
  from.length = cauchy.length;
  return after_step(merit, from, {at.moved(way), length(way), -at.model(way), zeros_like(s.radius)}, accept);
}

}  // namespace dini::detail
