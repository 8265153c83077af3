#pragma once

// What the dense kernels take from LAPACK and BLAS, for float and double under one name, and what they share. Fortran's
// matrices are column-major, so a row-major matrix is its transpose to these functions.

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::kernels {

// While one of these lives, BLAS has one thread: OpenBLAS's results depend on the number of threads (measured: in every
// factorisation), and the executor brings its own. The number is the process's and no call's, so it is put back when
// the last one of all threads goes. Where the host sets another meanwhile, that one stays.
class OneBlasThread {
 public:
  OneBlasThread();
  ~OneBlasThread();
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;
};

using lapack_int = int;

// OpenBLAS has LAPACK's routines, and no header for them. Fortran wants the lengths of strings after all other arguments.
extern "C" {
#define DINI_LAPACK_OF(T, name)                                                                                      \
  void name(sytrf)(const char* uplo, const int* n, T* a, const int* lda, int* pivots, T* work, const int* lwork,     \
                   int* info, std::size_t);                                                                          \
  void name(geqp3)(const int* m, const int* n, T* a, const int* lda, int* jpvt, T* tau, T* work, const int* lwork,   \
                   int* info);                                                                                       \
  void name(orgqr)(const int* m, const int* n, const int* k, T* a, const int* lda, const T* tau, T* work,            \
                   const int* lwork, int* info);                                                                     \
  void name(ormqr)(const char* side, const char* trans, const int* m, const int* n, const int* k, const T* a,        \
                   const int* lda, const T* tau, T* c, const int* ldc, T* work, const int* lwork, int* info,         \
                   std::size_t, std::size_t);                                                                        \
  void name(tzrzf)(const int* m, const int* n, T* a, const int* lda, T* tau, T* work, const int* lwork, int* info);  \
  void name(ormrz)(const char* side, const char* trans, const int* m, const int* n, const int* k, const int* l,      \
                   const T* a, const int* lda, const T* tau, T* c, const int* ldc, T* work, const int* lwork,        \
                   int* info, std::size_t, std::size_t);                                                             \
  void name(trtrs)(const char* uplo, const char* trans, const char* diag, const int* n, const int* nrhs, const T* a, \
                   const int* lda, T* b, const int* ldb, int* info, std::size_t, std::size_t, std::size_t);          \
  void name(syevd)(const char* jobz, const char* uplo, const int* n, T* a, const int* lda, T* w, T* work,            \
                   const int* lwork, int* iwork, const int* liwork, int* info, std::size_t, std::size_t);            \
  void name(gesdd)(const char* jobz, const int* m, const int* n, T* a, const int* lda, T* s, T* u, const int* ldu,   \
                   T* vt, const int* ldvt, T* work, const int* lwork, int* iwork, int* info, std::size_t);
#define DINI_LAPACK_S(routine) s##routine##_
#define DINI_LAPACK_D(routine) d##routine##_
DINI_LAPACK_OF(float, DINI_LAPACK_S)
DINI_LAPACK_OF(double, DINI_LAPACK_D)
}

inline lapack_int as_int(std::size_t n) { return static_cast<lapack_int>(n); }

// LAPACK's routine for T, in a template of T: DINI_LAPACK(sytrf, &uplo, …, 1), the 1 for the string's length.
#define DINI_LAPACK(routine, ...)               \
  do {                                          \
    const OneBlasThread one_blas_thread;        \
    if constexpr (sizeof(T) == sizeof(float)) { \
      DINI_LAPACK_S(routine)(__VA_ARGS__);      \
    } else {                                    \
      DINI_LAPACK_D(routine)(__VA_ARGS__);      \
    }                                           \
  } while (false)

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

// ‖A‖₁: the largest column sum.
template <class T> double norm_1(std::size_t n, const T* a) {
  Scratch<double> sums(n);
  std::fill(sums.data(), sums.data() + n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) sums[j] += std::abs(static_cast<double>(a[i * n + j]));
  double largest = 0;
  for (std::size_t j = 0; j < n; ++j) largest = sums[j] > largest || std::isnan(sums[j]) ? sums[j] : largest;
  return largest;
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
  const auto m = static_cast<std::ptrdiff_t>(rows), n = static_cast<std::ptrdiff_t>(columns);
  dense_micro<T>().transpose(m, n, from, n, to, m);
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
