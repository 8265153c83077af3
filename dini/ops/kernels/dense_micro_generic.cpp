// dense_micro.hpp for any processor, by the compiler's 16-byte vectors; products and sums are rounded one by one, but on ARM,
// which has fused ones. Also the choice between the instruction sets.

#include "dini/ops/kernels/dense_micro.hpp"

#ifdef __aarch64__
#include <arm_neon.h>
#endif

#include <cmath>
#include <cstring>

#include "dini/ops/kernels/vector.hpp"

namespace dini::kernels::micro_generic {
namespace {

typedef float Floats __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(16)));

// a b + c and c − a b.
#ifdef __aarch64__
Floats plus_product(Floats a, Floats b, Floats c) {
  return (Floats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
Doubles plus_product(Doubles a, Doubles b, Doubles c) {
  return (Doubles)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
float plus_product(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
double plus_product(double a, double b, double c) { return __builtin_fma(a, b, c); }
template <class T> T less_product(T a, T b, T c) { return plus_product(-a, b, c); }
constexpr int rows_at_once = 8;  // there are 32 registers
#else
template <class T> T plus_product(T a, T b, T c) { return a * b + c; }
template <class T> T less_product(T a, T b, T c) { return c - a * b; }
constexpr int rows_at_once = 4;
#endif

template <class T, class V> struct VecOf {
  using Type = V;
  static constexpr std::ptrdiff_t width = 16 / sizeof(T);
  static constexpr int rows = rows_at_once;
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
  static Type fma(Type a, Type b, Type c) { return plus_product(a, b, c); }
  static Type fnma(Type a, Type b, Type c) { return less_product(a, b, c); }
  static Type div(Type a, Type b) { return a / b; }
  static T fma(T a, T b, T c) { return plus_product(a, b, c); }
  static T fnma(T a, T b, T c) { return less_product(a, b, c); }
  static T sqrt(T a) { return std::sqrt(a); }
};

template <class T> struct Vec;
template <> struct Vec<float> : VecOf<float, Floats> {};
template <> struct Vec<double> : VecOf<double, Doubles> {};

}  // namespace

#include "dini/ops/kernels/dense_micro_body.hpp"

}  // namespace dini::kernels::micro_generic

namespace dini::kernels {

template <class T> const DenseMicro<T>* dense_micro_for(const char* isa) {
  if (vector_kernels_for<T>(isa) == nullptr) return nullptr;
#ifdef __x86_64__
  if (std::strcmp(isa, "avx512") == 0) return &micro_avx512::table<T>();
  if (std::strcmp(isa, "avx2") == 0) return &micro_avx2::table<T>();
#endif
  return &micro_generic::table<T>();
}

template <class T> const DenseMicro<T>& dense_micro() {
  static const DenseMicro<T>& chosen = *dense_micro_for<T>(instruction_set());
  return chosen;
}

template const DenseMicro<float>* dense_micro_for<float>(const char*);
template const DenseMicro<double>* dense_micro_for<double>(const char*);
template const DenseMicro<float>& dense_micro<float>();
template const DenseMicro<double>& dense_micro<double>();

}  // namespace dini::kernels
