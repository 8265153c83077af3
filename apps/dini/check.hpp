// The gradient against differences of the problem solved anew.
#pragma once

#include <optional>

#include "apps/dini/lanes.hpp"
#include "dini/io/problem_result.hpp"

namespace dini::app {

/// How many digits of the lanes' gradient agree with central differences of their losses, for the worst input and lane. `points`
/// are the solutions, from which the problem is solved anew.
double check_gradient(const Lanes& lanes, const ProblemResult::Named& gradient, const Point& points);

}  // namespace dini::app
