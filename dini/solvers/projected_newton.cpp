#include "dini/solvers/projected_newton.hpp"

#include "dini/solvers/projected_step.hpp"

namespace dini {

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
  return std::make_shared<ConstrainedMethod>(*this, [o = *this](const SolverProblem& p, const Array& z0) {
    const BoundedMerit merit = merit_of(p, z0);
    return bounded_steps(
        merit.bounds, [=](const Array& start) { return projected_start(merit, start, o.radius); },
        [=](const BoundedState& s) { return projected_step(merit, s, o.accept, o.max_rounds); });
  });
}

}  // namespace dini
