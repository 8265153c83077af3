// Levenberg and Marquardt's method for least squares, with a full-Hessian end.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For fits: (JᵀJ + μD²) p = -Jᵀr, J = ∂r/∂z, solved by QR of J and √μ D one above the other; D the largest norms so far of J's
/// columns (Marquardt, J. SIAM 11, 1963). μ starts as `damping` and follows how well JᵀJ predicted the step, ρ: by max(⅓, 1 - (2ρ
/// - 1)³) after one that is taken, by 2, 4, 8, ... after ones that are not (Nielsen, Damping parameter in Marquardt's method,
/// report IMM-REP-1999-05). Where the last digits of ‖r‖² no longer tell a good step, Newton's with the full Hessian are taken:
/// residuals that stay large leave it slow otherwise, and short of digits. `each` is how many steps may pass without that
/// Hessian.
struct LevenbergMarquardt {
  double damping = 1e-3;
  int each = 5;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<LevenbergMarquardt>& table();
};

}  // namespace dini
