// dense_micro.hpp for any processor, by the compiler's 16-byte vectors; products and sums are rounded one by one. Also
// the choice between the instruction sets.

#include "dini/ops/kernels/dense_micro.hpp"

#include <cmath>
#include <cstring>
#include <string_view>

#include "dini/ops/kernels/vector.hpp"

namespace dini::kernels::micro_generic {
namespace {

typedef float Floats __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(16)));

template <class T, class V> struct VecOf {
  using Type = V;
  static constexpr std::ptrdiff_t width = 16 / sizeof(T);
  static constexpr int rows = 4;
  static constexpr int vectors = 2;
  static constexpr bool free_masks = false;
  static Type zero() { return Type{}; }
  static Type broadcast(T x) { return x - Type{}; }
  static Type load(const T* p) { return load(p, width); }
  static void store(T* p, Type v) { store(p, v, width); }
  static Type load(const T* p, std::ptrdiff_t count) {
    Type v{};
    if (count == width) {
      std::memcpy(&v, p, sizeof v);
    } else {
      for (std::ptrdiff_t i = 0; i < count; ++i) v[i] = p[i];
    }
    return v;
  }
  static void store(T* p, Type v, std::ptrdiff_t count) {
    if (count == width) {
      std::memcpy(p, &v, sizeof v);
    } else {
      for (std::ptrdiff_t i = 0; i < count; ++i) p[i] = v[i];
    }
  }
  static Type fma(Type a, Type b, Type c) { return a * b + c; }
  static Type fnma(Type a, Type b, Type c) { return c - a * b; }
  static Type div(Type a, Type b) { return a / b; }
  static T fma(T a, T b, T c) { return a * b + c; }
  static T fnma(T a, T b, T c) { return c - a * b; }
  static T sqrt(T a) { return std::sqrt(a); }
};

template <class T> struct Vec;
template <> struct Vec<float> : VecOf<float, Floats> {};
template <> struct Vec<double> : VecOf<double, Doubles> {};

}  // namespace

#include "dini/ops/kernels/dense_micro_body.hpp"

}  // namespace dini::kernels::micro_generic

namespace dini::kernels {

template <class T> const DenseMicro<T>& dense_micro() {
  static const DenseMicro<T>& chosen = [&]() -> const DenseMicro<T>& {
#if defined(__x86_64__)
    const std::string_view isa = instruction_set();
    if (isa == "avx512") return micro_avx512::table<T>();
    if (isa == "avx2") return micro_avx2::table<T>();
#endif
    return micro_generic::table<T>();
  }();
  return chosen;
}

template const DenseMicro<float>& dense_micro<float>();
template const DenseMicro<double>& dense_micro<double>();

}  // namespace dini::kernels
