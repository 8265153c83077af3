// A primal-dual interior-point method for bounds and constraints.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// Newton's steps for the conditions of barrier problems whose weight μ falls to 0, with the exact Hessian, a filter that decides how
/// far a step goes, a second-order correction, and, where no length of a step is good, steps that only make the violation of the
/// constraints smaller (A. Wächter and L. T. Biegler, On the implementation of an interior-point filter line-search algorithm for
/// large-scale nonlinear programming, Math. Program. 106, 2006). For minima and fits. `infeasible` where the violation has a
/// stationary point that is not 0.
struct InteriorPoint {
  double weight = 0.1;   // the first μ
  double border = 0.99;  // how much of the way to the border a step may take
  int max_halvings = 25;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<InteriorPoint>& table();
};

}  // namespace dini
