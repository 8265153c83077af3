// pow, cbrt, hypot and the floor modulus.
//
// pow multiplies log |x| by y before the exponential, which makes an absolute error of the product a relative error of
// the result: in float64 the logarithm is therefore carried in two words (to about 2^-66), by the arithmetic of Dekker
// (Numerische Mathematik 18, 1971); in float32 it is a float64.
#pragma once

#include "vector_impl_log.hpp"
#include "vector_scalar.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

// log a for normal a > 0.
DINI_INLINE Pair<double> log_pair(Vec<double> a) {
  // (2 artanh s - 2s)/s³ = 2/3 + s² q(s²), q to 2^-72
  constexpr double q[] = {0.39999999999999974, 0.28571428571446317, 0.22222222217244486, 0.1818181890601601,
                          0.15384554443521048, 0.13336410505977858, 0.11672934941306796, 0.12004650663432201};
  constexpr double third = 0x1.5555555555555p-1, third_low = 0x1.5555555555555p-55;  // 2/3
  using D = ExpData<double>;
  Split<double> x = split(a);
  Vec<double> f = x.f;
  Pair<double> d = fast_two_sum(Vec<double>(2.0), f);
  Vec<double> inverse = Vec<double>(1.0) / d.high;
  Vec<double> s = f * inverse;
  Pair<double> back = two_product(s, d.high);
  Vec<double> s_low = (((f - back.high) - back.low) - s * d.low) * inverse;
  Pair<double> z = two_product(s, s);
  z.low = mul_add(s + s, s_low, z.low);
  Pair<double> c = fast_two_sum(Vec<double>(third), z.high * poly(z.high, q));
  c.low = c.low + third_low;
  Pair<double> t = two_product(z.high, c.high);
  t.low = mul_add(z.high, c.low, mul_add(z.low, c.high, t.low));
  Pair<double> u = two_product(s, t.high);
  u.low = mul_add(s, t.low, mul_add(s_low, t.high, u.low));
  Pair<double> l = fast_two_sum(s + s, u.high);
  l.low = l.low + mul_add(s_low, 2.0, u.low);
  Pair<double> sum = fast_two_sum(x.k * D::ln2_high, l.high);
  return fast_two_sum(sum.high, sum.low + mul_add(x.k, D::ln2_low, l.low));
}

// a^y for a >= 0, except where a or y is NaN or the result is 1 whatever the other is.
DINI_INLINE Vec<double> pow_magnitude(Vec<double> a, Vec<double> y) {
  using D = ExpData<double>;
  Vec<double> normal = a, zero = 0.0;
  Mask<double> odd = not_normal(a);
  bool some_odd = any(odd);
  if (some_odd) [[unlikely]]
    normal = select(odd, a * 0x1p54, a);
  Pair<double> l = log_pair(normal);
  if (some_odd) [[unlikely]] {
    constexpr double shift = 0x1.2b708872320e2p+5, shift_low = -0x1.570da7e077bcbp-50;  // 54 ln 2
    Pair<double> moved = two_sum(l.high, Vec<double>(-shift));
    Pair<double> lower = fast_two_sum(moved.high, moved.low + (l.low - shift_low));
    l.high = select(odd, lower.high, l.high);
    l.low = select(odd, lower.low, l.low);
    l.high = select(equal(a, zero), Vec<double>(-infinity<double>), l.high);
    l.high = select(equal(a, Vec<double>(infinity<double>)), Vec<double>(infinity<double>), l.high);
  }
  y = clamp(y, -0x1p70, 0x1p70);  // far beyond over- and underflow for any a but 1
  Pair<double> p = two_product(y, l.high);
  p.low = mul_add(y, l.low, p.low);
  p.low = select(less_equal(abs(p.high), Vec<double>(D::exp_high)), p.low, zero);
  Vec<double> x = clamp(p.high, D::exp_low, D::exp_high);
  const Vec<double> magic = Format<double>::round_magic;
  Vec<double> k = mul_add(x, 1.44269504088896340736, magic) - magic;
  Vec<double> r = mul_add(k, -D::ln2_low, mul_add(k, -D::ln2_high, x)) + p.low;
  return scale(mul_add(r * r, poly(r, D::q), r) + 1.0, k);
}

// The same for what was float32: one word, shorter polynomials.
DINI_INLINE Vec<double> pow_magnitude_short(Vec<double> a, Vec<double> y) {
  constexpr double r[] = {0.666666656, 0.400003456, 0.285366029, 0.235963331};
  constexpr double q[] = {0.50000001, 0.166665177, 0.0416662024, 0.00836902467, 0.00139507199};
  constexpr double ln2 = 0.69314718055994530942;
  Split<double> p = split(a);
  Vec<double> s = p.f / (p.f + 2.0), z = s * s;
  Vec<double> l = mul_add(p.k, ln2, p.f - s * (p.f - z * poly(z, r)));
  l = select(equal(a, Vec<double>(0.0)), Vec<double>(-infinity<double>), l);
  l = select(equal(a, Vec<double>(infinity<double>)), Vec<double>(infinity<double>), l);
  Vec<double> x = clamp(clamp(y, -0x1p70, 0x1p70) * l, -200.0, 200.0);
  const Vec<double> magic = Format<double>::round_magic;
  Vec<double> k = mul_add(x, 1.44269504088896340736, magic) - magic;
  Vec<double> t = mul_add(k, -ln2, x);
  return (mul_add(t * t, poly(t, q), t) + 1.0) * power_of_two(k);
}

DINI_INLINE Vec<double> pow_any(Vec<double> a, Vec<double> y) { return pow_magnitude(a, y); }
DINI_INLINE Vec<float> pow_any(Vec<float> a, Vec<float> y) {
  return join(pow_magnitude_short(low_half(a), low_half(y)), pow_magnitude_short(high_half(a), high_half(y)));
}

template <class T> DINI_INLINE Vec<T> pow(Vec<T> x, Vec<T> y) {
  const Vec<T> zero = T(0), one = T(1);
  Vec<T> r = pow_any(abs(x), y);
  Mask<T> negative = mask_of(sign_of(x));
  if (any(negative)) {
    Vec<T> half = y * T(0.5);
    Mask<T> integer = equal(trunc(y), y), odd = integer & not_equal(trunc(half), half);
    r = select(negative & odd, -r, r);
    r = select(less(x, zero) & ~integer & less(Vec<T>(-infinity<T>), x), Vec<T>(nan_value<T>), r);
  }
  r = select(is_nan(x) | is_nan(y), x + y, r);
  return select(equal(y, zero) | equal(x, one), one, r);
}

template <class T> struct CbrtData;
template <> struct CbrtData<double> {  // m^(-1/3) on [√½, √2], to 2^-20
  static constexpr double p[] = {2.1099845875261067, -3.151586104822171,  4.438137681367822, -4.04256193908351,
                                 2.2537550320081117, -0.7010042312103286, 0.0932757300855441};
};
template <> struct CbrtData<float> {  // to 2^-17
  static constexpr float p[] = {1.99917007f, -2.48590578f, 2.79216168f, -1.89806448f, 0.700696851f, -0.108054477f};
};

// |x| = m 2^(3q + r) with r in {-1, 0, 1}; u ≈ (m 2^r)^(-1/3) by a polynomial and Newton's iteration, which needs no
// division; y = m 2^r u², and one more Newton step in y with its residual in two words.
template <class T> DINI_INLINE Vec<T> cbrt(Vec<T> x) {
  using F = Format<T>;
  Vec<T> a = abs(x), one = T(1);
  Mask<T> small = less(a, Vec<T>(F::smallest_normal));
  constexpr int lift = sizeof(T) == 4 ? 24 : 54;  // a multiple of 3
  Split<T> s = split(select(small, a * T(1ull << lift), a));
  Vec<T> k = s.k - select(small, Vec<T>(T(lift)), Vec<T>(T(0)));
  Vec<T> q = round_even(k * T(1.0 / 3)), r = k - q * T(3);
  Mask<T> up = less(Vec<T>(T(0)), r), down = less(r, Vec<T>(T(0)));
  Vec<T> m = s.f + one;
  Vec<T> u = poly(m, CbrtData<T>::p) *
             select(up, Vec<T>(T(0.79370052598409973738)), select(down, Vec<T>(T(1.2599210498948731648)), one));
  m = m * select(up, Vec<T>(T(2)), select(down, Vec<T>(T(0.5)), one));
  if constexpr (sizeof(T) == 8) u = mul_add(u * (one - m * u * u * u), T(1.0 / 3), u);
  Vec<T> u2 = u * u, y = m * u2;
  Pair<T> square = two_product(y, y), cube = two_product(square.high, y);
  Vec<T> residual = (cube.high - m) + mul_add(square.low, y, cube.low);
  y = mul_add(residual * T(-1.0 / 3), u2, y);
  y = y * power_of_two(q);
  return select(less_equal(a, Vec<T>(F::largest)) & less(Vec<T>(T(0)), a), with_sign(y, sign_of(x)), x);
}

DINI_INLINE Vec<double> hypot_finite(Vec<double> a, Vec<double> b) {
  Vec<double> x = max2(a, b), y = min2(a, b);
  Mask<double> large = less(Vec<double>(0x1p500), x), small = less(x, Vec<double>(0x1p-450));
  Vec<double> scale = select(large, 0x1p-600, select(small, 0x1p600, Vec<double>(1.0)));
  Vec<double> back = select(large, 0x1p600, select(small, 0x1p-600, Vec<double>(1.0)));
  x = x * scale;
  y = y * scale;
  return sqrt(mul_add(x, x, y * y)) * back;
}
DINI_INLINE Vec<float> hypot_finite(Vec<float> a, Vec<float> b) {
  auto part = [](Vec<double> x, Vec<double> y) { return sqrt(mul_add(x, x, y * y)); };
  return join(part(low_half(a), low_half(b)), part(high_half(a), high_half(b)));
}
template <class T> DINI_INLINE Vec<T> hypot(Vec<T> x, Vec<T> y) {
  Vec<T> a = abs(x), b = abs(y), r = hypot_finite(a, b);
  r = select(is_nan(a) | is_nan(b), x + y, r);
  const Vec<T> inf = infinity<T>;
  return select(equal(a, inf) | equal(b, inf), inf, r);
}

template <class T> DINI_INLINE Vec<T> each2(Vec<T> y, Vec<T> a, Vec<T> b, unsigned lanes, T (*f)(T, T)) {
  alignas(64) T u[width<T>], v[width<T>], w[width<T>];
  store(u, a);
  store(v, b);
  store(w, y);
  for (std::size_t i = 0; i < width<T>; ++i)
    if (lanes >> i & 1) w[i] = f(u[i], v[i]);
  return load(w);
}

// With a quotient below 2^52, |a| - trunc(|a|/|b|)·|b| is exact in one multiply-add, and the quotient was at most one
// too large: then the remainder is exact as well, being a multiple of what both are multiples of and smaller than |b|.
DINI_INLINE Vec<double> remainder_of(Vec<double> a, Vec<double> b) {
  Vec<double> r = mul_add(-trunc(a / b), b, a);
  return select(less(r, Vec<double>(0.0)), r + b, r);
}
DINI_INLINE Vec<float> remainder_of(Vec<float> a, Vec<float> b) {
  return join(remainder_of(low_half(a), low_half(b)), remainder_of(high_half(a), high_half(b)));
}
template <class T> DINI_INLINE Vec<T> mod(Vec<T> a, Vec<T> b) {
  constexpr unsigned all = (1u << width<T>)-1;
  if constexpr (!has_fma) {
    return each2(a, a, b, all, scalar::mod<T>);
  } else {
    const Vec<T> zero = T(0);
    Vec<T> x = abs(a), y = abs(b), magnitude = remainder_of(x, y);
    Vec<T> r = flip_sign(magnitude, sign_of(a));
    r = select(mask_of(sign_of(a) ^ sign_of(b)), r + b, r);
    r = select(equal(magnitude, zero), with_sign(zero, sign_of(b)), r);
    Mask<T> simple = less(x, y * T(0x1p52)) & less(y, Vec<T>(infinity<T>));
    unsigned hard = to_bits(simple) ^ all;
    if (hard) [[unlikely]]
      r = each2(r, a, b, hard, scalar::mod<T>);
    return r;
  }
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
