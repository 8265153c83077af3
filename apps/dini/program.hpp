// Quadratic and linear programs.
#pragma once

#include "apps/dini/equation.hpp"

namespace dini::app {

/// solve_lane of a program. Its matrices' shapes are checked by the library.
Found solve_program(const Problem& problem, const Problem::Inputs& inputs, const Point& start,
                    const FixedPointOptions& options, const Array& added);

/// slacks_at of a program's rows A, G and G_lower.
Problem::Inputs row_slacks(const Problem& problem, const Problem::Inputs& inputs, const Array& z);

}  // namespace dini::app
