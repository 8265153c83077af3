// ‖F‖² beside a point in scaled unknowns, for methods that weigh what a step was to bring against what it brought.
//
// With D the largest norms so far of A's columns (Moré, The Levenberg–Marquardt algorithm, 1978, section 6) and s = D p a step in
// F's units, u = F/‖F‖ and B = A D⁻¹, a step's model is ‖F‖‖u + B s/‖F‖ ‖.
#pragma once

#include "dini/solvers/drive.hpp"

namespace dini::detail {

/// The norms of A's columns, no less than before, and 1 for those that were 0 so far.
Array column_scales(const Array& a, const Array& before);

struct ScaledResidual {
  ScaledResidual(const SolverState& at, const Array& scales);
  Array scales, norm, unit, matrix;  // D, ‖F‖, u, B
  Array gradient;                    // Bᵀu: the cosines between F and A's columns, or less
  /// Whether ‖F‖ has a minimum here that is not 0: F is at right angles to all columns, to rounding, and the step to this norm has
  /// brought next to nothing. (Towards a root where A is singular the angles become right, too.)
  Array is_least(const Array& residual_norm) const;
  /// The part of ‖F‖² that a step s is to take away, and the one that a residual has lost.
  Array predicted(const Array& s) const;
  Array achieved(const Array& residual_norm) const;
  /// s in the unknowns' own units.
  Array step(const Array& s) const { return s / scales; }
};

/// Why a method that minds ‖F‖ alone has no step left.
Array no_step_left(const SolverState& at, const Array& residual_norm);

}  // namespace dini::detail
