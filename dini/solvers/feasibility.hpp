// Steps that make the violation of constraints smaller, whatever the objective.
//
//     d = -D (D JᵀJ D + ρI)⁻¹ D Jᵀr,   r = (c, g⁺),   D = min(√(z - l), √(u - z), 1)
//
// are Levenberg's and Marquardt's in variables that are scaled by the way to their bounds (T. F. Coleman and Y. Li, An interior trust
// region approach for nonlinear minimization subject to bounds, SIAM J. Optim. 6, 1996). ‖D Jᵀr‖ = 0 with r ≠ 0 is a point that is
// locally infeasible.
#pragma once

#include "dini/solvers/nonlinear_program.hpp"

namespace dini::detail {

struct FeasibilityStep {
  Array z, damping, evaluations;  // the next z, within the bounds, and ρ for the next step
  Array stationary;               // whether no step makes ‖r‖ smaller
  auto tree() { return std::tie(z, damping, evaluations, stationary); }
};
/// ½‖r‖².
Array infeasibility(const NonlinearProgram::Values& v);
FeasibilityStep feasibility_step(const NonlinearProgram& program, const Array& z, const NonlinearProgram::Values& v,
                                 const NonlinearProgram::Slopes& s, const Array& damping);

/// What a solve that has found no solution says for it, in the place of multipliers.
struct NoSolution {
  Array equal, at_most, lower, upper;  // ν, λ, μ_l, μ_u, the largest 1
  Array ray;                           // the largest component ±1
  auto tree() { return std::tie(equal, at_most, lower, upper, ray); }
};
/// Where the violation is least Cᵀν + Gᵀλ - μ_l + μ_u = 0 with (ν, λ) ~ r, and μ ≥ 0 of the bounds that hold z. Of convex constraints this
/// proves that no point is feasible; of others, that none nearby is. Two bounds that contradict each other need no rows.
NoSolution no_feasible_point(const SolverProblem& problem, const Array& z);
/// The way from the start on which the objective has fallen without end.
NoSolution no_least_point(const SolverProblem& problem, const Array& z, const Array& z0);

}  // namespace dini::detail
