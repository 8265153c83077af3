#include "dini/solvers/projected_newton.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/constrained_loop.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/solvers/projected_step.hpp"

namespace dini {

namespace detail {
namespace projected_newton {

struct Memory {
  ProjectedState at;
  Array first_value;
  auto tree() { return std::tie(at, first_value); }
};

ConstrainedState state(const Memory& m, const Array& evaluations) {
  const Array none = zeros({0}, m.at.z.dtype());
  const Array stuck = where(m.at.stuck, code(StatusCode::stagnated), code(StatusCode::converged));
  const Array failure = where(falls_without_end(m.at.here.value, m.first_value), code(StatusCode::unbounded), stuck);
  return {m.at.z, none, none, m.at.here.error, failure, evaluations, flatten(m)};
}

}  // namespace projected_newton
}  // namespace detail

const detail::MethodTable<ProjectedNewton>& ProjectedNewton::table() {
  static const detail::MethodTable<ProjectedNewton> t{
      "projected_newton",
      "trust-region Newton's method within bounds, by projected searches; forms the Hessian",
      {Kind::root, Kind::minimize, Kind::least_squares},
      true,
      {{"radius", &ProjectedNewton::radius, {}, "of the first trust region; 0: ‖z0‖, or 1"},
       {"accept", &ProjectedNewton::accept, {0, 0.25}, "the part of the predicted decrease that is wanted"},
       {"max_rounds", &ProjectedNewton::max_rounds, {1}, "of steps among the free variables, from one Cauchy point"}},
      Restriction::bounds};
  return t;
}

std::shared_ptr<const detail::SolverMethod> ProjectedNewton::method() const {
  using namespace detail;
  using namespace detail::projected_newton;
  return std::make_shared<ConstrainedMethod>(*this, [o = *this](const SolverProblem& p, const Array& z0) {
    const BoundedMerit merit = merit_of(p, z0);
    ConstrainedSteps steps;
    steps.init = [=](const Array& start) {
      Memory m{projected_start(merit, start, o.radius), {}};
      m.first_value = m.at.here.value;
      ConstrainedState s = state(m, array(std::int64_t{1}));
      s.failure = where(isfinite(m.first_value), s.failure, code(StatusCode::nonfinite));
      s.failure = where(contradictory(merit.bounds), code(StatusCode::infeasible), s.failure);
      return s;
    };
    steps.step = [=](const ConstrainedState& s) {
      Memory m = unflatten(Memory(), s.memory);
      m.at = projected_step(merit, m.at, o.accept, o.max_rounds);
      return state(m, s.evaluations + 1);
    };
    steps.default_max_steps = 2000;
    return steps;
  });
}

}  // namespace dini
