// What auto tries, kind by kind.
#include "dini/linear/system.hpp"
#include "dini/solvers/anderson.hpp"
#include "dini/solvers/automatic.hpp"
#include "dini/solvers/chandrupatla.hpp"
#include "dini/solvers/forward_iteration.hpp"
#include "dini/solvers/newton.hpp"

namespace dini::detail {

namespace {

const Trials& trials_of_roots() {
  static const Trials trials{{"newton", Newton{}.method()}};
  return trials;
}

// A contraction's own limit first: what the equation was written for. A matrix is not formed without being asked for where there is
// something else. Where the residual falls on no way to the solution, steps that mind it lead nowhere: hence full ones at the end.
const Trials& trials_of_fixed_points() {
  static const Trials trials{{"forward_iteration", ForwardIteration{}.method()},
                             {"newton", Newton{}.method(), formed_unasked},
                             {"anderson", Anderson{}.method()},
                             {"newton with full steps", Newton{.max_halvings = 0}.method(), formed_unasked}};
  return trials;
}

const Trials& trials_of_minima() {
  static const Trials trials{{"newton", Newton{}.method()}};
  return trials;
}

const Trials& trials_of_fits() {
  static const Trials trials{{"newton", Newton{}.method()}};
  return trials;
}

const Trials& trials_of_brackets() {
  static const Trials trials{{"chandrupatla", Chandrupatla{}.method()}};
  return trials;
}

}  // namespace

const Trials& trials_of(Kind kind, Restriction restriction) {
  static const Trials none;
  if (kind == Kind::bracketed_root) return trials_of_brackets();
  if (restriction != Restriction::none) return none;
  switch (kind) {
    case Kind::root: return trials_of_roots();
    case Kind::fixed_point: return trials_of_fixed_points();
    case Kind::minimize: return trials_of_minima();
    case Kind::least_squares: return trials_of_fits();
    case Kind::quadratic_program:
    case Kind::bracketed_root: break;
  }
  return none;
}

}  // namespace dini::detail
