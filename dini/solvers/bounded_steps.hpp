// What trust-region solvers of problems with bounds share: what becomes of a step, and their loop.
#pragma once

#include "dini/solvers/bounded_merit.hpp"
#include "dini/solvers/constrained_loop.hpp"

namespace dini::detail {

/// Where such a solver stands.
struct BoundedState {
  Array z;
  BoundedModel here;
  Array radius;
  Array stuck;   // whether no step is left that could be seen
  Array length;  // of the last step along the gradient, for who has use for it
  auto tree() { return std::tie(z, here, radius, stuck, length); }
};

/// A step to z that was found in the trust region.
struct BoundedStep {
  Array z, length;   // the latter in the region's variables
  Array predicted;   // by how much the merit is to fall
  Array correction;  // what of its fall is not the model's
};
/// It is taken where the merit falls by `accept` of what was predicted. Where that is less than the merit's last digits can show, it is
/// taken where it makes the error smaller. The radius is a quarter of the step's length after a bad one, and twice itself after a
/// good one that was as long as it.
BoundedState after_step(const BoundedMerit& merit, const BoundedState& from, const BoundedStep& tried, double accept);

/// A whole solver from its start and its step. The functions may not refer to what ends before the solve.
ConstrainedSteps bounded_steps(const BoundsOf& bounds, const std::function<BoundedState(const Array& z0)>& start,
                               const std::function<BoundedState(const BoundedState&)>& step);

}  // namespace dini::detail
