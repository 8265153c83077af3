// Householder QR in panels. A panel's reflections H = I − τ v vᵀ are applied together as
//
//   H₁ H₂ … H_w = I − V U⁻¹ Vᵀ,   U = striu(VᵀV) + diag(1/τ)
//
// (Joffrain, Low, Quintana-Ortí, van de Geijn & Van Zee, ACM TOMS 32, 2006), so all but the panel itself is products and
// small triangular solves. Rows are contiguous throughout.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_pieces.hpp"
#include "dini/ops/kernels/dense_triangular.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::kernels {
namespace {

constexpr std::size_t width = panel_width;

std::ptrdiff_t signed_size(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

// ‖x‖ of x[0], x[width], …, without overflow or underflow on the way.
template <class T> T column_norm(std::size_t count, const T* x) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(x[i * width]) * static_cast<double>(x[i * width]);
  if (sum > 1e-280 && sum < 1e280) return static_cast<T>(std::sqrt(sum));
  double largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(static_cast<double>(x[i * width])));
  if (largest == 0) return 0;
  sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double ratio = static_cast<double>(x[i * width]) / largest;
    sum += ratio * ratio;
  }
  return static_cast<T>(largest * std::sqrt(sum));
}

// Reduces panel[rows, width] (columns < w) to R on and above the diagonal, and writes V: the reflections' vectors with
// their ones and the zeros above. u[width, width] becomes U.
template <class T> void factor_panel(std::size_t rows, std::size_t w, T* panel, T* v, T* u) {
  const DenseMicro<T>& micro = dense_micro<T>();
  constexpr auto ld = static_cast<std::ptrdiff_t>(width);
  T inverse_tau[width];
  for (std::size_t j = 0; j < w; ++j) {
    T* const diagonal = panel + j * width + j;
    const std::size_t below = rows - j - 1;
    const std::size_t right = w - j - 1;
    for (std::size_t i = 0; i < j; ++i) v[i * width + j] = 0;
    const T size = column_norm(below, diagonal + width);
    if (size == T(0)) {  // nothing to annihilate: H = I, by v = 0
      inverse_tau[j] = 1;
      for (std::size_t i = j; i < rows; ++i) v[i * width + j] = 0;
      continue;
    }
    const T alpha = *diagonal;
    const T beta = -std::copysign(std::hypot(alpha, size), alpha);
    inverse_tau[j] = beta / (beta - alpha);
    v[j * width + j] = 1;
    const T divisor = alpha - beta;
    for (std::size_t i = j + 1; i < rows; ++i) v[i * width + j] = panel[i * width + j] / divisor;
    *diagonal = beta;
    for (std::size_t i = 1; i <= below; ++i) diagonal[i * width] = 0;
    if (right == 0) continue;
    // z = τ vᵀ panel, panel −= v z.
    T z[width];
    micro.multiply(Accumulate::set, 1, signed_size(right), signed_size(below + 1), v + j * width + j, 0, ld,
                   diagonal + 1, ld, z, ld);
    for (std::size_t c = 0; c < right; ++c) z[c] /= inverse_tau[j];
    micro.multiply(Accumulate::subtract, signed_size(below + 1), signed_size(right), 1, v + j * width + j, ld, 1, z, ld,
                   diagonal + 1, ld);
  }
  micro.multiply(Accumulate::set, signed_size(w), signed_size(w), signed_size(rows), v, 1, ld, v, ld, u, ld);
  for (std::size_t j = 0; j < w; ++j) u[j * width + j] = inverse_tau[j];
}

// X ← (I − V U⁻¹ Vᵀ) X, or (I − V U⁻ᵀ Vᵀ) X if transposed; x[rows, columns] with rows ld apart, z[width, columns].
template <class T>
void apply_panel(bool transposed, std::size_t rows, std::size_t w, const T* v, const T* u, std::size_t columns, T* x,
                 std::size_t ld, T* z) {
  if (columns == 0) return;
  const DenseMicro<T>& micro = dense_micro<T>();
  const auto step = static_cast<std::ptrdiff_t>(width);
  const std::ptrdiff_t n = signed_size(columns);
  micro.multiply(Accumulate::set, signed_size(w), n, signed_size(rows), v, 1, step, x, signed_size(ld), z, n);
  solve_triangle(false, transposed, false, w, columns, u, width, z, columns);
  micro.multiply(Accumulate::subtract, signed_size(rows), n, signed_size(w), v, step, 1, z, n, x, signed_size(ld));
}

}  // namespace

template <class T> void qr_factor(std::size_t m, std::size_t n, const T* a, T* q, T* r, bool full) {
  const std::size_t k = std::min(m, n);
  const std::size_t q_columns = full ? m : k;
  const std::size_t r_rows = full ? m : k;
  if (k == 0) {
    fill_identity(m, q_columns, q);
    return;
  }
  if (!all_finite(m * n, a)) {
    fill_nan(m * q_columns, q);
    fill_nan(r_rows * n, r);
    return;
  }
  const std::size_t panels = (k + width - 1) / width;
  Scratch<T> memory(m * n + m * width + panels * (m + width) * width + width * std::max(n, q_columns));
  T* const f = memory.data();
  T* const panel = f + m * n;
  T* const vs = panel + m * width;
  T* const us = vs + panels * m * width;
  T* const z = us + panels * width * width;
  std::memcpy(f, a, m * n * sizeof(T));
  for (std::size_t p = 0; p < panels; ++p) {
    const std::size_t first = p * width;
    const std::size_t w = std::min(width, k - first);
    const std::size_t rows = m - first;
    T* const v = vs + p * m * width;
    T* const u = us + p * width * width;
    T* const corner = f + first * n + first;
    for (std::size_t i = 0; i < rows; ++i) std::memcpy(panel + i * width, corner + i * n, w * sizeof(T));
    poll_before(multiplications(rows, n - first, w));
    factor_panel(rows, w, panel, v, u);
    for (std::size_t i = 0; i < w; ++i) std::memcpy(corner + i * n, panel + i * width, w * sizeof(T));
    apply_panel(true, rows, w, v, u, n - first - w, corner + w, n, z);
  }
  std::fill(r, r + r_rows * n, T(0));
  for (std::size_t i = 0; i < k; ++i) std::memcpy(r + i * n + i, f + i * n + i, (n - i) * sizeof(T));
  // From the last panel to the first, the columns before a panel's are still those of the identity.
  fill_identity(m, q_columns, q);
  for (std::size_t p = panels; p-- > 0;) {
    const std::size_t first = p * width;
    poll_before(multiplications(m - first, q_columns - first, width));
    apply_panel(false, m - first, std::min(width, k - first), vs + p * m * width, us + p * width * width,
                q_columns - first, q + first * q_columns + first, q_columns, z);
  }
}

template void qr_factor<float>(std::size_t, std::size_t, const float*, float*, float*, bool);
template void qr_factor<double>(std::size_t, std::size_t, const double*, double*, double*, bool);

}  // namespace dini::kernels
