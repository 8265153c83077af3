// dense_micro.hpp for processors with AVX-512 (F, DQ, VL, BW); the build compiles this file for them.

#include <immintrin.h>

#include "dini/ops/kernels/dense_micro.hpp"

namespace dini::kernels::micro_avx512 {
namespace {

template <class T> struct Vec;

template <> struct Vec<double> {
  using Type = __m512d;
  static constexpr std::ptrdiff_t width = 8;
  static constexpr int rows = 8;
  static constexpr int vectors = 4;
  static constexpr bool free_masks = true;
  static Type zero() { return _mm512_setzero_pd(); }
  static Type broadcast(double x) { return _mm512_set1_pd(x); }
  static Type load(const double* p) { return _mm512_loadu_pd(p); }
  static void store(double* p, Type v) { _mm512_storeu_pd(p, v); }
  static __mmask8 first(std::ptrdiff_t count) { return static_cast<__mmask8>((1u << count) - 1u); }
  static Type load(const double* p, std::ptrdiff_t count) { return _mm512_maskz_loadu_pd(first(count), p); }
  static void store(double* p, Type v, std::ptrdiff_t count) { _mm512_mask_storeu_pd(p, first(count), v); }
  static Type fma(Type a, Type b, Type c) { return _mm512_fmadd_pd(a, b, c); }
  static Type fnma(Type a, Type b, Type c) { return _mm512_fnmadd_pd(a, b, c); }
  static Type div(Type a, Type b) { return _mm512_div_pd(a, b); }
  static double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
  static double fnma(double a, double b, double c) { return __builtin_fma(-a, b, c); }
  static double sqrt(double a) { return __builtin_sqrt(a); }
};

template <> struct Vec<float> {
  using Type = __m512;
  static constexpr std::ptrdiff_t width = 16;
  static constexpr int rows = 8;
  static constexpr int vectors = 4;
  static constexpr bool free_masks = true;
  static Type zero() { return _mm512_setzero_ps(); }
  static Type broadcast(float x) { return _mm512_set1_ps(x); }
  static Type load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Type v) { _mm512_storeu_ps(p, v); }
  static __mmask16 first(std::ptrdiff_t count) { return static_cast<__mmask16>((1u << count) - 1u); }
  static Type load(const float* p, std::ptrdiff_t count) { return _mm512_maskz_loadu_ps(first(count), p); }
  static void store(float* p, Type v, std::ptrdiff_t count) { _mm512_mask_storeu_ps(p, first(count), v); }
  static Type fma(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }
  static Type fnma(Type a, Type b, Type c) { return _mm512_fnmadd_ps(a, b, c); }
  static Type div(Type a, Type b) { return _mm512_div_ps(a, b); }
  static float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float fnma(float a, float b, float c) { return __builtin_fmaf(-a, b, c); }
  static float sqrt(float a) { return __builtin_sqrtf(a); }
};

}  // namespace

#include "dini/ops/kernels/dense_micro_body.hpp"

}  // namespace dini::kernels::micro_avx512
