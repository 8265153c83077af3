#include "dini/solvers/coleman_li.hpp"

#include "dini/solvers/reflective_step.hpp"

namespace dini {

const detail::MethodTable<ColemanLi>& ColemanLi::table() {
  static const detail::MethodTable<ColemanLi> t{
      "coleman_li",
      "Newton's method from within bounds, by reflection; forms the Hessian",
      {Kind::root, Kind::minimize, Kind::least_squares},
      true,
      {{"border", &ColemanLi::border, {0, 1, false, false}, "how much of the way to a bound a step may take"}},
      Restriction::bounds};
  return t;
}

std::shared_ptr<const detail::SolverMethod> ColemanLi::method() const {
  using namespace detail;
  return std::make_shared<ConstrainedMethod>(*this, [o = *this](const SolverProblem& p, const Array& z0) {
    const BoundedMerit merit = merit_of(p, z0);
    return bounded_steps(
        merit.bounds, [=](const Array& start) { return reflective_start(merit, start); },
        [=](const BoundedState& s) { return reflective_step(merit, s, o.border); });
  });
}

}  // namespace dini
