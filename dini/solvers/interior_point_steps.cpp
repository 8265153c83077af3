#include "dini/solvers/interior_point_steps.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/bounded_merit.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/feasibility.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

ConstrainedState InteriorPointSteps::init(const Array& z0) const {
  const Array z = barrier_.inside(z0), one = scalar_like(1, z);
  Memory m;
  m.values = program_.values(z);
  m.first_value = m.values.objective;
  m.mu = options_.weight * one;
  m.shift = zeros_like(one);
  m.restoring = array(false);
  m.wanted = zeros_like(one);
  m.damping = 1e-3 * one;
  m = restarted(m, z);
  m.filter = Filter::up_to(1e4 * maximum(one, barrier_.violation(m.values, m.at.slack)));
  ConstrainedState s = state(m, array(std::int64_t{1}));
  s.failure = where(isfinite(m.values.objective), s.failure, code(StatusCode::nonfinite));
  s.failure = where(contradictory(program_.bounds()), code(StatusCode::infeasible), s.failure);
  return s;
}

ConstrainedState InteriorPointSteps::step(const ConstrainedState& s) const {
  const Memory m = unflatten(Memory(), s.memory);
  return cond(
      m.restoring, [&](const ConstrainedState& q) { return restoring_step(q); },
      [&](const ConstrainedState& q) { return newton_step(q); }, s);
}

Array InteriorPointSteps::least_weight() const {
  const Array& l = program_.bounds().lower;
  return scalar_like(solution_tolerance(l.dtype()) / 11, l);
}
ConstrainedState InteriorPointSteps::state(const Memory& m, const Array& evaluations) const {
  ConstrainedState s;
  s.z = m.at.z;
  s.equal = program_.equal_of(m.at.equal);
  s.at_most = program_.at_most_of(m.at.at_most);
  s.error = program_.error(m.at.z, m.values, m.slopes, m.at.equal, m.at.at_most);
  const Array end = falls_without_end(m.values.objective, m.first_value);
  s.failure = where(end, code(StatusCode::unbounded), code(StatusCode::converged));
  s.evaluations = evaluations;
  s.memory = flatten(m);
  return s;
}

InteriorPointSteps::Memory InteriorPointSteps::restarted(Memory m, const Array& z) const {
  const Array slack = maximum(-m.values.at_most, scalar_like(1e-2, z));
  m.at = barrier_.centred(z, slack, zeros_like(m.values.equal), m.mu);
  m.slopes = program_.slopes(z, m.at.equal, m.at.at_most);
  m.at.equal = barrier_.equal_of_least_slope(m.slopes, m.at);
  if (m.at.equal.size() > 0) m.slopes = program_.slopes(z, m.at.equal, m.at.at_most);
  return m;
}

InteriorPointSteps::Memory InteriorPointSteps::with_next_weight(const Memory& m) const {
  const Array least = least_weight();
  Memory n = m;
  n.mu = loop([&](const Array& mu) { return (barrier_.error(m.values, m.slopes, m.at, mu) <= 10 * mu) & (mu > least); },
              [&](const Array& mu) { return maximum(least, minimum(0.2 * mu, power(mu, 1.5))); }, m.mu, 30);
  const Filter fresh = Filter::up_to(m.filter.violation(0));
  n.filter = tree_map([&](const Array& a, const Array& b) { return where(n.mu < m.mu, a, b); }, fresh, m.filter);
  return n;
}

ConstrainedState InteriorPointSteps::newton_step(const ConstrainedState& s) const {
  const Memory m = with_next_weight(unflatten(Memory(), s.memory));
  const Barrier::System k = barrier_.system(m.slopes, m.at, m.mu, m.shift);
  const BarrierSearch found =
      search(barrier_, k, m.values, m.slopes, m.at, m.mu, m.filter, options_.border, options_.max_halvings);
  Memory n = m;
  n.shift = where(k.shift > 0, k.shift, m.shift);
  n.filter = found.filter;
  n.values = tree_map([&](const Array& a, const Array& b) { return where(found.good, a, b); }, found.values, m.values);
  n.at = tree_map([&](const Array& a, const Array& b) { return where(found.good, a, b); }, found.to, m.at);
  n.slopes = cond(
      found.good,
      [&](const BarrierPoint& p, const Barrier::Slopes&) { return program_.slopes(p.z, p.equal, p.at_most); },
      [](const BarrierPoint&, const Barrier::Slopes& before) { return before; }, n.at, m.slopes);
  // No step is good: what is left is to go nearer to the constraints, unless they are met.
  const Array violation = barrier_.violation(m.values, m.at.slack);
  n.restoring = ~found.good;
  n.wanted = 0.9 * violation;
  n.damping = scalar_like(1e-3, s.z);
  ConstrainedState next = state(n, s.evaluations + found.tries);
  const Array hopeless =
      ~found.good & (program_.violation(m.at.z, m.values, m.slopes) <= solution_tolerance(s.z.dtype()));
  // The last barrier problem is solved.
  const Array solved = (m.mu <= least_weight()) & (barrier_.error(m.values, m.slopes, m.at, m.mu) <= m.mu);
  next.failure = where(hopeless | solved, code(StatusCode::stagnated), next.failure);
  return next;
}

ConstrainedState InteriorPointSteps::restoring_step(const ConstrainedState& s) const {
  const Memory m = unflatten(Memory(), s.memory);
  const FeasibilityStep to = feasibility_step(program_, m.at.z, m.values, m.slopes, m.damping);
  Memory n = m;
  n.values = program_.values(to.z);
  n.damping = to.damping;
  n = restarted(n, to.z);
  const Array violation = barrier_.violation(n.values, n.at.slack);
  const Array allowed = m.filter.allows(violation, barrier_.objective(n.values, n.at, m.mu));
  n.restoring = ~((violation <= m.wanted) & allowed);
  ConstrainedState next = state(n, s.evaluations + to.evaluations);
  const double eps = epsilon(s.z.dtype());
  const Array stuck = n.restoring & to.stationary;
  const Array broken = program_.violation(n.at.z, n.values, n.slopes) > std::sqrt(eps);
  const Array why = where(broken, code(StatusCode::infeasible), code(StatusCode::stagnated));
  next.failure = where(stuck, why, next.failure);
  return next;
}

}  // namespace dini::detail
