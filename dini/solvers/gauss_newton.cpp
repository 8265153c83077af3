#include "dini/solvers/gauss_newton.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/solvers/fit.hpp"
#include "dini/solvers/line_search.hpp"
#include "dini/solvers/trust_region.hpp"

namespace dini {

const detail::MethodTable<GaussNewton>& GaussNewton::table() {
  static const detail::MethodTable<GaussNewton> t{
      "gauss_newton",
      "full steps of linearised residuals, with a line search",
      {Kind::least_squares},
      true,
      {{"decrease", &GaussNewton::decrease, {0, 1, false, false}, "the part of the predicted decrease that is wanted"},
       {"each", &GaussNewton::each, {1}, "the most steps without the full Hessian"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> GaussNewton::method() const {
  using namespace detail;
  StepFunctions steps;
  steps.init = [](const SolverProblem& p, const Array& z0) {
    return fit_start(p, z0, [](const FitMemory&) { return Leaves{}; });
  };
  steps.step = [each = each, part = decrease](const SolverProblem& p, const SolverState& at) {
    const FitMemory m = fit_memory(at);
    const Array d = m.units(), g = at.residual / d;
    const FullModel full = full_model(at, m);
    const Array end = full.definite &
                      (predicted_decrease(g, full.newton, dot(full.hessian, full.newton)) <= unseen_decrease(m.value));
    const Array step = cond(
        end, [&](const Array&) { return full.newton; },
        [&](const Array& z) { return linalg::lstsq(m.jacobian / d, -p.objective(z)).x; }, at.z);
    const LineEnd line = armijo_search(p, at.z, {m.value, at.residual}, step / d, scalar_like(1, at.z), part, 50);
    FitMove move;
    move.z = line.z;
    move.there = line.there;
    move.taken = line.t != 0.0;
    move.stuck = ~move.taken;
    move.wants_hessian = array(false);
    SolverState next = fit_moved(p, at, move, each);
    next.evaluations = at.evaluations + line.evaluations;
    return next;
  };
  steps.default_max_steps = 1000;
  steps.forms_jacobian = true;
  steps.descends = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
