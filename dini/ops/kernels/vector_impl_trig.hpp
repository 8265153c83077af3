// sin, cos, tan and their inverses for a register of either dtype.
//
// Angles are reduced by multiples of π/2 held in pieces of 33 bits, so that each product with the multiple is exact
// (Cody and Waite, 1980); the rounding errors of the subtractions are carried along as a second word. Beyond
// `trig_limit` a lane is handed to the C library, whichever the other lanes are. The float32 sin, cos and tan are
// computed in float64 with shorter polynomials.
#pragma once

#include "vector_impl_poly.hpp"
#include "vector_scalar.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

inline constexpr double trig_limit = 1647000.0;  // the multiple stays below 2^20

template <bool short_form> struct TrigData;
template <>
struct TrigData<false> {  // for |r| <= π/4: sin r = r + r³ s(r²) to 2^-58, cos r = 1 - r²/2 + r⁴ c(r²) to 2^-64
  static constexpr double s[] = {-0.16666666666666632,   0.008333333333322314,    -0.00019841269829725124,
                                 2.7557313662036324e-06, -2.5050753261922702e-08, 1.5896504822370115e-10};
  static constexpr double c[] = {0.0416666666666666,     -0.001388888888887399, 2.4801587289394987e-05,
                                 -2.755731432604768e-07, 2.087571956091317e-09, -1.1359448787026422e-11};
};
template <> struct TrigData<true> {  // to 2^-37 and 2^-43
  static constexpr double s[] = {-0.16666666641426747, 0.008333329362301738, -0.00019839327141621857,
                                 2.718237311079548e-06};
  static constexpr double c[] = {0.04166666662247758, -0.0013888883722650424, 2.4799511767879367e-05,
                                 -2.720954792404953e-07};
};

// x = quadrant·π/2 + high - excess
struct Angle {
  Vec<double> high, excess;
  Bits<double> quadrant;
};

// short_form: one word is enough for a result in float32.
template <bool short_form> DINI_INLINE Angle reduce(Vec<double> x) {
  constexpr double p1 = 0x1.921fb544p+0, p2 = 0x1.0b4611a6p-34, p3 = 0x1.3198a2ep-69, p4 = 0x1.b839a252049c1p-104;
  const Vec<double> magic = Format<double>::round_magic;
  Vec<double> shifted = mul_add(x, 0x1.45f306dc9c883p-1, magic);
  Vec<double> q = shifted - magic;
  Vec<double> a = mul_add(q, -p1, x);
  if constexpr (short_form) {
    return {mul_add(q, -0x1.0b4611a626331p-34, a), 0.0, bits(shifted)};
  } else {
    // The products with p2 and p3 are exact, so these are b = a - q p2 and c = b - q p3 with their rounding errors.
    Vec<double> b = mul_add(q, -p2, a), b_excess = mul_add(q, p2, b - a);
    Vec<double> c = mul_add(q, -p3, b), c_excess = mul_add(q, p3, c - b);
    return {c, mul_add(q, p4, b_excess + c_excess), bits(shifted)};
  }
}

struct SinCos {
  Vec<double> sin, cos;
};
template <bool short_form> DINI_INLINE SinCos sin_cos(Angle a) {
  using D = TrigData<short_form>;
  Vec<double> r = a.high, z = r * r, h = z * 0.5, one = 1.0;
  Vec<double> s = poly(z, D::s), c = poly(z, D::c);
  if constexpr (short_form) {
    return {mul_add(r * z, s, r), mul_add(z * z, c, one - h)};
  } else {
    // To first order in e, the excess: sin(r - e) = sin r - e cos r, cos(r - e) = cos r + e sin r. Written with a
    // subtraction last, the sine of -0 is -0.
    Vec<double> sine = r - mul_add(r * z, -s, a.excess * (one - h));
    Vec<double> cosine = one - (h - mul_add(z * z, c, r * a.excess));
    return {sine, cosine};
  }
}

// Bit 0 or 1 of the quadrant as a sign.
template <int bit> DINI_INLINE Bits<double> sign_from(Bits<double> quadrant) {
  return shift_left<63 - bit>(quadrant) & Bits<double>(sign_bit<double>);
}

// The sine of the angle: cos r in odd quadrants. One polynomial with its coefficients chosen lane by lane: AVX-512 blends
// beside the multiplications, of which there are half as many then.
template <bool short_form> DINI_INLINE Vec<double> sine_blended(Angle a) {
  using D = TrigData<short_form>;
  Mask<double> odd = mask_of(a.quadrant & Bits<double>(1));
  constexpr std::size_t n = sizeof(D::s) / sizeof(double);
  Vec<double> r = a.high, z = r * r, h = z * 0.5, one = 1.0, powers[3] = {z, z * z, Vec<double>(0.0)};
  if constexpr (n > 4) powers[2] = powers[1] * powers[1];
  Vec<double> coefficients[n];
  for (std::size_t k = 0; k < n; ++k) coefficients[k] = select(odd, Vec<double>(D::c[k]), Vec<double>(-D::s[k]));
  Vec<double> p = poly_tree<0, n>(powers, coefficients);
  // r - (r³ (-s) + e (1 - h)) or 1 - (-r⁴ c + h - e r): see sin_cos.
  Vec<double> scale = select(odd, -powers[1], r * z), lead = select(odd, one, r);
  if constexpr (short_form) {
    return lead - mul_add(scale, p, select(odd, h, Vec<double>(0.0)));
  } else {
    return lead - mul_add(scale, p, select(odd, h - r * a.excess, a.excess * (one - h)));
  }
}

enum class Trig { sin, cos, tan };

template <Trig f, bool short_form> DINI_INLINE Vec<double> trigonometric(Vec<double> x) {
  Angle a = reduce<short_form>(x);
  if constexpr (f == Trig::cos) a.quadrant = a.quadrant + Bits<double>(1);
  if constexpr (f != Trig::tan && DINI_VECTOR_LEVEL == 512) {
    return flip_sign(sine_blended<short_form>(a), sign_from<1>(a.quadrant));
  } else {
    Mask<double> odd = mask_of(a.quadrant & Bits<double>(1));
    SinCos v = sin_cos<short_form>(a);
    if constexpr (f != Trig::tan) return flip_sign(select(odd, v.cos, v.sin), sign_from<1>(a.quadrant));
    Vec<double> y = select(odd, v.cos, v.sin) / select(odd, v.sin, v.cos);
    return flip_sign(y, sign_from<0>(a.quadrant));
  }
}

// y with the lanes of m replaced by f(x), one at a time.
template <class T> DINI_INLINE Vec<T> patched(Vec<T> y, Vec<T> x, Mask<T> m, T (*f)(T)) {
  alignas(64) T xs[width<T>], ys[width<T>];
  store(xs, x);
  store(ys, y);
  unsigned lanes = to_bits(m);
  for (std::size_t i = 0; i < width<T>; ++i)
    if (lanes >> i & 1) ys[i] = f(xs[i]);
  return load(ys);
}

template <Trig f, class T> T library_trig(T x) {
  return T(f == Trig::sin ? scalar::sin(x) : f == Trig::cos ? scalar::cos(x) : scalar::tan(x));
}

template <Trig f> DINI_INLINE Vec<double> trig(Vec<double> x) {
  Vec<double> y = trigonometric<f, false>(x);
  Mask<double> far = less(Vec<double>(trig_limit), abs(x));
  if (any(far)) [[unlikely]]
    y = patched(y, x, far, library_trig<f, double>);
  return y;
}
template <Trig f> DINI_INLINE Vec<float> trig(Vec<float> x) {
  Vec<float> y = join(trigonometric<f, true>(low_half(x)), trigonometric<f, true>(high_half(x)));
  if constexpr (f != Trig::cos) y = select(equal(x, Vec<float>(0.0f)), x, y);  // keeps -0
  Mask<float> far = less(Vec<float>(float(trig_limit)), abs(x));
  if (any(far)) [[unlikely]]
    y = patched(y, x, far, library_trig<f, float>);
  return y;
}

template <class T> DINI_INLINE Vec<T> sin(Vec<T> x) { return trig<Trig::sin>(x); }
template <class T> DINI_INLINE Vec<T> cos(Vec<T> x) { return trig<Trig::cos>(x); }
template <class T> DINI_INLINE Vec<T> tan(Vec<T> x) { return trig<Trig::tan>(x); }

// ---- Inverses -------------------------------------------------------------------------------------------------------

template <class T> struct ArcData;
template <> struct ArcData<double> {
  static constexpr double half_pi_high = 0x1.921fb54442d18p+0, half_pi_low = 0x1.1a62633145c07p-54;
  // asin x = x + x³ p(x²) for |x| <= 1/2, to 2^-56
  static constexpr double asin_p[] = {0.16666666666665375,  0.07500000000344816,   0.0446428568219685,
                                      0.030381959395633828, 0.02237175193690559,   0.017359795626357175,
                                      0.013884350757679196, 0.012174940117992453,  0.006503528699132077,
                                      0.01959432288191518,  -0.016326672528440275, 0.03198168146466186};
  // atan t = t + t³ p(t²) for |t| <= √2 - 1, to 2^-59
  static constexpr double atan_p[] = {-0.33333333333333187, 0.19999999999949727,  -0.14285714279788644,
                                      0.1111111076222767,   -0.09090897125824916, 0.07692048633430103,
                                      -0.06662968882159367, 0.058468823731051583, -0.050346706547190596,
                                      0.037944552305599955, -0.017773488147546302};
};
template <> struct ArcData<float> {
  static constexpr float half_pi_high = 0x1.921fb6p+0f, half_pi_low = -0x1.777a5cp-25f;
  static constexpr float asin_p[] = {0.166666599f,  0.0750051215f, 0.0445154683f,
                                     0.0318198403f, 0.0143937306f, 0.0375782566f};
  static constexpr float atan_p[] = {-0.333333147f, 0.199984345f, -0.14242742f, 0.105873648f, -0.0606053032f};
};

// For a = |x| <= 1/2: s = a; else asin a = π/2 - 2 asin s with s = √((1 - a)/2). p = asin s - s.
template <class T> struct HalfArc {
  Mask<T> large;
  Vec<T> s, p;
};
template <class T> DINI_INLINE HalfArc<T> half_arc(Vec<T> a) {
  Mask<T> large = less(Vec<T>(T(0.5)), a);
  Vec<T> z = select(large, (T(1) - a) * Vec<T>(T(0.5)), a * a);
  Vec<T> s = select(large, sqrt(z), a);
  return {large, s, s * z * poly(z, ArcData<T>::asin_p)};
}

template <class T> DINI_INLINE Vec<T> asin(Vec<T> x) {
  using D = ArcData<T>;
  HalfArc<T> h = half_arc(abs(x));
  Vec<T> small = h.s + h.p;
  Vec<T> large = D::half_pi_high - ((small + small) - Vec<T>(D::half_pi_low));
  return with_sign(select(h.large, large, small), sign_of(x));
}

template <class T> DINI_INLINE Vec<T> acos(Vec<T> x) {
  using D = ArcData<T>;
  HalfArc<T> h = half_arc(abs(x));
  Vec<T> signed_s = flip_sign(h.s, sign_of(x)), signed_p = flip_sign(h.p, sign_of(x));
  Vec<T> small = D::half_pi_high - (signed_s - (Vec<T>(D::half_pi_low) - signed_p));
  Vec<T> near_one = h.s + h.p;
  Vec<T> near_minus_one = D::half_pi_high - (h.s - (Vec<T>(D::half_pi_low) - h.p));
  Vec<T> large = select(less(x, Vec<T>(T(0))), near_minus_one, near_one) * T(2);
  return select(h.large, large, small);
}

// atan(n/d) for n, d >= 0: with t = n/d, or (n - d)/(n + d) and π/4, or -d/n and π/2, whichever is below √2 - 1.
template <class T> DINI_INLINE Vec<T> atan_ratio(Vec<T> n, Vec<T> d) {
  using D = ArcData<T>;
  Mask<T> middle = less(d * T(0.41421356237309504880), n), upper = less(d * T(2.41421356237309504880), n);
  Vec<T> numerator = select(upper, -d, select(middle, n - d, n));
  Vec<T> denominator = select(upper, n, select(middle, n + d, d));
  Vec<T> t = numerator / denominator, z = t * t;
  Vec<T> zero = T(0), quarter = D::half_pi_high * T(0.5), quarter_low = D::half_pi_low * T(0.5);
  Vec<T> high = select(upper, Vec<T>(D::half_pi_high), select(middle, quarter, zero));
  Vec<T> low = select(upper, Vec<T>(D::half_pi_low), select(middle, quarter_low, zero));
  return high + (t + mul_add(t * z, poly(z, D::atan_p), low));
}

template <class T> DINI_INLINE Vec<T> atan(Vec<T> x) { return with_sign(atan_ratio(abs(x), Vec<T>(T(1))), sign_of(x)); }

template <class T> DINI_INLINE Vec<T> atan2(Vec<T> y, Vec<T> x) {
  using D = ArcData<T>;
  using F = Format<T>;
  Vec<T> n = abs(y), d = abs(x);
  // Large sides are made small enough to be added, and subnormal ones normal; where one is infinite, only which counts.
  const Vec<T> zero = T(0), one = T(1), inf = infinity<T>;
  Vec<T> larger = max2(n, d);
  Mask<T> large = less(Vec<T>(F::largest / 4), larger), small = less(larger, Vec<T>(F::smallest_normal / F::epsilon));
  if (any(large | small)) [[unlikely]] {
    Vec<T> scale = select(large, Vec<T>(T(0.25)), select(small, Vec<T>(T(1) / F::epsilon), one));
    Mask<T> infinite = equal(larger, inf);
    n = select(infinite, select(equal(n, inf), one, zero), n * scale);
    d = select(infinite, select(equal(d, inf), one, zero), d * scale);
  }
  Vec<T> angle = atan_ratio(n, d);
  angle = select(equal(n, zero), zero, angle);  // 0/0 is 0 here
  Mask<T> left = mask_of(sign_of(x));
  Vec<T> reflected = D::half_pi_high * T(2) - (angle - Vec<T>(D::half_pi_low * T(2)));
  Vec<T> y_abs = with_sign(select(left, reflected, angle), sign_of(y));
  return select(is_nan(x) | is_nan(y), x + y, y_abs);
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
