#include "dini/solvers/bisection.hpp"

#include "dini/core/option_table.hpp"
#include "dini/solvers/bracketing.hpp"

namespace dini {

const detail::MethodTable<Bisection>& Bisection::table() {
  static const detail::MethodTable<Bisection> t{
      "bisection",        "halves brackets; as many steps for any function", {Kind::bracketed_root}, false, {},
      Restriction::bounds};
  return t;
}

std::shared_ptr<const detail::SolverMethod> Bisection::method() const {
  using namespace detail;
  BracketSteps steps;
  steps.init = [](const Brackets&) { return Leaves{}; };
  steps.next = [](const Brackets& b, const Array&, Leaves&) { return middle_of(b.lo, b.hi); };
  return std::make_shared<BracketMethod>(*this, steps);
}

}  // namespace dini
