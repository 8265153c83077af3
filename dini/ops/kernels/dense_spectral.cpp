#include <algorithm>
#include <cstring>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_pieces.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::kernels {

template <class T> int eigh(std::size_t n, const T* a, T* w, T* v) {
  if (n == 0) return 0;
  poll_before(multiplications(n, n, n));
  const bool vectors = v != nullptr;
  if (!lower_finite(n, a)) {
    fill_nan(n, w);
    if (vectors) fill_nan(n * n, v);
    return 1;
  }
  Scratch<T> copy(vectors ? 0 : n * n);
  T* f = vectors ? v : copy.data();
  for (std::size_t i = 0; i < n; ++i) {
    if (f != a) std::memcpy(f + i * n, a + i * n, (i + 1) * sizeof(T));
    std::fill(f + i * n + i + 1, f + (i + 1) * n, T(0));
  }
  const char job = vectors ? 'V' : 'N';
  const char upper = 'U';  // column-major, of the row-major lower triangle
  const lapack_int order = as_int(n);
  lapack_int info = 0, lwork = -1, liwork = -1, integers = 0;
  T answer = 0;
  DINI_LAPACK(syevd, &job, &upper, &order, f, &order, w, &answer, &lwork, &integers, &liwork, &info, 1, 1);
  lwork = std::max<lapack_int>(1, static_cast<lapack_int>(answer));
  liwork = std::max<lapack_int>(1, integers);
  Scratch<T> work(static_cast<std::size_t>(lwork));
  Scratch<lapack_int> integer_work(static_cast<std::size_t>(liwork));
  DINI_LAPACK(syevd, &job, &upper, &order, f, &order, w, work.data(), &lwork, integer_work.data(), &liwork, &info, 1,
              1);
  if (info != 0) {
    fill_nan(n, w);
    if (vectors) fill_nan(n * n, v);
    return 1;
  }
  if (vectors) transpose_in_place(n, v);
  return 0;
}

// A row-major is Aᵀ column-major, and Aᵀ = Ũ S Ṽᵀ gives U = Ṽ and Vᵀ = Ũᵀ, which row-major means: LAPACK's two outputs
// exchanged.
template <class T> int svd(std::size_t m, std::size_t n, const T* a, T* u, T* s, T* vt, bool full) {
  const std::size_t k = std::min(m, n);
  poll_before(multiplications(m, n, k));
  const bool vectors = u != nullptr && vt != nullptr;
  const std::size_t u_columns = full ? m : k;
  const std::size_t vt_rows = full ? n : k;
  const auto fail = [&] {
    fill_nan(k, s);
    if (vectors) {
      fill_nan(m * u_columns, u);
      fill_nan(vt_rows * n, vt);
    }
    return 1;
  };
  if (k == 0) {
    // One of the two may be empty, and null for that reason alone.
    if (u != nullptr) fill_identity(m, u_columns, u);
    if (vt != nullptr) fill_identity(vt_rows, n, vt);
    return 0;
  }
  if (!all_finite(m * n, a)) return fail();
  Scratch<T> copy(m * n);
  std::memcpy(copy.data(), a, m * n * sizeof(T));
  const char job = !vectors ? 'N' : full ? 'A' : 'S';
  const lapack_int rows = as_int(n), columns = as_int(m);
  const lapack_int left_lead = as_int(n), right_lead = as_int(u_columns);
  lapack_int info = 0, lwork = -1;
  T answer = 0;
  Scratch<lapack_int> integer_work(8 * k);
  DINI_LAPACK(gesdd, &job, &rows, &columns, copy.data(), &rows, s, vt, &left_lead, u, &right_lead, &answer, &lwork,
              integer_work.data(), &info, 1);
  // A float cannot hold every large count: one ulp more, so that it is not rounded below what is needed.
  lwork = static_cast<lapack_int>(static_cast<double>(answer) * (1 + 2e-7)) + 1;
  Scratch<T> work(static_cast<std::size_t>(lwork));
  DINI_LAPACK(gesdd, &job, &rows, &columns, copy.data(), &rows, s, vt, &left_lead, u, &right_lead, work.data(), &lwork,
              integer_work.data(), &info, 1);
  return info == 0 ? 0 : fail();
}

#define DINI_SPECTRAL(T)                               \
  template int eigh<T>(std::size_t, const T*, T*, T*); \
  template int svd<T>(std::size_t, std::size_t, const T*, T*, T*, T*, bool);
DINI_SPECTRAL(float)
DINI_SPECTRAL(double)
#undef DINI_SPECTRAL

}  // namespace dini::kernels
