// The solver for who names none: several, one after the other.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// Each of the library's methods that the kind's sequence has, from the start; then each from the best point so far; until one
/// converges. For a fixed point forward_iteration, whose limit is a contraction's own, then newton (up to 1,000 unknowns),
/// anderson, and newton with full steps; newton for the other kinds. `max_steps` is for all of them together.
std::shared_ptr<const SolverMethod> automatic_method();

/// The names of the sequence for a kind and n unknowns.
std::vector<std::string> automatic_sequence(Kind kind, std::int64_t n);

}  // namespace dini::detail
