// Least squares within a trust region, by Gauss and Newton's model or Newton's, whichever says better what will happen.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For fits: with J = ∂r/∂z, p makes gᵀp + ½pᵀBp least over ‖Dp‖ ≤ Δ, D being the largest norms so far of J's columns. B is Gauss
/// and Newton's JᵀJ, or the full Hessian H of ½‖r‖², second derivatives of r included: whichever predicted the last step better.
/// JᵀJ goes far where residuals are nearly linear, or small; H has the way out of flat valleys, and the last digits where
/// residuals stay large. H is formed when max_j |g_j|/(‖J_j‖‖r‖) is below 1e-2, each fifth step, after a step that was not taken,
/// and while it is the model. (After NL2SOL: Dennis, Gay and Welsch, An adaptive nonlinear least-squares algorithm, ACM Trans.
/// Math. Software 7, 1981, with exact second derivatives; scaling and radius as in Moré, The Levenberg-Marquardt algorithm,
/// 1978.) `each` is how many steps may pass without H.
struct HybridLeastSquares {
  int each = 5;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<HybridLeastSquares>& table();
};

}  // namespace dini
