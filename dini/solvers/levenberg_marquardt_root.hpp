// Levenberg and Marquardt's method for a root: damped Gauss–Newton steps on ‖F‖.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// (BᵀB + λI) D p = -BᵀF with B = A D⁻¹, D the largest norms so far of A's columns, solved by an orthogonal factorisation of B over
/// √λ I. λ = μ‖F‖/‖F‖_max, so that convergence is quadratic also at roots where A is singular, if they are isolated from what they
/// are not (Yamashita and Fukushima 2001; J. Fan, J. Comput. Math. 21, 2003); μ shrinks where ‖F‖² falls as the linear model says,
/// and grows where it does not. For problems on whose way, or at whose end, A is singular. About ten times as much work a step as
/// Newton's.
struct LevenbergMarquardtRoot {
  double damping = 1e-2;  // the first μ
  int max_trials = 40;    // of a step
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<LevenbergMarquardtRoot>& table();
};

}  // namespace dini
