// What a problem takes of memory, judged by shapes before anything is made.
#pragma once

#include "apps/dini/lanes.hpp"
#include "apps/dini/solve.hpp"

namespace dini::app {

/// How many lanes may go through a computation together, at least one. ProblemError when one lane alone, or the results of
/// all of them, would take more than settings.max_bytes; it says of what, and which solver or adjoint does without.
std::int64_t lanes_at_once(const Lanes& lanes, const SolveSettings& settings);

/// How many residual norms are kept of a lane, where any are asked for.
std::int64_t history_length(const Problem& problem, const SolveSettings& settings);

}  // namespace dini::app
