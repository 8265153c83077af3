// What the solvers of fits share: residuals r, their Jacobian J = ∂r/∂z, and the full Hessian H of ½‖r‖², which is formed where it is
// wanted and not at every step.
#pragma once

#include "dini/solvers/drive.hpp"
#include "dini/solvers/objective.hpp"

namespace dini::detail {

/// What all of them remember. `since` is how many steps ago H was formed, 0 where it is that of this point.
struct FitMemory {
  Array jacobian, columns, largest;  // J, its columns' norms, and the largest that those have been
  Array value, first;                // ½‖r‖² here and at the start
  Array since;
  auto tree() { return std::tie(jacobian, columns, largest, value, first, since); }
  Array formed() const { return since == 0; }
  /// The largest norms of the columns as units of the unknowns: 1 for a column that has always been 0.
  Array units() const;
};

/// The first state, and those after: `own` is what the method remembers besides.
SolverState fit_start(const SolverProblem& problem, const Array& z0,
                      const std::function<Leaves(const FitMemory&)>& own);
FitMemory fit_memory(const SolverState& state);
Leaves own_memory(const SolverState& state);

/// H, scaled by the units, whether it is there and positive definite, and the scaled correction -H⁻¹g then.
struct FullModel {
  Array hessian, definite, newton;
};
FullModel full_model(const SolverState& at, const FitMemory& m);

/// A trial point, whether it is taken, whether the method wants H next, and whether it sees no way on.
struct FitMove {
  Array z;
  Slope there;
  Array taken, wants_hessian, stuck;
  Leaves own;
};
/// The state after it. H is formed where it is wanted, where r has nearly no part along J (max_j |g_j|/(‖J_j‖‖r‖) < 1e-2), each
/// `each` steps, and after a trial that was not taken.
SolverState fit_moved(const SolverProblem& problem, const SolverState& at, const FitMove& move, int each);

}  // namespace dini::detail
