// A lane's equation, and the library's solve of it. Everything here may be traced: lanes are solved and differentiated
// together.
#pragma once

#include <functional>

#include "dini/implicit/bracket.hpp"
#include "dini/implicit/fixed_point.hpp"
#include "dini/io/problem.hpp"

namespace dini::app {

/// What there is of a solution, by the names that a loss has for it: `z`, and those of Problem::found_names().
using Point = Problem::Inputs;

/// What the library found for a lane.
struct Found {
  Solution<Array> solution;
  Point point;
  // With bounds or constraints: `active`, `weakly_active`, `dependent`; by Problem::dual_names() multipliers that prove that there is
  // no solution; a direction in which there is no end.
  Problem::Inputs counts, certificate;
  detail::Leaves ray;
  auto tree() { return std::tie(solution, point, counts, certificate, ray); }
};

/// The problem's formula as the library wants it, in the problem's dtype; robust residuals as those that count. ProblemError where its
/// shape does not fit z's.
Array map_at(const Problem& problem, const Problem::Inputs& inputs, const Array& z);

/// What is made least, from the formula's value.
Array objective_of(const Problem& problem, const Array& value);

/// The function of z that a problem with a formula hands to the library, and the kind that it is solved as. It refers to the inputs.
/// `added`, of z's shape, is added to the equation where it is defined: its cotangent is the adjoint's solution.
struct Equation {
  Kind kind;
  std::function<Array(const Array&)> map;
};
Equation equation_of(const Problem& problem, const Problem::Inputs& inputs, const Array& added);

/// The library's solve of a problem that has something to solve, from a start's z and, where the options' solver is
/// detail::from_multipliers, its multipliers.
Found solve_lane(const Problem& problem, const Problem::Inputs& inputs, const Point& start,
                 const FixedPointOptions& options, const Array& added = {});

/// The bracket of a problem that has one, of z's shape. ProblemError where it does not fit.
Bracket<Array> bracket_of(const Problem& problem, const Shape& shape);

/// A solution as a differentiable function of the inputs: the point that was found, taken as it is where the options are those of
/// derivative_options; of kind "value" the formula's value.
Point solution_at(const Problem& problem, const Problem::Inputs& inputs, const Point& found,
                  const FixedPointOptions& options, const Array& added = {});

/// The loss at these inputs and this point, as a scalar of the problem's dtype. ProblemError where it is no scalar.
Array loss_at(const Problem& problem, const Problem::Inputs& inputs, const Point& point);

/// ‖Aᵀu + w‖ for the cotangent u of `added` and w = ∂loss/∂z. Of problems without bounds and constraints.
Array adjoint_residual(const Problem& problem, const Problem::Inputs& inputs, const Point& point, const Array& u);

}  // namespace dini::app
