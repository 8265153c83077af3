#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "dini/core/pool.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_pieces.hpp"
#include "dini/ops/kernels/dense_table.hpp"
#include "dini/ops/kernels/dense_triangular.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"
#include "dini/ops/kernels/vector.hpp"

namespace dini::kernels {
namespace {

template <class T> int cholesky_small(std::size_t n, const T* a, T* l) {
  alignas(64) T panel[panel_width * panel_width];
  for (std::size_t i = 0; i < n; ++i) {
    T* row = panel + i * panel_width;
    std::fill(row, row + i, T(0));
    for (std::size_t j = i; j < n; ++j) row[j] = a[j * n + i];
    std::fill(row + n, row + panel_width, T(0));
  }
  const int info = dense_micro<T>().cholesky_panel(static_cast<std::ptrdiff_t>(n), panel);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) l[i * n + j] = panel[j * panel_width + i];
    for (std::size_t j = i + 1; j < n; ++j) l[i * n + j] = T(0);
  }
  return info;
}

// The upper triangle's UᵀU of rows from k on, of which `width` rows are taken: 0 or which pivot is not positive.
template <class T> int cholesky_rows(std::size_t n, T* u, std::size_t k, std::size_t width, std::size_t columns) {
  alignas(64) T panel[panel_width * panel_width];
  const std::size_t step = panel_width;
  T* corner = u + k * n + k;
  for (std::size_t i = 0; i < width; ++i) {
    std::copy(corner + i * n + i, corner + i * n + width, panel + i * step + i);
    std::fill(panel + i * step + width, panel + (i + 1) * step, T(0));
  }
  const int info = dense_micro<T>().cholesky_panel(static_cast<std::ptrdiff_t>(width), panel);
  if (info != 0) return info;
  for (std::size_t i = 0; i < width; ++i) std::copy(panel + i * step + i, panel + i * step + width, corner + i * n + i);
  if (columns > width) solve_triangle(false, true, false, width, columns - width, corner, n, corner + width, n);
  return 0;
}

// A_ij −= Σ_p u_pi u_pj for p in [k, k + width), i in [first, last), j ≥ i, j < end.
template <class T>
void cholesky_update(std::size_t n, T* u, std::size_t k, std::size_t width, std::size_t first, std::size_t last,
                     std::size_t end) {
  const auto ld = static_cast<std::ptrdiff_t>(n);
  constexpr std::size_t step = 32;  // what lies below the diagonal within a step is computed in vain
  for (std::size_t i = first; i < last; i += step) {
    const std::size_t rows = std::min(step, last - i);
    dense_micro<T>().multiply(Accumulate::subtract, static_cast<std::ptrdiff_t>(rows),
                              static_cast<std::ptrdiff_t>(end - i), static_cast<std::ptrdiff_t>(width), u + k * n + i,
                              1, ld, u + k * n + i, ld, u + i * n + i, ld);
  }
}

// Right-looking in the upper triangle, in blocks of rows, whose products the threads share, and in them panels.
template <class T> int cholesky_blocked(std::size_t n, T* u) {
  const std::size_t block = n < dense_table::blocks_from ? n : dense_table::block;
  for (std::size_t k = 0; k < n; k += block) {
    const std::size_t end = std::min(n, k + block);
    for (std::size_t i = k; i < end; i += panel_width) {
      detail::poll_cancel();
      const std::size_t w = std::min<std::size_t>(panel_width, end - i);
      if (const int info = cholesky_rows(n, u, i, w, n - i); info != 0) return static_cast<int>(i) + info;
      cholesky_update(n, u, i, w, i + w, end, n);
    }
    const std::size_t rest = n - end;
    const std::size_t piece = piece_length(rest, multiplications(rest, end - k, 1) / 2);
    detail::for_pieces(rest == 0 ? 0 : (rest + piece - 1) / piece, [&](std::size_t number) {
      detail::poll_cancel();
      const std::size_t first = end + number * piece;
      cholesky_update(n, u, k, end - k, first, std::min(n, first + piece), n);
    });
  }
  return 0;
}

}  // namespace

template <class T> int cholesky_factor(std::size_t n, const T* a, T* l) {
  poll_before(multiplications(n, n, n));
  if (n <= static_cast<std::size_t>(panel_width)) return cholesky_small(n, a, l);
  // A = UᵀU with U = Lᵀ in the upper triangle, whose rows are contiguous.
  Scratch<T> u(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) u[j * n + i] = a[i * n + j];
  const int info = cholesky_blocked(n, u.data());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) l[i * n + j] = u[j * n + i];
    std::fill(l + i * n + i + 1, l + (i + 1) * n, T(0));
  }
  return info;
}

template <class T> void cholesky_solve(std::size_t n, std::size_t nrhs, const T* l, const T* b, T* x) {
  if (x != b && n * nrhs > 0) std::memcpy(x, b, n * nrhs * sizeof(T));
  solve_triangle(true, false, false, n, nrhs, l, n, x, nrhs);
  solve_triangle(true, true, false, n, nrhs, l, n, x, nrhs);
}

// The factors are LAPACK's sytrf of the column-major upper triangle, A = U D Uᵀ: U is a product of permutations and unit
// upper blocks, taken from the last column to the first, and column k of it lies in row k of the row-major matrix. A
// pivot p > 0 is a 1×1 block with rows k and p − 1 exchanged; a pair of pivots −p is a 2×2 block in rows k − 1, k with
// rows k − 1 and p − 1 exchanged.
template <class T> int ldlt_factor(std::size_t n, const T* a, T* ldlt, std::int32_t* pivots) {
  if (n == 0) return 0;
  poll_before(multiplications(n, n, n));
  for (std::size_t i = 0; i < n; ++i) {
    if (ldlt != a) std::memcpy(ldlt + i * n, a + i * n, (i + 1) * sizeof(T));
    std::fill(ldlt + i * n + i + 1, ldlt + (i + 1) * n, T(0));
  }
  if (!lower_finite(n, ldlt)) {
    // Pivots that keep the solve in bounds; NaN through it.
    for (std::size_t i = 0; i < n; ++i) pivots[i] = static_cast<std::int32_t>(i + 1);
    fill_nan(n * n, ldlt);
    return 1;
  }
  const char upper = 'U';
  const lapack_int order = as_int(n);
  lapack_int info = 0;
  lapack_int lwork = -1;
  T wanted = 0;
  DINI_LAPACK(sytrf, &upper, &order, ldlt, &order, pivots, &wanted, &lwork, &info, 1);
  lwork = static_cast<lapack_int>(wanted);
  Scratch<T> work(static_cast<std::size_t>(lwork));
  DINI_LAPACK(sytrf, &upper, &order, ldlt, &order, pivots, work.data(), &lwork, &info, 1);
  for (std::size_t i = 0; i < n; ++i)
    if (pivots[i] > 0 && !(std::abs(ldlt[i * n + i]) > T(0))) return static_cast<int>(i + 1);
  return 0;
}

template <class T>
void ldlt_solve(std::size_t n, std::size_t nrhs, const T* ldlt, const std::int32_t* pivots, const T* b, T* x) {
  if (n == 0 || nrhs == 0) return;
  if (x != b) std::memcpy(x, b, n * nrhs * sizeof(T));
  const DenseMicro<T>& micro = dense_micro<T>();
  const auto width = static_cast<std::ptrdiff_t>(nrhs);
  const auto exchange = [&](std::size_t i, std::size_t j) {
    if (i != j) std::swap_ranges(x + i * nrhs, x + (i + 1) * nrhs, x + j * nrhs);
  };
  // x[0..rows) −= u x[k], u the column of U in row k.
  const auto axpy = vector_kernels<T>().axpy;
  const auto eliminate = [&](std::size_t rows, std::size_t k) {
    if (nrhs == 1) return axpy(rows, -x[k], ldlt + k * n, x);
    micro.multiply(Accumulate::subtract, static_cast<std::ptrdiff_t>(rows), width, 1, ldlt + k * n, 1, 1, x + k * nrhs,
                   width, x, width);
  };
  for (std::size_t left = n; left > 0;) {
    const std::size_t k = left - 1;
    if (pivots[k] > 0) {
      exchange(k, static_cast<std::size_t>(pivots[k]) - 1);
      eliminate(k, k);
      const T d = ldlt[k * n + k];
      for (std::size_t j = 0; j < nrhs; ++j) x[k * nrhs + j] /= d;
      left -= 1;
    } else {
      exchange(k - 1, static_cast<std::size_t>(-pivots[k]) - 1);
      eliminate(k - 1, k);
      eliminate(k - 1, k - 1);
      // [d₁ e; e d₂] is divided by e first, as the off-diagonal is the large entry of a 2×2 pivot.
      const T e = ldlt[k * n + k - 1];
      const T d1 = ldlt[(k - 1) * n + k - 1] / e;
      const T d2 = ldlt[k * n + k] / e;
      const T denominator = d1 * d2 - T(1);
      for (std::size_t j = 0; j < nrhs; ++j) {
        const T first = x[(k - 1) * nrhs + j] / e;
        const T second = x[k * nrhs + j] / e;
        x[(k - 1) * nrhs + j] = (d2 * first - second) / denominator;
        x[k * nrhs + j] = (d1 * second - first) / denominator;
      }
      left -= 2;
    }
  }
  // x[k] −= uᵀ x[0..rows).
  const auto collect = [&](std::size_t rows, std::size_t k) {
    if (rows > 0)
      micro.multiply(Accumulate::subtract, 1, width, static_cast<std::ptrdiff_t>(rows), ldlt + k * n, 1, 1, x, width,
                     x + k * nrhs, width);
  };
  for (std::size_t k = 0; k < n;) {
    if (pivots[k] > 0) {
      collect(k, k);
      exchange(k, static_cast<std::size_t>(pivots[k]) - 1);
      k += 1;
    } else {
      collect(k, k);
      collect(k, k + 1);
      exchange(k, static_cast<std::size_t>(-pivots[k]) - 1);
      k += 2;
    }
  }
}

template <class T> Inertia ldlt_inertia(std::size_t n, const T* ldlt, const std::int32_t* pivots) {
  Inertia inertia;
  for (std::size_t k = 0; k < n;) {
    if (pivots[k] > 0) {
      const T d = ldlt[k * n + k];
      ++(d > T(0) ? inertia.positive : d < T(0) ? inertia.negative : inertia.zero);
      k += 1;
    } else {
      // Bunch–Kaufman takes a 2×2 block only where its determinant is negative: one eigenvalue of each sign.
      ++inertia.positive;
      ++inertia.negative;
      k += 2;
    }
  }
  return inertia;
}

#define DINI_SYMMETRIC(T)                                                                             \
  template int cholesky_factor<T>(std::size_t, const T*, T*);                                         \
  template void cholesky_solve<T>(std::size_t, std::size_t, const T*, const T*, T*);                  \
  template int ldlt_factor<T>(std::size_t, const T*, T*, std::int32_t*);                              \
  template void ldlt_solve<T>(std::size_t, std::size_t, const T*, const std::int32_t*, const T*, T*); \
  template Inertia ldlt_inertia<T>(std::size_t, const T*, const std::int32_t*);
DINI_SYMMETRIC(float)
DINI_SYMMETRIC(double)
#undef DINI_SYMMETRIC

}  // namespace dini::kernels
