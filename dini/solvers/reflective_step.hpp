// The steps of the interior reflective Newton's method.
#pragma once

#include "dini/solvers/bounded_steps.hpp"

namespace dini::detail {

/// At z0, moved strictly into the bounds.
BoundedState reflective_start(const BoundedMerit& merit, const Array& z0);
/// One step within the trust region, of variables scaled by the way to their bounds.
BoundedState reflective_step(const BoundedMerit& merit, const BoundedState& at, double border);

}  // namespace dini::detail
