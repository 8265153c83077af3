// exp, exp2, expm1, the hyperbolic functions, sigmoid and softplus for a register of either dtype.
//
// x = k ln 2 + r with |r| <= ln(2)/2 (Cody and Waite, "Software Manual for the Elementary Functions", 1980), then a
// minimax polynomial (Remez) for e^r, then 2^k. Coefficients are our own fits; errors are in docs/vector-maths.md.
#pragma once

#include "vector_impl_poly.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

template <class T> struct ExpData;
template <> struct ExpData<double> {
  // e^r = 1 + r + r² q(r), to 2^-58 of e^r
  static constexpr double q[] = {0.5000000000000013,    0.166666666666667,     0.0416666666665131,
                                 0.008333333333306818,  0.0013888888947683137, 0.0001984126991823033,
                                 2.480148919860464e-05, 2.755721553477775e-06, 2.763156231529911e-07,
                                 2.5118106669410106e-08};
  // ln 2 in two parts; the first has 42 bits, so its product with a k of 11 bits is exact
  static constexpr double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  // sinh x = x + x³ p(x²) for |x| <= 1, to 2^-63
  static constexpr double sinh_p[] = {0.16666666666666669,    0.008333333333333137,   0.00019841269841438524,
                                      2.7557319155061115e-06, 2.5052123443795406e-08, 1.6057236715796562e-10,
                                      7.759425129677913e-13};
  static constexpr double exp_low = -800, exp_high = 800;
  static constexpr double exp2_low = -1100, exp2_high = 1100, exp_overflow = 709.9;
  static constexpr double tanh_limit = 19.5;  // from 19.07 on, tanh rounds to 1
};
template <> struct ExpData<float> {
  static constexpr float q[] = {0.50000001f, 0.166665177f, 0.0416662024f, 0.00836902467f, 0.00139507199f};
  static constexpr float ln2_high = 0x1.62ep-1f, ln2_low = 0x1.0bfbe8p-15f;
  static constexpr float sinh_p[] = {0.166666665f, 0.00833335065f, 0.000198360558f, 2.81750189e-06f};
  static constexpr float exp_low = -110, exp_high = 110;
  static constexpr float exp2_low = -160, exp2_high = 160, exp_overflow = 88.9f;
  static constexpr float tanh_limit = 10;
};

// p·2^k for |p| in [1/2, 2] and an integer k, which may take the result to 0 or infinity, with one rounding.
template <class T> DINI_INLINE Vec<T> scale(Vec<T> p, Vec<T> k) {
#if DINI_VECTOR_LEVEL == 512
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(_mm512_scalef_ps(p.v, k.v));
  } else {
    return Vec<T>(_mm512_scalef_pd(p.v, k.v));
  }
#else
  using F = Format<T>;
  const Vec<T> magic = F::round_magic;
  // 2^a: an integer added to 1.5·2^mantissa stands in its low bits.
  auto power = [&](Vec<T> shifted) { return from_bits(shift_left<F::mantissa>(bits(shifted) + Bits<T>(F::bias))); };
  Vec<T> half = mul_add(k, T(0.5), magic);
  Vec<T> rest = k - (half - magic);
  return (p * power(half)) * power(rest + magic);
#endif
}

// 2^k for an integer k within the normal range.
template <class T> DINI_INLINE Vec<T> power_of_two(Vec<T> k) {
  using F = Format<T>;
  return from_bits(shift_left<F::mantissa>(bits(k + Vec<T>(F::round_magic)) + Bits<T>(F::bias)));
}

// e^x = 2^k (1 + m), for |x| small enough that k is exact.
template <class T> struct Exponential { Vec<T> k, m; };
template <class T> DINI_INLINE Exponential<T> exponential(Vec<T> x) {
  using D = ExpData<T>;
  const Vec<T> magic = Format<T>::round_magic;
  Vec<T> k = mul_add(x, T(1.44269504088896340736), magic) - magic;
  Vec<T> r = mul_add(k, -D::ln2_high, x);
  r = mul_add(k, -D::ln2_low, r);
  return {k, mul_add(r * r, poly(r, D::q), r)};
}

template <class T> DINI_INLINE Vec<T> exp(Vec<T> x) {
  auto e = exponential(clamp(x, ExpData<T>::exp_low, ExpData<T>::exp_high));
  return scale(e.m + T(1), e.k);
}

template <class T> DINI_INLINE Vec<T> exp2(Vec<T> x) {
  using D = ExpData<T>;
  x = clamp(x, D::exp2_low, D::exp2_high);
  const Vec<T> magic = Format<T>::round_magic;
  Vec<T> k = (x + magic) - magic;
  Vec<T> r = (x - k) * T(0.69314718055994530942);
  return scale(mul_add(r * r, poly(r, D::q), r) + T(1), k);
}

template <class T> DINI_INLINE Vec<T> expm1(Vec<T> x) {
  using D = ExpData<T>;
  // e^x - 1 = 2 (2^(k-1) m + (2^(k-1) - 1/2)): with k - 1 nothing overflows before the result does.
  auto e = exponential(clamp(x, T(-60), D::exp_high));
  Vec<T> half = scale(Vec<T>(T(0.5)), min2(Vec<T>(T(Format<T>::bias + 1)), e.k));
  Vec<T> y = mul_add(half, e.m, half - T(0.5)) * T(2);
  y = select(less(Vec<T>(D::exp_overflow), x), Vec<T>(infinity<T>), y);
  return select(less(abs(x), Vec<T>(Format<T>::epsilon / 4)), x, y);  // keeps -0 and subnormals
}

// tanh |x| = (2^k m + (2^k - 1)) / (2^k m + (2^k + 1)) with e^2|x| = 2^k (1 + m). A rational function of x is no faster
// in float32 than this and loses another two ulp near 1; 1 - 2/(e^2|x| + 1) where x is large is 0.3 ulp better and 15%
// slower.
template <class T> DINI_INLINE Vec<T> tanh(Vec<T> x) {
  Vec<T> a = min2(Vec<T>(ExpData<T>::tanh_limit), abs(x));
  auto e = exponential(a + a);
  Vec<T> p = power_of_two(e.k);
  Vec<T> y = mul_add(p, e.m, p - T(1)) / mul_add(p, e.m, p + T(1));
  return with_sign(y, sign_of(x));
}

// e^|x|/2, which overflows only if sinh and cosh do.
template <class T> DINI_INLINE Vec<T> half_exp_abs(Vec<T> x) {
  auto e = exponential(min2(Vec<T>(ExpData<T>::exp_high), abs(x)));
  return scale(e.m + T(1), e.k - T(1));
}

template <class T> DINI_INLINE Vec<T> cosh(Vec<T> x) {
  Vec<T> e = half_exp_abs(x);
  return e + Vec<T>(T(0.25)) / e;
}

template <class T> DINI_INLINE Vec<T> sinh(Vec<T> x) {
  Vec<T> a = abs(x), e = half_exp_abs(x);
  Vec<T> large = e - Vec<T>(T(0.25)) / e;
  Vec<T> z = a * a;
  Vec<T> small = mul_add(a * z, poly(z, ExpData<T>::sinh_p), a);
  return with_sign(select(less_equal(a, Vec<T>(T(1))), small, large), sign_of(x));
}

template <class T> DINI_INLINE Vec<T> sigmoid(Vec<T> x) {
  Vec<T> e = exp(-abs(x));
  Vec<T> numerator = select(less(x, Vec<T>(T(0))), e, Vec<T>(T(1)));
  return numerator / (e + T(1));
}

// 4e/(1 + e)² with e = e^-2|x|.
template <class T> DINI_INLINE Vec<T> sech_squared(Vec<T> x) {
  const Vec<T> a = abs(x), e = exp(-(a + a)), s = e + T(1);
  return e * T(4) / (s * s);
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
