// Products with A = ∂F/∂z at a point, where A is not formed.
#pragma once

#include "dini/linear/krylov.hpp"
#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// v -> A v at z, from F linearised there once.
Product products_at(const SolverProblem& problem, const Array& z);

/// A at z: a matrix, or of a diagonal() problem the vector of its diagonal, from one product.
Array slopes_at(const SolverProblem& problem, const Array& z);

/// σ for which σF is nearest to A⁻¹F: what a multiple of the identity can do in A's place.
Array scalar_inverse(const SolverProblem& problem, const Array& z, const Array& residual);

}  // namespace dini::detail
