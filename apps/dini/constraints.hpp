// Bounds and constraints of a lane.
#pragma once

#include "apps/dini/equation.hpp"

namespace dini::app {

/// solve_lane of a problem with bounds or constraints. ProblemError where one does not fit z.
Found solve_within(const Problem& problem, const Problem::Inputs& inputs, const Point& start,
                   const FixedPointOptions& options, const Array& added);

/// ProblemError where a start's multipliers are not of the shapes that the constraints have.
void check_multipliers(const Problem& problem, const Problem::Inputs& inputs, const Point& start);
/// Whether a start has all that detail::from_multipliers wants.
bool has_multipliers(const Problem& problem, const Point& start);

/// How far z is from each limit, by the names of Problem::dual_names(): less than 0 where it is beyond. Of an equality the difference of
/// its sides.
Problem::Inputs slacks_at(const Problem& problem, const Problem::Inputs& inputs, const Array& z);

/// ": ..." with the first entry of z of which the lower bound is above the upper; or nothing.
std::string contradiction(const Problem& problem, const Problem::Inputs& inputs, const Shape& shape);

/// The library's name for what the problem wants at ties.
Ties ties_of(const Problem& problem);

}  // namespace dini::app
