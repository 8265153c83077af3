// Problems with constraints: the form in which their solvers return what they have found.
//
// With L = f + νᵀc + λᵀg, a solution of min f(z) with c(z) = 0, g(z) ≤ 0, l ≤ z ≤ u has
//
//     ∇f + Cᵀν + Gᵀλ - μ_l + μ_u = 0,     λ, μ_l, μ_u ≥ 0,     λ_i g_i = 0,  μ_l (z - l) = 0,  μ_u (u - z) = 0
//
// so that ∂f*/∂b = -ν for c(z) = b, ∂f*/∂h = -λ for g(z) ≤ h, ∂f*/∂l = μ_l and ∂f*/∂u = -μ_u. The bounds' multipliers follow from the
// others and are no unknowns: μ = ∓(∇f + Cᵀν + Gᵀλ) where a bound is active, 0 elsewhere. For a root with bounds F stands for ∇f.
#pragma once

#include <limits>

#include "dini/solvers/solver.hpp"

namespace dini::detail {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// For each bound and row whether it is active: bool, [n], [n], [m].
struct ActiveSet {
  Array lower, upper, rows;
  auto tree() { return std::tie(lower, upper, rows); }
};

/// How many they are: int64.
Array count(const ActiveSet& active);

/// What a solve with constraints ends with beside z.
struct ConstrainedEnd {
  Array equal, at_most;  // ν, λ
  ActiveSet strict;      // active, with a multiplier that is not 0; both bounds that are equal
  ActiveSet weak;        // neither strictly active nor inactive
  Array dependent;       // how many gradients of strictly active rows depend on the others: int64
  // Of an infeasible problem multipliers that prove it, of an unbounded one a direction in which it falls for ever; NaN otherwise.
  Array certificate_equal, certificate_at_most, certificate_lower, certificate_upper, ray;
  auto tree() {
    return std::tie(equal, at_most, strict, weak, dependent, certificate_equal, certificate_at_most, certificate_lower,
                    certificate_upper, ray);
  }
};

/// How many equations and rows a problem has.
struct RowCounts {
  std::int64_t equal = 0, at_most = 0;
};
RowCounts row_counts(const SolverProblem& problem, const Array& z);

/// No multipliers, nothing active, no certificate.
ConstrainedEnd no_constrained_end(const SolverProblem& problem, const Array& z);

/// The problem's bounds, ∓∞ where it has none.
struct BoundsOf {
  Array lower, upper;
};
BoundsOf bounds_of(const SolverProblem& problem, const Array& z);

/// ∇f + Cᵀν + Gᵀλ at z, or F for a root.
Array lagrangian_gradient(const SolverProblem& problem, const Array& z, const Array& equal, const Array& at_most);

}  // namespace dini::detail
