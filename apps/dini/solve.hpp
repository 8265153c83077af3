// From a problem to its result: the tool's one door to the library's solvers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "dini/io/problem.hpp"
#include "dini/io/problem_result.hpp"

namespace dini::app {

struct SolveSettings {
  bool gradient_anyway = false;
  bool check = false;
  bool history = false;
  std::int64_t max_bytes = 0;
  const std::atomic<bool>* cancel = nullptr;
  /// The problem in float64 for `check`; null where it is the problem itself.
  const Problem* precise = nullptr;
  /// Called after each evaluation with its number and the residual's norm.
  std::function<void(std::int64_t, double)> on_evaluation;
};

/// Solves, and takes the derivatives that the problem asks for. ProblemError and FormulaError where the problem is wrong;
/// a failed solve is a result.
ProblemResult solve_problem(const Problem& problem, const SolveSettings& settings);

}  // namespace dini::app
