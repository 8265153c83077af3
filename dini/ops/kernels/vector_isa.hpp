// Vec<T>, Mask<T> and Bits<T>: registers of one instruction set as values, so that vector_impl*.hpp is written once.
//
// Only vector_baseline.cpp, vector_avx2.cpp and vector_avx512.cpp include it, after defining DINI_VECTOR_ISA (the
// namespace) and DINI_VECTOR_LEVEL (0, 2, 512). Everything is in an anonymous namespace and always inlined, and nothing
// from the standard library that could be emitted as a shared inline function is called: a template instantiated here
// with AVX instructions and merged by the linker with another file's copy would crash an older processor.
#pragma once

#include "vector_isa_types.hpp"

#if DINI_VECTOR_LEVEL == 512
#include "vector_isa_avx512.hpp"
#elif DINI_VECTOR_LEVEL == 2
#include "vector_isa_avx2.hpp"
#else
#include "vector_isa_any.hpp"
#endif

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

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
