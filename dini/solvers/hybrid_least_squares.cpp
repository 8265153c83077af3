#include "dini/solvers/hybrid_least_squares.hpp"

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/fit.hpp"
#include "dini/solvers/trust_region.hpp"

namespace dini {

const detail::MethodTable<HybridLeastSquares>& HybridLeastSquares::table() {
  static const detail::MethodTable<HybridLeastSquares> t{
      "hybrid_least_squares",
      "a trust region with Gauss and Newton's model or the full Hessian, whichever predicts better",
      {Kind::least_squares},
      true,
      {{"each", &HybridLeastSquares::each, {1}, "the most steps without the full Hessian"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> HybridLeastSquares::method() const {
  using namespace detail;
  // memory: the radius, and whether H is the model
  StepFunctions steps;
  steps.init = [](const SolverProblem& p, const Array& z0) {
    return fit_start(p, z0, [&](const FitMemory& m) {
      const Array size = length(m.units() * z0);
      return Leaves{where((size > 0) & isfinite(size), size, scalar_like(1, z0)), array(false)};
    });
  };
  steps.step = [each = each](const SolverProblem& p, const SolverState& at) {
    const FitMemory m = fit_memory(at);
    const Leaves own = own_memory(at);
    const Array &radius = own[0], d = m.units(), g = at.residual / d, scaled = m.jacobian / d;
    const Array gauss = dot(transpose(scaled), scaled);
    const FullModel full = full_model(at, m);
    const Array inside = full.definite & (length(full.newton) <= radius);
    // At the end, where what E falls by is no longer seen, only H tells how far the point is.
    const Array promised = predicted_decrease(g, full.newton, dot(full.hessian, full.newton));
    const Array by_hessian = own[1] | (inside & (promised <= unseen_decrease(m.value)));
    const Array step = exact_step(where(by_hessian, full.hessian, gauss), g, radius, full.newton,
                                  by_hessian & full.definite, full.hessian);
    const Array by_full = predicted_decrease(g, step, dot(full.hessian, step)),
                by_gauss = predicted_decrease(g, step, dot(gauss, step));
    FitMove move;
    move.z = at.z + step / d;
    move.there = slope_at(p, move.z);
    TriedStep tried;
    tried.before = m.value;
    tried.after = move.there.value;
    tried.predicted = where(by_hessian, by_full, by_gauss);
    tried.length = length(step);
    tried.radius = radius;
    tried.slope_before = length(g);
    tried.slope_after = length(move.there.gradient / d);
    tried.newton = by_hessian & inside;
    const Decision decision = decide(tried);
    move.taken = decision.taken;
    move.stuck = decision.exhausted | (~decision.taken & all(at.z + decision.radius / d == at.z));
    const Array fell = m.value - move.there.value;
    move.wants_hessian = m.formed() & where(isfinite(fell), abs(fell - by_full) < abs(fell - by_gauss), own[1]);
    move.own = {decision.radius, move.wants_hessian};
    return fit_moved(p, at, move, each);
  };
  steps.default_max_steps = 2000;
  steps.forms_jacobian = true;
  steps.descends = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
