// Newton's method damped by what the steps say of the error, and not of the residual.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// A δ = -F(z), z ← z + tδ, where t passes Deuflhard's restricted monotonicity test: the simplified correction δ̄ = -A⁻¹F(z + tδ),
/// by the factors at hand, has |δ̄| ≤ (1 - t/4)|δ|. t is predicted from the last step, and corrected from how far δ̄ is from
/// (1 - t)δ (P. Deuflhard, Newton Methods for Nonlinear Problems, 2004, NLEQ-ERR). No test looks at the size of F, so that its
/// scaling, and that of its equations among each other, has no part in it; |·| measures δ_j in units of the larger of |z_j| and
/// |δ_j|. For ill-conditioned problems, where ‖F‖ falls along narrow valleys only.
struct NewtonErrorNorm {
  double first = 1;      // t of the first step
  double least = 1e-10;  // below it no step is made
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<NewtonErrorNorm>& table();
};

}  // namespace dini
