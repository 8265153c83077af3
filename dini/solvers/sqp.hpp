// Sequential quadratic programming for bounds and constraints.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// Steps that solve the problem's quadratic model with linear constraints in a trust region, for the merit f + ρ(Σ|c| + Σ max(0,
/// g)), with the violations as variables of the model, so that it always has a solution (R. Fletcher, Practical Methods of
/// Optimization, 1987, 12.4 and 14.4). The Hessian is the exact one, its negative curvature turned positive; a step that the
/// constraints' curvature spoils is tried again with a second-order correction; ρ grows until the multipliers are below it.
/// Bounds are kept to. For minima and fits; the fewest Hessians of all.
struct SQP {
  double penalty = 10;  // the first ρ
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<SQP>& table();
};

}  // namespace dini
