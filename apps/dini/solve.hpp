// From a problem to its result: the tool's one door to the library's solvers.
#pragma once

#include <cstdint>

#include "dini/core/watch.hpp"
#include "dini/io/problem.hpp"
#include "dini/io/problem_result.hpp"

namespace dini::app {

struct SolveSettings {
  bool gradient_anyway = false;
  bool check = false;
  bool history = false;
  std::int64_t max_bytes = 0;
  CancelToken cancel = CancelToken::never();
  /// The problem in float64 for `check`; null where it is the problem itself.
  const Problem* precise = nullptr;
  /// Told of each step of each lane.
  Monitor monitor = nullptr;
};

/// Solves, and takes the derivatives that the problem asks for. ProblemError and FormulaError where the problem is wrong;
/// a failed solve is a result, and so is one that was cancelled. CancelledError where it was before there was any z.
ProblemResult solve_problem(const Problem& problem, const SolveSettings& settings);

}  // namespace dini::app
