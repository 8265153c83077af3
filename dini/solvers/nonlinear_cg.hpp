// Nonlinear conjugate gradients.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For minima and fits of any size: p = -g + βp with Polak and Ribière's β = g'ᵀ(g' - g)/‖g‖², where it is not negative, and a
/// line search to the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization, 2006, 5.2). Keeps three vectors; LBFGS
/// takes fewer evaluations.
struct NonlinearCG {
  double decrease = 1e-4;
  double curvature = 0.1;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<NonlinearCG>& table();
};

}  // namespace dini
