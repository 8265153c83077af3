// A result for people, and as a plot.
#pragma once

#include <string>

#include "dini/io/problem.hpp"
#include "dini/io/problem_result.hpp"

namespace dini::app {

/// Status, solver, steps, residual, z, loss and derivatives, in aligned columns, long arrays shortened.
std::string report(const Problem& problem, const ProblemResult& result);

/// "step,residual_norm" and a line a step; of lanes "lane,step,residual_norm".
std::string history_csv(const ProblemResult& result);
/// The same as a plot with a logarithmic axis, a curve for each lane.
std::string history_svg(const ProblemResult& result);

}  // namespace dini::app
