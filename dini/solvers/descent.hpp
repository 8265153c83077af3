// Methods that go downhill from gradients alone: along a direction of their own, as far as a line search says.
#pragma once

#include "dini/solvers/drive.hpp"
#include "dini/solvers/line_search.hpp"

namespace dini::detail {

/// The state of a method that goes downhill without forming H. `delta` is its estimate of -H⁻¹g.
SolverState descent_state(const Array& z, const Slope& slope, const Array& delta, const Array& first,
                          const Array& failure, const Array& evaluations, const Leaves& memory);

/// What a step taught: s = z' - z, y = g' - g, along p, whether it is the first since a start, and g and g'.
struct Learned {
  Array s, y, p, first, before, after;
};

struct Descent {
  /// What the method remembers at the start, and after a direction along which nothing fell.
  std::function<Leaves(const Array& z0)> fresh;
  /// Where it goes from a point with this gradient; -g before the first step.
  std::function<Array(const Leaves& memory, const Array& gradient)> direction;
  /// What it remembers after a step along which the slope rose: sᵀy > 0.
  std::function<Leaves(const Leaves& memory, const Learned&)> learn;
  /// Its estimate of -H⁻¹g, where the direction is none.
  std::function<Array(const Leaves& memory, const Array& gradient)> correction = {};
  /// The strong Wolfe conditions, or only the first of them, by halving.
  WolfeOptions search = {};
  bool halving = false;
  /// Whether the direction has the right length; otherwise the first trial is what should fall as much as the last step did.
  bool sized = true;
};

StepFunctions descent_steps(const Descent& method);

}  // namespace dini::detail
