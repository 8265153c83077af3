// The solver for who names none: several, one after the other.
#pragma once

#include <limits>

#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// One of the methods that auto tries.
struct Trial {
  std::string name;  // in results
  std::shared_ptr<const SolverMethod> method;
  static constexpr std::int64_t any_number = std::numeric_limits<std::int64_t>::max();
  std::int64_t largest = any_number, smallest = 0;  // for how many unknowns
};
using Trials = std::vector<Trial>;

/// What auto tries for a kind of problem, in their order (solvers/sequences.cpp has the lists and why they are so).
const Trials& trials_of(Kind kind, Restriction restriction);

/// Each of the trials from the start; then each from the best point so far; until one converges. `max_steps` is for all of them
/// together.
std::shared_ptr<const SolverMethod> automatic_method();

/// The names of the sequence for n unknowns.
std::vector<std::string> automatic_sequence(Kind kind, std::int64_t n, Restriction restriction = Restriction::none);

}  // namespace dini::detail
