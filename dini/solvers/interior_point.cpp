#include "dini/solvers/interior_point.hpp"

#include "dini/solvers/interior_point_steps.hpp"

namespace dini {

const detail::MethodTable<InteriorPoint>& InteriorPoint::table() {
  static const detail::MethodTable<InteriorPoint> t{
      "interior_point",
      "primal-dual interior-point method for constraints; forms the Hessian",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"weight", &InteriorPoint::weight, {0, 1e6, false, true}, "of the first barrier"},
       {"border", &InteriorPoint::border, {0, 1, false, false}, "how much of the way to the border a step may take"},
       {"max_halvings", &InteriorPoint::max_halvings, {1}, "of a step"}},
      Restriction::general};
  return t;
}

std::shared_ptr<const detail::SolverMethod> InteriorPoint::method() const {
  using namespace detail;
  return std::make_shared<ConstrainedMethod>(*this, [o = *this](const SolverProblem& p, const Array& z0) {
    const auto steps = std::make_shared<InteriorPointSteps>(o, p, z0);
    return ConstrainedSteps{[steps](const Array& start) { return steps->init(start); },
                            [steps](const ConstrainedState& s) { return steps->step(s); }, 1000};
  });
}

}  // namespace dini
