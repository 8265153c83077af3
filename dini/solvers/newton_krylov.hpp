// Newton's method without a matrix: A δ = -F by GMRES, as exactly as it pays.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// ‖A δ + F‖ ≤ η‖F‖ by GMRES from products with A, z ← z + tδ with Newton's line search on ‖F‖. η follows how ‖F‖ falls,
/// 0.9(‖F‖/‖F_before‖)², but not much faster than before (Eisenstat and Walker, SIAM J. Sci. Comput. 17, 1996, choice 2), so that
/// far from the root no work is wasted, and near it convergence is quadratic. `restart` vectors of z's size. For large z; where A
/// is ill-conditioned, as on fine grids, a preconditioner v -> M⁻¹v with M near A is what decides.
struct NewtonKrylov {
  int restart = 50;        // products between restarts of GMRES
  int max_products = 500;  // of a step
  double forcing = 0.5;    // the first η
  double most = 0.5;       // of η
  int max_halvings = 40;
  double slope = 1e-4;
  Preconditioner preconditioner = {};
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<NewtonKrylov>& table();
};

}  // namespace dini
