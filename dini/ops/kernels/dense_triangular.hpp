#pragma once

// The one triangular solve behind LU, Cholesky, LDLᵀ and triangular_solve.

#include <algorithm>
#include <cstddef>

#include "dini/core/pool.hpp"
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
  const std::size_t piece = piece_length(nrhs, multiplications(n, n, 1) / 2);
  detail::for_pieces((nrhs + piece - 1) / piece, [&](std::size_t number) {
    detail::poll_cancel();
    T* first = x + number * piece;
    const auto columns = static_cast<std::ptrdiff_t>(std::min(piece, nrhs - number * piece));
    if (lower != transposed) {
      dense_micro<T>().solve_lower(unit, order, columns, a, row, column, first, ldx);
    } else {
      dense_micro<T>().solve_lower(unit, order, columns, a + (order - 1) * (lda + 1), -row, -column,
                                   first + (order - 1) * ldx, -ldx);
    }
  });
}

}  // namespace dini::kernels
