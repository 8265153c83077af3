// Steps of a quadratic model within bounds: s with l ≤ z + s ≤ u (Lin and Moré, SIAM J. Optim. 9, 1999).
#pragma once

#include "dini/ops/contract.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/constrained.hpp"

namespace dini::detail {

/// q(s) = gᵀs + ½sᵀHs at z. The bounds outlive it.
struct BoxModel {
  const BoundsOf& bounds;
  Array z, gradient, hessian;
  Array within(const Array& s) const { return clip(s, bounds.lower - z, bounds.upper - z); }
  /// z + s, exactly at a bound where s leads there.
  Array moved(const Array& s) const {
    return where(s <= bounds.lower - z, bounds.lower, where(s >= bounds.upper - z, bounds.upper, z + s));
  }
  Array model(const Array& s) const { return dot(gradient, s) + 0.5 * dot(s, dot(hessian, s)); }
  Array off_bounds(const Array& s) const { return (s > bounds.lower - z) & (s < bounds.upper - z); }
};

/// The end of a search along a line that is bent at the bounds.
struct Projected {
  Array length, s, good;
  auto tree() { return std::tie(length, s, good); }
};

/// The Cauchy point P(z - αg) - z, as large as the model's decrease and the trust region allow; α by tens from the last one's.
Projected cauchy_point(const BoxModel& at, const Array& radius, const Array& last);

/// From the Cauchy point to the model's minimum in the trust region among the variables that are off their bounds there, and again
/// where that step meets bounds.
Array subspace_step(const BoxModel& at, const Array& cauchy, const Array& radius, std::int64_t rounds);

}  // namespace dini::detail
