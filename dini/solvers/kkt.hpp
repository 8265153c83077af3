// The end of a solve with bounds and constraints: the active set, the last digits, and whether the point is a solution.
//
// With a mask M of active bounds and rows the conditions are equations in z, ν, λ,
//
//     F_z = z - bound at an active bound, ∇f + Cᵀν + Gᵀ(Mλ) elsewhere,    F_ν = c(z),    F_λ = M g(z) - (I - M) λ,
//
// whose matrix the null-space method factorises (linear/null_space.hpp). A solver's last point is finished: from the mask of
// multipliers that are larger than their slacks one solve, rows that are violated then enter, those with a negative multiplier leave,
// in at most ten rounds of which the best is kept. So multipliers, digits and the active set are the same for every solver.
//
// Sizes are compared in units: with a_i the gradient of row i, also of a bound,
//
//     ρ_i = ‖a_i‖₁·max(‖z‖_∞, ‖z0‖_∞) + |g_i - a_iᵀz|,    σ = max_j (|H|(|z| + eps²/τ·|z0|) + |∇f| + |C|ᵀ|ν| + |G|ᵀ|λ|)_j,
//     ŝ_i = -g_i/ρ_i,    λ̂_i = λ_i‖a_i‖_∞/σ
//
// and the error of a point is the largest of ‖∇L‖_∞/σ, |c_i|/ρ_i, violations -ŝ_i, min(λ̂_i, ŝ_i) and -λ̂_i. With τ = eps^(2/3),
// or as asked for, a row is strictly active where λ̂ > τ, inactive where ŝ > τ, and weakly active where neither.
//
// A point is a solution when no row is violated and no multiplier negative by τ, the correction by the strictly active rows is as
// small as that of a root (criterion.hpp), and H is positive definite on the null space of their gradients; where it is semidefinite
// to rounding, when the error is at most τ. Of a root with bounds F stands for ∇f, and H need only be regular. Where multipliers
// outweigh all of ∇f and gradients depend on each other there may be no multipliers at all (Fritz John): `singular`.
#pragma once

#include "dini/solvers/constrained.hpp"

namespace dini::detail {

/// Where a solver with constraints ends.
struct KktPoint {
  Array z, equal, at_most;            // its last point, ν and λ, zeros where it has none
  Array status;                       // what to say where the point turns out to be no solution
  Array steps, evaluations, history;  // as in an Outcome
  auto tree() { return std::tie(z, equal, at_most, status, steps, evaluations, history); }
};

/// The point after the finish, judged: an Outcome whose residual_norm is the error above, and `constrained` a ConstrainedEnd. An
/// explicit tolerance is on that error. For Kind::minimize, least_squares and quadratic_program, and for roots with bounds. Of more
/// unknowns than are formed unasked there is no finish, and an error of at most τ is a solution.
Outcome finished(const SolverProblem& problem, const KktPoint& at, const Array& z0, const StopRule& stop);
/// The point as it is, of this error, in the types of the above: what was cancelled is not looked at any more, since that might take as
/// long as the solve.
Outcome unjudged(const SolverProblem& problem, const KktPoint& at, const Array& error, const Array& z0,
                 const StopRule& stop);

// ---- Its parts -------------------------------------------------------------------------------------------------------

/// z, ν and λ.
struct KktUnknowns {
  Array z, equal, at_most;
  auto tree() { return std::tie(z, equal, at_most); }
};

/// The problem at a point.
struct KktParts {
  Array gradient;                // ∇f, or F
  Array c, g, c_slope, g_slope;  // rows and their gradients C [me, n], G [mg, n]
  Array lower, upper;            // bounds, ±∞ for none
  Array hessian;                 // H of L; undefined where it was not asked for
  Array bending;                 // |H||z|, or an estimate of it where H is not formed
  // Of two rows g_i = -g_k that are an equation the index of the other, -1 of the others; undefined: not looked at.
  Array opposite;
};
/// With the Hessian, or with what `before` has in its place.
KktParts kkt_parts(const SolverProblem& problem, const KktUnknowns& at, const KktParts* before = nullptr);

/// An estimate of |H||z| from two products with H, the Jacobian of `slope`: with z, and with |z| of alternating signs, by which terms
/// add up that cancel in Hz.
Array bending_by_products(const Function& slope, const Array& z);

/// The forces that what passes for 0 beside the start makes, from |H||z0|. Where all of a solution is 0 there is nothing else to compare
/// forces with. kkt_look counts them where the parts have H; else they are to be in `bending`.
Array unfelt(const Array& bending_at_start);

/// A point in units.
struct KktLook {
  Array error;                                           // of the whole
  Array violation;                                       // the largest |c_i|/ρ_i or -ŝ_i
  Array slack, lower_slack, upper_slack;                 // ŝ of rows and bounds, ∞ where there is none
  Array multiplier, lower_multiplier, upper_multiplier;  // λ̂; of bounds by the sign of ∇L, 0 or more
};
KktLook kkt_look(const KktParts& parts, const KktUnknowns& at, const Array& z0);

/// The matrix and F of the masked conditions.
Array kkt_matrix(const KktParts& parts, const ActiveSet& active);
Array kkt_residual(const KktParts& parts, const KktUnknowns& at, const ActiveSet& active);

/// The rows and bounds that are strictly active, and those that are weakly active. Of two opposite rows and of two equal bounds it is the
/// one that the multiplier's sign says, whatever its size.
struct ActiveSets {
  ActiveSet strict, weak;
};
/// Whether of a row and its opposite the multiplier is the larger, [m]; of equal ones the first is.
Array first_of_pair(const Array& opposite, const Array& multiplier);
ActiveSets active_sets(const KktParts& parts, const KktLook& look, double tau);

}  // namespace dini::detail
