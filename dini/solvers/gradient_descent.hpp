// Steepest descent.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For minima and fits: along -∇E, first as far as Barzilai and Borwein's step sᵀs/sᵀy of the last one says (Two-point step size
/// gradient methods, IMA J. Numer. Anal. 8, 1988), halved until E falls by `decrease` of what the slope says (Armijo). Linear
/// convergence, slow where H is badly conditioned; for comparisons.
struct GradientDescent {
  double decrease = 1e-4;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<GradientDescent>& table();
};

}  // namespace dini
