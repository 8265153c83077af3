#include "dini/solvers/levenberg_marquardt.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/fit.hpp"
#include "dini/solvers/trust_region.hpp"

namespace dini {

namespace detail {
namespace levenberg_marquardt {

// p with ‖J p + r‖² + μ‖p‖² least.
Array damped_step(const Array& j, const Array& r, const Array& damping) {
  const std::int64_t n = j.shape()[1];
  const linalg::Qr f = linalg::qr(concatenate({j, sqrt(damping) * eye(n, j.dtype())}));
  const Array along = dot(transpose(f.q), concatenate({r, zeros({n}, j.dtype())}));
  return -linalg::solve_triangular(f.r, along);
}

}  // namespace levenberg_marquardt
}  // namespace detail

const detail::MethodTable<LevenbergMarquardt>& LevenbergMarquardt::table() {
  static const detail::MethodTable<LevenbergMarquardt> t{
      "levenberg_marquardt",
      "damped Gauss-Newton steps, and Newton's at the end",
      {Kind::least_squares},
      true,
      {{"damping", &LevenbergMarquardt::damping, {0, 1e300, false}, "of the first step"},
       {"each", &LevenbergMarquardt::each, {1}, "the most steps without the full Hessian"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> LevenbergMarquardt::method() const {
  using namespace detail;
  // memory: μ, and by how much it grows next
  StepFunctions steps;
  steps.init = [damping = damping](const SolverProblem& p, const Array& z0) {
    return fit_start(p, z0, [&](const FitMemory&) { return Leaves{scalar_like(damping, z0), scalar_like(2, z0)}; });
  };
  steps.step = [each = each](const SolverProblem& p, const SolverState& at) {
    const FitMemory m = fit_memory(at);
    const Leaves own = own_memory(at);
    const Array &damping = own[0], &growth = own[1], d = m.units(), g = at.residual / d;
    const FullModel full = full_model(at, m);
    const Array promised = predicted_decrease(g, full.newton, dot(full.hessian, full.newton));
    const Array end = full.definite & (promised <= unseen_decrease(m.value));
    const Array step = cond(
        end, [&](const Array&) { return full.newton; },
        [&](const Array& by) { return levenberg_marquardt::damped_step(m.jacobian / d, p.objective(at.z), by); },
        damping);
    FitMove move;
    move.z = at.z + step / d;
    move.there = slope_at(p, move.z);
    const Array finite = isfinite(move.there.value) & all(isfinite(move.there.gradient));
    const Array shorter = length(move.there.gradient / d) < length(g);
    const Array predicted = 0.5 * dot(step, damping * step - g);
    const Array gain = (m.value - move.there.value) / where(predicted > 0, predicted, ones_like(predicted));
    move.taken = finite & where(end, shorter, (predicted > 0) & (gain > 1e-4));
    const Array eased = damping * maximum(1.0 / 3, 1 - power(2 * gain - 1, 3));
    const Array next = where(end, damping, where(move.taken, eased, damping * growth));
    move.stuck = ~move.taken & (end | all(move.z == at.z) | ~isfinite(next));
    move.wants_hessian = array(false);
    move.own = {next, where(move.taken | end, scalar_like(2, at.z), 2 * growth)};
    return fit_moved(p, at, move, each);
  };
  steps.default_max_steps = 1000;
  steps.forms_jacobian = true;
  steps.descends = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
