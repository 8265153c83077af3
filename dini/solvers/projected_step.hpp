// The steps of projected Newton's method, for whatever has a merit function.
#pragma once

#include "dini/solvers/bounded_steps.hpp"

namespace dini::detail {

/// At z0, moved into the bounds. A radius of 0 is ‖z‖, or 1.
BoundedState projected_start(const BoundedMerit& merit, const Array& z0, double radius);

/// One step (after_step), of `rounds` of steps from one Cauchy point at most.
BoundedState projected_step(const BoundedMerit& merit, const BoundedState& at, double accept, std::int64_t rounds);

}  // namespace dini::detail
