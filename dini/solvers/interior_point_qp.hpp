// Quadratic and linear programs by a homogeneous primal-dual interior-point method.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// min ½xᵀPx + qᵀx with Ax = b, Gx ≤ h, l ≤ x ≤ u, P positive semidefinite, through the homogeneous model
///
///     0 = Px + Aᵀy + Gᵀz + qτ,   0 = Ax - bτ,   0 = Gx + s - hτ,   0 = κ + qᵀx + bᵀy + hᵀz + xᵀPx/τ,   s∘z = μ,  τκ = μ
///
/// (Andersen and Ye, Comput. Optim. Appl. 14, 1999; Goulart and Chen, arXiv:2405.12762), whose solutions with τ > 0 are those of the
/// program and with κ > 0 prove that there are none. Steps are Mehrotra's (SIAM J. Optim. 2, 1992): a predictor, σ = (1 - α)³, and both
/// corrections; the bounds are rows that are eliminated. The program is equilibrated before. It ends at an error (solvers/kkt.hpp) of
/// 1e-13 or where that no longer falls; then the active set is confirmed and the point finished. What has no solution is `infeasible`
/// or `unbounded` with a proof; with a P that has a negative eigenvalue the point is `not_a_minimum`.
struct InteriorPointQP {
  double border = 0.99;  // how far a step goes on the way to the border, at the least
  int refinements = 2;   // of each linear solve
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<InteriorPointQP>& table();
};

}  // namespace dini
