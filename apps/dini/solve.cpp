#include "apps/dini/solve.hpp"

#include <chrono>

#include "apps/dini/derivatives.hpp"
#include "dini/core/index.hpp"
#include "dini/formula/text.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"

namespace dini::app {

namespace {

// One problem, without lanes.
struct Lane {
  std::string status, message, solver = "none";
  std::int64_t steps = 0, evaluations = 1;
  double residual_norm = 0;
  std::optional<double> error_estimate;
  std::optional<AdjointReport> adjoint;
  std::vector<double> history;
  Array z, loss;
  ProblemResult::Named gradient, hessian, jacobian;
  bool derivatives = false;
  std::optional<double> check_digits;
};

Array as_problem_dtype(const Problem& p, const Array& a) { return is_floating(a.dtype()) ? astype(a, p.dtype) : a; }

void add_derivatives(const Problem& p, const Problem::Inputs& inputs, const SolveSettings& settings,
                     const Solution& solution, Lane& lane) {
  lane.gradient = gradients(p, inputs, solution);
  lane.hessian = hessians(p, inputs, solution);
  lane.jacobian = jacobians(p, inputs, solution);
  lane.derivatives = true;
  if (settings.check) lane.check_digits = check_gradient(p, inputs, lane.gradient, solution);
}

Lane evaluate_value(const Problem& p, const Problem::Inputs& inputs, const SolveSettings& settings) {
  const Solution value = [&](const Problem::Inputs& at) { return as_problem_dtype(p, p.evaluate(*p.formula, at)); };
  Lane lane;
  lane.z = value(inputs);
  lane.status = "converged";
  lane.message = "evaluated";
  if (p.loss) lane.loss = loss_at(p, inputs, lane.z);
  add_derivatives(p, inputs, settings, value, lane);
  return lane;
}

Lane solve_lane(const Problem& p, const Problem::Inputs& inputs, const Array& z0, const SolveSettings& settings) {
  check_memory(p, inputs, settings.max_bytes);
  if (p.kind == ProblemKind::value) return evaluate_value(p, inputs, settings);
  (void)z0;
  throw ProblemError("`kind`: " + text::in_quotes(name(p.kind)) + " is not available in this version");
}

}  // namespace

ProblemResult solve_problem(const Problem& p, const SolveSettings& settings) {
  const auto start = std::chrono::steady_clock::now();
  Lane lane = solve_lane(p, p.inputs, p.start(p.inputs), settings);
  ProblemResult r;
  r.status = {lane.status};
  r.message = lane.message;
  r.solver = lane.solver;
  r.steps = {lane.steps};
  r.evaluations = {lane.evaluations};
  r.residual_norm = {lane.residual_norm};
  r.z = lane.z;
  r.loss = lane.loss;
  r.has_gradient = lane.derivatives && !p.gradient.empty();
  r.has_hessian = lane.derivatives && !p.hessian.empty();
  r.has_jacobian = lane.derivatives && !p.jacobian.empty();
  r.gradient = lane.gradient;
  r.hessian = lane.hessian;
  r.jacobian = lane.jacobian;
  r.check_digits = lane.check_digits;
  r.history = lane.history;
  r.seconds_solve = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return r;
}

std::string solver_list() { return "There are no solvers in this version.\n"; }

}  // namespace dini::app
