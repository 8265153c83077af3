// Functions that are computed lane by lane.
#pragma once

#include "vector_impl_log.hpp"
#include "vector_impl_trig.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

template <class T, class F>
DINI_INLINE Vec<T> each(Vec<T> x, F f) {
  alignas(64) T values[width<T>];
  store(values, x);
  for (T& v : values) v = T(f(v));
  return load(values);
}
template <class T, class F>
DINI_INLINE Vec<T> each2(Vec<T> a, Vec<T> b, F f) {
  alignas(64) T u[width<T>], v[width<T>];
  store(u, a);
  store(v, b);
  for (std::size_t i = 0; i < width<T>; ++i) u[i] = T(f(u[i], v[i]));
  return load(u);
}

template <class T> DINI_INLINE Vec<T> cbrt(Vec<T> x) { return each(x, [](double v) { return ::cbrt(v); }); }
template <class T> DINI_INLINE Vec<T> erf(Vec<T> x) { return each(x, [](double v) { return ::erf(v); }); }
template <class T> DINI_INLINE Vec<T> erfc(Vec<T> x) { return each(x, [](double v) { return ::erfc(v); }); }
template <class T> DINI_INLINE Vec<T> gammaln(Vec<T> x) {
  return each(x, [](double v) { int sign; return T(::lgammal_r(v, &sign)); });
}
template <class T> DINI_INLINE Vec<T> erfinv(Vec<T> x) { return x; }
template <class T> DINI_INLINE Vec<T> digamma(Vec<T> x) { return x; }
template <class T> DINI_INLINE Vec<T> i0e(Vec<T> x) { return x; }
template <class T> DINI_INLINE Vec<T> i1e(Vec<T> x) { return x; }
template <class T> DINI_INLINE Vec<T> pow(Vec<T> a, Vec<T> b) { return each2(a, b, [](double u, double v) { return ::pow(u, v); }); }
template <class T> DINI_INLINE Vec<T> hypot(Vec<T> a, Vec<T> b) { return each2(a, b, [](double u, double v) { return ::hypot(u, v); }); }
template <class T> DINI_INLINE Vec<T> mod(Vec<T> a, Vec<T> b) {
  return each2(a, b, [](double u, double v) {
    double r = ::fmod(u, v);
    if (r == 0) return __builtin_copysign(0.0, v);
    return (r < 0) != (v < 0) ? r + v : r;
  });
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
