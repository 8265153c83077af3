// Whether A = ∂F/∂z at a solution is one that a derivative can be computed with.
#pragma once

#include "dini/linear/operator_solve.hpp"
#include "dini/solvers/drive.hpp"

namespace dini::detail {

/// A at a solution with its factors, and a verdict: StatusCode singular, nonfinite, not_a_solution or converged, with the
/// Cause and the number that it is based on (the reciprocal condition, ω, or ‖δ‖/‖z‖).
struct Factored {
  Array a;
  Leaves factors;
  Array status, cause, measure;
};
/// `check_value`: also refuse a z whose correction ‖δ‖ exceeds accept·s, s the larger of ‖z‖ and ‖z0‖.
Factored factor_at(const SolverProblem& problem, const Array& z, const Array& z0, bool check_value, double accept);

/// F, where corrections are to show what a point cannot be told from: the difference f(z) - z that is 0 may be anything up to
/// z's rounding, behind which a multiple root would hide.
Array felt_residual(bool fixed_point, const Array& z, const Array& residual);

/// 1/condition of the row- and column-equilibrated matrix [..., n, n]: an op, without derivative.
Array reciprocal_condition(const Array& a);

}  // namespace dini::detail
