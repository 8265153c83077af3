// The lowest curvature of a function whose Hessian is known by its products.
#pragma once

#include "dini/linear/krylov.hpp"

namespace dini::detail {

/// The least eigenvalue that `products` products with a symmetric H tell of, its unit eigenvector v, and the largest magnitude:
/// Lanczos's method from a fixed vector, every new direction made orthogonal to all before it (Golub and Van Loan, Matrix
/// Computations, 2013, 10.3). value = vᵀHv, so that what is negative is so; that nothing negative was found is an estimate.
struct LowestCurvature {
  Array value, direction, largest;
};
LowestCurvature lowest_curvature(const Product& h, const Array& like, std::int64_t products);

}  // namespace dini::detail
