// Condition numbers, and how much a change of a matrix is beside it.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"
#include "dini/ops/kernels/vector.hpp"

namespace dini::kernels {
namespace {

// ---- equilibration --------------------------------------------------------------------------------------------------

template <class T> struct Bits;
template <> struct Bits<float> {
  using Type = std::uint32_t;
  static constexpr int fraction = 23, half = 126;  // half: the biased exponent of numbers in [½, 1)
};
template <> struct Bits<double> {
  using Type = std::uint64_t;
  static constexpr int fraction = 52, half = 1022;
};

// e such that 2⁻ᵉ x is within [√½, √2), for finite x > 0: frexp without a call where x is normal.
template <class T> int nearest_exponent(T x) {
  using B = Bits<T>;
  const auto bits = std::bit_cast<typename B::Type>(x);
  const int biased = static_cast<int>(bits >> B::fraction);
  if (biased == 0) {
    int e = 0;
    return std::frexp(x, &e) < T(0.70710678) ? e - 1 : e;
  }
  const auto mask = (typename B::Type{1} << B::fraction) - 1;
  const T f = std::bit_cast<T>((bits & mask) | (typename B::Type{B::half} << B::fraction));
  return f < T(0.70710678) ? biased - B::half - 1 : biased - B::half;
}

// 2ᵉ, for e in the range of normal numbers.
template <class T> T power_of_two(int e) {
  using B = Bits<T>;
  return std::bit_cast<T>(static_cast<typename B::Type>(e + B::half + 1) << B::fraction);
}

// Replaces each size by two factors (the second n further on) whose product is 2^-nearest_exponent: one alone might
// overflow. Returns whether any is not 1.
template <class T> bool scales(std::size_t n, T* size) {
  bool changed = false;
  for (std::size_t i = 0; i < n; ++i) {
    const int e = nearest_exponent(size[i]);
    changed = changed || e != 0;
    size[i] = power_of_two<T>(-(e / 2));
    size[n + i] = power_of_two<T>(-(e - e / 2));
  }
  return changed;
}

// Rows and columns in turn, by powers of two: once by the largest entry, which takes out any grading; then by the sum of
// magnitudes until no exponent changes or a few times (Sinkhorn & Knopp, Pacific J. Math. 21, 1967), whose fixed point
// does not depend on how the matrix was scaled to begin with. Returns false if a row or column is zero. memory: 4n.
template <class T> bool equilibrate(std::size_t n, T* d, T* memory) {
  constexpr int passes = 8;
  T* const rows = memory;
  T* const columns = memory + 2 * n;
  const auto any_zero = [n](const T* x) { return std::find(x, x + n, T(0)) != x + n; };
  for (int pass = 0; pass <= passes; ++pass) {
    const bool largest = pass == 0;
    for (std::size_t i = 0; i < n; ++i) {
      const T* row = d + i * n;
      T value = 0;
      if (largest) {
        for (std::size_t j = 0; j < n; ++j) value = std::max(value, std::abs(row[j]));
      } else {
        for (std::size_t j = 0; j < n; ++j) value += std::abs(row[j]);
      }
      rows[i] = value;
    }
    if (any_zero(rows)) return false;
    bool changed = scales(n, rows);
    std::fill(columns, columns + n, T(0));
    for (std::size_t i = 0; i < n; ++i) {
      T* row = d + i * n;
      const T first = rows[i], second = rows[n + i];
      if (largest) {
        for (std::size_t j = 0; j < n; ++j)
          columns[j] = std::max(columns[j], std::abs(row[j] = row[j] * first * second));
      } else {
        for (std::size_t j = 0; j < n; ++j) columns[j] += std::abs(row[j] = row[j] * first * second);
      }
    }
    if (any_zero(columns)) return false;
    changed = scales(n, columns) || changed;
    if (!largest && !changed) break;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) d[i * n + j] = d[i * n + j] * columns[j] * columns[n + j];
  }
  return true;
}

// ---- norms of inverses ----------------------------------------------------------------------------------------------

// A lower bound of ‖C A⁻¹ R‖₁, R and C diagonal (null: 1), mostly within a factor of three: Higham, ACM TOMS 14 (1988), algorithm 2.4.
template <class T>
double inverse_norm_1(std::size_t n, const T* lu, const std::int32_t* perm, const T* rows = nullptr,
                      const T* columns = nullptr) {
  if (n == 1) {
    return std::fabs((rows ? static_cast<double>(rows[0]) * static_cast<double>(columns[0]) : 1) /
                     static_cast<double>(lu[0]));
  }
  Scratch<T> vectors(3 * n);
  T* x = vectors.data();
  T* y = x + n;
  T* z = y + n;
  const auto sum = [n](const T* v) {
    double s = 0;
    for (std::size_t i = 0; i < n; ++i) s += std::abs(static_cast<double>(v[i]));
    return s;
  };
  const auto scale = [n](T* v, const T* by) {
    for (std::size_t i = 0; by && i < n; ++i) v[i] *= by[i];
  };
  // to = (C A⁻¹ R) x or its transpose; x is spoiled.
  const auto solve = [&](bool transposed, T* to) {
    scale(x, transposed ? columns : rows);
    lu_solve(transposed, n, std::size_t{1}, lu, perm, x, to);
    scale(to, transposed ? rows : columns);
  };
  std::fill(x, x + n, T(1) / static_cast<T>(n));
  double estimate = 0;
  std::size_t last = n;
  for (int turn = 0; turn < 5; ++turn) {
    solve(false, y);
    const double size = sum(y);
    if (!std::isfinite(size)) return std::numeric_limits<double>::infinity();
    if (turn > 0 && size <= estimate) break;
    estimate = size;
    for (std::size_t i = 0; i < n; ++i) x[i] = y[i] < T(0) ? T(-1) : T(1);
    solve(true, z);
    std::size_t best = 0;
    for (std::size_t i = 1; i < n; ++i)
      if (std::abs(z[i]) > std::abs(z[best])) best = i;
    if (best == last) break;
    last = best;
    std::fill(x, x + n, T(0));
    x[best] = T(1);
  }
  // A vector of alternating signs catches the matrices for which the iteration is misled.
  for (std::size_t i = 0; i < n; ++i) {
    const T size = T(1) + static_cast<T>(i) / static_cast<T>(n - 1);
    x[i] = i % 2 == 0 ? size : -size;
  }
  solve(false, y);
  const double alternative = 2 * sum(y) / (3 * static_cast<double>(n));
  return std::isfinite(alternative) ? std::max(estimate, alternative) : std::numeric_limits<double>::infinity();
}

// ---- changes --------------------------------------------------------------------------------------------------------

// x / by: times its reciprocal, where that is a number, as a division takes as long as eight products.
template <class T> void scale_down(const VectorKernels<T>& k, T* x, T by, T* scratch, std::size_t n) {
  const bool normal = by >= std::numeric_limits<T>::min();
  std::fill(scratch, scratch + n, normal ? 1 / by : by);
  (normal ? k.mul : k.div)(x, scratch, x, n);
}

// What scales A: the largest magnitudes of its rows, those of its columns once the rows are scaled by them, 1 in the place of 0; and
// ‖R⁻¹AC⁻¹‖₁.
template <class T> double sizes(std::size_t n, const T* a, T* rows, T* columns) {
  const VectorKernels<T>& k = vector_kernels<T>();
  Scratch<T> memory(3 * n);
  T *scaled = memory.data(), *by = scaled + n, *sums = by + n;
  std::fill(columns, columns + n, T(0));
  std::fill(sums, sums + n, T(0));
  for (std::size_t i = 0; i < n; ++i) {
    k.abs(a + i * n, scaled, n);
    const T largest = k.max(scaled, n);
    rows[i] = largest == T(0) ? T(1) : largest;
    scale_down(k, scaled, rows[i], by, n);
    k.maximum(columns, scaled, columns, n);
    k.add(sums, scaled, sums, n);
  }
  double norm = 0;
  for (std::size_t j = 0; j < n; ++j) {
    if (columns[j] == T(0)) columns[j] = T(1);
    const double size = static_cast<double>(sums[j]) / static_cast<double>(columns[j]);
    if (!std::isfinite(size)) return std::numeric_limits<double>::infinity();
    norm = std::max(norm, size);
  }
  return norm;
}

// ‖R⁻¹MC⁻¹‖ over all elements. What vanishes in the squares is nothing beside R⁻¹AC⁻¹, whose largest elements are 1.
template <class T> double scaled_size(std::size_t n, const T* m, const T* rows, const T* columns) {
  const VectorKernels<T>& k = vector_kernels<T>();
  Scratch<T> memory(3 * n);
  T *scaled = memory.data(), *by = scaled + n, *by_columns = by + n;
  for (std::size_t j = 0; j < n; ++j) by_columns[j] = 1 / columns[j];
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    k.mul(m + i * n, by_columns, scaled, n);
    scale_down(k, scaled, rows[i], by, n);
    squares += static_cast<double>(k.sum_squares(scaled, n));
  }
  return std::sqrt(squares);
}

}  // namespace

template <class T> double condition_equilibrated(std::size_t n, const T* a) {
  if (n == 0) return 1;
  if (!all_finite(n * n, a)) return std::numeric_limits<double>::quiet_NaN();
  Scratch<T> memory(n * n + 4 * n);
  T* d = memory.data();
  std::memcpy(d, a, n * n * sizeof(T));
  if (!equilibrate(n, d, d + n * n)) return 0;
  if (n == 1) return 1;
  const double norm = norm_1(n, d);
  Scratch<std::int32_t> perm(n);
  if (lu_factor(n, d, d, perm.data()) != 0) return 0;
  double inverse_norm = 0;
  if (n <= static_cast<std::size_t>(panel_width)) {
    Scratch<T> inverse(n * n);
    lu_inverse(n, d, perm.data(), inverse.data());
    inverse_norm = norm_1(n, inverse.data());
  } else {
    inverse_norm = inverse_norm_1(n, d, perm.data());
  }
  return std::isfinite(inverse_norm) ? std::min(1.0, 1 / (norm * inverse_norm)) : 0;
}

template <class T>
Change relative_change(std::size_t n, const T* a, const T* lu, const std::int32_t* perm, std::size_t count,
                       const T* const* changes, const T* z, double enough) {
  Change out;
  if (n == 0) return {1, 0};
  Scratch<T> scales(2 * n);
  T *rows = scales.data(), *columns = rows + n;
  const double norm = sizes(n, a, rows, columns);
  bool regular = std::isfinite(norm);
  for (std::size_t i = 0; i < n; ++i) regular = regular && lu[i * n + i] != T(0);
  const double size = static_cast<double>(n);
  double inverse_norm = std::numeric_limits<double>::infinity();
  if (regular) inverse_norm = inverse_norm_1(n, lu, perm, rows, columns);
  // Regular in one scaling is regular; a factor of ten for the estimate. What is nearly singular in this one may be regular in another.
  out.rcond = 1 / (norm * inverse_norm);
  const bool known = out.rcond > 10 * size * static_cast<double>(std::numeric_limits<T>::epsilon());
  out.rcond = known ? std::min(1.0, out.rcond) : condition_equilibrated(n, a);
  for (std::size_t c = 0; c < count; ++c) {
    double omega = 10 * std::sqrt(size) * inverse_norm * scaled_size(n, changes[c], rows, columns);
    if (!(omega < enough)) {
      Scratch<T> by(n * n);
      lu_solve(false, n, n, lu, perm, changes[c], by.data());
      const auto square = [](double x) { return x * x; };
      Scratch<double> memory(2 * n);
      double *by_columns = memory.data(), *by_z = by_columns + n;
      for (std::size_t j = 0; j < n; ++j) {
        by_columns[j] = 1 / static_cast<double>(columns[j]);
        by_z[j] = static_cast<double>(z[j]);
      }
      double own = 0, in_z = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const T* row = by.data() + i * n;
        double own_row = 0, z_row = 0;
        for (std::size_t j = 0; j < n; ++j) {
          const double m = static_cast<double>(row[j]);
          own_row += square(m * by_columns[j]);
          z_row += square(m * by_z[j]);
        }
        own += own_row / square(by_columns[i]);
        in_z += z_row / square(by_z[i]);
      }
      omega = std::sqrt(in_z < own ? in_z : own);
    }
    out.omega = omega > out.omega || std::isnan(omega) ? omega : out.omega;
    if (std::isnan(out.omega)) break;
  }
  return out;
}

#define DINI_CONDITION(T)                                                                               \
  template double condition_equilibrated<T>(std::size_t, const T*);                                     \
  template Change relative_change<T>(std::size_t, const T*, const T*, const std::int32_t*, std::size_t, \
                                     const T* const*, const T*, double);
DINI_CONDITION(float)
DINI_CONDITION(double)
#undef DINI_CONDITION

}  // namespace dini::kernels
