// The Hessian of a quasi-Newton method with a short memory, and what its model says within bounds.
//
//     B = θI - W M Wᵀ,   W = [Y θS],   M⁻¹ = [ -D  Lᵀ; L  θSᵀS ]
//
// with the last steps s_i in S, the changes y_i of the gradient in Y, D the diagonal of SᵀY and L what of it is below that (Byrd,
// Nocedal and Schnabel, Representations of quasi-Newton matrices, Math. Program. 63, 1994).
#pragma once

#include "dini/solvers/constrained.hpp"

namespace dini::detail {

/// The last steps, oldest first, as rows [history, n]; rows that are not there yet are 0.
struct StepMemory {
  Array s, y;
  auto tree() { return std::tie(s, y); }
  static StepMemory none(const Array& z, std::int64_t history);
  /// With another step, where its curvature sᵀy is positive beyond rounding.
  StepMemory with(const Array& step, const Array& change) const;
};

struct CompactHessian {
  Array theta, w, m;  // w [n, 2 history]
  /// `first`: θ where there are no steps yet.
  CompactHessian(const StepMemory& memory, const Array& first);
  Array apply(const Array& v) const;
};

/// z - g t, bent at the bounds, at the first minimum of the model along it (Byrd, Lu, Nocedal and Zhu, section 4).
Array cauchy_point(const CompactHessian& b, const BoundsOf& bounds, const Array& z, const Array& g);
/// The minimum of the model among the variables that are off their bounds at `cauchy`, brought back into them (section 5.1).
Array subspace_minimum(const CompactHessian& b, const BoundsOf& bounds, const Array& z, const Array& g,
                       const Array& cauchy);

}  // namespace dini::detail
