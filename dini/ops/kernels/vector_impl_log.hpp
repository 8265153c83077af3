// log, log2, log10, log1p, softplus and the inverse hyperbolic functions for a register of either dtype.
//
// x = 2^k (1 + f) with 1 + f in [√½, √2). With s = f/(2 + f), log(1 + f) = 2 artanh s = f - s (f - R(s²)), where
// R(z) = z (2/3 + 2z/5 + …) is a minimax polynomial of our own; the form in f and s loses nothing near x = 1
// (Tang, ACM TOMS 16, 1990; W. Kahan's observation that 2s = f - s f).
#pragma once

#include "vector_impl_exp.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

template <class T> struct LogData;
template <> struct LogData<double> {
  static constexpr double r[] = {0.666666666666674,   0.39999999999377983, 0.2857142875130256, 0.222221975873682,
                                 0.18183618987765865, 0.1531256987711606,  0.14811540318258035};
  static constexpr std::int64_t root_half = 0x3fe6a09e667f3bcd;  // the bits of √½
  static constexpr double exponent_magic = 0x1p52;               // integers below stand in its low bits
  static constexpr double log2e_high = 0x1.71547652b82fep+0, log2e_low = 0x1.777d0ffda0d24p-56;
  static constexpr double log10e_high = 0x1.bcb7b1526e50ep-2, log10e_low = 0x1.95355baaafad3p-57;
  static constexpr double log10_2_high = 0x1.34413509f78p-2, log10_2_low = 0x1.fef311f12b358p-46;
  static constexpr double huge = 0x1p500;
};
template <> struct LogData<float> {
  static constexpr float r[] = {0.666666656f, 0.400003456f, 0.285366029f, 0.235963331f};
  static constexpr std::int32_t root_half = 0x3f3504f3;
  static constexpr float exponent_magic = 0x1p23f;
  static constexpr float log2e_high = 0x1.715476p+0f, log2e_low = 0x1.4ae0cp-26f;
  static constexpr float log10e_high = 0x1.bcb7b2p-2f, log10e_low = -0x1.5b235ep-27f;
  static constexpr float log10_2_high = 0x1.344p-2f, log10_2_low = 0x1.3509f8p-18f;
  static constexpr float huge = 0x1p60f;
};

// k and f of a positive normal x.
template <class T> struct Split { Vec<T> k, f; };
template <class T> DINI_INLINE Split<T> split(Vec<T> x) {
  using F = Format<T>;
  using D = LogData<T>;
  using Int = typename F::Int;
  constexpr Int one = Int(F::bias) << F::mantissa;
  Bits<T> shifted = bits(x) + Bits<T>(one - D::root_half);
  Bits<T> exponent = shift_right<F::mantissa>(shifted);
  Vec<T> k = from_bits(exponent | bits(Vec<T>(D::exponent_magic))) - Vec<T>(D::exponent_magic + T(F::bias));
  Bits<T> mantissa = (shifted & Bits<T>((Int(1) << F::mantissa) - 1)) + Bits<T>(D::root_half);
  return {k, from_bits(mantissa) - T(1)};
}

// log(1 + f) = f - correction(f)
template <class T> DINI_INLINE Vec<T> log_correction(Vec<T> f) {
  Vec<T> s = f / (f + T(2)), z = s * s;
  return s * (f - z * poly(z, LogData<T>::r));
}

// What split cannot take: zero, subnormal, negative, infinite, NaN.
template <class T> DINI_INLINE Mask<T> not_normal(Vec<T> x) {
  return ~(less_equal(Vec<T>(Format<T>::smallest_normal), x) & less_equal(x, Vec<T>(Format<T>::largest)));
}

// y(x) = core(k, f) for positive normal x; subnormal arguments are scaled up first, and the others have the limits.
template <class T, class Core> DINI_INLINE Vec<T> logarithm(Vec<T> x, Core core) {
  using F = Format<T>;
  Mask<T> odd = not_normal(x);
  Vec<T> shift = T(0), normal = x;
  bool some_odd = any(odd);
  if (some_odd) [[unlikely]] {
    Mask<T> small = odd & less(abs(x), Vec<T>(F::smallest_normal));
    normal = select(small, x * Vec<T>(T(1) / F::epsilon), x);
    shift = select(small, Vec<T>(T(-F::mantissa)), shift);
  }
  Split<T> p = split(normal);
  Vec<T> y = core(p.k + shift, p.f);
  if (some_odd) [[unlikely]] {
    y = select(equal(x, Vec<T>(T(0))), Vec<T>(-infinity<T>), y);
    y = select(less(x, Vec<T>(T(0))), Vec<T>(nan_value<T>), y);
    y = select(less(Vec<T>(F::largest), x) | is_nan(x), x, y);
  }
  return y;
}

template <class T> DINI_INLINE Vec<T> log(Vec<T> x) {
  using D = ExpData<T>;
  return logarithm(x, [](Vec<T> k, Vec<T> f) DINI_LAMBDA {
    return mul_add(k, D::ln2_high, f - (log_correction(f) - k * Vec<T>(D::ln2_low)));
  });
}

// k·a + log(1 + f)·b, where a and b are pairs and k·a_high is exact.
template <class T> DINI_INLINE Vec<T> scaled_log(Vec<T> k, Vec<T> f, T a_high, T a_low, T b_high, T b_low) {
  Pair<T> l = fast_two_sum(f, -log_correction(f));
  Pair<T> p = two_product(l.high, Vec<T>(b_high));
  Vec<T> rest = p.low + (l.high * Vec<T>(b_low) + l.low * Vec<T>(b_high)) + k * Vec<T>(a_low);
  Pair<T> sum = two_sum(k * Vec<T>(a_high), p.high);
  return sum.high + (sum.low + rest);
}

template <class T> DINI_INLINE Vec<T> log2(Vec<T> x) {
  using D = LogData<T>;
  return logarithm(
      x, [](Vec<T> k, Vec<T> f) DINI_LAMBDA { return scaled_log(k, f, T(1), T(0), D::log2e_high, D::log2e_low); });
}

template <class T> DINI_INLINE Vec<T> log10(Vec<T> x) {
  using D = LogData<T>;
  return logarithm(x, [](Vec<T> k, Vec<T> f) DINI_LAMBDA {
    return scaled_log(k, f, D::log10_2_high, D::log10_2_low, D::log10e_high, D::log10e_low);
  });
}

// log(1 + x) for x > -1, finite: log(u) + c/u, where u = 1 + x rounded and c is what the rounding lost.
template <class T> DINI_INLINE Vec<T> log1p_core(Vec<T> x) {
  using D = ExpData<T>;
  Vec<T> u = x + T(1);
  // Subtracting the larger first is exact: two_sum without its branch.
  Vec<T> c = two_sum(x, Vec<T>(T(1))).low;
  Split<T> p = split(u);
  Vec<T> low = mul_add(p.k, D::ln2_low, c / u);
  return mul_add(p.k, D::ln2_high, p.f - (log_correction(p.f) - low));
}

template <class T> DINI_INLINE Vec<T> log1p(Vec<T> x) {
  Vec<T> y = log1p_core(x);
  Mask<T> odd = ~(less(Vec<T>(T(-1)), x) & less_equal(x, Vec<T>(Format<T>::largest))) |
                less(abs(x), Vec<T>(Format<T>::epsilon / 4));
  if (any(odd)) [[unlikely]] {
    y = select(odd, x, y);  // tiny, +inf, NaN
    y = select(equal(x, Vec<T>(T(-1))), Vec<T>(-infinity<T>), y);
    y = select(less(x, Vec<T>(T(-1))), Vec<T>(nan_value<T>), y);
  }
  return y;
}

template <class T> DINI_INLINE Vec<T> softplus(Vec<T> x) { return max2(Vec<T>(T(0)), x) + log1p_core(exp(-abs(x))); }

template <class T> DINI_INLINE Vec<T> asinh(Vec<T> x) {
  Vec<T> a = abs(x), t = a * a;
  Mask<T> huge = less(Vec<T>(LogData<T>::huge), a);
  Vec<T> v = select(huge, a, a + t / (T(1) + sqrt(t + T(1))));
  Vec<T> y = log1p(v) + select(huge, Vec<T>(T(0.69314718055994530942)), Vec<T>(T(0)));
  return with_sign(y, sign_of(x));
}

template <class T> DINI_INLINE Vec<T> acosh(Vec<T> x) {
  Vec<T> t = x - T(1);
  Mask<T> huge = less(Vec<T>(LogData<T>::huge), x);
  Vec<T> v = select(huge, x, t + sqrt(t * (t + T(2))));
  Vec<T> y = log1p(v) + select(huge, Vec<T>(T(0.69314718055994530942)), Vec<T>(T(0)));
  return select(less(x, Vec<T>(T(1))), Vec<T>(nan_value<T>), y);
}

template <class T> DINI_INLINE Vec<T> atanh(Vec<T> x) {
  Vec<T> a = abs(x);
  Vec<T> y = log1p((a + a) / (T(1) - a)) * T(0.5);
  return flip_sign(y, sign_of(x));
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
