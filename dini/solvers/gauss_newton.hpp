// Gauss and Newton's method for least squares.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For fits: the shortest p (in units of J's columns) with ‖Jp + r‖ least, J = ∂r/∂z, halved until ½‖r‖² falls by `decrease` of
/// what the slope says (Björck, Numerical Methods for Least Squares Problems, 1996, 9.2.1). Quadratic convergence where residuals
/// vanish, linear elsewhere; Newton's steps with the full Hessian at the end. HybridLeastSquares and LevenbergMarquardt find
/// more. `each` is how many steps may pass without that Hessian.
struct GaussNewton {
  double decrease = 1e-4;
  int each = 5;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<GaussNewton>& table();
};

}  // namespace dini
