// Registers of AVX2 with FMA; see vector_isa.hpp.
#pragma once

#include "vector_isa_types.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

template <> DINI_INLINE Vec<float>::Vec(float s) : v(_mm256_set1_ps(s)) {}
template <> DINI_INLINE Vec<double>::Vec(double s) : v(_mm256_set1_pd(s)) {}

template <class T> struct Mask {
  typename Format<T>::NativeInt m;  // all ones or all zeros in a lane
  friend DINI_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
  friend DINI_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
  friend DINI_INLINE Mask operator~(Mask a) { return {~a.m}; }
};

#define DINI_COMPARE(name, predicate)                           \
  DINI_INLINE Mask<float> name(Vec<float> a, Vec<float> b) {    \
    return {(NativeF_int)_mm256_cmp_ps(a.v, b.v, predicate)};   \
  }                                                             \
  DINI_INLINE Mask<double> name(Vec<double> a, Vec<double> b) { \
    return {(NativeD_int)_mm256_cmp_pd(a.v, b.v, predicate)};   \
  }
DINI_COMPARE(less, _CMP_LT_OQ)
DINI_COMPARE(less_equal, _CMP_LE_OQ)
DINI_COMPARE(equal, _CMP_EQ_OQ)
DINI_COMPARE(not_equal, _CMP_NEQ_UQ)
DINI_COMPARE(unordered, _CMP_UNORD_Q)
#undef DINI_COMPARE

DINI_INLINE unsigned to_bits(Mask<float> m) { return unsigned(_mm256_movemask_ps((__m256)m.m)); }
DINI_INLINE unsigned to_bits(Mask<double> m) { return unsigned(_mm256_movemask_pd((__m256d)m.m)); }
template <class T> DINI_INLINE Mask<T> mask_of(Bits<T> a) { return {a.v != typename Format<T>::NativeInt{}}; }

DINI_INLINE Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) {
  return _mm256_blendv_ps(b.v, a.v, (__m256)m.m);
}
DINI_INLINE Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) {
  return _mm256_blendv_pd(b.v, a.v, (__m256d)m.m);
}

DINI_INLINE Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
DINI_INLINE Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm256_fmadd_pd(a.v, b.v, c.v); }
DINI_INLINE Vec<float> sqrt(Vec<float> a) { return _mm256_sqrt_ps(a.v); }
DINI_INLINE Vec<double> sqrt(Vec<double> a) { return _mm256_sqrt_pd(a.v); }
DINI_INLINE Vec<float> min2(Vec<float> a, Vec<float> b) { return _mm256_min_ps(a.v, b.v); }
DINI_INLINE Vec<double> min2(Vec<double> a, Vec<double> b) { return _mm256_min_pd(a.v, b.v); }
DINI_INLINE Vec<float> max2(Vec<float> a, Vec<float> b) { return _mm256_max_ps(a.v, b.v); }
DINI_INLINE Vec<double> max2(Vec<double> a, Vec<double> b) { return _mm256_max_pd(a.v, b.v); }

#define DINI_ROUND(name, mode)                                                                         \
  DINI_INLINE Vec<float> name(Vec<float> a) { return _mm256_round_ps(a.v, mode | _MM_FROUND_NO_EXC); } \
  DINI_INLINE Vec<double> name(Vec<double> a) { return _mm256_round_pd(a.v, mode | _MM_FROUND_NO_EXC); }
DINI_ROUND(round_even, _MM_FROUND_TO_NEAREST_INT)
DINI_ROUND(floor, _MM_FROUND_TO_NEG_INF)
DINI_ROUND(ceil, _MM_FROUND_TO_POS_INF)
DINI_ROUND(trunc, _MM_FROUND_TO_ZERO)
#undef DINI_ROUND

DINI_INLINE Vec<float> load(const float* p) { return _mm256_loadu_ps(p); }
DINI_INLINE Vec<double> load(const double* p) { return _mm256_loadu_pd(p); }
DINI_INLINE void store(float* p, Vec<float> a) { _mm256_storeu_ps(p, a.v); }
DINI_INLINE void store(double* p, Vec<double> a) { _mm256_storeu_pd(p, a.v); }

// Masks for the first k lanes are read from the middle of this.
alignas(64) constexpr std::int32_t sliding_mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

DINI_INLINE Vec<float> load_part(const float* p, std::size_t k, Vec<float> pad) {
  __m256i m = _mm256_loadu_si256((const __m256i*)(sliding_mask + 8 - k));
  return _mm256_blendv_ps(pad.v, _mm256_maskload_ps(p, m), (__m256)m);
}
DINI_INLINE Vec<double> load_part(const double* p, std::size_t k, Vec<double> pad) {
  __m256i m = _mm256_loadu_si256((const __m256i*)(sliding_mask + 8 - 2 * k));
  return _mm256_blendv_pd(pad.v, _mm256_maskload_pd(p, m), (__m256d)m);
}
// vmaskmov stores are slow on AMD's processors, so the pieces are stored one by one.
DINI_INLINE void store_part(float* p, Vec<float> a, std::size_t k) {
  __m128 piece = _mm256_castps256_ps128(a.v);
  if (k & 4) {
    _mm_storeu_ps(p, piece);
    piece = _mm256_extractf128_ps(a.v, 1);
    p += 4;
  }
  if (k & 2) {
    _mm_storel_pi((__m64*)p, piece);
    piece = _mm_movehl_ps(piece, piece);
    p += 2;
  }
  if (k & 1) _mm_store_ss(p, piece);
}
DINI_INLINE void store_part(double* p, Vec<double> a, std::size_t k) {
  __m128d piece = _mm256_castpd256_pd128(a.v);
  if (k & 2) {
    _mm_storeu_pd(p, piece);
    piece = _mm256_extractf128_pd(a.v, 1);
    p += 2;
  }
  if (k & 1) _mm_store_sd(p, piece);
}

DINI_INLINE Vec<double> low_half(Vec<float> a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a.v)); }
DINI_INLINE Vec<double> high_half(Vec<float> a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1)); }
DINI_INLINE Vec<float> join(Vec<double> low, Vec<double> high) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low.v)), _mm256_cvtpd_ps(high.v), 1);
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
