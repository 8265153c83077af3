#include "dini/solvers/sqp.hpp"

#include "dini/solvers/sqp_steps.hpp"

namespace dini {

const detail::MethodTable<SQP>& SQP::table() {
  static const detail::MethodTable<SQP> t{
      "sqp",
      "sequential quadratic programming for constraints; forms the Hessian",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"penalty", &SQP::penalty, {0, 1e9, false, true}, "the first weight of violations"}},
      Restriction::general};
  return t;
}

std::shared_ptr<const detail::SolverMethod> SQP::method() const {
  using namespace detail;
  return std::make_shared<ConstrainedMethod>(*this, [o = *this](const SolverProblem& p, const Array& z0) {
    const auto steps = std::make_shared<SqpSteps>(o, p, z0);
    return ConstrainedSteps{[steps](const Array& start) { return steps->init(start); },
                            [steps](const ConstrainedState& s) { return steps->step(s); }, 500};
  });
}

}  // namespace dini
