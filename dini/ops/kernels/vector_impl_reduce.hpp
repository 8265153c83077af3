// Reductions in the fixed order that vector.hpp states: the same on every instruction set, to the bit.
#pragma once

#include <utility>

#include "vector_impl_simple.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

#if DINI_VECTOR_LEVEL == 512
template <class F> DINI_INLINE float fold(Vec<float> a, F f) {
  Vec<float> h = f(a, Vec<float>(_mm512_castps256_ps512(_mm512_extractf32x8_ps(a.v, 1))));
  __m256 b = _mm512_castps512_ps256(h.v);
  auto wide = [](__m128 v) { return Vec<float>(_mm512_castps128_ps512(v)); };
  __m128 c = _mm512_castps512_ps128(f(h, wide(_mm256_extractf128_ps(b, 1))).v);
  c = _mm512_castps512_ps128(f(wide(c), wide(_mm_movehl_ps(c, c))).v);
  c = _mm512_castps512_ps128(f(wide(c), wide(_mm_shuffle_ps(c, c, 1))).v);
  return _mm_cvtss_f32(c);
}
template <class F> DINI_INLINE double fold(Vec<double> a, F f) {
  auto wide = [](__m128d v) { return Vec<double>(_mm512_castpd128_pd512(v)); };
  Vec<double> h = f(a, Vec<double>(_mm512_castpd256_pd512(_mm512_extractf64x4_pd(a.v, 1))));
  __m256d b = _mm512_castpd512_pd256(h.v);
  __m128d c = _mm512_castpd512_pd128(f(h, wide(_mm256_extractf128_pd(b, 1))).v);
  c = _mm512_castpd512_pd128(f(wide(c), wide(_mm_unpackhi_pd(c, c))).v);
  return _mm_cvtsd_f64(c);
}
#elif DINI_VECTOR_LEVEL == 2
template <class F> DINI_INLINE float fold(Vec<float> a, F f) {
  auto wide = [](__m128 v) { return Vec<float>(_mm256_castps128_ps256(v)); };
  __m128 c = _mm256_castps256_ps128(f(a, wide(_mm256_extractf128_ps(a.v, 1))).v);
  c = _mm256_castps256_ps128(f(wide(c), wide(_mm_movehl_ps(c, c))).v);
  c = _mm256_castps256_ps128(f(wide(c), wide(_mm_shuffle_ps(c, c, 1))).v);
  return _mm_cvtss_f32(c);
}
template <class F> DINI_INLINE double fold(Vec<double> a, F f) {
  auto wide = [](__m128d v) { return Vec<double>(_mm256_castpd128_pd256(v)); };
  __m128d c = _mm256_castpd256_pd128(f(a, wide(_mm256_extractf128_pd(a.v, 1))).v);
  c = _mm256_castpd256_pd128(f(wide(c), wide(_mm_unpackhi_pd(c, c))).v);
  return _mm_cvtsd_f64(c);
}
#else
template <class F> DINI_INLINE float fold(Vec<float> a, F f) {
  const Vec<float> c = f(a, Vec<float>(__builtin_shufflevector(a.v, a.v, 2, 3, 2, 3)));
  return f(c, Vec<float>(__builtin_shufflevector(c.v, c.v, 1, 1, 1, 1))).v[0];
}
template <class F> DINI_INLINE double fold(Vec<double> a, F f) {
  return f(a, Vec<double>(__builtin_shufflevector(a.v, a.v, 1, 1))).v[0];
}
#endif

struct Sum {
  template <class T> DINI_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return a + b; }
};

// 128 bytes of lanes. term(i) is the register of elements from i on, term(i, k) the first k of them with zeros behind:
// adding zeros changes nothing, because a lane that starts from +0 never is -0. (Written with a pack, because GCC 12
// fills memory with zeros for a loop that sets the lanes to zero, and there they stay.)
template <class T, class Term, std::size_t... r>
DINI_INLINE T sum_block(std::size_t n, Term term, std::index_sequence<r...>) {
  constexpr std::size_t w = width<T>, registers = sizeof...(r);
  Vec<T> acc[] = {Vec<T>(T(r * 0))...};
  std::size_t i = 0;
  for (; i + w * registers <= n; i += w * registers) ((acc[r] = acc[r] + term(i + r * w)), ...);
  auto rest = [&](Vec<T>& a, std::size_t from) DINI_LAMBDA {
    if (from + w <= n) {
      a = a + term(from);
    } else if (from < n) {
      a = a + term(from, n - from);
    }
  };
  (rest(acc[r], i + r * w), ...);
  if constexpr (registers > 4) {
    acc[0] = acc[0] + acc[4], acc[1] = acc[1] + acc[5], acc[2] = acc[2] + acc[6], acc[3] = acc[3] + acc[7];
  }
  if constexpr (registers > 2) acc[0] = acc[0] + acc[2], acc[1] = acc[1] + acc[3];
  return fold(acc[0] + acc[1], Sum{});
}
template <class T, class Term> DINI_INLINE T sum_block(std::size_t n, Term term) {
  return sum_block<T>(n, term, std::make_index_sequence<128 / vector_bytes>());
}

template <class T> T block_sum(const T* x, std::size_t n) {
  struct Term {
    const T* x;
    DINI_INLINE Vec<T> operator()(std::size_t i) const { return load(x + i); }
    DINI_INLINE Vec<T> operator()(std::size_t i, std::size_t k) const { return load_part(x + i, k, Vec<T>(T(0))); }
  };
  return sum_block<T>(n, Term{x});
}

template <class T> T block_dot(const T* a, const T* b, std::size_t n) {
  struct Term {
    const T *a, *b;
    DINI_INLINE Vec<T> operator()(std::size_t i) const { return load(a + i) * load(b + i); }
    DINI_INLINE Vec<T> operator()(std::size_t i, std::size_t k) const {
      const Vec<T> zero = T(0);
      // 0·0, or -0 where a lane beyond the end is neither: it is +0 either way once added.
      return load_part(a + i, k, zero) * load_part(b + i, k, zero);
    }
  };
  return sum_block<T>(n, Term{a, b});
}

template <class T> T sum(const T* x, std::size_t n) {
  if (n <= reduction_block) return block_sum(x, n);
  double total = 0;
  for (std::size_t i = 0; i < n; i += reduction_block) {
    total += double(block_sum(x + i, n - i < reduction_block ? n - i : reduction_block));
  }
  return T(total);
}

template <class T> T dot(const T* a, const T* b, std::size_t n) {
  if (n <= reduction_block) return block_dot(a, b, n);
  double total = 0;
  for (std::size_t i = 0; i < n; i += reduction_block) {
    total += double(block_dot(a + i, b + i, n - i < reduction_block ? n - i : reduction_block));
  }
  return T(total);
}

template <class T> T sum_squares(const T* x, std::size_t n) { return dot(x, x, n); }

struct Larger {
  template <class T> DINI_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return maximum(a, b); }
  template <class T> static constexpr T start = -infinity<T>;
};
struct Smaller {
  template <class T> DINI_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return minimum(a, b); }
  template <class T> static constexpr T start = infinity<T>;
};

template <class T, class F> T extreme(const T* x, std::size_t n) {
  constexpr std::size_t w = width<T>;
  const Vec<T> start = F::template start<T>;
  Vec<T> acc[4] = {start, start, start, start};
  std::size_t i = 0;
  for (; i + 4 * w <= n; i += 4 * w) {
    for (std::size_t r = 0; r < 4; ++r) acc[r] = F{}(acc[r], load(x + i + r * w));
  }
  for (; i < n; i += w) acc[0] = F{}(acc[0], n - i >= w ? load(x + i) : load_part(x + i, n - i, start));
  return fold(F{}(F{}(acc[0], acc[1]), F{}(acc[2], acc[3])), F{});
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
