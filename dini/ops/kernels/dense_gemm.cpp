#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "dini/core/pool.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_pieces.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"
#include "dini/ops/kernels/matrix_vector.hpp"

namespace dini::kernels {
namespace {

template <class T>
void gemm_micro(bool trans_a, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c) {
  const auto size = [](std::size_t count) { return static_cast<std::ptrdiff_t>(count); };
  const auto part = [&](std::size_t i, std::size_t rows, std::size_t j, std::size_t columns) {
    dense_micro<T>().multiply(Accumulate::set, size(rows), size(columns), size(k), a + (trans_a ? i : i * k),
                              trans_a ? 1 : size(k), trans_a ? size(m) : 1, b + j, size(n), c + i * n + j, size(n));
  };
  if (multiplications(m, n, k) < 2 * work_of_piece) return part(0, m, 0, n);
  // Squares as far as they go, since a piece packs what it reads of B for itself.
  const std::size_t side = piece_length(std::max(m, n), std::sqrt(work_of_piece * static_cast<double>(k)));
  const std::size_t rows = std::min(m, side), columns = piece_length(n, multiplications(rows, k, 1));
  const std::size_t across = (n + columns - 1) / columns, down = (m + rows - 1) / rows;
  detail::for_pieces(down * across, [&](std::size_t piece) {
    detail::poll_cancel();
    const std::size_t i = piece / across * rows, j = piece % across * columns;
    part(i, std::min(rows, m - i), j, std::min(columns, n - j));
  });
}

template <class T>
void gemm_integer(bool trans_a, bool trans_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b,
                  T* c) {
  using Unsigned = std::make_unsigned_t<T>;  // whose overflow is defined
  const std::size_t a_row = trans_a ? 1 : k, a_col = trans_a ? m : 1;
  const std::size_t b_row = trans_b ? 1 : n, b_col = trans_b ? k : 1;
  std::fill(c, c + m * n, T(0));
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t p = 0; p < k; ++p) {
      const auto factor = static_cast<Unsigned>(a[i * a_row + p * a_col]);
      for (std::size_t j = 0; j < n; ++j)
        c[i * n + j] = static_cast<T>(static_cast<Unsigned>(c[i * n + j]) +
                                      factor * static_cast<Unsigned>(b[p * b_row + j * b_col]));
    }
  }
}

}  // namespace

template <class T>
void gemm(bool trans_a, bool trans_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c) {
  if (m == 0 || n == 0) return;
  poll_before(multiplications(m, n, k));
  if constexpr (std::is_integral_v<T>) {
    gemm_integer(trans_a, trans_b, m, n, k, a, b, c);
  } else {
    if (k == 0) {
      std::memset(c, 0, m * n * sizeof(T));
    } else if (n == 1) {
      trans_a ? transposed_vector(k, m, a, b, c) : matrix_vector(m, k, a, b, c);
    } else if (m == 1) {
      trans_b ? matrix_vector(n, k, b, a, c) : transposed_vector(k, n, b, a, c);
    } else if (k == 1) {
      outer_product(m, n, a, b, c);
    } else if (trans_b && k > 1) {
      Scratch<T> straight(k * n);
      transpose(n, k, b, straight.data());
      gemm_micro(trans_a, m, n, k, a, straight.data(), c);
    } else {
      gemm_micro(trans_a, m, n, k, a, b, c);
    }
  }
}

template <class T>
void gemm_lanes(bool trans_a, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    std::memset(c, 0, m * n * sizeof(T));
  } else {
    gemm_micro(trans_a, m, n, k, a, b, c);
  }
}

#define DINI_GEMM(T) template void gemm<T>(bool, bool, std::size_t, std::size_t, std::size_t, const T*, const T*, T*);
DINI_GEMM(float)
DINI_GEMM(double)
DINI_GEMM(std::int32_t)
DINI_GEMM(std::int64_t)
#undef DINI_GEMM
template void gemm_lanes<float>(bool, std::size_t, std::size_t, std::size_t, const float*, const float*, float*);
template void gemm_lanes<double>(bool, std::size_t, std::size_t, std::size_t, const double*, const double*, double*);

}  // namespace dini::kernels
