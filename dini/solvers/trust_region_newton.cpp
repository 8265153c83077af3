#include "dini/solvers/trust_region_newton.hpp"

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/drive.hpp"
#include "dini/solvers/trust_region.hpp"

namespace dini {

namespace detail {
namespace trust_region_newton {

struct Memory {
  Array value, first, radius, sizes;  // E here and at the start, Δ, the largest √|H_jj| so far
  auto tree() { return std::tie(value, first, radius, sizes); }
};

// The units of the region's variables.
Array units(const Memory& m) { return where(m.sizes > 0, m.sizes, ones_like(m.sizes)); }

Array sizes_of(bool scaled, const Correction& c, const Array& before) {
  if (!scaled) return before;
  const Array now = sqrt(abs(diagonal(c.factors[0])));
  return where(isfinite(now), maximum(now, before), before);
}

SolverState state(const Array& z, const Slope& s, const Correction& c, const Memory& m, const Array& failure,
                  const Array& evaluations) {
  const Array broken = where(all(isfinite(c.factors[0])), code(StatusCode::converged), code(StatusCode::nonfinite));
  const Array own = failure_at(s, m.first), cause = where(own != 0, own, broken);
  return {z,           s.gradient, c.delta,   rounding_floor(c.factors[0], z), where(failure != 0, failure, cause),
          evaluations, c.factors,  flatten(m)};
}

}  // namespace trust_region_newton
}  // namespace detail

const detail::MethodTable<TrustRegionNewton>& TrustRegionNewton::table() {
  static const detail::MethodTable<TrustRegionNewton> t{
      "trust_region_newton",
      "Newton's method within a trust region, downhill only; forms the Hessian",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"scaled", &TrustRegionNewton::scaled, {0, 1}, "1: in units of the Hessian's diagonal"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> TrustRegionNewton::method() const {
  using namespace detail;
  using namespace detail::trust_region_newton;
  const bool by_diagonal = scaled != 0;
  StepFunctions steps;
  steps.init = [by_diagonal](const SolverProblem& p, const Array& z0) {
    const Slope s = slope_at(p, z0);
    const Correction c = newton_correction(p, z0, s.gradient);
    Memory m{s.value, s.value, scalar_like(1, z0), zeros_like(z0)};
    m.sizes = sizes_of(by_diagonal, c, m.sizes);
    const Array size = length(units(m) * z0);
    m.radius = where((size > 0) & isfinite(size), size, m.radius);
    return state(z0, s, c, m, code(StatusCode::converged), array(std::int64_t{1}));
  };
  steps.step = [by_diagonal](const SolverProblem& p, const SolverState& at) {
    const Memory m = unflatten(Memory{}, at.memory);
    const Array d = units(m), g = at.residual / d, &h = at.factors[0];
    const Array definite = is_definite({at.factors.begin() + 1, at.factors.end()}, h) & isfinite(length(at.delta));
    const Array b = h / outer(d, d), full = d * at.delta;
    const Array step = exact_step(b, g, m.radius, full, definite);
    const Array z = at.z + step / d;
    const Slope there = slope_at(p, z);
    TriedStep tried;
    tried.before = m.value;
    tried.after = there.value;
    tried.predicted = predicted_decrease(g, step, dot(b, step));
    tried.length = length(step);
    tried.radius = m.radius;
    tried.slope_before = length(g);
    tried.slope_after = length(there.gradient / d);
    tried.newton = definite & (length(full) <= m.radius);
    const Decision decision = decide(tried);
    const Array& taken = decision.taken;

    Memory next = m;
    next.value = where(taken, there.value, m.value);
    next.radius = decision.radius;
    const Slope slope{next.value, where(taken, there.gradient, at.residual)};
    const Correction c = cond(
        taken, [&](const Correction&, const Array& v) { return newton_correction(p, v, there.gradient); },
        [](const Correction& before, const Array&) { return before; }, Correction{at.delta, at.factors}, z);
    next.sizes = sizes_of(by_diagonal, c, m.sizes);
    const Array stuck = decision.exhausted | (~taken & all(at.z + decision.radius / d == at.z));
    return state(where(taken, z, at.z), slope, c, next,
                 where(stuck, code(StatusCode::stagnated), code(StatusCode::converged)), at.evaluations + 1);
  };
  steps.default_max_steps = 1000;
  steps.forms_jacobian = true;
  steps.descends = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
