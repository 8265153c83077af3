#pragma once

// The one triangular solve behind LU, Cholesky, LDLᵀ and triangular_solve.

#include <algorithm>
#include <cstddef>

#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_pieces.hpp"

namespace dini::kernels {

// X ← op(A)⁻¹ X in place; a[n, n] and x[n, nrhs] have rows a_ld and x_ld apart.
template <class T>
void solve_triangle(bool lower, bool transposed, bool unit, std::size_t n, std::size_t nrhs, const T* a,
                    std::size_t a_ld, T* x, std::size_t x_ld) {
  if (n == 0 || nrhs == 0) return;
  const auto order = static_cast<std::ptrdiff_t>(n);
  const auto lda = static_cast<std::ptrdiff_t>(a_ld);
  const auto ldx = static_cast<std::ptrdiff_t>(x_ld);
  const std::ptrdiff_t row = transposed ? 1 : lda;
  const std::ptrdiff_t column = transposed ? lda : 1;
  poll_before(multiplications(n, n, nrhs));
  const std::size_t piece =
      multiplications(n, n, nrhs) < 2 * work_in_pieces ? nrhs : piece_length(nrhs, multiplications(n, n, 1) / 2);
  for (std::size_t first = 0; first < nrhs; first += piece, x += piece) {
    if (first > 0) detail::poll_cancel();
    const auto columns = static_cast<std::ptrdiff_t>(std::min(piece, nrhs - first));
    if (lower != transposed) {
      dense_micro<T>().solve_lower(unit, order, columns, a, row, column, x, ldx);
    } else {
      dense_micro<T>().solve_lower(unit, order, columns, a + (order - 1) * (lda + 1), -row, -column,
                                   x + (order - 1) * ldx, -ldx);
    }
  }
}

}  // namespace dini::kernels
