// The matrices of a quadratic program, min ½xᵀPx + qᵀx with Ax = b, Gx ≤ h, l ≤ x ≤ u, and what its solvers share.
#pragma once

#include "dini/solvers/kkt.hpp"

namespace dini::detail {

struct QuadraticData {
  Array p, q, a, b, g, h, lower, upper;  // h, lower, upper: ±∞ for none
  bool below = true, above = true;       // whether there may be lower bounds, upper ones
  auto tree() { return std::tie(p, q, a, b, g, h, lower, upper); }
};

/// Read off the problem's functions at 0: they are affine, but for the objective.
QuadraticData quadratic_data(const SolverProblem& problem, const Array& z0);
KktParts kkt_parts(const QuadraticData& data, const KktUnknowns& at);

/// The same problem with variables that two equal bounds fix taken out of the rows: P_jj = 1 and q_j = -l_j alone are left of them.
QuadraticData without_fixed(const QuadraticData& data);

/// Factors that bring rows and columns of [P Aᵀ Gᵀ; A; G] near 1 (Ruiz, RAL-TR-2001-034), and the cost with them: x = variables·x̂,
/// rows of A and G and b and h times `equal` and `at_most`, the objective times `cost`. Multipliers are those of the scaled problem times
/// the row's factor, by the cost.
struct QuadraticScaling {
  Array variables, equal, at_most, cost;
  auto tree() { return std::tie(variables, equal, at_most, cost); }
};
QuadraticScaling equilibrated(const QuadraticData& data);
QuadraticData scaled(const QuadraticData& data, const QuadraticScaling& by);

/// Whether P has no negative eigenvalue, rounding aside.
Array is_convex(const QuadraticData& data);

}  // namespace dini::detail
