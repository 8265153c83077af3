// Line searches: how far to go along a direction that leads downhill.
#pragma once

#include "dini/solvers/objective.hpp"

namespace dini::detail {

/// Where a search ended: z + tp, and E and its gradient there. t is 0 where no step was found.
struct LineEnd {
  Array t, z;
  Slope there;
  Array evaluations;
  auto tree() { return std::tie(t, z, there, evaluations); }
};

/// t with φ(t) ≤ φ(0) + decrease·t·φ'(0) and |φ'(t)| ≤ -curvature·φ'(0), φ(t) = E(z + tp): the strong Wolfe conditions, by
/// bracketing and cubic interpolation (Nocedal and Wright, Numerical Optimization, 2006, algorithms 3.5 and 3.6). Where E's last
/// digits no longer tell, slopes stand for its values (Hager and Zhang, A new conjugate gradient method with guaranteed descent,
/// SIAM J. Optim. 16, 2005). Of at most `most` trial points the lowest that falls enough is taken where none has both.
struct WolfeOptions {
  double decrease = 1e-4, curvature = 0.9;
  std::int64_t most = 30;
};
LineEnd wolfe_search(const SolverProblem& problem, const Array& z, const Slope& here, const Array& p,
                     const Array& first, const WolfeOptions& options);

/// t = first, first/2, ... with φ(t) ≤ φ(0) + decrease·t·φ'(0) (Armijo).
LineEnd armijo_search(const SolverProblem& problem, const Array& z, const Slope& here, const Array& p,
                      const Array& first, double decrease, std::int64_t most);

/// The first trial of a step whose direction has no length of its own: as far as z is from 0, at most.
Array modest_step(const Array& z, const Array& p);

}  // namespace dini::detail
