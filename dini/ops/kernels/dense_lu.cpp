#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_pieces.hpp"
#include "dini/ops/kernels/dense_table.hpp"
#include "dini/ops/kernels/dense_triangular.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::kernels {
namespace {

template <class T> int lu_small(std::size_t n, const T* a, T* lu, std::int32_t* perm) {
  alignas(64) T panel[panel_width * panel_width];
  std::int32_t pivot[panel_width];
  for (std::size_t i = 0; i < n; ++i) {
    T* row = panel + i * panel_width;
    for (std::size_t j = 0; j < n; ++j) row[j] = a[i * n + j];
    for (std::size_t j = n; j < panel_width; ++j) row[j] = T(0);
    perm[i] = static_cast<std::int32_t>(i);
  }
  const int info =
      dense_micro<T>().lu_panel(static_cast<std::ptrdiff_t>(n), static_cast<std::ptrdiff_t>(n), panel, pivot);
  for (std::size_t i = 0; i < n; ++i) {
    std::swap(perm[i], perm[pivot[i]]);
    for (std::size_t j = 0; j < n; ++j) lu[i * n + j] = panel[i * panel_width + j];
  }
  return info;
}

// Right-looking, in panels of panel_width columns that are packed so that a row is one or two vectors.
template <class T> void lu_blocked(std::size_t n, T* lu, std::int32_t* perm) {
  const DenseMicro<T>& micro = dense_micro<T>();
  constexpr std::size_t width = panel_width;
  const auto ld = static_cast<std::ptrdiff_t>(n);
  Scratch<T> panel(n * width);
  std::int32_t pivot[width];
  for (std::size_t k = 0; k < n; k += width) {
    const std::size_t w = std::min(width, n - k);
    const std::size_t rows = n - k;
    const std::size_t right = n - k - w;
    for (std::size_t i = 0; i < rows; ++i) {
      std::memcpy(&panel[i * width], lu + (k + i) * n + k, w * sizeof(T));
      for (std::size_t j = w; j < width; ++j) panel[i * width + j] = T(0);
    }
    micro.lu_panel(static_cast<std::ptrdiff_t>(rows), static_cast<std::ptrdiff_t>(w), panel.data(), pivot);
    for (std::size_t i = 0; i < w; ++i) {
      const std::size_t other = k + static_cast<std::size_t>(pivot[i]);
      if (other == k + i) continue;
      std::swap(perm[k + i], perm[other]);
      std::swap_ranges(lu + (k + i) * n, lu + (k + i) * n + k, lu + other * n);
      std::swap_ranges(lu + (k + i) * n + k + w, lu + (k + i + 1) * n, lu + other * n + k + w);
    }
    for (std::size_t i = 0; i < rows; ++i) std::memcpy(lu + (k + i) * n + k, &panel[i * width], w * sizeof(T));
    if (right == 0) continue;
    T* corner = lu + k * n + k;
    solve_triangle(true, false, true, w, right, corner, n, corner + w, n);
    micro.multiply(Accumulate::subtract, static_cast<std::ptrdiff_t>(rows - w), static_cast<std::ptrdiff_t>(right),
                   static_cast<std::ptrdiff_t>(w), corner + w * n, ld, 1, corner + w, ld, corner + w * n + w, ld);
  }
}

// getrf, right-looking: a block of columns, then the rest of the matrix in pieces.
template <class T> void getrf_in_pieces(std::size_t n, T* a, lapack_int* pivot) {
  constexpr std::size_t width = 256;
  const OneBlasThread one_blas_thread;
  const lapack_int ld = as_int(n), one = 1;
  const auto at = [&](std::size_t i, std::size_t j) { return a + j * n + i; };
  for (std::size_t k = 0; k < n; k += width) {
    detail::poll_cancel();
    const std::size_t w = std::min(width, n - k), end = k + w;
    const lapack_int rows = as_int(n - k), columns = as_int(w), first = as_int(k + 1), last = as_int(end);
    lapack_int info = 0;
    DINI_LAPACK(getrf, &rows, &columns, at(k, k), &ld, pivot + k, &info);
    for (std::size_t i = k; i < end; ++i) pivot[i] += as_int(k);
    const lapack_int left = as_int(k), right = as_int(n - end);
    if (left > 0) DINI_LAPACK(laswp, &left, a, &ld, &first, &last, pivot, &one);
    if (right == 0) return;
    DINI_LAPACK(laswp, &right, at(0, end), &ld, &first, &last, pivot, &one);
    const std::size_t piece = piece_length(n - end, multiplications(n - k, w, 1));
    for (std::size_t j = end; j < n; j += piece) {
      detail::poll_cancel();
      const std::size_t c = std::min(piece, n - j);
      trsm(CblasLower, CblasNoTrans, CblasUnit, w, c, at(k, k), at(k, j), n);
      subtract_product(CblasNoTrans, n - end, c, w, at(end, k), at(k, j), at(end, j), n);
    }
  }
}

template <class T> void lu_lapack(std::size_t n, T* lu, std::int32_t* perm) {
  Scratch<lapack_int> pivot(n);
  const lapack_int order = as_int(n);
  lapack_int info = 0;
  transpose_in_place(n, lu);
  if (multiplications(n, n, n) < 3 * work_in_pieces)
    DINI_LAPACK(getrf, &order, &order, lu, &order, pivot.data(), &info);
  else
    getrf_in_pieces(n, lu, pivot.data());
  transpose_in_place(n, lu);
  for (std::size_t i = 0; i < n; ++i) std::swap(perm[i], perm[pivot[i] - 1]);
}

}  // namespace

template <class T> int lu_factor(std::size_t n, const T* a, T* lu, std::int32_t* perm) {
  poll_before(multiplications(n, n, n));
  if (n <= static_cast<std::size_t>(panel_width)) return lu_small(n, a, lu, perm);
  if (lu != a) std::memcpy(lu, a, n * n * sizeof(T));
  for (std::size_t i = 0; i < n; ++i) perm[i] = static_cast<std::int32_t>(i);
  if (n < dense_table::lu_blas_from) {
    lu_blocked(n, lu, perm);
  } else {
    lu_lapack(n, lu, perm);
  }
  for (std::size_t i = 0; i < n; ++i)
    if (!(std::abs(lu[i * n + i]) > T(0))) return static_cast<int>(i + 1);
  return 0;
}

template <class T>
void lu_solve(bool transposed, std::size_t n, std::size_t nrhs, const T* lu, const std::int32_t* perm, const T* b,
              T* x) {
  if (n == 0 || nrhs == 0) return;
  const auto row = [&](std::int32_t i) { return static_cast<std::size_t>(i) * nrhs; };
  if (!transposed) {
    // P A = L U: L U x = P b.
    if (nrhs == 1) {
      for (std::size_t i = 0; i < n; ++i) x[i] = b[perm[i]];
    } else {
      for (std::size_t i = 0; i < n; ++i) std::memcpy(x + i * nrhs, b + row(perm[i]), nrhs * sizeof(T));
    }
    solve_triangle(true, false, true, n, nrhs, lu, n, x, nrhs);
    solve_triangle(false, false, false, n, nrhs, lu, n, x, nrhs);
  } else {
    // Aᵀ = Uᵀ Lᵀ P: z = L⁻ᵀ U⁻ᵀ b, x = Pᵀ z.
    Scratch<T> z(n * nrhs);
    std::memcpy(z.data(), b, n * nrhs * sizeof(T));
    solve_triangle(false, true, false, n, nrhs, lu, n, z.data(), nrhs);
    solve_triangle(true, true, true, n, nrhs, lu, n, z.data(), nrhs);
    if (nrhs == 1) {
      for (std::size_t i = 0; i < n; ++i) x[perm[i]] = z[i];
    } else {
      for (std::size_t i = 0; i < n; ++i) std::memcpy(x + row(perm[i]), &z[i * nrhs], nrhs * sizeof(T));
    }
  }
}

int permutation_sign(std::size_t n, const std::int32_t* perm) {
  // A cycle of even length is an odd permutation.
  Scratch<bool> seen(n);
  std::fill(seen.data(), seen.data() + n, false);
  int sign = 1;
  for (std::size_t i = 0; i < n; ++i) {
    if (seen[i]) continue;
    std::size_t length = 0;
    for (std::size_t j = i; !seen[j]; j = static_cast<std::size_t>(perm[j]), ++length) seen[j] = true;
    if (length % 2 == 0) sign = -sign;
  }
  return sign;
}

template <class T> T lu_det(std::size_t n, const T* lu, const std::int32_t* perm) {
  // Fraction and exponent apart, so that only the result can overflow, and 0 stays 0.
  T fraction = static_cast<T>(permutation_sign(n, perm));
  long exponent = 0;
  for (std::size_t i = 0; i < n; ++i) {
    int e = 0;
    fraction = std::frexp(fraction * lu[i * n + i], &e);
    exponent += e;
  }
  return std::ldexp(fraction, static_cast<int>(std::clamp(exponent, -100000L, 100000L)));
}

template <class T> void lu_slogdet(std::size_t n, const T* lu, const std::int32_t* perm, T* sign, T* logabsdet) {
  int negative = permutation_sign(n, perm);
  T sum = 0;
  bool zero = false;
  for (std::size_t i = 0; i < n; ++i) {
    const T u = lu[i * n + i];
    zero = zero || u == T(0);
    if (u < T(0)) negative = -negative;
    sum += std::log(std::abs(u));
  }
  *sign = std::isnan(sum) ? sum : static_cast<T>(negative);
  *logabsdet = sum;
  if (zero && !std::isnan(sum)) {
    *sign = 0;
    *logabsdet = -std::numeric_limits<T>::infinity();
  }
}

template <class T> void lu_inverse(std::size_t n, const T* lu, const std::int32_t* perm, T* x) {
  // The right-hand side P I is written down instead of being permuted.
  std::fill(x, x + n * n, T(0));
  for (std::size_t i = 0; i < n; ++i) x[i * n + static_cast<std::size_t>(perm[i])] = T(1);
  solve_triangle(true, false, true, n, n, lu, n, x, n);
  solve_triangle(false, false, false, n, n, lu, n, x, n);
}

template <class T>
void triangular_solve(bool lower, bool transposed, bool unit_diagonal, std::size_t n, std::size_t nrhs, const T* a,
                      const T* b, T* x) {
  if (x != b && n * nrhs > 0) std::memcpy(x, b, n * nrhs * sizeof(T));
  solve_triangle(lower, transposed, unit_diagonal, n, nrhs, a, n, x, nrhs);
}

#define DINI_LU(T)                                                                                        \
  template int lu_factor<T>(std::size_t, const T*, T*, std::int32_t*);                                    \
  template void lu_solve<T>(bool, std::size_t, std::size_t, const T*, const std::int32_t*, const T*, T*); \
  template T lu_det<T>(std::size_t, const T*, const std::int32_t*);                                       \
  template void lu_slogdet<T>(std::size_t, const T*, const std::int32_t*, T*, T*);                        \
  template void lu_inverse<T>(std::size_t, const T*, const std::int32_t*, T*);                            \
  template void triangular_solve<T>(bool, bool, bool, std::size_t, std::size_t, const T*, const T*, T*);
DINI_LU(float)
DINI_LU(double)
#undef DINI_LU

}  // namespace dini::kernels
