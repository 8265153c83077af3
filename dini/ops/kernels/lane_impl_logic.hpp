// Elementwise kernels on tiles whose bits are the same everywhere: arithmetic, comparisons, truth values, choices. They are for short
// arrays in multiples of 64, without the care for the rest that the vector kernels take.
#pragma once

#include "lane.hpp"
#include "vector_impl_simple.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

// ---- Floating numbers -----------------------------------------------------------------------------------------------

struct AddLanes {
  template <class V> DINI_INLINE static V apply(V a, V b) { return a + b; }
};
struct SubLanes {
  template <class V> DINI_INLINE static V apply(V a, V b) { return a - b; }
};
struct MulLanes {
  template <class V> DINI_INLINE static V apply(V a, V b) { return a * b; }
};
struct MaximumLanes {
  template <class V> DINI_INLINE static V apply(V a, V b) { return maximum(a, b); }
};
struct MinimumLanes {
  template <class V> DINI_INLINE static V apply(V a, V b) { return minimum(a, b); }
};
struct AbsLanes {
  template <class V> DINI_INLINE static V apply(V a) { return abs(a); }
};
struct NegLanes {
  template <class V> DINI_INLINE static V apply(V a) { return -a; }
};
struct LessLanes {
  template <class V> DINI_INLINE static auto apply(V a, V b) { return less(a, b); }
};
struct LessEqualLanes {
  template <class V> DINI_INLINE static auto apply(V a, V b) { return less_equal(a, b); }
};
struct EqualLanes {
  template <class V> DINI_INLINE static auto apply(V a, V b) { return equal(a, b); }
};
struct NotEqualLanes {
  template <class V> DINI_INLINE static auto apply(V a, V b) { return not_equal(a, b); }
};

template <class T, class F> void tile_map(const void* const* in, void* out, std::size_t n) {
  const T* a = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; i += 2 * width<T>) {
    store(y + i, F::apply(load(a + i)));
    store(y + i + width<T>, F::apply(load(a + i + width<T>)));
  }
}
template <class T, class F> void tile_map2(const void* const* in, void* out, std::size_t n) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; i += 2 * width<T>) {
    store(y + i, F::apply(load(a + i), load(b + i)));
    store(y + i + width<T>, F::apply(load(a + i + width<T>), load(b + i + width<T>)));
  }
}

// 64 bits as truth values.
DINI_INLINE void store_truths(void* y, std::uint64_t bits) {
#if DINI_VECTOR_LEVEL == 512
  _mm512_storeu_si512(y, _mm512_maskz_set1_epi8(bits, 1));
#else
  for (std::size_t k = 0; k < 8; ++k) {
    // Byte j has bit j, which is then made its lowest one.
    const std::uint64_t spread = ((bits >> (8 * k)) & 0xff) * 0x0101010101010101u & 0x8040201008040201u,
                        truths = (spread + 0x7f7f7f7f7f7f7f7fu) >> 7 & 0x0101010101010101u;
    __builtin_memcpy(static_cast<unsigned char*>(y) + 8 * k, &truths, 8);
  }
#endif
}

template <class T, class F> void tile_compare(const void* const* in, void* out, std::size_t n) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  for (std::size_t i = 0; i < n; i += tile_lanes) {
    std::uint64_t bits = 0;
    for (std::size_t l = 0; l < tile_lanes; l += width<T>)
      bits |= static_cast<std::uint64_t>(to_bits(F::apply(load(a + i + l), load(b + i + l)))) << l;
    store_truths(static_cast<unsigned char*>(out) + i, bits);
  }
}
template <class T> void tile_is_finite(const void* const* in, void* out, std::size_t n) {
  const T* a = static_cast<const T*>(in[0]);
  for (std::size_t i = 0; i < n; i += tile_lanes) {
    std::uint64_t bits = 0;
    for (std::size_t l = 0; l < tile_lanes; l += width<T>)
      bits |= static_cast<std::uint64_t>(to_bits(less_equal(abs(load(a + i + l)), Vec<T>(Format<T>::largest)))) << l;
    store_truths(static_cast<unsigned char*>(out) + i, bits);
  }
}

// ---- Truth values and integers --------------------------------------------------------------------------------------

// A loop over 64 elements that the compiler makes vectors of, since nothing can be where its results are.
template <class T, class R, class F> void tile_loop(const void* const* in, void* out, std::size_t n) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  for (std::size_t i = 0; i < n; i += tile_lanes) {
    R y[tile_lanes];
    for (std::size_t l = 0; l < tile_lanes; ++l) y[l] = static_cast<R>(F::apply(a[i + l], b[i + l]));
    __builtin_memcpy(static_cast<R*>(out) + i, y, sizeof y);
  }
}

using Truth = unsigned char;
struct AndTruths {
  DINI_INLINE static Truth apply(Truth a, Truth b) { return a & b; }
};
struct OrTruths {
  DINI_INLINE static Truth apply(Truth a, Truth b) { return a | b; }
};
struct NotEqualTruths {
  DINI_INLINE static Truth apply(Truth a, Truth b) { return a ^ b; }
};
struct EqualTruths {
  DINI_INLINE static Truth apply(Truth a, Truth b) { return a ^ b ^ 1; }
};
struct NotTruths {
  DINI_INLINE static Truth apply(Truth a, Truth) { return a ^ 1; }
};
void tile_not(const void* const* in, void* out, std::size_t n) {
  const void* twice[] = {in[0], in[0]};
  tile_loop<Truth, Truth, NotTruths>(twice, out, n);
}
void tile_select_bytes(const void* const* in, void* out, std::size_t n) {
  const auto *c = static_cast<const Truth*>(in[0]), *a = static_cast<const Truth*>(in[1]),
             *b = static_cast<const Truth*>(in[2]);
  for (std::size_t i = 0; i < n; i += tile_lanes) {
    Truth y[tile_lanes];
    for (std::size_t l = 0; l < tile_lanes; ++l) y[l] = c[i + l] ? a[i + l] : b[i + l];
    __builtin_memcpy(static_cast<Truth*>(out) + i, y, sizeof y);
  }
}
// By size: integers as the bits of floating numbers.
template <class T> void tile_select(const void* const* in, void* out, std::size_t n) {
  select_array(static_cast<const bool*>(in[0]), static_cast<const T*>(in[1]), static_cast<const T*>(in[2]),
               static_cast<T*>(out), n);
}

using Integer = std::int64_t;
struct AddIntegers {
  DINI_INLINE static Integer apply(std::uint64_t a, std::uint64_t b) { return static_cast<Integer>(a + b); }
};
struct SubIntegers {
  DINI_INLINE static Integer apply(std::uint64_t a, std::uint64_t b) { return static_cast<Integer>(a - b); }
};
struct MinimumIntegers {
  DINI_INLINE static Integer apply(Integer a, Integer b) { return a < b ? a : b; }
};
struct MaximumIntegers {
  DINI_INLINE static Integer apply(Integer a, Integer b) { return a < b ? b : a; }
};
struct LessIntegers {
  DINI_INLINE static Truth apply(Integer a, Integer b) { return a < b; }
};
struct LessEqualIntegers {
  DINI_INLINE static Truth apply(Integer a, Integer b) { return a <= b; }
};
struct EqualIntegers {
  DINI_INLINE static Truth apply(Integer a, Integer b) { return a == b; }
};
struct NotEqualIntegers {
  DINI_INLINE static Truth apply(Integer a, Integer b) { return a != b; }
};

// ---- Some lanes -----------------------------------------------------------------------------------------------------

template <class T> void copy_few(std::uint64_t lanes, const void* a, void* y, std::size_t rows) {
  for (; lanes; lanes &= lanes - 1) {
    const auto l = static_cast<std::size_t>(__builtin_ctzll(lanes));
    for (std::size_t r = 0; r < rows; ++r)
      static_cast<T*>(y)[r * tile_lanes + l] = static_cast<const T*>(a)[r * tile_lanes + l];
  }
}
void tile_copy_lanes(std::uint64_t lanes, const void* a, void* y, std::size_t rows, std::size_t item) {
  if (lanes == ~std::uint64_t{0}) {
    __builtin_memcpy(y, a, rows * tile_lanes * item);
    return;
  }
  const int few = 3, count = __builtin_popcountll(lanes);
  if (count <= few) {
    item == 8   ? copy_few<std::uint64_t>(lanes, a, y, rows)
    : item == 4 ? copy_few<std::uint32_t>(lanes, a, y, rows)
                : copy_few<unsigned char>(lanes, a, y, rows);
    return;
  }
  unsigned char truths[tile_lanes];
  store_truths(truths, lanes);
  const auto function = item == 8 ? tile_select<double> : item == 4 ? tile_select<float> : tile_select_bytes;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t at = r * tile_lanes * item;
    const void* in[] = {truths, static_cast<const char*>(a) + at, static_cast<char*>(y) + at};
    function(in, static_cast<char*>(y) + at, tile_lanes);
  }
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
