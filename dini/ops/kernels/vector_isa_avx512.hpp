// Registers of AVX-512; see vector_isa.hpp.
#pragma once

#include "vector_isa_types.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

template <> DINI_INLINE Vec<float>::Vec(float s) : v(_mm512_set1_ps(s)) {}
template <> DINI_INLINE Vec<double>::Vec(double s) : v(_mm512_set1_pd(s)) {}

template <class T> struct Mask {
  unsigned m;  // one bit a lane
  friend DINI_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
  friend DINI_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
  friend DINI_INLINE Mask operator~(Mask a) { return {~a.m & ((1u << width<T>)-1)}; }
};

#define DINI_COMPARE(name, predicate)                                                                            \
  DINI_INLINE Mask<float> name(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, predicate)}; } \
  DINI_INLINE Mask<double> name(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, predicate)}; }
DINI_COMPARE(less, _CMP_LT_OQ)
DINI_COMPARE(less_equal, _CMP_LE_OQ)
DINI_COMPARE(equal, _CMP_EQ_OQ)
DINI_COMPARE(not_equal, _CMP_NEQ_UQ)
DINI_COMPARE(unordered, _CMP_UNORD_Q)
#undef DINI_COMPARE

template <class T> DINI_INLINE unsigned to_bits(Mask<T> m) { return m.m; }
DINI_INLINE Mask<float> mask_of(Bits<float> a) {
  return {unsigned(_mm512_test_epi32_mask((__m512i)a.v, (__m512i)a.v))};
}
DINI_INLINE Mask<double> mask_of(Bits<double> a) {
  return {unsigned(_mm512_test_epi64_mask((__m512i)a.v, (__m512i)a.v))};
}

DINI_INLINE Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) {
  return _mm512_mask_blend_ps(__mmask16(m.m), b.v, a.v);
}
DINI_INLINE Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) {
  return _mm512_mask_blend_pd(__mmask8(m.m), b.v, a.v);
}

DINI_INLINE Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
DINI_INLINE Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm512_fmadd_pd(a.v, b.v, c.v); }
DINI_INLINE Vec<float> sqrt(Vec<float> a) { return _mm512_sqrt_ps(a.v); }
DINI_INLINE Vec<double> sqrt(Vec<double> a) { return _mm512_sqrt_pd(a.v); }
// min2, max2: the second operand if either is NaN.
DINI_INLINE Vec<float> min2(Vec<float> a, Vec<float> b) { return _mm512_min_ps(a.v, b.v); }
DINI_INLINE Vec<double> min2(Vec<double> a, Vec<double> b) { return _mm512_min_pd(a.v, b.v); }
DINI_INLINE Vec<float> max2(Vec<float> a, Vec<float> b) { return _mm512_max_ps(a.v, b.v); }
DINI_INLINE Vec<double> max2(Vec<double> a, Vec<double> b) { return _mm512_max_pd(a.v, b.v); }

#define DINI_ROUND(name, mode)                                                                              \
  DINI_INLINE Vec<float> name(Vec<float> a) { return _mm512_roundscale_ps(a.v, mode | _MM_FROUND_NO_EXC); } \
  DINI_INLINE Vec<double> name(Vec<double> a) { return _mm512_roundscale_pd(a.v, mode | _MM_FROUND_NO_EXC); }
DINI_ROUND(round_even, _MM_FROUND_TO_NEAREST_INT)
DINI_ROUND(floor, _MM_FROUND_TO_NEG_INF)
DINI_ROUND(ceil, _MM_FROUND_TO_POS_INF)
DINI_ROUND(trunc, _MM_FROUND_TO_ZERO)
#undef DINI_ROUND

DINI_INLINE Vec<float> load(const float* p) { return _mm512_loadu_ps(p); }
DINI_INLINE Vec<double> load(const double* p) { return _mm512_loadu_pd(p); }
DINI_INLINE void store(float* p, Vec<float> a) { _mm512_storeu_ps(p, a.v); }
DINI_INLINE void store(double* p, Vec<double> a) { _mm512_storeu_pd(p, a.v); }
// The first k < width elements; the other lanes hold `pad`.
DINI_INLINE Vec<float> load_part(const float* p, std::size_t k, Vec<float> pad) {
  return _mm512_mask_loadu_ps(pad.v, __mmask16((1u << k) - 1), p);
}
DINI_INLINE Vec<double> load_part(const double* p, std::size_t k, Vec<double> pad) {
  return _mm512_mask_loadu_pd(pad.v, __mmask8((1u << k) - 1), p);
}
DINI_INLINE void store_part(float* p, Vec<float> a, std::size_t k) {
  _mm512_mask_storeu_ps(p, __mmask16((1u << k) - 1), a.v);
}
DINI_INLINE void store_part(double* p, Vec<double> a, std::size_t k) {
  _mm512_mask_storeu_pd(p, __mmask8((1u << k) - 1), a.v);
}

DINI_INLINE Vec<double> low_half(Vec<float> a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a.v)); }
DINI_INLINE Vec<double> high_half(Vec<float> a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1)); }
DINI_INLINE Vec<float> join(Vec<double> low, Vec<double> high) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low.v)), _mm512_cvtpd_ps(high.v), 1);
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
