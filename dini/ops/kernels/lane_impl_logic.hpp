// Elementwise kernels on tiles whose bits are the same everywhere: arithmetic, comparisons, truth values, choices. They are for short
// arrays in multiples of 64, without the care for the rest that the vector kernels take.
#pragma once

#include "lane.hpp"
#include "vector_impl_simple.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

// The function as it is, and as a step of so many operands.
template <void (*f)(const void* const*, void*, std::size_t), std::size_t operands>
void lane_step(const LaneStep& s, LaneRun& r) {
  const void* in[operands];
  for (std::size_t k = 0; k < operands; ++k) in[k] = r.v[s.in[k]];
  f(in, r.v[s.out[0]], s.n);
}
template <void (*f)(const void* const*, void*, std::size_t), std::size_t operands>
constexpr TileFunction tile_function = {f, lane_step<f, operands>};

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
struct DivLanes {
  template <class V> DINI_INLINE static V apply(V a, V b) { return a / b; }
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

template <class T, class F> DINI_INLINE void tile_map(const void* const* in, void* out, std::size_t n) {
  const T* a = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; i += 2 * width<T>) {
    store(y + i, F::apply(load(a + i)));
    store(y + i + width<T>, F::apply(load(a + i + width<T>)));
  }
}
// An operand's register at `at`, or the one number that all lanes of row i share.
template <class T, bool shared> DINI_INLINE Vec<T> row_or_one(const T* a, std::size_t i, std::size_t at) {
  if constexpr (shared)
    return Vec<T>(a[i]);
  else
    return load(a + at);
}
template <class T, class F, bool shared_a, bool shared_b>
DINI_INLINE void tile_map2(const void* const* in, void* out, std::size_t n) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  for (std::size_t i = 0; i < n / tile_lanes; ++i) {
    const std::size_t at = i * tile_lanes;
    for (std::size_t l = at; l < at + tile_lanes; l += width<T>)
      store(y + l, F::apply(row_or_one<T, shared_a>(a, i, l), row_or_one<T, shared_b>(b, i, l)));
  }
}
template <class T, class F>
constexpr TileBinary map_two = {tile_function<tile_map2<T, F, false, false>, 2>,
                                tile_function<tile_map2<T, F, true, false>, 2>,
                                tile_function<tile_map2<T, F, false, true>, 2>};

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

template <class T, class F, bool shared_a, bool shared_b>
DINI_INLINE void tile_compare(const void* const* in, void* out, std::size_t n) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  for (std::size_t i = 0; i < n / tile_lanes; ++i) {
    std::uint64_t bits = 0;
    for (std::size_t l = 0; l < tile_lanes; l += width<T>) {
      const std::size_t at = i * tile_lanes + l;
      bits |= static_cast<std::uint64_t>(
                  to_bits(F::apply(row_or_one<T, shared_a>(a, i, at), row_or_one<T, shared_b>(b, i, at))))
              << l;
    }
    store_truths(static_cast<unsigned char*>(out) + i * tile_lanes, bits);
  }
}
template <class T, class F>
constexpr TileBinary compare_two = {tile_function<tile_compare<T, F, false, false>, 2>,
                                    tile_function<tile_compare<T, F, true, false>, 2>,
                                    tile_function<tile_compare<T, F, false, true>, 2>};

template <class T> DINI_INLINE void tile_is_finite(const void* const* in, void* out, std::size_t n) {
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
template <class T, class R, class F, bool shared_a, bool shared_b>
DINI_INLINE void tile_loop(const void* const* in, void* out, std::size_t n) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  for (std::size_t i = 0; i < n / tile_lanes; ++i) {
    const T *x = a + (shared_a ? i : i * tile_lanes), *z = b + (shared_b ? i : i * tile_lanes);
    R y[tile_lanes];
    for (std::size_t l = 0; l < tile_lanes; ++l)
      y[l] = static_cast<R>(F::apply(x[shared_a ? 0 : l], z[shared_b ? 0 : l]));
    __builtin_memcpy(static_cast<R*>(out) + i * tile_lanes, y, sizeof y);
  }
}
template <class T, class R, class F>
constexpr TileBinary loop_two = {tile_function<tile_loop<T, R, F, false, false>, 2>,
                                 tile_function<tile_loop<T, R, F, true, false>, 2>,
                                 tile_function<tile_loop<T, R, F, false, true>, 2>};

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
DINI_INLINE void tile_not(const void* const* in, void* out, std::size_t n) {
  const void* twice[] = {in[0], in[0]};
  tile_loop<Truth, Truth, NotTruths, false, false>(twice, out, n);
}
// By size: integers as the bits of floating numbers.
template <class T, bool shared_a, bool shared_b> void tile_select(const void* const* in, void* out, std::size_t n) {
  const bool* c = static_cast<const bool*>(in[0]);
  const T *a = static_cast<const T*>(in[1]), *b = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  for (std::size_t i = 0; i < n / tile_lanes; ++i) {
    if constexpr (sizeof(T) == 1) {
      T row[tile_lanes];
      for (std::size_t l = 0; l < tile_lanes; ++l) {
        const std::size_t at = i * tile_lanes + l;
        row[l] = c[at] ? a[shared_a ? i : at] : b[shared_b ? i : at];
      }
      __builtin_memcpy(y + i * tile_lanes, row, sizeof row);
    } else {
      for (std::size_t l = i * tile_lanes; l < (i + 1) * tile_lanes; l += width<T>) {
        const Vec<T> u = row_or_one<T, shared_a>(a, i, l), v = row_or_one<T, shared_b>(b, i, l);
        store(y + l, select(load_mask(c + l, u), u, v));
      }
    }
  }
}
template <class T>
constexpr TileChoice select_two = {
    {{tile_function<tile_select<T, false, false>, 3>, tile_function<tile_select<T, false, true>, 3>},
     {tile_function<tile_select<T, true, false>, 3>, tile_function<tile_select<T, true, true>, 3>}}};

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
#if DINI_VECTOR_LEVEL == 512
#define DINI_COMPARE_INTEGERS(name, op, predicate)                               \
  struct name {                                                                  \
    DINI_INLINE static Truth apply(Integer a, Integer b) { return a op b; }      \
    DINI_INLINE static std::uint64_t apply(__m512i a, __m512i b) {               \
      return static_cast<std::uint64_t>(_mm512_cmp_epi64_mask(a, b, predicate)); \
    }                                                                            \
  };
#else
#define DINI_COMPARE_INTEGERS(name, op, predicate)                          \
  struct name {                                                             \
    DINI_INLINE static Truth apply(Integer a, Integer b) { return a op b; } \
  };
#endif
DINI_COMPARE_INTEGERS(LessIntegers, <, _MM_CMPINT_LT)
DINI_COMPARE_INTEGERS(LessEqualIntegers, <=, _MM_CMPINT_LE)
DINI_COMPARE_INTEGERS(EqualIntegers, ==, _MM_CMPINT_EQ)
DINI_COMPARE_INTEGERS(NotEqualIntegers, !=, _MM_CMPINT_NE)
#undef DINI_COMPARE_INTEGERS

template <class F, bool shared_a, bool shared_b>
DINI_INLINE void tile_compare_integers(const void* const* in, void* out, std::size_t n) {
#if DINI_VECTOR_LEVEL == 512
  const auto *a = static_cast<const Integer*>(in[0]), *b = static_cast<const Integer*>(in[1]);
  for (std::size_t i = 0; i < n / tile_lanes; ++i) {
    std::uint64_t bits = 0;
    for (std::size_t l = 0; l < tile_lanes; l += width<double>) {
      const std::size_t at = i * tile_lanes + l;
      const __m512i u = shared_a ? _mm512_set1_epi64(a[i]) : _mm512_loadu_si512(a + at),
                    v = shared_b ? _mm512_set1_epi64(b[i]) : _mm512_loadu_si512(b + at);
      bits |= F::apply(u, v) << l;
    }
    store_truths(static_cast<unsigned char*>(out) + i * tile_lanes, bits);
  }
#else
  tile_loop<Integer, Truth, F, shared_a, shared_b>(in, out, n);
#endif
}
template <class F>
constexpr TileBinary compare_integers = {tile_function<tile_compare_integers<F, false, false>, 2>,
                                         tile_function<tile_compare_integers<F, true, false>, 2>,
                                         tile_function<tile_compare_integers<F, false, true>, 2>};

// ---- Some lanes -----------------------------------------------------------------------------------------------------

#if DINI_VECTOR_LEVEL == 512
void tile_copy_lanes(std::uint64_t lanes, const void* a, void* y, std::size_t rows, std::size_t item) {
  const auto *from = static_cast<const unsigned char*>(a), *end = from + rows * tile_lanes * item;
  auto* to = static_cast<unsigned char*>(y);
  if (item == 1) {
    for (; from < end; from += 64, to += 64) _mm512_mask_storeu_epi8(to, lanes, _mm512_loadu_si512(from));
    return;
  }
  const unsigned of_register = static_cast<unsigned>(64 / item);
  for (unsigned first = 0; from < end; from += 64, to += 64, first = (first + of_register) % tile_lanes) {
    const __m512i part = _mm512_loadu_si512(from);
    if (item == 8)
      _mm512_mask_storeu_epi64(to, static_cast<__mmask8>(lanes >> first), part);
    else
      _mm512_mask_storeu_epi32(to, static_cast<__mmask16>(lanes >> first), part);
  }
}
#else
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
    item == 8 ? copy_few<std::uint64_t>(lanes, a, y, rows)
    : item == 4 ? copy_few<std::uint32_t>(lanes, a, y, rows)
                : copy_few<unsigned char>(lanes, a, y, rows);
    return;
  }
  unsigned char truths[tile_lanes];
  store_truths(truths, lanes);
  const auto function = item == 8 ? tile_select<double, false, false>
                        : item == 4 ? tile_select<float, false, false>
                                    : tile_select<Truth, false, false>;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t at = r * tile_lanes * item;
    const void* in[] = {truths, static_cast<const char*>(a) + at, static_cast<char*>(y) + at};
    function(in, static_cast<char*>(y) + at, tile_lanes);
  }
}
#endif

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
