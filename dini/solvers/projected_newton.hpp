// Newton's method for problems with bounds: a projected search, then a trust region on the variables that are free.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// Trust-region Newton's method in l ≤ z ≤ u with the exact Hessian (C.-J. Lin and J. J. Moré, Newton's method for large
/// bound-constrained optimization problems, SIAM J. Optim. 9, 1999). Each step is a Cauchy point by projected search, which
/// says which bounds to leave and which to take, and from there steps to the minimum of the model within the trust region among the
/// variables that are off their bounds, each followed by a projected search. All iterates are within the bounds. For roots with
/// bounds, which are the zeros of a smooth merit function, with the model of Gauss and Newton.
struct ProjectedNewton {
  double radius = 0;             // the first trust region's; 0: ‖z0‖, or 1
  double accept = 1e-4;          // the part of the predicted decrease that is wanted
  std::int64_t max_rounds = 20;  // of steps from one Cauchy point
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<ProjectedNewton>& table();
};

}  // namespace dini
