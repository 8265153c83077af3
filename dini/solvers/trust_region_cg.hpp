// Newton's method for minima in many unknowns: trust regions, and conjugate gradients within them.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For minima and fits of any size: as TrustRegionNewton, from products with H alone. The model is made less by conjugate
/// gradients that end at the border, at a direction of negative curvature, or at ‖g + Hp‖ ≤ min(½, √(‖g‖/‖g0‖))·‖g‖ (Steihaug,
/// The conjugate gradient method and trust regions in large scale optimization, SIAM J. Numer. Anal. 20, 1983), at most
/// `products` of them in a step. Superlinear convergence.
struct TrustRegionCG {
  int products = 1000;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<TrustRegionCG>& table();
};

}  // namespace dini
