#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_pieces.hpp"
#include "dini/ops/kernels/dense_triangular.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

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

// potrf of the upper triangle, right-looking: a block of rows, then the rest of the triangle in pieces.
template <class T> void potrf_in_pieces(std::size_t n, T* a, lapack_int* info) {
  constexpr std::size_t width = 256;
  const OneBlasThread one_blas_thread;
  const char upper = 'U';
  const lapack_int ld = as_int(n);
  const auto at = [&](std::size_t i, std::size_t j) { return a + j * n + i; };
  for (std::size_t k = 0; k < n; k += width) {
    detail::poll_cancel();
    const std::size_t w = std::min(width, n - k), end = k + w;
    const lapack_int order = as_int(w);
    DINI_LAPACK(potrf, &upper, &order, at(k, k), &ld, info, 1);
    if (*info != 0) {
      *info += as_int(k);
      return;
    }
    if (end == n) return;
    // The whole row of blocks first: a piece of the triangle needs what is to its left.
    const std::size_t piece = piece_length(n - end, multiplications(n - k, w, 1));
    for (std::size_t j = end; j < n; j += piece) {
      detail::poll_cancel();
      trsm(CblasUpper, CblasTrans, CblasNonUnit, w, std::min(piece, n - j), at(k, k), at(k, j), n);
    }
    for (std::size_t j = end; j < n; j += width) {
      detail::poll_cancel();
      const std::size_t c = std::min(width, n - j);
      if (j > end) subtract_product(CblasTrans, j - end, c, w, at(k, end), at(k, j), at(end, j), n);
      const auto update = [] {
        if constexpr (sizeof(T) == sizeof(float)) {
          return cblas_ssyrk;
        } else {
          return cblas_dsyrk;
        }
      }();
      update(CblasColMajor, CblasUpper, CblasTrans, as_int(c), as_int(w), T(-1), at(k, j), as_int(n), T(1), at(j, j),
             as_int(n));
    }
  }
}

}  // namespace

template <class T> int cholesky_factor(std::size_t n, const T* a, T* l) {
  poll_before(multiplications(n, n, n));
  if (n <= static_cast<std::size_t>(panel_width)) return cholesky_small(n, a, l);
  for (std::size_t i = 0; i < n; ++i) {
    if (l != a) std::memcpy(l + i * n, a + i * n, (i + 1) * sizeof(T));
    std::fill(l + i * n + i + 1, l + (i + 1) * n, T(0));
  }
  // The row-major lower triangle is the column-major upper one: A = UᵀU with U = Lᵀ.
  const char upper = 'U';
  const lapack_int order = as_int(n);
  lapack_int info = 0;
  if (multiplications(n, n, n) < 6 * work_in_pieces)
    DINI_LAPACK(potrf, &upper, &order, l, &order, &info, 1);
  else
    potrf_in_pieces(n, l, &info);
  for (std::size_t i = 0; i < n; ++i)
    if (!(l[i * n + i] > T(0)) || (info > 0 && i + 1 == static_cast<std::size_t>(info))) return static_cast<int>(i + 1);
  return 0;
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
  // x[0..rows) −= u x[k], u the column of U in row k. A single long column of x is as well a row: vectors along u then.
  const auto eliminate = [&](std::size_t rows, std::size_t k) {
    const auto m = static_cast<std::ptrdiff_t>(rows);
    if (m >= 16 && nrhs == 1) {
      micro.multiply(Accumulate::subtract, 1, m, 1, x + k, 1, 1, ldlt + k * n, m, x, m);
    } else if (m > 0) {
      micro.multiply(Accumulate::subtract, m, width, 1, ldlt + k * n, 1, 1, x + k * nrhs, width, x, width);
    }
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
