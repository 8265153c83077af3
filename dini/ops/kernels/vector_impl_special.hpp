// erf, erfc, erfinv, the exponentially scaled Bessel functions, and what is computed lane by lane.
//
// All coefficients are our own minimax fits (Remez). Sources of the forms: for erfc, exp(-x²) times a polynomial in
// (x - 3)/(x + 3) (Schonfelder, Mathematics of Computation 32, 1978; Shepherd and Laframboise, ibid. 36, 1981); for
// erfinv, polynomials in -log(1 - x²) and its root (Giles, "Approximating the erfinv function", GPU Computing Gems,
// 2011); for the Bessel functions, the power series and Hankel's expansion (Abramowitz and Stegun 9.6.10, 9.7.1) made
// minimax.
#pragma once

#include "vector_impl_log.hpp"
#include "vector_impl_trig.hpp"
#include "vector_special_data.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

// erfc a for a >= 1/2, e^(-a²) with a² in two words.
template <class T> DINI_INLINE Vec<T> erfc_upper(Vec<T> a) {
  using D = ErfData<T>;
  a = min2(Vec<T>(D::erfc_zero), a);
  Vec<T> q = (a - T(3)) / (a + T(3));
  Vec<T> g = poly_steady(q, D::erfcx) / mul_add(a, T(2), T(1));
  Pair<T> square = two_product(a, a);
  auto e = exponential(-square.high);
  // g (1 + m)(1 - square.low)
  return scale(mul_add(g, e.m - square.low * (e.m + T(1)), g), e.k);
}

// erf a for a <= 1
template <class T> DINI_INLINE Vec<T> erf_lower(Vec<T> a) { return mul_add(a, poly(a * a, ErfData<T>::erf_p), a); }

DINI_INLINE Vec<double> erf(Vec<double> x) {
  Vec<double> a = abs(x), one = 1.0;
  Mask<double> upper = less(one, a);
  Vec<double> y = erf_lower(a);
  if (any(upper)) y = select(upper, one - erfc_upper(max2(one, a)), y);
  return with_sign(select(is_nan(x), a, y), sign_of(x));
}

// In float32, where erfc is only wanted to 22 bits, its logarithm is a polynomial.
DINI_INLINE Vec<float> erf(Vec<float> x) {
  Vec<float> a = abs(x), one = 1.0f;
  Vec<float> b = min2(Vec<float>(4.0f), a);
  Vec<float> upper = select(less(b, 4.0f), one - exp(poly(b, ErfData<float>::log_erfc)), one);
  return with_sign(select(less_equal(a, one) | is_nan(a), erf_lower(a), upper), sign_of(x));
}

template <class T> DINI_INLINE Vec<T> erfc(Vec<T> x) {
  const Vec<T> one = T(1), half = T(0.5);
  Vec<T> a = abs(x);
  Vec<T> upper = erfc_upper(max2(half, a));
  upper = select(less(x, Vec<T>(T(0))), T(2) - upper, upper);
  return select(less_equal(a, half) | is_nan(x), one - flip_sign(erf_lower(a), sign_of(x)), upper);
}

template <class T> DINI_INLINE Vec<T> erfinv(Vec<T> x) {
  using D = ErfinvData<T>;
  Vec<T> a = abs(x), one = T(1);
  Vec<T> w = -log((one - a) * (one + a));
  Vec<T> y = poly_steady(w - T(1), D::middle);
  Mask<T> far = less(Vec<T>(T(6.25)), w);
  if (any(far)) {
    Vec<T> s = sqrt(select(far, w, one));
    Vec<T> z = poly_steady(s - T(3.25), D::outer);
    if constexpr (sizeof(T) == 8) z = select(less(Vec<T>(T(4)), s), poly_steady(s - T(5), D::outermost), z);
    y = select(far, z, y);
  }
  y = select(equal(a, one), Vec<T>(infinity<T>), y * a);
  return with_sign(y, sign_of(x));
}

template <int order, class T> DINI_INLINE Vec<T> bessel(Vec<T> x) {
  using D = BesselData<T, order>;
  Vec<T> a = abs(x), eight = T(8);
  Mask<T> large = less(eight, a);
  Vec<T> b = min2(eight, a), h = b * T(0.5);
  Pair<T> z = two_product(h, h);
  auto e = exponential(-b);
  Vec<T> m = mul_add(z.low * poly(z.high, D::slope), e.m + T(1), e.m);
  Vec<T> series = poly_steady(z.high, D::series);
  Vec<T> y = mul_add(series, m, series) * power_of_two(e.k);
  if constexpr (order == 1) y = y * a;
  if (any(large)) {
    b = max2(eight, a);
    y = select(large, poly_steady(Vec<T>(T(16)) / b - T(1), D::asymptotic) / sqrt(b), y);
  }
  return order == 1 ? flip_sign(y, sign_of(x)) : y;
}
template <class T> DINI_INLINE Vec<T> i0e(Vec<T> x) { return bessel<0>(x); }
template <class T> DINI_INLINE Vec<T> i1e(Vec<T> x) { return bessel<1>(x); }

// What has no vector code.
template <class T, double (*f)(double)> void map_scalar(const T* x, T* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = T(f(double(x[i])));
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
