// Broyden, Fletcher, Goldfarb and Shanno's method for minima.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For minima and fits, from gradients alone: p = -B⁻¹g with B⁻¹ (n² numbers) updated from the steps so that it stays positive
/// definite, and a line search to the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization, 2006, algorithm 6.1).
/// Where no step along p falls enough B is forgotten, and where none along -g does the method ends. Superlinear convergence.
struct BFGS {
  double decrease = 1e-4;
  double curvature = 0.9;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<BFGS>& table();
};

}  // namespace dini
