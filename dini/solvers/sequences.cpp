// What auto tries, kind by kind.
#include "dini/linear/system.hpp"
#include "dini/solvers/anderson.hpp"
#include "dini/solvers/augmented_lagrangian.hpp"
#include "dini/solvers/automatic.hpp"
#include "dini/solvers/bfgs.hpp"
#include "dini/solvers/chandrupatla.hpp"
#include "dini/solvers/coleman_li.hpp"
#include "dini/solvers/df_sane.hpp"
#include "dini/solvers/dogleg.hpp"
#include "dini/solvers/forward_iteration.hpp"
#include "dini/solvers/hybrid_least_squares.hpp"
#include "dini/solvers/interior_point.hpp"
#include "dini/solvers/interior_point_qp.hpp"
#include "dini/solvers/lbfgs.hpp"
#include "dini/solvers/lbfgsb.hpp"
#include "dini/solvers/levenberg_marquardt.hpp"
#include "dini/solvers/levenberg_marquardt_root.hpp"
#include "dini/solvers/limited_memory_broyden.hpp"
#include "dini/solvers/newton.hpp"
#include "dini/solvers/newton_krylov.hpp"
#include "dini/solvers/projected_newton.hpp"
#include "dini/solvers/pseudo_transient.hpp"
#include "dini/solvers/sqp.hpp"
#include "dini/solvers/trust_region_cg.hpp"
#include "dini/solvers/trust_region_newton.hpp"

namespace dini::detail {

namespace {

// Newton's method is the fastest, and solves nearly all. What it cannot get past is a Jacobian that is singular on the way, and
// minima of ‖F‖ that are no roots: a trust region goes around the first, damped steps through it, and the last two over the second,
// since they do not mind ‖F‖. Where a matrix is large it is formed for Newton's method alone, whose factors the derivative needs as
// well; then come the methods without one.
const Trials& trials_of_roots() {
  static const Trials trials{
      {"newton", Newton{}.method(), 5 * formed_unasked},
      {"dogleg", Dogleg{}.method(), formed_unasked},
      {"levenberg_marquardt_root", LevenbergMarquardtRoot{}.method(), formed_for_a_look},
      {"pseudo_transient", PseudoTransient{}.method(), formed_unasked},
      {"newton with full steps", Newton{.max_halvings = 0}.method(), formed_for_a_look},
      {"newton_krylov", NewtonKrylov{}.method(), Trial::any_number, formed_unasked + 1},
      {"limited_memory_broyden", LimitedMemoryBroyden{}.method(), Trial::any_number, formed_unasked + 1},
      {"df_sane", DFSane{}.method(), Trial::any_number, formed_unasked + 1}};
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

// Downhill within trust regions; in other units, where the unknowns' are far apart; and by another way. Without a Hessian where it is
// too large to be formed unasked.
const Trials& trials_of_minima() {
  static const Trials trials{
      {"trust_region_newton", TrustRegionNewton{}.method(), formed_unasked},
      {"trust_region_newton with scales", TrustRegionNewton{.scaled = 1}.method(), formed_unasked},
      {"bfgs", BFGS{}.method(), formed_for_a_look},
      {"trust_region_cg", TrustRegionCG{}.method(), Trial::any_number, formed_unasked + 1},
      {"lbfgs", LBFGS{}.method(), Trial::any_number, formed_unasked + 1}};
  return trials;
}

const Trials& trials_of_fits() {
  static const Trials trials{
      {"hybrid_least_squares", HybridLeastSquares{}.method(), formed_unasked},
      {"trust_region_newton", TrustRegionNewton{}.method(), formed_unasked},
      {"trust_region_newton with scales", TrustRegionNewton{.scaled = 1}.method(), formed_unasked},
      {"levenberg_marquardt", LevenbergMarquardt{}.method(), formed_unasked},
      {"trust_region_cg", TrustRegionCG{}.method(), Trial::any_number, formed_unasked + 1},
      {"lbfgs", LBFGS{}.method(), Trial::any_number, formed_unasked + 1}};
  return trials;
}

// Penalties go on where the interior point's matrices have lost their digits, which in float32 happens in units that are far apart.
const Trials& trials_of_quadratic_programs() {
  static const Trials trials{{"interior_point_qp", InteriorPointQP{}.method()},
                             {"augmented_lagrangian", AugmentedLagrangian{}.method()}};
  return trials;
}

const Trials& trials_of_brackets() {
  static const Trials trials{{"chandrupatla", Chandrupatla{}.method()}};
  return trials;
}

// The active bounds are found by a few projected searches; from within where these lead nowhere. Where a matrix would be large the
// method without one is all that is tried.
const Trials& trials_with_bounds() {
  static const Trials trials{{"projected_newton", ProjectedNewton{}.method(), formed_unasked},
                             {"coleman_li", ColemanLi{}.method(), formed_unasked},
                             {"interior_point", InteriorPoint{}.method(), formed_unasked},
                             {"lbfgsb", LBFGSB{}.method()}};
  return trials;
}

const Trials& trials_of_boxes() {
  static const Trials trials{{"projected_newton", ProjectedNewton{}.method()}, {"coleman_li", ColemanLi{}.method()}};
  return trials;
}

// What needs the least work first. Penalties lead to a solution also where gradients of constraints depend on each other on the way.
const Trials& trials_with_constraints() {
  static const Trials trials{{"interior_point", InteriorPoint{}.method()},
                             {"augmented_lagrangian", AugmentedLagrangian{}.method()},
                             {"sqp", SQP{}.method()}};
  return trials;
}

}  // namespace

const Trials& trials_of(Kind kind, Restriction restriction) {
  static const Trials none;
  if (kind == Kind::quadratic_program) return trials_of_quadratic_programs();
  if (kind == Kind::bracketed_root) return trials_of_brackets();
  if (kind == Kind::fixed_point && restriction != Restriction::none) return none;
  if (restriction == Restriction::bounds) return kind == Kind::root ? trials_of_boxes() : trials_with_bounds();
  if (restriction == Restriction::general) return kind == Kind::root ? none : trials_with_constraints();
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
