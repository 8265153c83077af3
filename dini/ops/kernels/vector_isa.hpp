// Vec<T>, Mask<T> and Bits<T>: registers of one instruction set as values, so that vector_impl*.hpp is written once.
//
// Only vector_baseline.cpp, vector_avx2.cpp and vector_avx512.cpp include it, after defining DINI_VECTOR_ISA (the
// namespace) and DINI_VECTOR_LEVEL (0, 2, 512). Everything is in an anonymous namespace and always inlined, and nothing
// from the standard library that could be emitted as a shared inline function is called: a template instantiated here
// with AVX instructions and merged by the linker with another file's copy would crash an older processor.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define DINI_INLINE inline __attribute__((always_inline))
#define DINI_LAMBDA __attribute__((always_inline))  // after the parameters of a lambda

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

#if DINI_VECTOR_LEVEL == 512
inline constexpr std::size_t vector_bytes = 64;
using NativeF = __m512;
using NativeD = __m512d;
#elif DINI_VECTOR_LEVEL == 2
inline constexpr std::size_t vector_bytes = 32;
using NativeF = __m256;
using NativeD = __m256d;
#else
inline constexpr std::size_t vector_bytes = 16;
using NativeF = __m128;
using NativeD = __m128d;
#endif
typedef std::int32_t NativeF_int __attribute__((vector_size(vector_bytes)));
typedef std::int64_t NativeD_int __attribute__((vector_size(vector_bytes)));
typedef std::uint32_t NativeF_uint __attribute__((vector_size(vector_bytes)));
typedef std::uint64_t NativeD_uint __attribute__((vector_size(vector_bytes)));

// Products and sums in one rounding, or in two: see mul_add.
inline constexpr bool has_fma = DINI_VECTOR_LEVEL != 0;

template <class T> struct Format;
template <> struct Format<float> {
  using Native = NativeF;
  using Int = std::int32_t;
  using NativeInt = NativeF_int;
  using NativeUint = NativeF_uint;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float round_magic = 12582912.0f;  // 1.5·2^23
  static constexpr float splitter = 4097.0f;         // 2^12 + 1, Veltkamp's
  static constexpr float smallest_normal = 0x1p-126f, epsilon = 0x1p-23f, largest = 0x1.fffffep127f;
};
template <> struct Format<double> {
  using Native = NativeD;
  using Int = std::int64_t;
  using NativeInt = NativeD_int;
  using NativeUint = NativeD_uint;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double round_magic = 6755399441055744.0;  // 1.5·2^52
  static constexpr double splitter = 134217729.0;            // 2^27 + 1
  static constexpr double smallest_normal = 0x1p-1022, epsilon = 0x1p-52, largest = 0x1.fffffffffffffp1023;
};

template <class T> inline constexpr std::size_t width = vector_bytes / sizeof(T);

// In a parameter: T is not deduced from this one, so that a number may be passed.
template <class T> struct Same { using type = T; };

template <class T> inline constexpr T infinity = T(__builtin_inf());
template <class T> inline constexpr T nan_value = T(__builtin_nan(""));

// ---- The types ------------------------------------------------------------------------------------------------------

template <class T> struct Vec {
  typename Format<T>::Native v;

  Vec() = default;
  DINI_INLINE Vec(typename Format<T>::Native native) : v(native) {}
  DINI_INLINE Vec(T scalar);  // all lanes the same

  friend DINI_INLINE Vec operator+(Vec a, Vec b) { return Vec(a.v + b.v); }
  friend DINI_INLINE Vec operator-(Vec a, Vec b) { return Vec(a.v - b.v); }
  friend DINI_INLINE Vec operator*(Vec a, Vec b) { return Vec(a.v * b.v); }
  friend DINI_INLINE Vec operator/(Vec a, Vec b) { return Vec(a.v / b.v); }
  friend DINI_INLINE Vec operator-(Vec a) { return Vec(-a.v); }
};

// The bits of a Vec<T> as signed integers of the same size.
template <class T> struct Bits {
  using Native = typename Format<T>::NativeInt;
  using Unsigned = typename Format<T>::NativeUint;
  using Int = typename Format<T>::Int;
  Native v;

  Bits() = default;
  DINI_INLINE Bits(Native native) : v(native) {}
  DINI_INLINE Bits(Int scalar) : v(Native{} + scalar) {}

  friend DINI_INLINE Bits operator+(Bits a, Bits b) { return Bits(Native(Unsigned(a.v) + Unsigned(b.v))); }
  friend DINI_INLINE Bits operator-(Bits a, Bits b) { return Bits(Native(Unsigned(a.v) - Unsigned(b.v))); }
  friend DINI_INLINE Bits operator&(Bits a, Bits b) { return Bits(a.v & b.v); }
  friend DINI_INLINE Bits operator|(Bits a, Bits b) { return Bits(a.v | b.v); }
  friend DINI_INLINE Bits operator^(Bits a, Bits b) { return Bits(a.v ^ b.v); }
  friend DINI_INLINE Bits operator~(Bits a) { return Bits(~a.v); }
};

template <int by, class T> DINI_INLINE Bits<T> shift_left(Bits<T> a) {
  return Bits<T>(typename Format<T>::NativeInt(typename Format<T>::NativeUint(a.v) << by));
}
template <int by, class T> DINI_INLINE Bits<T> shift_right(Bits<T> a) {  // zeros come in
  return Bits<T>(typename Format<T>::NativeInt(typename Format<T>::NativeUint(a.v) >> by));
}

template <class T> DINI_INLINE Bits<T> bits(Vec<T> a) { return Bits<T>((typename Format<T>::NativeInt)(a.v)); }
template <class T> DINI_INLINE Vec<T> from_bits(Bits<T> a) { return Vec<T>((typename Format<T>::Native)(a.v)); }

template <class T>
inline constexpr typename Format<T>::Int sign_bit = typename Format<T>::Int(1ull << (8 * sizeof(T) - 1));

template <class T> DINI_INLINE Vec<T> abs(Vec<T> a) { return from_bits(bits(a) & Bits<T>(~sign_bit<T>)); }
template <class T> DINI_INLINE Bits<T> sign_of(Vec<T> a) { return bits(a) & Bits<T>(sign_bit<T>); }
template <class T> DINI_INLINE Vec<T> with_sign(Vec<T> magnitude, Bits<T> sign) {
  return from_bits(bits(magnitude) | sign);
}  // magnitude >= +0
template <class T> DINI_INLINE Vec<T> flip_sign(Vec<T> a, Bits<T> sign) { return from_bits(bits(a) ^ sign); }

// ---- AVX-512 --------------------------------------------------------------------------------------------------------

#if DINI_VECTOR_LEVEL == 512

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
// The second operand if either is NaN.
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

// ---- AVX2 with FMA --------------------------------------------------------------------------------------------------

#elif DINI_VECTOR_LEVEL == 2

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

// ---- SSE2 -----------------------------------------------------------------------------------------------------------

#else

template <> DINI_INLINE Vec<float>::Vec(float s) : v(_mm_set1_ps(s)) {}
template <> DINI_INLINE Vec<double>::Vec(double s) : v(_mm_set1_pd(s)) {}

template <class T> struct Mask {
  typename Format<T>::NativeInt m;
  friend DINI_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
  friend DINI_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
  friend DINI_INLINE Mask operator~(Mask a) { return {~a.m}; }
};

#define DINI_COMPARE(name, operation)                                                                                \
  DINI_INLINE Mask<float> name(Vec<float> a, Vec<float> b) { return {(NativeF_int)_mm_##operation##_ps(a.v, b.v)}; } \
  DINI_INLINE Mask<double> name(Vec<double> a, Vec<double> b) { return {(NativeD_int)_mm_##operation##_pd(a.v, b.v)}; }
DINI_COMPARE(less, cmplt)
DINI_COMPARE(less_equal, cmple)
DINI_COMPARE(equal, cmpeq)
DINI_COMPARE(not_equal, cmpneq)
DINI_COMPARE(unordered, cmpunord)
#undef DINI_COMPARE

DINI_INLINE unsigned to_bits(Mask<float> m) { return unsigned(_mm_movemask_ps((__m128)m.m)); }
DINI_INLINE unsigned to_bits(Mask<double> m) { return unsigned(_mm_movemask_pd((__m128d)m.m)); }
template <class T> DINI_INLINE Mask<T> mask_of(Bits<T> a) { return {a.v != typename Format<T>::NativeInt{}}; }

template <class T> DINI_INLINE Vec<T> select(Mask<T> m, typename Same<Vec<T>>::type a, typename Same<Vec<T>>::type b) {
  using Int = typename Format<T>::NativeInt;
  return Vec<T>((typename Format<T>::Native)((m.m & (Int)a.v) | (~m.m & (Int)b.v)));
}

template <class T> DINI_INLINE Vec<T> mul_add(Vec<T> a, typename Same<Vec<T>>::type b, typename Same<Vec<T>>::type c) {
  return a * b + c;
}
DINI_INLINE Vec<float> sqrt(Vec<float> a) { return _mm_sqrt_ps(a.v); }
DINI_INLINE Vec<double> sqrt(Vec<double> a) { return _mm_sqrt_pd(a.v); }
DINI_INLINE Vec<float> min2(Vec<float> a, Vec<float> b) { return _mm_min_ps(a.v, b.v); }
DINI_INLINE Vec<double> min2(Vec<double> a, Vec<double> b) { return _mm_min_pd(a.v, b.v); }
DINI_INLINE Vec<float> max2(Vec<float> a, Vec<float> b) { return _mm_max_ps(a.v, b.v); }
DINI_INLINE Vec<double> max2(Vec<double> a, Vec<double> b) { return _mm_max_pd(a.v, b.v); }

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

DINI_INLINE Vec<float> load(const float* p) { return _mm_loadu_ps(p); }
DINI_INLINE Vec<double> load(const double* p) { return _mm_loadu_pd(p); }
DINI_INLINE void store(float* p, Vec<float> a) { _mm_storeu_ps(p, a.v); }
DINI_INLINE void store(double* p, Vec<double> a) { _mm_storeu_pd(p, a.v); }
DINI_INLINE Vec<float> load_part(const float* p, std::size_t k, Vec<float> pad) {
  __m128 a = pad.v;
  if (k == 1) return _mm_move_ss(a, _mm_load_ss(p));
  a = _mm_loadl_pi(a, (const __m64*)p);
  if (k == 3) a = _mm_movelh_ps(a, _mm_move_ss(_mm_movehl_ps(a, a), _mm_load_ss(p + 2)));
  return a;
}
DINI_INLINE Vec<double> load_part(const double* p, std::size_t, Vec<double> pad) { return _mm_loadl_pd(pad.v, p); }
DINI_INLINE void store_part(float* p, Vec<float> a, std::size_t k) {
  __m128 piece = a.v;
  if (k & 2) {
    _mm_storel_pi((__m64*)p, piece);
    piece = _mm_movehl_ps(piece, piece);
    p += 2;
  }
  if (k & 1) _mm_store_ss(p, piece);
}
DINI_INLINE void store_part(double* p, Vec<double> a, std::size_t) { _mm_store_sd(p, a.v); }

DINI_INLINE Vec<double> low_half(Vec<float> a) { return _mm_cvtps_pd(a.v); }
DINI_INLINE Vec<double> high_half(Vec<float> a) { return _mm_cvtps_pd(_mm_movehl_ps(a.v, a.v)); }
DINI_INLINE Vec<float> join(Vec<double> low, Vec<double> high) {
  return _mm_movelh_ps(_mm_cvtpd_ps(low.v), _mm_cvtpd_ps(high.v));
}

#endif

// ---- Built on the above ---------------------------------------------------------------------------------------------

template <class T> DINI_INLINE bool any(Mask<T> m) { return to_bits(m) != 0; }
template <class T> DINI_INLINE Mask<T> is_nan(Vec<T> a) { return unordered(a, a); }
template <class T> DINI_INLINE Vec<T> clamp(Vec<T> x, T low, T high) {  // NaN stays NaN
  return min2(Vec<T>(high), max2(Vec<T>(low), x));
}

// a·b = product + error exactly, unless something over- or underflows.
template <class T> struct Pair { Vec<T> high, low; };

template <class T> DINI_INLINE Pair<T> two_product(Vec<T> a, Vec<T> b) {
  Vec<T> p = a * b;
  if constexpr (has_fma) {
    return {p, mul_add(a, b, -p)};
  } else {  // Dekker, Numerische Mathematik 18 (1971)
    Vec<T> s = a * Format<T>::splitter, t = b * Format<T>::splitter;
    Vec<T> ah = s - (s - a), bh = t - (t - b);
    Vec<T> al = a - ah, bl = b - bh;
    return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
  }
}
template <class T> DINI_INLINE Pair<T> two_sum(Vec<T> a, Vec<T> b) {  // Knuth
  Vec<T> s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
template <class T> DINI_INLINE Pair<T> fast_two_sum(Vec<T> a, Vec<T> b) {  // |a| >= |b| or a = 0
  Vec<T> s = a + b;
  return {s, b - (s - a)};
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
