// A lane's equation, and the library's solve of it. Everything here may be traced: lanes are solved and differentiated
// together.
#pragma once

#include "dini/implicit/bracket.hpp"
#include "dini/implicit/fixed_point.hpp"
#include "dini/io/problem.hpp"

namespace dini::app {

/// The problem's formula as the library wants it, in the problem's dtype. ProblemError where its shape does not fit z's.
Array map_at(const Problem& problem, const Problem::Inputs& inputs, const Array& z);

/// The library's solve of a problem that has something to solve.
Solution<Array> solve_lane(const Problem& problem, const Problem::Inputs& inputs, const Array& z0,
                           const FixedPointOptions& options);

/// The bracket of a problem that has one, of z's shape. ProblemError where it does not fit.
Bracket<Array> bracket_of(const Problem& problem, const Shape& shape);

/// z as a differentiable function of the inputs: the point that was found, taken as it is where the options' solver is
/// detail::given_point; of kind "value" the formula's value. `added`, of z's shape, is added to the equation where it is
/// defined: its cotangent is the adjoint's solution.
Array solution_at(const Problem& problem, const Problem::Inputs& inputs, const Array& z,
                  const FixedPointOptions& options, const Array& added = {});

/// The loss at these inputs and this z, as a scalar of the problem's dtype. ProblemError where it is no scalar.
Array loss_at(const Problem& problem, const Problem::Inputs& inputs, const Array& z);

/// ‖Aᵀu + w‖ for the cotangent u of `added` and w = ∂loss/∂z.
Array adjoint_residual(const Problem& problem, const Problem::Inputs& inputs, const Array& z, const Array& u);

}  // namespace dini::app
