#include "dini/solvers/forward_iteration.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/drive.hpp"

namespace dini {

const detail::MethodTable<ForwardIteration>& ForwardIteration::table() {
  static const detail::MethodTable<ForwardIteration> t{
      "forward_iteration",
      "z = f(z) again and again; for maps that contract",
      {Kind::fixed_point},
      true,
      {{"damping", &ForwardIteration::damping, {0, 1, true, false}, "the part of the old z that is kept"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> ForwardIteration::method() const {
  auto at = [](const detail::SolverProblem& p, const Array& z, const Array& evaluations) {
    return detail::SolverState{z,
                               p.residual(z),
                               zeros({0}, z.dtype()),
                               detail::scalar_like(0, z),
                               detail::code(StatusCode::converged),
                               evaluations + 1,
                               {},
                               {}};
  };
  detail::StepFunctions steps;
  steps.init = [at](const detail::SolverProblem& p, const Array& z0) { return at(p, z0, array(std::int64_t{0})); };
  steps.step = [at, d = damping](const detail::SolverProblem& p, const detail::SolverState& s) {
    return at(p, d == 0 ? s.z + s.residual : s.z + (1 - d) * s.residual, s.evaluations);
  };
  steps.default_max_steps = 100000;
  return std::make_shared<detail::StepMethod>(*this, steps);
}

}  // namespace dini
