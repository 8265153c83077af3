// Symmetric and orthogonal factors of each lane's matrix, and triangular solves; see lane_impl.hpp.
//
// A register of lanes at a time, their matrices copied to where their elements are neighbours. What is subtracted from an element comes
// in the order of its columns, as in the kernels for one matrix.
#pragma once

#include "vector_isa.hpp"

#include "lane_tables.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

template <class T> std::uint64_t lane_cholesky(std::size_t n, const T* a, T* l) {
  constexpr std::size_t W = width<T>;
  alignas(64) T s[largest_lane_matrix * largest_lane_matrix * W];
  std::uint64_t others = 0;
  for (std::size_t first = 0; first < tile_lanes; first += W) {
    const auto at = [&](std::size_t i, std::size_t j) { return s + (i * n + j) * W; };
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) store(at(i, j), load(a + (i * n + j) * tile_lanes + first));
    unsigned positive = ~0u;
    for (std::size_t k = 0; k < n; ++k) {
      const Vec<T> pivot = load(at(k, k));
      positive &= to_bits(less(Vec<T>(T(0)), pivot));
      const Vec<T> root = sqrt(pivot);
      store(at(k, k), root);
      for (std::size_t i = k + 1; i < n; ++i) store(at(i, k), load(at(i, k)) / root);
      for (std::size_t i = k + 1; i < n; ++i) {
        const Vec<T> factor = -load(at(i, k));
        for (std::size_t j = k + 1; j <= i; ++j) store(at(i, j), mul_add(factor, load(at(j, k)), load(at(i, j))));
      }
    }
    others |= (static_cast<std::uint64_t>(~positive) & ((std::uint64_t{1} << W) - 1)) << first;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        store(l + (i * n + j) * tile_lanes + first, j <= i ? load(at(i, j)) : Vec<T>(T(0)));
  }
  return others;
}

// z ← M⁻¹ z, M lower triangular (or upper: from the last row on) with elements of row i and column j where `place` says.
template <class T, class Place>
DINI_INLINE void lane_substitute(bool lower, bool unit, std::size_t n, const T* factors, const Place& place, T* z) {
  constexpr std::size_t W = width<T>;
  for (std::size_t step = 0; step < n; ++step) {
    const std::size_t j = lower ? step : n - 1 - step;
    Vec<T> x = load(z + j * W);
    if (!unit) x = x / load(factors + place(j, j));
    store(z + j * W, x);
    const Vec<T> less_x = -x;
    for (std::size_t i = lower ? j + 1 : 0; i < (lower ? n : j); ++i)
      store(z + i * W, mul_add(load(factors + place(i, j)), less_x, load(z + i * W)));
  }
}

template <class T> DINI_INLINE void lane_column(std::size_t n, std::size_t apart, const T* from, T* z) {
  for (std::size_t i = 0; i < n; ++i) store(z + i * width<T>, load(from + i * apart));
}

template <class T> void lane_cholesky_solve(std::size_t n, std::size_t nrhs, const T* l, const T* b, T* x) {
  constexpr std::size_t W = width<T>;
  alignas(64) T z[largest_lane_matrix * W];
  for (std::size_t first = 0; first < tile_lanes; first += W) {
    for (std::size_t c = 0; c < nrhs; ++c) {
      const std::size_t column = c * tile_lanes + first, apart = nrhs * tile_lanes;
      lane_column(n, apart, b + column, z);
      const T* factors = l + first;
      lane_substitute(
          true, false, n, factors, [n](std::size_t i, std::size_t j) { return (i * n + j) * tile_lanes; }, z);
      lane_substitute(
          false, false, n, factors, [n](std::size_t i, std::size_t j) { return (j * n + i) * tile_lanes; }, z);
      for (std::size_t i = 0; i < n; ++i) store(x + column + i * apart, load(z + i * W));
    }
  }
}

template <class T>
void lane_triangular_solve(bool lower, bool transposed, bool unit, std::size_t n, std::size_t nrhs, const T* a,
                           const T* b, T* x) {
  constexpr std::size_t W = width<T>;
  alignas(64) T z[largest_lane_matrix * W];
  const std::size_t row = (transposed ? 1 : n) * tile_lanes, next = (transposed ? n : 1) * tile_lanes;
  for (std::size_t first = 0; first < tile_lanes; first += W) {
    for (std::size_t c = 0; c < nrhs; ++c) {
      const std::size_t column = c * tile_lanes + first, apart = nrhs * tile_lanes;
      lane_column(n, apart, b + column, z);
      lane_substitute(
          lower != transposed, unit, n, a + first,
          [row, next](std::size_t i, std::size_t j) { return i * row + j * next; }, z);
      for (std::size_t i = 0; i < n; ++i) store(x + column + i * apart, load(z + i * W));
    }
  }
}

// x - v τ (vᵀ x) of so many elements, the first of v being 1.
template <class T> DINI_INLINE void lane_reflect(std::size_t count, const T* v, Vec<T> tau, T* x) {
  constexpr std::size_t W = width<T>;
  Vec<T> sum = load(x), more = T(0);
  std::size_t i = 1;
  for (; i + 1 < count; i += 2) {
    sum = mul_add(load(v + i * W), load(x + i * W), sum);
    more = mul_add(load(v + (i + 1) * W), load(x + (i + 1) * W), more);
  }
  if (i < count) sum = mul_add(load(v + i * W), load(x + i * W), sum);
  const Vec<T> z = -(tau * (sum + more));
  store(x, load(x) + z);
  for (i = 1; i < count; ++i) store(x + i * W, mul_add(load(v + i * W), z, load(x + i * W)));
}

// f and q have columns one after the other. A column's vector is below its diagonal in f.
template <class T>
std::uint64_t lane_qr(bool pivoted, std::size_t m, std::size_t n, std::size_t q_columns, const T* a, T* q, T* r,
                      std::int32_t* perm, T* memory) {
  constexpr std::size_t W = width<T>;
  const std::size_t k_most = m < n ? m : n;
  T *const f = memory, *const qs = f + m * n * W, *const taus = qs + m * q_columns * W;
  const auto at = [&](std::size_t i, std::size_t j) { return f + (j * m + i) * W; };
  const Vec<T> none = T(0), least = Format<T>::smallest_normal / Format<T>::epsilon / Format<T>::epsilon,
               most = Format<T>::largest * Format<T>::epsilon;
  std::uint64_t others = 0;
  for (std::size_t first = 0; first < tile_lanes; first += W) {
    unsigned in_range = ~0u;
    Vec<T> finite = none;  // or NaN
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const Vec<T> x = load(a + (i * n + j) * tile_lanes + first);
        finite = mul_add(x, none, finite);
        store(at(i, j), x);
      }
    for (std::size_t j = 0; pivoted && j < n; ++j)
      for (std::size_t lane = 0; lane < W; ++lane) perm[j * tile_lanes + first + lane] = static_cast<std::int32_t>(j);
    for (std::size_t k = 0; k < k_most; ++k) {
      if (pivoted) {
        Vec<T> longest = T(-1), which = static_cast<T>(k);
        for (std::size_t j = k; j < n; ++j) {
          Vec<T> square = none;
          for (std::size_t i = k; i < m; ++i) square = mul_add(load(at(i, j)), load(at(i, j)), square);
          const Mask<T> longer = less(longest, square);
          longest = select(longer, square, longest);
          which = select(longer, Vec<T>(static_cast<T>(j)), which);
        }
        alignas(64) T columns[W];
        store(columns, which);
        for (std::size_t lane = 0; lane < W; ++lane) {
          const auto p = static_cast<std::size_t>(columns[lane]);
          if (p == k) continue;
          for (std::size_t i = 0; i < m; ++i) {
            const T other = at(i, k)[lane];
            at(i, k)[lane] = at(i, p)[lane];
            at(i, p)[lane] = other;
          }
          std::int32_t *here = perm + k * tile_lanes + first + lane, *there = perm + p * tile_lanes + first + lane;
          const std::int32_t other = *here;
          *here = *there;
          *there = other;
        }
      }
      const Vec<T> alpha = load(at(k, k));
      Vec<T> square = none, largest = none;
      for (std::size_t i = k + 1; i < m; ++i) {
        square = mul_add(load(at(i, k)), load(at(i, k)), square);
        largest = max2(largest, abs(load(at(i, k))));
      }
      const Vec<T> whole = mul_add(alpha, alpha, square);
      const Mask<T> below = less(none, largest);
      in_range &= to_bits(~below | (less_equal(least, square) & less_equal(whole, most)) | is_nan(whole));
      // Nothing to annihilate: the identity, by τ = 0.
      const Vec<T> beta = select(below, with_sign(sqrt(whole), sign_of(-alpha)), alpha),
                   tau = select(below, (beta - alpha) / beta, none),
                   divisor = select(below, alpha - beta, Vec<T>(T(1)));
      for (std::size_t i = k + 1; i < m; ++i) store(at(i, k), load(at(i, k)) / divisor);
      store(at(k, k), beta);
      store(taus + k * W, tau);
      for (std::size_t j = k + 1; j < n; ++j) lane_reflect(m - k, at(k, k), tau, at(k, j));
    }
    others |= (static_cast<std::uint64_t>(~in_range) & ((std::uint64_t{1} << W) - 1)) << first;
    const std::size_t r_rows = q_columns;
    for (std::size_t i = 0; i < r_rows; ++i)
      for (std::size_t j = 0; j < n; ++j)
        store(r + (i * n + j) * tile_lanes + first, i <= j && i < m ? load(at(i, j)) + finite : finite);
    for (std::size_t j = 0; j < q_columns; ++j)
      for (std::size_t i = 0; i < m; ++i) store(qs + (j * m + i) * W, Vec<T>(static_cast<T>(i == j)));
    for (std::size_t k = k_most; k-- > 0;)
      for (std::size_t j = k; j < q_columns; ++j)
        lane_reflect(m - k, at(k, k), load(taus + k * W), qs + (j * m + k) * W);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < q_columns; ++j)
        store(q + (i * q_columns + j) * tile_lanes + first, load(qs + (j * m + i) * W) + finite);
  }
  return others;
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
