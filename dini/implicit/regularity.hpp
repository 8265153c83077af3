// Whether A = ∂F/∂z at a solution is one that a derivative can be computed with.
//
// A point where A is singular has no derivative. Singular means singular whatever the scale: the condition is that of A with rows and
// columns scaled. That alone misses a multiple root, where the iterates stop beside it at a point with a regular A and an immense
// slope. So A is also looked at one correction further on, δ = -A⁻¹(F ± s∘η) with that of some patterns s of signs for which it is
// largest: the largest that rounding may hide. (With the signs of F alone the noise of two equations may cancel just where A is
// nearly singular.)
//
//     ω = ‖A(z)⁻¹ (A(z + δ) - A(z))‖
//
// falls quadratically from one such correction to the next at a simple root and stays at ½ or more at a multiple one; 0.1 or more
// at the point and after two more corrections is singular.
#pragma once

#include "dini/linear/check_status.hpp"
#include "dini/linear/system.hpp"
#include "dini/solvers/criterion.hpp"

namespace dini::detail {

/// What is said of a point: StatusCode singular, nonfinite, not_a_solution or converged, with the Cause and the number that it is
/// based on (the reciprocal condition, ω, or ‖δ‖/‖z‖).
struct Verdict {
  Array status, cause, measure;
  auto tree() { return std::tie(status, cause, measure); }
};
/// Factors of A at a point or so near it that a refined solve (solve_factored) is exact, and the verdict.
struct Factored {
  Leaves factors;
  Verdict verdict;
  auto tree() { return std::tie(factors, verdict); }
};

/// A point and what is known of it.
struct PointOfSolve {
  Array z, z0;
  Array matrix;      // A at z
  Leaves factors;    // Outcome::factors of the solve, or none: they serve where they are near enough
  bool check_value;  // also refuse a z whose correction ‖δ‖ exceeds accept·s, s the larger of ‖z‖ and ‖z0‖
  double accept;
};
Factored factor_at(const SolverProblem& problem, const PointOfSolve& point);

/// A known by its products: the function that gives A⁻¹b at any point as a linear method does, NaN where that fails. Where it
/// fails nothing is held against the point.
struct Products {
  std::function<Leaves(const Array& z)> linearized;                    // [F(z), what products are made of...]
  std::function<Array(const Array& v, const Leaves&)> product;         // A v
  std::function<LinearOutcome(const Array& b, const Leaves&)> solved;  // A⁻¹b
};
Verdict judge_by_products(const SolverProblem& problem, const Products& a, const PointOfSolve& point);

/// 1/condition of the row- and column-equilibrated matrix [..., n, n], an op without derivative; or of a diagonal, given as a vector.
Array reciprocal_condition(const Array& a);

/// Of A [..., n, n] and its LU factors: the same, and the largest change ‖A⁻¹Δ‖ of several Δ (relative_change). Bounds are tried first,
/// which cost O(n²): where one is enough to call A regular, or a change less than `enough`, it is what is given. An op, without
/// derivative.
struct FactoredChange {
  Array rcond, omega;
};
FactoredChange change_of_factored(const Array& a, const Leaves& lu, const Leaves& changes, const Array& z,
                                  double enough);

}  // namespace dini::detail
