// The registers of one instruction set, and what is known of their elements; see vector_isa.hpp.
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

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
