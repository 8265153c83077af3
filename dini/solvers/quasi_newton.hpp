// The steps of Broyden's methods, whatever the form in which they keep their approximation H of A⁻¹.
#pragma once

#include "dini/solvers/drive.hpp"

namespace dini::detail {

struct InverseUpdate {
  /// H at a point where nothing is known.
  std::function<Leaves(const SolverProblem&, const Array& z, const Array& residual)> start;
  std::function<Array(const Leaves& h, const Array& v)> apply;  // H v
  /// H with H y = s for the last step; s and Hy in units of ‖s‖. `change` is y, in those of ‖y‖.
  struct Step {
    Array s, hy, change, ratio;  // ratio: ‖s‖/‖y‖
  };
  std::function<Leaves(const Leaves& h, const Step&)> update;
};

/// z ← z - tHF(z), t = 1, ½, ¼, ... until ‖F‖ is at most (1 + (k + 1)⁻² - 10⁻⁴t) of what it was at step k: it may rise, but by no
/// more than a factor 4 in all (Li and Fukushima, Optim. Methods Softw. 13, 2000). Where no t will do H is started anew, and
/// where it has just been, the solve ends.
StepFunctions quasi_newton_steps(const InverseUpdate& inverse, int max_halvings);

/// Broyden's good update, as a change of H by u vᵀ: with the damping of Powell that keeps A regular, for `transposed` = Hᵀs/‖s‖.
struct RankOne {
  Array u, v;
};
RankOne good_update(const InverseUpdate::Step& step, const Array& transposed);

}  // namespace dini::detail
