// The loops that carry a function of registers over an array, and the functions that are one or two instructions.
#pragma once

#include "vector_isa.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

// The last register of a result, of which `count` lanes are asked for: all of them where there is room.
template <bool whole, class T> DINI_INLINE void store_last(T* y, Vec<T> v, std::size_t count) {
  if constexpr (whole) {
    store(y, v);
  } else {
    store_part(y, v, count);
  }
}

// The part that does not fill a register is padded with ones, which no function here has trouble with, and goes
// through the same code. The function's body stands once in the machine code: some are long.
template <class T, class F, bool whole = false> void map(const T* x, T* y, std::size_t n) {
  for (std::size_t i = 0; i < n; i += width<T>) {
    if (n - i >= width<T>) {
      store(y + i, F::apply(load(x + i)));
    } else {
      store_last<whole>(y + i, F::apply(load_part(x + i, n - i, Vec<T>(T(1)))), n - i);
    }
  }
}

template <class T, class F, bool whole = false> void map2(const T* a, const T* b, T* y, std::size_t n) {
  std::size_t i = 0;
  const Vec<T> one = T(1);
  for (; i + width<T> <= n; i += width<T>) store(y + i, F::apply(load(a + i), load(b + i)));
  if (i < n) store_last<whole>(y + i, F::apply(load_part(a + i, n - i, one), load_part(b + i, n - i, one)), n - i);
}

// For long bodies.
template <class T, class F, bool whole = false> void map_long(const T* x, T* y, std::size_t n) {
  for (std::size_t i = 0; i < n; i += width<T>) {
    bool full = n - i >= width<T>;
    Vec<T> v = full ? load(x + i) : load_part(x + i, n - i, Vec<T>(T(1)));
    v = F::apply(v);
    if (full) {
      store(y + i, v);
    } else {
      store_last<whole>(y + i, v, n - i);
    }
  }
}

template <class T, class F> void map2_long(const T* a, const T* b, T* y, std::size_t n) {
  const Vec<T> one = T(1);
  for (std::size_t i = 0; i < n; i += width<T>) {
    bool full = n - i >= width<T>;
    Vec<T> u = full ? load(a + i) : load_part(a + i, n - i, one);
    Vec<T> v = full ? load(b + i) : load_part(b + i, n - i, one);
    v = F::apply(u, v);
    if (full) {
      store(y + i, v);
    } else {
      store_part(y + i, v, n - i);
    }
  }
}

template <class T> DINI_INLINE Vec<T> maximum(Vec<T> a, Vec<T> b) { return select(is_nan(a), a, max2(a, b)); }
template <class T> DINI_INLINE Vec<T> minimum(Vec<T> a, Vec<T> b) { return select(is_nan(a), a, min2(a, b)); }
template <class T> DINI_INLINE Vec<T> sign(Vec<T> x) {
  return select(equal(x, Vec<T>(T(0))) | is_nan(x), x, with_sign(Vec<T>(T(1)), sign_of(x)));
}
template <class T> DINI_INLINE Vec<T> relu(Vec<T> x) { return select(less_equal(x, Vec<T>(T(0))), Vec<T>(T(0)), x); }

// Comparisons, select and products by a number: the compiler's own vectorisation is as good as ours here, and these
// have nothing to round.
template <class T> void compare_lt(const T* a, const T* b, bool* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = a[i] < b[i];
}
template <class T> void compare_le(const T* a, const T* b, bool* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = a[i] <= b[i];
}
template <class T> void compare_eq(const T* a, const T* b, bool* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = a[i] == b[i];
}
template <class T> void compare_ne(const T* a, const T* b, bool* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = a[i] != b[i];
}
// Lanes whose byte is not zero.
#if DINI_VECTOR_LEVEL == 512
DINI_INLINE Mask<float> load_mask(const bool* c, Vec<float>) {
  __m128i bytes = _mm_loadu_si128((const __m128i*)c);
  return {unsigned(_mm_test_epi8_mask(bytes, bytes))};
}
DINI_INLINE Mask<double> load_mask(const bool* c, Vec<double>) {
  __m128i bytes = _mm_loadl_epi64((const __m128i*)c);
  return {unsigned(_mm_test_epi8_mask(bytes, bytes))};
}
#elif DINI_VECTOR_LEVEL == 2
DINI_INLINE Mask<float> load_mask(const bool* c, Vec<float>) {
  return mask_of(Bits<float>((NativeF_int)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)c))));
}
DINI_INLINE Mask<double> load_mask(const bool* c, Vec<double>) {
  return mask_of(Bits<double>((NativeD_int)_mm256_cvtepi8_epi64(_mm_loadu_si32(c))));
}
#else
DINI_INLINE Mask<float> load_mask(const bool* c, Vec<float>) {
  return mask_of(Bits<float>(NativeF_int{c[0], c[1], c[2], c[3]}));
}
DINI_INLINE Mask<double> load_mask(const bool* c, Vec<double>) {
  return mask_of(Bits<double>(NativeD_int{c[0], c[1]}));
}
#endif

template <class T> void select_array(const bool* c, const T* a, const T* b, T* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + width<T> <= n; i += width<T>) {
    Vec<T> u = load(a + i), v = load(b + i);
    store(y + i, select(load_mask(c + i, u), u, v));
  }
  for (; i < n; ++i) y[i] = c[i] ? a[i] : b[i];
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
