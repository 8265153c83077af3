// Registers of any processor, by the compiler's vectors of 16 bytes and what a processor has beside them; see vector_isa.hpp.
#pragma once

#include "vector_isa_types.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

template <> DINI_INLINE Vec<float>::Vec(float s) : v{s, s, s, s} {}
template <> DINI_INLINE Vec<double>::Vec(double s) : v{s, s} {}

template <class T> struct Mask {
  typename Format<T>::NativeInt m;
  friend DINI_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
  friend DINI_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
  friend DINI_INLINE Mask operator~(Mask a) { return {~a.m}; }
};

template <class T> DINI_INLINE Mask<T> mask_of(Bits<T> a) { return {a.v != typename Format<T>::NativeInt{}}; }

template <class T> DINI_INLINE Vec<T> select(Mask<T> m, typename Same<Vec<T>>::type a, typename Same<Vec<T>>::type b) {
  using Int = typename Format<T>::NativeInt;
  return Vec<T>((typename Format<T>::Native)((m.m & (Int)a.v) | (~m.m & (Int)b.v)));
}

// What the compiler's vectors have no operator for, or GCC 12 no good code: of SSE2 it does not know the minimum, and fails on a mask
// of its own that a loop over doubles carries.
#if DINI_VECTOR_SPECIAL == DINI_SSE2
#define DINI_COMPARE(name, operation)                                       \
  DINI_INLINE Mask<float> name(Vec<float> a, Vec<float> b) {                \
    return {(NativeF_int)_mm_##operation##_ps((__m128)a.v, (__m128)b.v)};   \
  }                                                                         \
  DINI_INLINE Mask<double> name(Vec<double> a, Vec<double> b) {             \
    return {(NativeD_int)_mm_##operation##_pd((__m128d)a.v, (__m128d)b.v)}; \
  }
DINI_COMPARE(less, cmplt)
DINI_COMPARE(less_equal, cmple)
DINI_COMPARE(equal, cmpeq)
DINI_COMPARE(not_equal, cmpneq)
DINI_COMPARE(unordered, cmpunord)
#undef DINI_COMPARE
DINI_INLINE unsigned to_bits(Mask<float> m) { return unsigned(_mm_movemask_ps((__m128)m.m)); }
DINI_INLINE unsigned to_bits(Mask<double> m) { return unsigned(_mm_movemask_pd((__m128d)m.m)); }
DINI_INLINE Vec<float> sqrt(Vec<float> a) { return (NativeF)_mm_sqrt_ps((__m128)a.v); }
DINI_INLINE Vec<double> sqrt(Vec<double> a) { return (NativeD)_mm_sqrt_pd((__m128d)a.v); }
DINI_INLINE Vec<float> min2(Vec<float> a, Vec<float> b) { return (NativeF)_mm_min_ps((__m128)a.v, (__m128)b.v); }
DINI_INLINE Vec<double> min2(Vec<double> a, Vec<double> b) { return (NativeD)_mm_min_pd((__m128d)a.v, (__m128d)b.v); }
DINI_INLINE Vec<float> max2(Vec<float> a, Vec<float> b) { return (NativeF)_mm_max_ps((__m128)a.v, (__m128)b.v); }
DINI_INLINE Vec<double> max2(Vec<double> a, Vec<double> b) { return (NativeD)_mm_max_pd((__m128d)a.v, (__m128d)b.v); }
DINI_INLINE Vec<double> low_half(Vec<float> a) { return (NativeD)_mm_cvtps_pd((__m128)a.v); }
DINI_INLINE Vec<double> high_half(Vec<float> a) {
  return (NativeD)_mm_cvtps_pd(_mm_movehl_ps((__m128)a.v, (__m128)a.v));
}
DINI_INLINE Vec<float> join(Vec<double> low, Vec<double> high) {
  return (NativeF)_mm_movelh_ps(_mm_cvtpd_ps((__m128d)low.v), _mm_cvtpd_ps((__m128d)high.v));
}
#else
#define DINI_COMPARE(name, comparison)                                                             \
  DINI_INLINE Mask<float> name(Vec<float> a, Vec<float> b) { return {(NativeF_int)(comparison)}; } \
  DINI_INLINE Mask<double> name(Vec<double> a, Vec<double> b) { return {(NativeD_int)(comparison)}; }
DINI_COMPARE(less, a.v < b.v)
DINI_COMPARE(less_equal, a.v <= b.v)
DINI_COMPARE(equal, a.v == b.v)
DINI_COMPARE(not_equal, a.v != b.v)
DINI_COMPARE(unordered, (a.v != a.v) | (b.v != b.v))
#undef DINI_COMPARE
// min2, max2: the second operand if either is NaN.
DINI_INLINE Vec<float> min2(Vec<float> a, Vec<float> b) { return a.v < b.v ? a.v : b.v; }
DINI_INLINE Vec<double> min2(Vec<double> a, Vec<double> b) { return a.v < b.v ? a.v : b.v; }
DINI_INLINE Vec<float> max2(Vec<float> a, Vec<float> b) { return a.v > b.v ? a.v : b.v; }
DINI_INLINE Vec<double> max2(Vec<double> a, Vec<double> b) { return a.v > b.v ? a.v : b.v; }
#endif

#if DINI_VECTOR_SPECIAL == DINI_NEON
DINI_INLINE unsigned to_bits(Mask<float> m) { return unsigned(vaddvq_s32((int32x4_t)(m.m & NativeF_int{1, 2, 4, 8}))); }
DINI_INLINE unsigned to_bits(Mask<double> m) { return unsigned(vaddvq_s64((int64x2_t)(m.m & NativeD_int{1, 2}))); }
DINI_INLINE Vec<float> sqrt(Vec<float> a) { return (NativeF)vsqrtq_f32((float32x4_t)a.v); }
DINI_INLINE Vec<double> sqrt(Vec<double> a) { return (NativeD)vsqrtq_f64((float64x2_t)a.v); }
DINI_INLINE Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) {
  return (NativeF)vfmaq_f32((float32x4_t)c.v, (float32x4_t)a.v, (float32x4_t)b.v);
}
DINI_INLINE Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) {
  return (NativeD)vfmaq_f64((float64x2_t)c.v, (float64x2_t)a.v, (float64x2_t)b.v);
}
DINI_INLINE Vec<double> low_half(Vec<float> a) { return (NativeD)vcvt_f64_f32(vget_low_f32((float32x4_t)a.v)); }
DINI_INLINE Vec<double> high_half(Vec<float> a) { return (NativeD)vcvt_high_f64_f32((float32x4_t)a.v); }
DINI_INLINE Vec<float> join(Vec<double> low, Vec<double> high) {
  return (NativeF)vcvt_high_f32_f64(vcvt_f32_f64((float64x2_t)low.v), (float64x2_t)high.v);
}
#define DINI_ROUND(name, instruction)                                                                \
  DINI_INLINE Vec<float> name(Vec<float> a) { return (NativeF)instruction##_f32((float32x4_t)a.v); } \
  DINI_INLINE Vec<double> name(Vec<double> a) { return (NativeD)instruction##_f64((float64x2_t)a.v); }
DINI_ROUND(round_even, vrndnq)
DINI_ROUND(floor, vrndmq)
DINI_ROUND(ceil, vrndpq)
DINI_ROUND(trunc, vrndq)
#undef DINI_ROUND
#else
DINI_INLINE Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) { return a * b + c; }
DINI_INLINE Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) { return a * b + c; }
// Adding and taking away 2^mantissa rounds halves to even; larger numbers, infinities and NaN are integers already.
template <class T> DINI_INLINE Vec<T> round_even(Vec<T> a) {
  const Vec<T> big = T(2) / Format<T>::epsilon * T(0.5);
  Vec<T> magnitude = abs(a);
  Vec<T> rounded = with_sign((magnitude + big) - big, sign_of(a));
  return select(less(magnitude, big), rounded, a);
}
template <class T> DINI_INLINE Vec<T> floor(Vec<T> a) {
  Vec<T> r = round_even(a);
  return with_sign(abs(select(less(a, r), r - T(1), r)), sign_of(a));
}
template <class T> DINI_INLINE Vec<T> ceil(Vec<T> a) { return -floor(-a); }
template <class T> DINI_INLINE Vec<T> trunc(Vec<T> a) { return with_sign(floor(abs(a)), sign_of(a)); }
#endif

#if DINI_VECTOR_SPECIAL == DINI_PLAIN
DINI_INLINE unsigned to_bits(Mask<float> m) {
  const NativeF_int bits = m.m & NativeF_int{1, 2, 4, 8};
  return unsigned(bits[0] | bits[1] | bits[2] | bits[3]);
}
DINI_INLINE unsigned to_bits(Mask<double> m) { return unsigned((m.m[0] & 1) | (m.m[1] & 2)); }
DINI_INLINE Vec<float> sqrt(Vec<float> a) {
  return NativeF{__builtin_sqrtf(a.v[0]), __builtin_sqrtf(a.v[1]), __builtin_sqrtf(a.v[2]), __builtin_sqrtf(a.v[3])};
}
DINI_INLINE Vec<double> sqrt(Vec<double> a) { return NativeD{__builtin_sqrt(a.v[0]), __builtin_sqrt(a.v[1])}; }
typedef float Floats2 __attribute__((vector_size(8)));
DINI_INLINE Vec<double> low_half(Vec<float> a) {
  return __builtin_convertvector(__builtin_shufflevector(a.v, a.v, 0, 1), NativeD);
}
DINI_INLINE Vec<double> high_half(Vec<float> a) {
  return __builtin_convertvector(__builtin_shufflevector(a.v, a.v, 2, 3), NativeD);
}
DINI_INLINE Vec<float> join(Vec<double> low, Vec<double> high) {
  return __builtin_shufflevector(__builtin_convertvector(low.v, Floats2), __builtin_convertvector(high.v, Floats2), 0,
                                 1, 2, 3);
}
#endif

template <class T> DINI_INLINE Vec<T> load(const T* p) {
  Vec<T> a;
  __builtin_memcpy(&a.v, p, sizeof a.v);
  return a;
}
template <class T> DINI_INLINE void store(T* p, Vec<T> a) { __builtin_memcpy(p, &a.v, sizeof a.v); }
DINI_INLINE Vec<float> load_part(const float* p, std::size_t k, Vec<float> pad) {
  NativeF a = pad.v;
  if (k == 1) {
    a[0] = p[0];
    return a;
  }
  double two;  // at once
  __builtin_memcpy(&two, p, sizeof two);
  NativeD pairs = (NativeD)a;
  pairs[0] = two;
  a = (NativeF)pairs;
  if (k == 3) a[2] = p[2];
  return a;
}
DINI_INLINE Vec<double> load_part(const double* p, std::size_t, Vec<double> pad) { return NativeD{p[0], pad.v[1]}; }
DINI_INLINE void store_part(float* p, Vec<float> a, std::size_t k) {
  if (k & 2) {
    const double two = ((NativeD)a.v)[0];
    __builtin_memcpy(p, &two, sizeof two);
    if (k & 1) p[2] = a.v[2];
  } else {
    p[0] = a.v[0];
  }
}
DINI_INLINE void store_part(double* p, Vec<double> a, std::size_t) { p[0] = a.v[0]; }

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
