// A start with multipliers: of an earlier solution, or of the one that is looked for.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// For problems with bounds or constraints of which θ begins, after the bounds, with two arrays: ν and λ of z0. That point is finished
/// (solvers/kkt.hpp): from an earlier solution that is a step or few of an active-set method, and a solution stays what it is. Where it
/// is none `then` solves from z0, if there is one. Its `methods` are `start`, then those of `then`.
std::shared_ptr<const SolverMethod> from_multipliers(std::shared_ptr<const SolverMethod> then = nullptr);

}  // namespace dini::detail
