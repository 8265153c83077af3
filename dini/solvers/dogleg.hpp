// Powell's hybrid method: a trust region, in which the step goes along a bent line from steepest descent to Newton's step.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// Steps p with ‖D p‖ ≤ Δ on the line 0, Cauchy's point, Newton's step, for ‖F‖², D the largest norms so far of A's columns. Δ
/// grows where ‖F‖² falls as the linear model says, and shrinks where it does not (M. J. D. Powell, A hybrid method for nonlinear
/// equations, 1970; MINPACK's hybrj). With `bias` the line bends towards Newton's step earlier, the double dogleg of Dennis and Mei
/// (1979): at ηδ, η = 1 - bias·(1 - γ). A that is singular ends nothing: the steepest descent is left. Quadratic convergence as
/// Newton's.
struct Dogleg {
  double radius = 1;    // the first Δ, in ‖D z0‖; or in the first Newton step where z0 is 0
  double bias = 0.8;    // 0: the simple dogleg
  int max_trials = 60;  // of a step
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Dogleg>& table();
};

}  // namespace dini
