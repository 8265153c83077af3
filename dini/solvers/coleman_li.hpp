// Newton's method for problems with bounds from within them, by reflection.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// Interior reflective Newton's method (T. F. Coleman and Y. Li, An interior trust region approach for nonlinear minimization subject to
/// bounds, SIAM J. Optim. 6, 1996; M. A. Branch, T. F. Coleman and Y. Li, SIAM J. Sci. Comput. 21, 1999). With v_j the way to the bound
/// that -g_j points at, and 1 where there is none, a solution has v g = 0: its Newton steps are those of a trust region in the
/// variables z/√v, with the model's curvature √v H √v + diag(|g|). A step that meets a bound is reflected there, or cut short, or
/// gives way to one along the scaled gradient, whichever the model prefers. All iterates are strictly within the bounds. For minima
/// and fits with their exact Hessians; for roots with bounds the model is Gauss and Newton's of a merit function.
struct ColemanLi {
  double border = 0.995;  // how much of the way to a bound a step may take
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<ColemanLi>& table();
};

}  // namespace dini
