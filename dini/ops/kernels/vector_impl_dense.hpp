// Matrix times vector for contiguous row-major matrices that one core handles best.
//
// In gemv each element of y is one register of partial sums, folded at the end; in gemv_t it is one chain of
// multiply-adds down its column. So an element's bits depend on its own row or column and on x only.
#pragma once

#include <cstdint>

#include "vector_impl_reduce.hpp"
#include "vector_impl_simple.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

inline constexpr std::size_t rows_at_once = 8, cache_line = 64;

// y[r] = the sum of a[r]'s lanes for r < count <= rows, where rows is 8 or 4: a transposition and the additions in one
// go, in an order that is the same for every row and for both values of `rows`.
#if DINI_VECTOR_LEVEL == 512
// The sums in the first lanes; of four rows twice in float64, four times in float32.
template <int rows> DINI_INLINE Vec<double> folded(const Vec<double>* a) {
  Vec<double> pairs[rows / 2];
  for (int i = 0; i < rows / 2; ++i) {
    pairs[i] = Vec<double>(_mm512_unpacklo_pd(a[2 * i].v, a[2 * i + 1].v)) +
               Vec<double>(_mm512_unpackhi_pd(a[2 * i].v, a[2 * i + 1].v));
  }
  auto halve = [](Vec<double> p, Vec<double> q) DINI_LAMBDA {
    return Vec<double>(_mm512_shuffle_f64x2(p.v, q.v, 0x88)) + Vec<double>(_mm512_shuffle_f64x2(p.v, q.v, 0xdd));
  };
  Vec<double> quad = halve(pairs[0], pairs[1]);
  if constexpr (rows == 8) {
    return halve(quad, halve(pairs[2], pairs[3]));
  } else {
    return halve(quad, quad);
  }
}
template <int rows> DINI_INLINE void fold_rows(const Vec<double>* a, double* y, std::size_t count) {
  const Vec<double> sums = folded<rows>(a);
  if constexpr (rows == 8) {
    if (count == 8) return store(y, sums);
    store_part(y, sums, count);
  } else {
    _mm256_mask_storeu_pd(y, __mmask8((1u << count) - 1), _mm512_castpd512_pd256(sums.v));
  }
}
template <int rows> DINI_INLINE Vec<float> folded(const Vec<float>* a) {
  Vec<float> pairs[rows / 2], quads[rows / 4];
  for (int i = 0; i < rows / 2; ++i) {
    pairs[i] = Vec<float>(_mm512_unpacklo_ps(a[2 * i].v, a[2 * i + 1].v)) +
               Vec<float>(_mm512_unpackhi_ps(a[2 * i].v, a[2 * i + 1].v));
  }
  for (int i = 0; i < rows / 4; ++i) {
    __m512d p = _mm512_castps_pd(pairs[2 * i].v), q = _mm512_castps_pd(pairs[2 * i + 1].v);
    quads[i] =
        Vec<float>(_mm512_castpd_ps(_mm512_unpacklo_pd(p, q))) + Vec<float>(_mm512_castpd_ps(_mm512_unpackhi_pd(p, q)));
  }
  auto halve = [](Vec<float> p, Vec<float> q) DINI_LAMBDA {
    return Vec<float>(_mm512_shuffle_f32x4(p.v, q.v, 0x88)) + Vec<float>(_mm512_shuffle_f32x4(p.v, q.v, 0xdd));
  };
  Vec<float> sums = halve(quads[0], quads[rows / 4 - 1]);
  return halve(sums, sums);
}
template <int rows> DINI_INLINE void fold_rows(const Vec<float>* a, float* y, std::size_t count) {
  _mm256_mask_storeu_ps(y, __mmask8((1u << count) - 1), _mm512_castps512_ps256(folded<rows>(a).v));
}
// `to` with the sums of four rows, as folded<4> gives them, from its `place`-th lane on.
DINI_INLINE Vec<double> with_four(Vec<double> to, std::size_t place, Vec<double> sums) {
  return _mm512_mask_broadcast_f64x4(to.v, __mmask8(0xfu << place), _mm512_castpd512_pd256(sums.v));
}
DINI_INLINE Vec<float> with_four(Vec<float> to, std::size_t place, Vec<float> sums) {
  return _mm512_mask_broadcast_f32x4(to.v, __mmask16(0xfu << place), _mm512_castps512_ps128(sums.v));
}
#elif DINI_VECTOR_LEVEL == 2
template <int rows> DINI_INLINE void fold_rows(const Vec<double>* a, double* y, std::size_t count) {
  for (int i = 0; i < rows; i += 4) {
    __m256d p = _mm256_add_pd(_mm256_unpacklo_pd(a[i].v, a[i + 1].v), _mm256_unpackhi_pd(a[i].v, a[i + 1].v));
    __m256d q = _mm256_add_pd(_mm256_unpacklo_pd(a[i + 2].v, a[i + 3].v), _mm256_unpackhi_pd(a[i + 2].v, a[i + 3].v));
    __m256d sums = _mm256_add_pd(_mm256_permute2f128_pd(p, q, 0x20), _mm256_permute2f128_pd(p, q, 0x31));
    if (count >= std::size_t(i + 4)) {
      _mm256_storeu_pd(y + i, sums);
    } else {
      store_part(y + i, Vec<double>(sums), count - i);
    }
  }
}
template <int rows> DINI_INLINE void fold_rows(const Vec<float>* a, float* y, std::size_t count) {
  __m256 quads[rows / 4];
  for (int i = 0; i < rows / 4; ++i) {
    const Vec<float>* b = a + 4 * i;
    __m256 p = _mm256_add_ps(_mm256_unpacklo_ps(b[0].v, b[1].v), _mm256_unpackhi_ps(b[0].v, b[1].v));
    __m256 q = _mm256_add_ps(_mm256_unpacklo_ps(b[2].v, b[3].v), _mm256_unpackhi_ps(b[2].v, b[3].v));
    __m256d s = _mm256_castps_pd(p), t = _mm256_castps_pd(q);
    quads[i] = _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(s, t)), _mm256_castpd_ps(_mm256_unpackhi_pd(s, t)));
  }
  __m256 p = quads[0], q = quads[rows / 4 - 1];
  __m256 sums = _mm256_add_ps(_mm256_permute2f128_ps(p, q, 0x20), _mm256_permute2f128_ps(p, q, 0x31));
  if (count == 8) return _mm256_storeu_ps(y, sums);
  store_part(y, Vec<float>(sums), count);
}
#else
template <int rows> DINI_INLINE void fold_rows(const Vec<double>* a, double* y, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 2) {
    const NativeD p = a[i].v, q = a[i + 1].v;
    const Vec<double> sums = __builtin_shufflevector(p, q, 0, 2) + __builtin_shufflevector(p, q, 1, 3);
    if (count - i >= 2) {
      store(y + i, sums);
    } else {
      store_part(y + i, sums, 1);
    }
  }
}
template <int rows> DINI_INLINE void fold_rows(const Vec<float>* a, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 4) {
    const auto pair = [](NativeF p, NativeF q) DINI_LAMBDA {
      return __builtin_shufflevector(p, q, 0, 4, 1, 5) + __builtin_shufflevector(p, q, 2, 6, 3, 7);
    };
    const NativeF p = pair(a[i].v, a[i + 1].v), q = pair(a[i + 2].v, a[i + 3].v);
    const Vec<float> sums = __builtin_shufflevector(p, q, 0, 1, 4, 5) + __builtin_shufflevector(p, q, 2, 3, 6, 7);
    if (count - i >= 4) {
      store(y + i, sums);
    } else {
      store_part(y + i, sums, count - i);
    }
  }
}
#endif

// Rows that begin within a line of the cache are read a tenth to a quarter faster out of the second level if the lines of the
// rows that come next are asked for early. Otherwise the processor does better by itself.
template <class T> bool wants_prefetch(std::size_t m, std::size_t n) {
  constexpr std::size_t first_level = std::size_t(48) << 10, second_level = std::size_t(1) << 20, long_row = 3072;
  const std::size_t row = n * sizeof(T);
  return row % cache_line != 0 && row <= long_row && m * row > first_level && m * row <= second_level;
}

// One line of the cache of each of `rows` rows' worth of memory.
template <std::size_t rows, class T> DINI_INLINE void prefetch_lines(const T* p) {
  for (std::size_t r = 0; r < rows; ++r) __builtin_prefetch(p + r * (cache_line / sizeof(T)));
}

// Rows from two pointers that go along with the columns: one for each row would be more than the processor has registers.
template <std::size_t rows, class T> struct RowPointers {
  const T *low, *high;
  std::size_t ld;
  RowPointers(const T* A, std::size_t row_length) : low(A), high(A + rows / 2 * row_length), ld(row_length) {}
  DINI_INLINE const T* operator[](std::size_t r) const {
    return r < rows / 2 ? low + r * ld : high + (r - rows / 2) * ld;
  }
  DINI_INLINE void operator+=(std::size_t n) { low += n, high += n; }
};

template <std::size_t rows, bool prefetch, class T>
DINI_INLINE void row_sums(std::size_t n, const T* A, const T* x, Vec<T>* acc) {
  constexpr std::size_t w = width<T>;
  const Vec<T> zero = T(0);
  Vec<T> s[rows];
  for (auto& a : s) a = zero;
  RowPointers<rows, T> row(A, n);
  std::size_t j = 0;
  for (; j + w <= n; j += w, row += w) {
    Vec<T> v = load(x + j);
    for (std::size_t r = 0; r < rows; ++r) s[r] = mul_add(load(row[r]), v, s[r]);
    if constexpr (prefetch) prefetch_lines<rows * w * sizeof(T) / cache_line>(A + rows * (n + j));
  }
  if (j < n) {
    Vec<T> v = load_part(x + j, n - j, zero);
    for (std::size_t r = 0; r < rows; ++r) s[r] = mul_add(load_part(row[r], n - j, zero), v, s[r]);
  }
  for (std::size_t r = 0; r < rows; ++r) acc[r] = s[r];
}

template <bool prefetch, class T> void gemv_rows(std::size_t m, std::size_t n, const T* A, const T* x, T* y) {
  Vec<T> acc[rows_at_once];
  for (; m >= rows_at_once; m -= rows_at_once, A += rows_at_once * n, y += rows_at_once) {
    row_sums<rows_at_once, prefetch>(n, A, x, acc);
    fold_rows<8>(acc, y, 8);
  }
  if (m & 4) {
    row_sums<4, false>(n, A, x, acc);
    fold_rows<4>(acc, y, 4);
    A += 4 * n, y += 4;
  }
  m &= 3;
  if (m == 0) return;
  for (std::size_t r = 0; r < 4; ++r) acc[r] = T(0);
  if (m == 1) row_sums<1, false>(n, A, x, acc);
  if (m == 2) row_sums<2, false>(n, A, x, acc);
  if (m == 3) row_sums<3, false>(n, A, x, acc);
  fold_rows<4>(acc, y, m);
}

template <class T> void gemv(std::size_t m, std::size_t n, const T* A, const T* x, T* y) {
  if (wants_prefetch<T>(m, n)) return gemv_rows<true>(m, n, A, x, y);
  gemv_rows<false>(m, n, A, x, y);
}

// The last rows, that do not fill a register, into one.
template <class T> void gemv_whole(std::size_t m, std::size_t n, const T* A, const T* x, T* y) {
#if DINI_VECTOR_LEVEL == 512
  constexpr std::size_t w = width<T>;
  const std::size_t before = m / w * w;
  if (before) gemv(before, n, A, x, y);
  m -= before;
  if (m == 0) return;
  A += before * n;
  Vec<T> acc[rows_at_once], sums = T(0);
  std::size_t place = 0;
  if (w > 8 && m & 8) {
    row_sums<8, false>(n, A, x, acc);
    sums = folded<8>(acc);
    A += 8 * n, place = 8;
  }
  if (m & 4) {
    row_sums<4, false>(n, A, x, acc);
    sums = with_four(sums, place, folded<4>(acc));
    A += 4 * n, place += 4;
  }
  if (m & 3) {
    for (std::size_t r = 0; r < 4; ++r) acc[r] = T(0);
    if ((m & 3) == 1) row_sums<1, false>(n, A, x, acc);
    if ((m & 3) == 2) row_sums<2, false>(n, A, x, acc);
    if ((m & 3) == 3) row_sums<3, false>(n, A, x, acc);
    sums = with_four(sums, place, folded<4>(acc));
  }
  store(y + before, sums);
#else
  gemv(m, n, A, x, y);
#endif
}

// `count` registers of y at once, all of them full but perhaps the last. A row's last register is read as a whole where the rows
// after it make up for what is too much, which ends in lanes that are not stored: a load under a mask takes longer.
template <std::size_t count, bool whole_result, class T>
DINI_INLINE void column_sums(std::size_t m, std::size_t ld, const T* A, const T* x, T* y, std::size_t last) {
  constexpr std::size_t w = width<T>;
  const Vec<T> zero = T(0);
  // Rows at the end whose last register goes beyond the matrix.
  const std::size_t above = last == w        ? 0
                            : ld >= w - last ? 1
                                             : (w - last + ld - 1) / ld,
                    whole = m > above ? m - above : 0;
  Vec<T> s[count];
  for (auto& a : s) a = zero;
  std::size_t i = 0;
  for (; i < whole; ++i, A += ld) {
    Vec<T> v = x[i];
    for (std::size_t c = 0; c < count; ++c) s[c] = mul_add(load(A + c * w), v, s[c]);
  }
  for (; i < m; ++i, A += ld) {
    Vec<T> v = x[i];
    for (std::size_t c = 0; c + 1 < count; ++c) s[c] = mul_add(load(A + c * w), v, s[c]);
    s[count - 1] = mul_add(load_part(A + (count - 1) * w, last, zero), v, s[count - 1]);
  }
  for (std::size_t c = 0; c + 1 < count; ++c) store(y + c * w, s[c]);
  if (last == w) {
    store(y + (count - 1) * w, s[count - 1]);
  } else {
    store_last<whole_result>(y + (count - 1) * w, s[count - 1], last);
  }
}

// Registers up to which all of y stays in registers: measured. The bits are the same either way.
inline constexpr std::size_t narrow = 8;

template <bool whole, class T>
void gemv_t_narrow(std::size_t m, std::size_t n, std::size_t ld, const T* A, const T* x, T* y) {
  constexpr std::size_t w = width<T>;
  std::size_t registers = (n + w - 1) / w, last = n - (registers - 1) * w;
  switch (registers) {
    case 1: return column_sums<1, whole>(m, ld, A, x, y, last);
    case 2: return column_sums<2, whole>(m, ld, A, x, y, last);
    case 3: return column_sums<3, whole>(m, ld, A, x, y, last);
    case 4: return column_sums<4, whole>(m, ld, A, x, y, last);
    case 5: return column_sums<5, whole>(m, ld, A, x, y, last);
    case 6: return column_sums<6, whole>(m, ld, A, x, y, last);
    case 7: return column_sums<7, whole>(m, ld, A, x, y, last);
    case 8: return column_sums<8, whole>(m, ld, A, x, y, last);
    default: return;
  }
}

// y += the `rows` rows of A times x, the sums going on where they stand in y.
template <std::size_t rows, bool prefetch, class T>
DINI_INLINE void add_rows(std::size_t n, std::size_t ld, const T* A, const T* x, T* y, bool first) {
  constexpr std::size_t w = width<T>;
  const Vec<T> zero = T(0);
  Vec<T> v[rows];
  for (std::size_t r = 0; r < rows; ++r) v[r] = x[r];
  RowPointers<rows, T> row(A, ld);
  std::size_t j = 0;
  for (; j + w <= n; j += w, row += w) {
    Vec<T> s = first ? zero : load(y + j);
    for (std::size_t r = 0; r < rows; ++r) s = mul_add(load(row[r]), v[r], s);
    store(y + j, s);
    if constexpr (prefetch) prefetch_lines<rows * w * sizeof(T) / cache_line>(A + rows * (ld + j));
  }
  if (j < n) {
    Vec<T> s = first ? zero : load_part(y + j, n - j, zero);
    for (std::size_t r = 0; r < rows; ++r) s = mul_add(load_part(row[r], n - j, zero), v[r], s);
    store_part(y + j, s, n - j);
  }
}

template <class T> void gemv_t(std::size_t m, std::size_t n, std::size_t ld, const T* A, const T* x, T* y) {
  if (n == 0) return;
  if (n <= narrow * width<T>) return gemv_t_narrow<false>(m, n, ld, A, x, y);
  if (m == 0) {
    for (std::size_t j = 0; j < n; ++j) y[j] = T(0);
    return;
  }
  std::size_t i = 0;
  if (ld == n && wants_prefetch<T>(m, n)) {
    for (; i + 8 <= m; i += 8) add_rows<8, true>(n, ld, A + i * ld, x + i, y, i == 0);
  }
  for (; i + 8 <= m; i += 8) add_rows<8, false>(n, ld, A + i * ld, x + i, y, i == 0);
  if (m - i >= 4) add_rows<4, false>(n, ld, A + i * ld, x + i, y, i == 0), i += 4;
  for (; i < m; ++i) add_rows<1, false>(n, ld, A + i * ld, x + i, y, i == 0);
}

template <class T> void gemv_t_whole(std::size_t m, std::size_t n, const T* A, const T* x, T* y) {
  if (n == 0 || n > narrow * width<T>) return gemv_t(m, n, n, A, x, y);
  gemv_t_narrow<true>(m, n, n, A, x, y);
}

template <class T> void axpy(std::size_t n, T alpha, const T* x, T* y) {
  constexpr std::size_t w = width<T>;
  const Vec<T> a = alpha, zero = T(0);
  std::size_t i = 0;
  for (; i + w <= n; i += w) store(y + i, mul_add(a, load(x + i), load(y + i)));
  if (i < n) store_part(y + i, mul_add(a, load_part(x + i, n - i, zero), load_part(y + i, n - i, zero)), n - i);
}

template <class T> void fill(std::size_t n, T x, T* y) {
  constexpr std::size_t w = width<T>;
  const Vec<T> v = x;
  std::size_t i = 0;
  for (; i + w <= n; i += w) store(y + i, v);
  if (i < n) store_part(y + i, v, n - i);
}

template <class T> void outer(std::size_t m, std::size_t n, const T* a, const T* b, T* C) {
  constexpr std::size_t w = width<T>;
  T* const end = C + m * n;
  for (std::size_t i = 0; i < m; ++i, C += n) {
    const Vec<T> v = a[i];
    std::size_t j = 0;
    if constexpr (w * sizeof(T) == cache_line) {
      // A register that lies across two lines is stored in twice the time.
      j = (cache_line - reinterpret_cast<std::uintptr_t>(C) % cache_line) % cache_line / sizeof(T);
      if (j >= n) j = 0;
      if (j > 0) store_part(C, v * load_part(b, j, Vec<T>(T(0))), j);
    }
    for (; j + w <= n; j += w) store(C + j, v * load(b + j));
    if (j == n) continue;
    Vec<T> tail = v * load_part(b + j, n - j, Vec<T>(T(0)));
    // What a whole register writes too much is the next rows' beginning, and is written again.
    if (std::size_t(end - (C + j)) >= w) {
      store(C + j, tail);
    } else {
      store_part(C + j, tail, n - j);
    }
  }
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
