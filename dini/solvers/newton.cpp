#include "dini/solvers/newton.hpp"

#include "dini/ops/create.hpp"
#include "dini/solvers/formed_state.hpp"

namespace dini {

const detail::MethodTable<Newton>& Newton::table() {
  static const detail::MethodTable<Newton> t{
      "newton",
      "Newton's method with a line search; forms the Jacobian",
      Kinds::all(),
      true,
      {{"max_halvings", &Newton::max_halvings, {}, "of a step, in the line search; 0: full steps"},
       {"slope", &Newton::slope, {0, 1, true, false}, "the part of the predicted decrease that is wanted"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> Newton::method() const {
  using namespace detail;
  StepFunctions steps;
  steps.init = [](const SolverProblem& p, const Array& z0) {
    return formed_state(p, z0, p.residual(z0), code(StatusCode::converged), array(std::int64_t{1}));
  };
  steps.step = [rule = Backtracking{max_halvings, slope}](const SolverProblem& p, const SolverState& s) {
    const Backtracked to = backtrack(p, s.z, s.residual, s.delta, s.floor, rule);
    return formed_state(p, to.z, to.residual, to.failure, s.evaluations + to.tried);
  };
  steps.default_max_steps = 500;
  steps.forms_jacobian = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
