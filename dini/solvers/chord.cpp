#include "dini/solvers/chord.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/formed_state.hpp"
#include "dini/transforms/control.hpp"

namespace dini {

const detail::MethodTable<Chord>& Chord::table() {
  static const detail::MethodTable<Chord> t{
      "chord",
      "Newton's method with factors that are kept for some steps",
      {Kind::root, Kind::fixed_point},
      false,
      {{"keep", &Chord::keep, {1}, "steps with the same factors, at most"},
       {"slow", &Chord::slow, {0, 1, true, false}, "factors go on if no more of the residual is left by a step"},
       {"max_halvings", &Chord::max_halvings, {}, "of a step with new factors; 0: full steps"},
       {"slope", &Chord::slope, {0, 1, true, false}, "the part of the predicted decrease that is wanted"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> Chord::method() const {
  using namespace detail;
  StepFunctions steps;
  // memory: how many steps the factors have made.
  steps.init = [](const SolverProblem& p, const Array& z0) {
    return formed_state(p, z0, p.residual(z0), code(StatusCode::converged), array(std::int64_t{1}),
                        {array(std::int64_t{0})});
  };
  steps.step = [o = *this](const SolverProblem& p, const SolverState& s) {
    const Array age = s.memory[0], is_new = age == 0;
    // Old factors have no say in how long a step is: it is made whole, or not at all.
    const Backtracked to = backtrack(p, s.z, s.residual, s.delta, s.floor, {o.max_halvings, o.slope}, is_new);
    SolverState moved = s;
    moved.z = to.z;
    moved.residual = to.residual;
    moved.evaluations = s.evaluations + to.tried;
    moved.failure = where(is_new, to.failure, code(StatusCode::converged));
    moved.memory = {age + 1};
    const Array fell = length(to.residual) <= o.slow * length(s.residual);
    const Array go_on = (to.failure == 0) & (to.t == 1.0) & fell & (age + 1 < o.keep);
    return cond(
        go_on,
        [&](const SolverState& at) {
          SolverState r = at;
          r.delta = -inverse_of(at.factors, p.structure)(at.residual);
          return r;
        },
        [&](const SolverState& at) {
          return formed_state(p, at.z, at.residual, at.failure, at.evaluations, {array(std::int64_t{0})});
        },
        moved);
  };
  steps.default_max_steps = 1000;
  steps.forms_jacobian = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
