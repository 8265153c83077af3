#pragma once

// What the dense kernels take from LAPACK and BLAS, for float and double under one name, and what they share. Fortran's
// matrices are column-major, so a row-major matrix is its transpose to these functions.

#include <cblas.h>
#define LAPACK_COMPLEX_CPP
#include <lapack.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace dini::kernels {

// BLAS with one thread: results do not depend on how many there are, and the executor brings its own. The setting is
// the process's.
inline void use_one_blas_thread() {
  static const bool done = (openblas_set_num_threads(1), true);
  static_cast<void>(done);
}

inline lapack_int as_int(std::size_t n) { return static_cast<lapack_int>(n); }

// LAPACK's routine for T, in a template of T: DINI_LAPACK(potrf, &uplo, …). lapack.h's macros add the lengths of strings
// which Fortran wants.
#define DINI_LAPACK(routine, ...)               \
  do {                                          \
    if constexpr (sizeof(T) == sizeof(float)) { \
      LAPACK_s##routine(__VA_ARGS__);           \
    } else {                                    \
      LAPACK_d##routine(__VA_ARGS__);           \
    }                                           \
  } while (false)

// B ← op(A)⁻¹ B and C ← C − op(A) B in column-major matrices with columns ld apart; A triangular, or [m, k] where op is
// none.
template <class T>
void trsm(CBLAS_UPLO half, CBLAS_TRANSPOSE op, CBLAS_DIAG unit, std::size_t m, std::size_t n, const T* a, T* b,
          std::size_t ld) {
  const auto solve = [] {
    if constexpr (sizeof(T) == sizeof(float)) {
      return cblas_strsm;
    } else {
      return cblas_dtrsm;
    }
  }();
  solve(CblasColMajor, CblasLeft, half, op, unit, as_int(m), as_int(n), T(1), a, as_int(ld), b, as_int(ld));
}
template <class T>
void subtract_product(CBLAS_TRANSPOSE op, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
                      std::size_t ld) {
  const auto multiply = [] {
    if constexpr (sizeof(T) == sizeof(float)) {
      return cblas_sgemm;
    } else {
      return cblas_dgemm;
    }
  }();
  multiply(CblasColMajor, op, CblasNoTrans, as_int(m), as_int(n), as_int(k), T(-1), a, as_int(ld), b, as_int(ld), T(1),
           c, as_int(ld));
}

template <class T> bool all_finite(std::size_t count, const T* a) {
  // 0 x is 0 or NaN; the sum is vectorised where a loop of isfinite with an exit is not.
  T lanes[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (std::size_t l = 0; l < 8; ++l) lanes[l] += a[i + l] * T(0);
  for (; i < count; ++i) lanes[0] += a[i] * T(0);
  T sum = 0;
  for (T lane : lanes) sum += lane;
  return sum == T(0);
}

// The lower triangle of a row-major matrix.
template <class T> bool lower_finite(std::size_t n, const T* a) {
  for (std::size_t i = 0; i < n; ++i)
    if (!all_finite(i + 1, a + i * n)) return false;
  return true;
}

template <class T> void fill_nan(std::size_t count, T* x) {
  for (std::size_t i = 0; i < count; ++i) x[i] = std::numeric_limits<T>::quiet_NaN();
}

template <class T> void fill_identity(std::size_t rows, std::size_t columns, T* q) {
  std::fill(q, q + rows * columns, T(0));
  for (std::size_t i = 0; i < std::min(rows, columns); ++i) q[i * columns + i] = T(1);
}

// to[columns, rows] = from[rows, columns]ᵀ.
template <class T> void transpose(std::size_t rows, std::size_t columns, const T* from, T* to) {
  constexpr std::size_t tile = 8;  // with more, rows a power of two apart would evict each other
  for (std::size_t i0 = 0; i0 < rows; i0 += tile) {
    const std::size_t i1 = i0 + tile < rows ? i0 + tile : rows;
    for (std::size_t j0 = 0; j0 < columns; j0 += tile) {
      const std::size_t j1 = j0 + tile < columns ? j0 + tile : columns;
      for (std::size_t i = i0; i < i1; ++i)
        for (std::size_t j = j0; j < j1; ++j) to[j * rows + i] = from[i * columns + j];
    }
  }
}

template <class T> void transpose_in_place(std::size_t n, T* a) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const T keep = a[i * n + j];
      a[i * n + j] = a[j * n + i];
      a[j * n + i] = keep;
    }
  }
}

}  // namespace dini::kernels
