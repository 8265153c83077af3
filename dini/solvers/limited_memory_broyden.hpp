// Broyden's method without a matrix.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// Broyden's good method with H = σI + Σ uᵢvᵢᵀ, of at most `memory` updates, 2·memory·n numbers; then it begins anew with σI (C. T. Kelley,
/// Iterative Methods for Linear and Nonlinear Equations, 1995, ch. 7). σ makes σF nearest to A⁻¹F, which takes
/// one product with A. One evaluation a step. For large z whose A is not too far from a multiple of the identity, as
/// that of a fixed point's is.
struct LimitedMemoryBroyden {
  int memory = 30;
  int max_halvings = 20;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<LimitedMemoryBroyden>& table();
};

}  // namespace dini
