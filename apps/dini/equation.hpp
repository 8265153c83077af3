// A problem without lanes as an equation, and its solution.
#pragma once

#include <optional>

#include "apps/dini/derivatives.hpp"
#include "apps/dini/solve.hpp"
#include "apps/dini/solvers.hpp"

namespace dini::app {

/// What came of one lane.
struct Lane {
  std::string status, message, solver = "none";
  std::int64_t steps = 0, evaluations = 1;
  double residual_norm = 0;
  std::optional<double> error_estimate;
  std::vector<double> history;
  Array z, loss;

  std::optional<AdjointReport> adjoint;
  bool derivatives = false;  // those asked for are there
  ProblemResult::Named gradient, hessian, jacobian;
  std::optional<double> check_digits;

  bool converged() const { return status == "converged"; }
};

/// Finds z for these inputs, from z0.
Lane solve_equation(const Problem& problem, const Problem::Inputs& inputs, const Array& z0,
                    const SolveSettings& settings, const std::optional<double>& seconds_left);

/// z as a differentiable function of the floating inputs, through the solution that was found. An input "" is added to the
/// equation's formula: its cotangent is the adjoint's solution.
Solution solution_at(const Problem& problem, const Problem::Inputs& inputs, const Lane& lane);

/// ‖Aᵀu - w‖ for the cotangent of "" and w = ∂loss/∂z.
double adjoint_residual(const Problem& problem, const Problem::Inputs& inputs, const Lane& lane,
                        const Array& cotangent);

}  // namespace dini::app
