// The steps of projected Newton's method, for whatever has a merit function.
#pragma once

#include "dini/solvers/bounded_merit.hpp"

namespace dini::detail {

struct ProjectedState {
  Array z;
  BoundedModel here;
  Array radius, length;  // of the trust region, and the last Cauchy step's part of the gradient
  Array stuck;           // whether no step is left that could be seen
  auto tree() { return std::tie(z, here, radius, length, stuck); }
};

/// At z0, moved into the bounds. A radius of 0 is ‖z‖, or 1.
ProjectedState projected_start(const BoundedMerit& merit, const Array& z0, double radius);

/// One step within the trust region, taken where the merit falls by `accept` of what was predicted. Where that is less than the
/// merit's last digits can show, a step is taken that makes the error smaller. `rounds` of steps from one Cauchy point at most.
ProjectedState projected_step(const BoundedMerit& merit, const ProjectedState& at, double accept, std::int64_t rounds);

}  // namespace dini::detail
