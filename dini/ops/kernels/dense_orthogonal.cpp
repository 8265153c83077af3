#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_triangular.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::kernels {
namespace {

// Workspace as LAPACK wants it, by its own query.
template <class T> lapack_int wanted(T answer) { return std::max<lapack_int>(1, static_cast<lapack_int>(answer)); }

void identity_permutation(std::size_t n, std::int32_t* perm) {
  for (std::size_t j = 0; j < n; ++j) perm[j] = static_cast<std::int32_t>(j);
}

// Column-pivoted QR of f, column-major [m,n] with leading dimension m, as LAPACK leaves it; the rank by |r_ii|.
template <class T>
int factor_pivoted(std::size_t m, std::size_t n, T* f, T* tau, std::int32_t* perm, double tolerance) {
  const lapack_int rows = as_int(m), columns = as_int(n);
  lapack_int info = 0, lwork = -1;
  std::fill(perm, perm + n, 0);  // no column is tied to the front
  T answer = 0;
  DINI_LAPACK(geqp3, &rows, &columns, f, &rows, perm, tau, &answer, &lwork, &info);
  lwork = wanted(answer);
  Scratch<T> work(static_cast<std::size_t>(lwork));
  DINI_LAPACK(geqp3, &rows, &columns, f, &rows, perm, tau, work.data(), &lwork, &info);
  for (std::size_t j = 0; j < n; ++j) perm[j] -= 1;
  const double relative =
      tolerance < 0 ? static_cast<double>(std::max(m, n)) * std::numeric_limits<T>::epsilon() : tolerance;
  const double threshold = relative * std::abs(static_cast<double>(f[0]));
  int rank = 0;
  for (std::size_t i = 0; i < std::min(m, n); ++i) {
    if (!(std::abs(static_cast<double>(f[i * m + i])) > threshold)) break;
    ++rank;
  }
  return rank;
}

}  // namespace

template <class T>
int qr_pivoted(std::size_t m, std::size_t n, const T* a, T* q, T* r, std::int32_t* perm, double tolerance, bool full) {
  const std::size_t k = std::min(m, n);
  const std::size_t q_columns = full ? m : k;
  const std::size_t r_rows = full ? m : k;
  if (k == 0) {
    fill_identity(m, q_columns, q);
    identity_permutation(n, perm);
    return 0;
  }
  if (!all_finite(m * n, a)) {
    fill_nan(m * q_columns, q);
    fill_nan(r_rows * n, r);
    identity_permutation(n, perm);
    return -1;
  }
  Scratch<T> factors(m * std::max(n, q_columns) + k);
  T* f = factors.data();
  T* tau = f + m * std::max(n, q_columns);
  transpose(m, n, a, f);
  const int rank = factor_pivoted(m, n, f, tau, perm, tolerance);
  std::fill(r, r + r_rows * n, T(0));
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = i; j < n; ++j) r[i * n + j] = f[j * m + i];
  const lapack_int rows = as_int(m), reflections = as_int(k), columns = as_int(q_columns);
  lapack_int info = 0, lwork = -1;
  T answer = 0;
  DINI_LAPACK(orgqr, &rows, &columns, &reflections, f, &rows, tau, &answer, &lwork, &info);
  lwork = wanted(answer);
  Scratch<T> work(static_cast<std::size_t>(lwork));
  DINI_LAPACK(orgqr, &rows, &columns, &reflections, f, &rows, tau, work.data(), &lwork, &info);
  transpose(q_columns, m, f, q);
  return rank;
}

// A P = Q [T 0; 0 0] Z by a second elimination from the right (Golub & Van Loan, Matrix Computations, 5.4.7), so that
// X = P Zᵀ [T⁻¹ 0; 0 0] Qᵀ B is the pseudo-inverse's.
template <class T>
int least_squares(std::size_t m, std::size_t n, std::size_t nrhs, const T* a, const T* b, T* x, double tolerance) {
  if (!all_finite(m * n, a) || !all_finite(m * nrhs, b)) {
    fill_nan(n * nrhs, x);
    return -1;
  }
  std::fill(x, x + n * nrhs, T(0));
  const std::size_t k = std::min(m, n);
  if (k == 0) return 0;
  Scratch<T> factors(m * n + 2 * k);
  T* f = factors.data();
  T* tau = f + m * n;
  T* tau_right = tau + k;
  Scratch<std::int32_t> perm(n);
  transpose(m, n, a, f);
  const int rank = factor_pivoted(m, n, f, tau, perm.data(), tolerance);
  if (rank == 0 || nrhs == 0) return rank;
  const auto r = static_cast<std::size_t>(rank);

  const std::size_t lead = std::max(m, n);
  Scratch<T> columns(lead * nrhs);  // B, then Z's coordinates, then P's; column-major
  T* c = columns.data();
  std::fill(c, c + lead * nrhs, T(0));
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < nrhs; ++j) c[j * lead + i] = b[i * nrhs + j];

  const char left = 'L', transposed = 'T', upper = 'U', plain = 'N';
  const lapack_int rows = as_int(m), unknowns = as_int(n), reflections = as_int(k), order = as_int(r);
  const lapack_int rhs = as_int(nrhs), c_lead = as_int(lead), beyond = as_int(n - r);
  lapack_int info = 0, lwork = -1;
  T answer[3] = {0, 0, 0};
  DINI_LAPACK(ormqr, &left, &transposed, &rows, &rhs, &reflections, f, &rows, tau, c, &c_lead, &answer[0], &lwork,
              &info, 1, 1);
  DINI_LAPACK(tzrzf, &order, &unknowns, f, &rows, tau_right, &answer[1], &lwork, &info);
  DINI_LAPACK(ormrz, &left, &transposed, &unknowns, &rhs, &order, &beyond, f, &rows, tau_right, c, &c_lead, &answer[2],
              &lwork, &info, 1, 1);
  lwork = wanted(std::max({answer[0], answer[1], answer[2]}));
  Scratch<T> work(static_cast<std::size_t>(lwork));
  DINI_LAPACK(ormqr, &left, &transposed, &rows, &rhs, &reflections, f, &rows, tau, c, &c_lead, work.data(), &lwork,
              &info, 1, 1);
  if (r < n) DINI_LAPACK(tzrzf, &order, &unknowns, f, &rows, tau_right, work.data(), &lwork, &info);
  DINI_LAPACK(trtrs, &upper, &plain, &plain, &order, &rhs, f, &rows, c, &c_lead, &info, 1, 1, 1);
  for (std::size_t j = 0; j < nrhs; ++j) std::fill(c + j * lead + r, c + j * lead + n, T(0));
  if (r < n)
    DINI_LAPACK(ormrz, &left, &transposed, &unknowns, &rhs, &order, &beyond, f, &rows, tau_right, c, &c_lead,
                work.data(), &lwork, &info, 1, 1);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < nrhs; ++j) x[static_cast<std::size_t>(perm[i]) * nrhs + j] = c[j * lead + i];
  return rank;
}

#define DINI_ORTHOGONAL(T)                                                                             \
  template int qr_pivoted<T>(std::size_t, std::size_t, const T*, T*, T*, std::int32_t*, double, bool); \
  template int least_squares<T>(std::size_t, std::size_t, std::size_t, const T*, const T*, T*, double);
DINI_ORTHOGONAL(float)
DINI_ORTHOGONAL(double)
#undef DINI_ORTHOGONAL

}  // namespace dini::kernels
