// dense_micro.hpp for processors with AVX2 and FMA; the build compiles this file for them.

#include <immintrin.h>

#include "dini/ops/kernels/dense_micro.hpp"

namespace dini::kernels::micro_avx2 {
namespace {

// A mask of the first c of w lanes starts c lanes before the zeros.
alignas(64) constexpr std::int32_t masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

template <class T> struct Vec;

template <> struct Vec<double> {
  using Type = __m256d;
  static constexpr std::ptrdiff_t width = 4;
  static constexpr int rows = 4;
  static constexpr int vectors = 3;
  static constexpr bool free_masks = false;
  static Type zero() { return _mm256_setzero_pd(); }
  static Type broadcast(double x) { return _mm256_set1_pd(x); }
  static Type load(const double* p) { return _mm256_loadu_pd(p); }
  static void store(double* p, Type v) { _mm256_storeu_pd(p, v); }
  static __m256i first(std::ptrdiff_t count) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(masks + (4 - count) * 2));
  }
  static Type load(const double* p, std::ptrdiff_t count) { return _mm256_maskload_pd(p, first(count)); }
  static void store(double* p, Type v, std::ptrdiff_t count) { _mm256_maskstore_pd(p, first(count), v); }
  static Type fma(Type a, Type b, Type c) { return _mm256_fmadd_pd(a, b, c); }
  static Type fnma(Type a, Type b, Type c) { return _mm256_fnmadd_pd(a, b, c); }
  static Type div(Type a, Type b) { return _mm256_div_pd(a, b); }
  static double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
  static double fnma(double a, double b, double c) { return __builtin_fma(-a, b, c); }
  static double sqrt(double a) { return __builtin_sqrt(a); }
};

template <> struct Vec<float> {
  using Type = __m256;
  static constexpr std::ptrdiff_t width = 8;
  static constexpr int rows = 4;
  static constexpr int vectors = 3;
  static constexpr bool free_masks = false;
  static Type zero() { return _mm256_setzero_ps(); }
  static Type broadcast(float x) { return _mm256_set1_ps(x); }
  static Type load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Type v) { _mm256_storeu_ps(p, v); }
  static __m256i first(std::ptrdiff_t count) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(masks + (8 - count) * 1));
  }
  static Type load(const float* p, std::ptrdiff_t count) { return _mm256_maskload_ps(p, first(count)); }
  static void store(float* p, Type v, std::ptrdiff_t count) { _mm256_maskstore_ps(p, first(count), v); }
  static Type fma(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }
  static Type fnma(Type a, Type b, Type c) { return _mm256_fnmadd_ps(a, b, c); }
  static Type div(Type a, Type b) { return _mm256_div_ps(a, b); }
  static float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float fnma(float a, float b, float c) { return __builtin_fmaf(-a, b, c); }
  static float sqrt(float a) { return __builtin_sqrtf(a); }
};

}  // namespace

#include "dini/ops/kernels/dense_micro_body.hpp"

}  // namespace dini::kernels::micro_avx2
