#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "dini/core/pool.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_pieces.hpp"
#include "dini/ops/kernels/dense_table.hpp"
#include "dini/ops/kernels/dense_triangular.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::kernels {
namespace {

// How far apart the columns of a panel are: its rows and what a vector may go beyond them, an odd number of the cache's lines, so that
// columns do not evict each other.
std::size_t panel_stride(std::size_t rows) {
  constexpr std::size_t line = 8;
  return ((rows + panel_width + line - 1) / line | 1) * line;
}

// P A = L U of rows of which `width` columns are taken, ld apart: pivots count from the block's first row, and the rows outside of
// these columns are left to the caller. `panel` has room for panel_width columns.
template <class T>
int lu_thin(std::size_t rows, std::size_t width, T* a, std::size_t ld, T* panel, std::int32_t* pivot) {
  const DenseMicro<T>& micro = dense_micro<T>();
  const auto m = static_cast<std::ptrdiff_t>(rows), n = static_cast<std::ptrdiff_t>(width);
  const auto step = static_cast<std::ptrdiff_t>(ld), stride = static_cast<std::ptrdiff_t>(panel_stride(rows));
  for (std::ptrdiff_t j = 0; j < n; ++j) std::fill_n(panel + j * stride + m, panel_width, T(0));
  micro.transpose(m, n, a, step, panel, stride);
  const int info = micro.lu_panel(m, n, panel, stride, pivot);
  micro.transpose(n, m, panel, stride, a, step);
  return info;
}

template <class T> int lu_small(std::size_t n, const T* a, T* lu, std::int32_t* perm) {
  constexpr std::size_t width = panel_width;
  alignas(64) T panel[width * (3 * width)];
  std::int32_t pivot[width];
  if (lu != a) std::copy(a, a + n * n, lu);
  const int info = lu_thin(n, n, lu, n, panel, pivot);
  for (std::size_t i = 0; i < n; ++i) perm[i] = static_cast<std::int32_t>(i);
  for (std::size_t i = 0; i < n; ++i) std::swap(perm[i], perm[pivot[i]]);
  return info;
}

template <class T> void exchange_rows(std::size_t columns, T* a, std::size_t ld, std::size_t i, std::size_t j) {
  if (i != j) std::swap_ranges(a + i * ld, a + i * ld + columns, a + j * ld);
}

// What is right of `width` finished columns: their rows of U, and less their product in what is below; `first` to `last` of its columns.
template <class T>
void lu_right(std::size_t rows, std::size_t width, T* a, std::size_t ld, std::size_t first, std::size_t last) {
  const auto step = static_cast<std::ptrdiff_t>(ld);
  const std::size_t columns = last - first;
  T* right = a + first;
  solve_triangle(true, false, true, width, columns, a, ld, right, ld);
  dense_micro<T>().multiply(Accumulate::subtract, static_cast<std::ptrdiff_t>(rows - width),
                            static_cast<std::ptrdiff_t>(columns), static_cast<std::ptrdiff_t>(width), a + width * ld,
                            step, 1, right, step, right + width * ld, step);
}

// Right-looking twice: blocks of columns, whose products are what takes the time and is shared by the threads, and in them panels.
template <class T> void lu_blocked(std::size_t n, T* lu, std::int32_t* perm) {
  constexpr std::size_t width = panel_width;
  const std::size_t block = n < dense_table::blocks_from ? n : dense_table::block;
  Scratch<T> panel(panel_stride(n) * width);
  Scratch<std::int32_t> pivot(block);
  for (std::size_t k = 0; k < n; k += block) {
    const std::size_t w = std::min(block, n - k), rows = n - k;
    T* corner = lu + k * n + k;
    for (std::size_t c = 0; c < w; c += width) {
      detail::poll_cancel();
      const std::size_t inner = std::min(width, w - c);
      T* a = corner + c * n + c;
      lu_thin(rows - c, inner, a, n, panel.data(), &pivot[c]);
      for (std::size_t i = c; i < c + inner; ++i) {
        pivot[i] += static_cast<std::int32_t>(c);
        const auto other = static_cast<std::size_t>(pivot[i]);
        exchange_rows(c, corner, n, i, other);
        exchange_rows(w - c - inner, corner + c + inner, n, i, other);
      }
      if (c + inner < w) lu_right(rows - c, inner, a, n, inner, w - c);
    }
    for (std::size_t i = 0; i < w; ++i) {
      const auto other = static_cast<std::size_t>(pivot[i]);
      std::swap(perm[k + i], perm[k + other]);
      exchange_rows(k, lu + k * n, n, i, other);
      exchange_rows(n - k - w, corner + w, n, i, other);
    }
    if (k + w == n) return;
    const std::size_t right = n - k - w;
    const std::size_t piece = piece_length(right, multiplications(rows, w, 1));
    detail::for_pieces((right + piece - 1) / piece, [&](std::size_t number) {
      detail::poll_cancel();
      lu_right(rows, w, corner, n, w + number * piece, w + std::min(right, (number + 1) * piece));
    });
  }
}

}  // namespace

template <class T> int lu_factor(std::size_t n, const T* a, T* lu, std::int32_t* perm) {
  poll_before(multiplications(n, n, n));
  if (n <= static_cast<std::size_t>(panel_width)) return lu_small(n, a, lu, perm);
  if (lu != a) std::memcpy(lu, a, n * n * sizeof(T));
  for (std::size_t i = 0; i < n; ++i) perm[i] = static_cast<std::int32_t>(i);
  lu_blocked(n, lu, perm);
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
