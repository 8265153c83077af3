// The augmented Lagrangian method for constraints, bounds being kept to.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// min f + Σ (ν_i c_i + ½ρ c_i²) + Σ (max(0, λ_i + ρ g_i)² - λ_i²)/2ρ within the bounds by projected Newton's steps, to a tolerance that
/// becomes smaller, each time followed by ν ← ν + ρc, λ ← max(0, λ + ρg); ρ grows tenfold where the violation has not halved
/// (A. R. Conn, N. I. M. Gould and P. L. Toint, A globally convergent augmented Lagrangian algorithm, SIAM J. Numer. Anal. 28, 1991;
/// E. G. Birgin and J. M. Martínez, Practical Augmented Lagrangian Methods, 2014). For minima and fits; slower than
/// interior_point, and at home where the gradients of constraints depend on each other.
struct AugmentedLagrangian {
  double penalty = 0;  // the first ρ; 0: from 2|f|/violation²
  double growth = 10;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<AugmentedLagrangian>& table();
};

}  // namespace dini
