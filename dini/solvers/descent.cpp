#include "dini/solvers/descent.hpp"

#include <limits>

#include "dini/linear/check_status.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

SolverState descent_state(const Array& z, const Slope& slope, const Array& delta, const Array& first,
                          const Array& failure, const Array& evaluations, const Leaves& memory) {
  const Array own = failure_at(slope, first);
  return {z, slope.gradient, delta, scalar_like(0, z), where(failure != 0, failure, own), evaluations, {}, memory};
}

namespace {

struct DescentMemory {
  Array value, first;  // E here and at the start
  Array fell;          // by how much it fell last
  Array count;         // steps since a start
  Leaves own;
  Leaves leaves() const {
    Leaves out{value, first, fell, count};
    out.insert(out.end(), own.begin(), own.end());
    return out;
  }
  static DescentMemory of(const Leaves& m) { return {m[0], m[1], m[2], m[3], {m.begin() + 4, m.end()}}; }
};

Leaves chosen(const Array& which, const Leaves& a, const Leaves& b) {
  Leaves out;
  for (std::size_t k = 0; k < a.size(); ++k) out.push_back(where(which, a[k], b[k]));
  return out;
}

SolverState state_of(const Descent& method, const Array& z, const Slope& slope, const DescentMemory& m,
                     const Array& failure, const Array& evaluations) {
  const Array unknown = full_like(z, Array(std::numeric_limits<double>::quiet_NaN()));
  const Array known = (method.correction ? method.correction : method.direction)(m.own, slope.gradient);
  const Array delta = where(m.count > 0, known, unknown);
  return descent_state(z, slope, delta, m.first, failure, evaluations, m.leaves());
}

SolverState stepped(const Descent& method, const SolverProblem& p, const SolverState& at) {
  const DescentMemory m = DescentMemory::of(at.memory);
  const Array& g = at.residual;
  const Array own = method.correction ? method.direction(m.own, g) : at.delta;
  const Array plain = (m.count == 0) | ~(dot(g, own) < 0) | ~isfinite(length(own));
  const Array direction = where(plain, -g, own), slope = dot(g, direction);
  Array first = scalar_like(1, at.z);
  if (!method.sized) {
    const Array guess = -2.02 * m.fell / where(slope < 0, slope, -ones_like(slope));
    first = where((guess > 0) & isfinite(guess), guess, first);
  }
  first = where(plain, modest_step(at.z, direction), first);
  const Slope here{m.value, g};
  const LineEnd end = method.halving
                          ? armijo_search(p, at.z, here, direction, first, method.search.decrease, method.search.most)
                          : wolfe_search(p, at.z, here, direction, first, method.search);
  const Array none = end.t == 0.0;
  const Learned learned{end.z - at.z, end.there.gradient - g, direction, m.count == 0, g, end.there.gradient};
  const Array rises = dot(learned.s, learned.y) > epsilon(g.dtype()) * length(learned.s) * length(learned.y);
  DescentMemory next = m;
  next.value = end.there.value;
  next.fell = m.value - end.there.value;
  const Array zero = array(std::int64_t{0});
  // What was learned goes where it led nowhere.
  next.count = where(none, zero, where(rises | (m.count > 0), m.count + 1, zero));
  next.own = chosen(none, method.fresh(at.z), chosen(rises, method.learn(m.own, learned), m.own));
  return state_of(method, end.z, end.there, next,
                  where(none & plain, code(StatusCode::stagnated), code(StatusCode::converged)),
                  at.evaluations + end.evaluations);
}

}  // namespace

StepFunctions descent_steps(const Descent& method) {
  StepFunctions steps;
  steps.init = [method](const SolverProblem& p, const Array& z0) {
    const Slope s = slope_at(p, z0);
    const DescentMemory m{s.value, s.value, scalar_like(0, z0), array(std::int64_t{0}), method.fresh(z0)};
    return state_of(method, z0, s, m, code(StatusCode::converged), array(std::int64_t{1}));
  };
  steps.step = [method](const SolverProblem& p, const SolverState& at) { return stepped(method, p, at); };
  steps.default_max_steps = 2000;
  steps.descends = true;
  return steps;
}

}  // namespace dini::detail
