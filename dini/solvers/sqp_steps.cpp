#include "dini/solvers/sqp_steps.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/bounded_merit.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace sqp {

Array largest(const Array& v) { return v.size() > 0 ? max(abs(v)) : scalar_like(0, v); }

Array violation(const NonlinearProgram::Values& v) {
  return sum(abs(v.equal)) + sum(maximum(v.at_most, zeros_like(v.at_most)));
}

// |H|: the eigenvalues' magnitudes, none of them far below the largest.
Array convex(const Array& h) {
  const linalg::Eigh e = linalg::eigh(h);
  const Array w = abs(e.eigenvalues), least = 1e-8 * max(w);
  return dot(e.eigenvectors * maximum(w, least), transpose(e.eigenvectors));
}

}  // namespace sqp

ConstrainedState SqpSteps::init(const Array& start) const {
  Memory m;
  m.z = clip(start, program_.bounds().lower, program_.bounds().upper);
  m.values = program_.values(m.z);
  m.equal = zeros_like(m.values.equal);
  m.at_most = zeros_like(m.values.at_most);
  m.slopes = program_.slopes(m.z, m.equal, m.at_most);
  const Array one = scalar_like(1, m.z);
  m.rho = options_.penalty * one;
  m.radius = maximum(sqp::largest(m.z), one);
  m.first_value = m.values.objective;
  ConstrainedState s = state(m, array(std::int64_t{1}));
  const Array finite = isfinite(m.values.objective) & isfinite(sqp::violation(m.values));
  s.failure = where(finite, code(StatusCode::converged), code(StatusCode::nonfinite));
  s.failure = where(contradictory(program_.bounds()), code(StatusCode::infeasible), s.failure);
  return s;
}

ConstrainedState SqpSteps::step(const ConstrainedState& s) const {
  const Memory m = unflatten(Memory(), s.memory);
  const Array &v = m.values.equal, merit = m.values.objective + m.rho * sqp::violation(m.values);
  ElasticProgram e{sqp::convex(m.slopes.hessian),
                   m.slopes.gradient,
                   v,
                   m.slopes.equal,
                   m.values.at_most,
                   m.slopes.at_most,
                   {},
                   {},
                   m.rho,
                   m.radius};
  e.low = maximum(program_.bounds().lower - m.z, -m.radius);
  e.high = minimum(program_.bounds().upper - m.z, m.radius);
  const ElasticStep full = elastic_step(e);
  const Array nothing = zeros_like(m.z), predicted = elastic_value(e, nothing) - elastic_value(e, full.d);
  auto tried = [&](const ElasticStep& step, const Array& evaluations) {
    const Array z = clip(m.z + step.d, program_.bounds().lower, program_.bounds().upper);
    const NonlinearProgram::Values there = program_.values(z);
    const Array part = (merit - there.objective - m.rho * sqp::violation(there)) /
                       where(predicted > 0, predicted, ones_like(predicted));
    return Trial{step, z, there, where(isfinite(part), part, scalar_like(-1, part)), evaluations};
  };
  const Trial first = tried(full, s.evaluations + 1);
  // The constraints' curvature at the end of the step, as if it had been known at its start.
  const Trial last =
      cond((first.quality < 0.25) & isfinite(sqp::violation(first.values)),
           [&](const Trial& t) {
             ElasticProgram bent = e;
             bent.equal = t.values.equal - dot(e.equal_slopes, t.step.d);
             bent.at_most = t.values.at_most - dot(e.at_most_slopes, t.step.d);
             const Trial again = tried(elastic_step(bent), t.evaluations + 1);
             Trial out = tree_map(
                 [&](const Array& a, const Array& b) { return where(again.quality > t.quality, a, b); }, again, t);
             out.evaluations = again.evaluations;
             return out;
           },
           [](const Trial& t) { return t; }, first);

  // Where the merit's last digits cannot show what was predicted a step is good that makes the error smaller.
  const Array size = sqp::largest(last.step.d), blind = predicted <= unseen_decrease(merit);
  const Array better = (predicted > 0) & (last.quality > 1e-4) & ~blind;
  Memory there = m;
  there.z = last.z;
  there.equal = last.step.equal;
  there.at_most = last.step.at_most;
  there.values = last.values;
  there.slopes = cond(
      better | blind, [&](const Memory& q) { return program_.slopes(q.z, q.equal, q.at_most); },
      [](const Memory& q) { return q.slopes; }, there);
  const Array falls = program_.error(there.z, there.values, there.slopes, there.equal, there.at_most) < s.error;
  const Array taken = better | (blind & falls & isfinite(sqp::violation(last.values)));
  Memory n = tree_map([&](const Array& a, const Array& b) { return where(taken, a, b); }, there, m);
  const Array longer = (last.quality > 0.75) & (size >= 0.9 * m.radius);
  n.radius = where(~taken | (~blind & (last.quality < 0.25)), 0.25 * minimum(m.radius, size),
                   where(longer, 2 * m.radius, m.radius));
  // A model that does not become feasible wants a larger ρ; where it cannot even become more so, none will do.
  const Array forces = maximum(sqp::largest(full.equal), sqp::largest(full.at_most)),
              before = elastic_violation(e, nothing);
  const Array left = elastic_violation(e, full.d),
              weak = (forces >= 0.9 * m.rho) & (left > 1e-2 * before) & (m.rho < 1e8);
  n.rho = where(weak, 10 * m.rho, m.rho);
  n.radius = where(weak, maximum(n.radius, 1e-2 * maximum(sqp::largest(m.z), scalar_like(1, m.z))), n.radius);
  ConstrainedState next = state(n, last.evaluations);
  const double root = std::sqrt(epsilon(m.z.dtype()));
  const Array stuck = ~weak & (n.radius <= epsilon(m.z.dtype()) * sqp::largest(n.z)), held = left > (1 - root) * before;
  const Array broken = program_.violation(m.z, m.values, m.slopes) > root;
  next.failure = where(stuck, code(StatusCode::stagnated), next.failure);
  next.failure = where(broken & held & (m.rho >= 1e8), code(StatusCode::infeasible), next.failure);
  return next;
}

ConstrainedState SqpSteps::state(const Memory& m, const Array& evaluations) const {
  const Array end = falls_without_end(m.values.objective, m.first_value);
  return {m.z,
          program_.equal_of(m.equal),
          program_.at_most_of(m.at_most),
          program_.error(m.z, m.values, m.slopes, m.equal, m.at_most),
          where(end, code(StatusCode::unbounded), code(StatusCode::converged)),
          evaluations,
          flatten(m)};
}

}  // namespace dini::detail
