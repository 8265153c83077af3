// Vec<T>, Mask<T> and Bits<T>: registers of one instruction set as values, so that vector_impl*.hpp is written once.
//
// Only vector_baseline.cpp, vector_avx2.cpp and vector_avx512.cpp include it, after defining DINI_VECTOR_ISA (the
// namespace) and DINI_VECTOR_LEVEL (0, 2, 512). Everything is in an anonymous namespace and always inlined, and nothing
// from the standard library that could be emitted as a shared inline function is called: a template instantiated here
// with AVX instructions and merged by the linker with another file's copy would crash an older processor.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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
typedef float NativeF __attribute__((vector_size(vector_bytes)));
typedef double NativeD __attribute__((vector_size(vector_bytes)));
#endif
typedef std::int32_t NativeF_int __attribute__((vector_size(vector_bytes)));
typedef std::int64_t NativeD_int __attribute__((vector_size(vector_bytes)));
typedef std::uint32_t NativeF_uint __attribute__((vector_size(vector_bytes)));
typedef std::uint64_t NativeD_uint __attribute__((vector_size(vector_bytes)));

// Level 0 is written with the compiler's vectors of 16 bytes. What those lack it takes from the processor; DINI_VECTOR_PLAIN, which a
// test defines, is how it is where nothing is known of the processor.
#define DINI_PLAIN 0
#define DINI_SSE2 1
#define DINI_NEON 2
#if defined(DINI_VECTOR_PLAIN)
#define DINI_VECTOR_SPECIAL DINI_PLAIN
#elif defined(__SSE2__)
#define DINI_VECTOR_SPECIAL DINI_SSE2
#elif defined(__aarch64__)
#define DINI_VECTOR_SPECIAL DINI_NEON
#else
#define DINI_VECTOR_SPECIAL DINI_PLAIN
#endif

// Products and sums in one rounding, or in two: see mul_add.
inline constexpr bool has_fma = DINI_VECTOR_LEVEL != 0 || DINI_VECTOR_SPECIAL == DINI_NEON;

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

// ---- Any processor --------------------------------------------------------------------------------------------------

#else

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
