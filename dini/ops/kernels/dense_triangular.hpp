#pragma once

// The one triangular solve behind LU, Cholesky, LDLᵀ and triangular_solve.

#include <cstddef>

#include "dini/ops/kernels/dense_micro.hpp"

namespace dini::kernels {

// X ← op(A)⁻¹ X in place; a[n, n] and x[n, nrhs] have rows a_ld and x_ld apart.
template <class T>
void solve_triangle(bool lower, bool transposed, bool unit, std::size_t n, std::size_t nrhs, const T* a,
                    std::size_t a_ld, T* x, std::size_t x_ld) {
  if (n == 0 || nrhs == 0) return;
  const auto order = static_cast<std::ptrdiff_t>(n);
  const auto columns = static_cast<std::ptrdiff_t>(nrhs);
  const auto lda = static_cast<std::ptrdiff_t>(a_ld);
  const auto ldx = static_cast<std::ptrdiff_t>(x_ld);
  const std::ptrdiff_t row = transposed ? 1 : lda;
  const std::ptrdiff_t column = transposed ? lda : 1;
  if (lower != transposed) {
    dense_micro<T>().solve_lower(unit, order, columns, a, row, column, x, ldx);
  } else {
    dense_micro<T>().solve_lower(unit, order, columns, a + (order - 1) * (lda + 1), -row, -column,
                                 x + (order - 1) * ldx, -ldx);
  }
}

}  // namespace dini::kernels
