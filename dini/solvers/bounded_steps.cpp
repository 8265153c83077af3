#include "dini/solvers/bounded_steps.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace bounded {

struct Memory {
  BoundedState at;
  Array first_value;
  auto tree() { return std::tie(at, first_value); }
};

ConstrainedState state(const Memory& m, const Array& evaluations) {
  const Array none = zeros({0}, m.at.z.dtype());
  const Array stuck = where(m.at.stuck, code(StatusCode::stagnated), code(StatusCode::converged));
  const Array failure = where(falls_without_end(m.at.here.value, m.first_value), code(StatusCode::unbounded), stuck);
  return {m.at.z, none, none, m.at.here.error, failure, evaluations, flatten(m)};
}

}  // namespace bounded

BoundedState after_step(const BoundedMerit& merit, const BoundedState& s, const BoundedStep& tried, double accept) {
  const Array value = merit.value(tried.z), &predicted = tried.predicted, fall = s.here.value - value;
  const Array eps = scalar_like(epsilon(value.dtype()), value), rounding = eps * abs(s.here.value);
  const Array blind = predicted <= unseen_decrease(s.here.value), there_is = predicted > 0;
  const Array quality = (fall - tried.correction) / where(there_is, predicted, ones_like(predicted));
  // What the merit cannot see well it may yet see.
  const Array better = there_is & (fall > 0) & (quality > accept) & (~blind | (fall > 100 * rounding));
  const Array worth = isfinite(value) & (better | blind);
  const BoundedModel there = cond(
      worth, [&](const Array& z, const BoundedModel&) { return merit.model(z); },
      [](const Array&, const BoundedModel& here) { return here; }, tried.z, s.here);
  const Array finite = isfinite(there.value) & all(isfinite(there.gradient)) & all(isfinite(there.hessian));
  const Array taken = worth & finite & (better | (there.error < s.here.error));
  BoundedState n = s;
  n.z = where(taken, tried.z, s.z);
  n.here = tree_map([&](const Array& a, const Array& b) { return where(taken, a, b); }, there, s.here);
  const Array shorter = ~taken | (~blind & (quality < 0.25));
  const Array longer = (quality > 0.75) & (tried.length >= 0.9 * s.radius);
  n.radius = where(shorter, 0.25 * minimum(s.radius, tried.length), where(longer, 2 * s.radius, s.radius));
  n.stuck = n.radius <= eps * length(n.z);
  return n;
}

ConstrainedSteps bounded_steps(const BoundsOf& bounds, const std::function<BoundedState(const Array& z0)>& start,
                               const std::function<BoundedState(const BoundedState&)>& step) {
  ConstrainedSteps out;
  out.init = [=](const Array& z0) {
    bounded::Memory m{start(z0), {}};
    m.first_value = m.at.here.value;
    ConstrainedState s = bounded::state(m, array(std::int64_t{1}));
    s.failure = where(isfinite(m.first_value), s.failure, code(StatusCode::nonfinite));
    s.failure = where(contradictory(bounds), code(StatusCode::infeasible), s.failure);
    return s;
  };
  out.step = [=](const ConstrainedState& s) {
    bounded::Memory m = unflatten(bounded::Memory(), s.memory);
    m.at = step(m.at);
    return bounded::state(m, s.evaluations + 1);
  };
  out.default_max_steps = 2000;
  return out;
}

}  // namespace dini::detail
