#include "dini/solvers/newton.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/formed_state.hpp"

namespace dini {

namespace detail {
namespace newton {

// The step z ← f(z), unless ‖F‖ is more than twice as large there.
Backtracked by_the_map(const SolverProblem& p, const SolverState& s, const Backtracked& otherwise) {
  const Array z = s.z + s.residual, f = p.residual(z), good = length(f) <= 2 * length(s.residual);
  Backtracked to = otherwise;
  to.z = where(good, z, to.z);
  to.residual = where(good, f, to.residual);
  to.failure = where(good, code(StatusCode::converged), to.failure);
  to.tried = to.tried + 1;
  return to;
}

}  // namespace newton
}  // namespace detail

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
  // memory, of a fixed point where there is a line search: whether the map's own step may yet be taken.
  auto may_follow_map = [searches = max_halvings > 0](const SolverProblem& p) {
    return searches && p.kind == Kind::fixed_point;
  };
  steps.init = [=](const SolverProblem& p, const Array& z0) {
    return formed_state(p, z0, p.residual(z0), code(StatusCode::converged), array(std::int64_t{1}),
                        may_follow_map(p) ? Leaves{array(true)} : Leaves{});
  };
  steps.step = [=, rule = Backtracking{max_halvings, slope}](const SolverProblem& p, const SolverState& s) {
    Backtracked to = backtrack(p, s.z, s.residual, s.delta, s.floor, rule);
    Leaves memory = s.memory;
    if (may_follow_map(p)) {
      memory[0] = s.memory[0] & ~to.left_domain;
      to = cond(
          s.memory[0] & to.left_domain, [&](const Backtracked& t) { return newton::by_the_map(p, s, t); },
          [](const Backtracked& t) { return t; }, to);
    }
    return formed_state(p, to.z, to.residual, to.failure, s.evaluations + to.tried, memory);
  };
  steps.default_max_steps = 500;
  steps.forms_jacobian = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
