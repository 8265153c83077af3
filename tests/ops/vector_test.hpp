// What the tests of the vector kernels share: the functions, their references in long double and the errors allowed.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "dini/ops/kernels/vector.hpp"

namespace dini::kernels::vector_test {
namespace {

template <class T> using Unsigned = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
template <class T> constexpr T inf = std::numeric_limits<T>::infinity();
template <class T> constexpr T nan_of = std::numeric_limits<T>::quiet_NaN();

using Real = long double;

inline std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const char* name : {"baseline", "avx2", "avx512"})
    if (vector_kernels_for<float>(name)) names.push_back(name);
  return names;
}

template <class T> bool same_bits(T a, T b) {
  return std::bit_cast<Unsigned<T>>(a) == std::bit_cast<Unsigned<T>>(b) || (std::isnan(a) && std::isnan(b));
}

// ---- Functions of one argument --------------------------------------------------------------------------------------

struct UnaryCase {
  const char* name;
  UnaryKernel<float> VectorKernels<float>::*f32;
  UnaryKernel<double> VectorKernels<double>::*f64;
  Real (*reference)(Real);
  double ulp = 2;       // the largest error allowed, in ulp
  double absolute = 0;  // or this many epsilons, where the function has zeros that the argument does not resolve

  UnaryKernel<float> get(const VectorKernels<float>& k) const { return k.*f32; }
  UnaryKernel<double> get(const VectorKernels<double>& k) const { return k.*f64; }
};

Real digamma_reference(Real x) {
  const Real pi = std::acos(Real(-1));
  if (x == 0) return std::copysign(inf<Real>, -x);
  if (x < 0) {
    if (x == std::floor(x)) return nan_of<Real>;
    // By reflection; the angle is reduced first, or the cotangent would lose what x has of digits beyond its integer.
    Real r = x - std::round(x);
    return digamma_reference(1 - x) - pi / std::tan(pi * r);
  }
  Real sum = 0;
  for (; x < 30; x += 1) sum -= 1 / x;
  Real z = 1 / (x * x), series = 0;
  // Bernoulli numbers B₂ₖ/(2k)
  const Real b[] = {1.0L / 12,       -1.0L / 120, 1.0L / 252,      -1.0L / 240,      1.0L / 132,
                    -691.0L / 32760, 1.0L / 12,   -3617.0L / 8160, 43867.0L / 14364, -174611.0L / 6600};
  for (int k = 9; k >= 0; --k) series = (series + b[k]) * z;
  return sum + std::log(x) - Real(0.5) / x - series;
}

Real erfinv_reference(Real y) {
  if (std::isnan(y) || std::abs(y) > 1) return nan_of<Real>;
  if (std::abs(y) == 1) return std::copysign(inf<Real>, y);
  Real a = std::abs(y), low = 0, high = 6.5L, x;
  if (a < 1e-9L) return y * std::sqrt(std::acos(Real(-1))) / 2;
  Real c = 1 - a;
  x = a < 0.7L ? a : std::sqrt(-std::log(c));
  for (int i = 0; i < 60; ++i) {
    Real error = a < 0.5L ? std::erf(x) - a : c - std::erfc(x);
    (error > 0 ? high : low) = x;
    Real step = error * std::exp(x * x) * std::sqrt(std::acos(Real(-1))) / 2;
    Real next = x - step / (1 + x * step);
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (std::abs(next - x) <= 1e-19L * x) break;
    x = next;
  }
  return std::copysign(x, y);
}

// e^-|x| I_order(x): the power series, all of whose terms are positive, or Hankel's expansion.
Real bessel_reference(int order, Real x) {
  Real a = std::abs(x), y;
  if (a < 40) {
    Real q = a * a / 4, term = order ? a / 2 : 1, sum = 0;
    for (int k = 1; term > sum * 1e-22L; ++k) {
      sum += term;
      term *= q / (Real(k) * (k + order));
    }
    y = sum * std::exp(-a);
  } else {
    Real mu = 4 * order * order, term = 1, sum = 0;
    for (int k = 1; k < 60 && std::abs(term) > 1e-22L; ++k) {
      sum += term;
      term *= -(mu - Real(2 * k - 1) * (2 * k - 1)) / (k * 8 * a);
    }
    y = sum / std::sqrt(2 * std::acos(Real(-1)) * a);
    if (std::isinf(a)) y = 0;
  }
  return order && x < 0 ? -y : y;
}

#define BOTH(name) #name, &VectorKernels < float> ::name, &VectorKernels < double> ::name
const UnaryCase unary_cases[] = {
    {BOTH(neg), [](Real x) { return -x; }, 0},
    {BOTH(abs), [](Real x) { return std::abs(x); }, 0},
    {BOTH(sign), [](Real x) { return x > 0   ? Real(1)
                                     : x < 0 ? Real(-1)
                                             : x; }, 0},
    {BOTH(square), [](Real x) { return x * x; }, 0.5},
    {BOTH(sqrt), [](Real x) { return std::sqrt(x); }, 0.5},
    {BOTH(rsqrt), [](Real x) { return 1 / std::sqrt(x); }, 1.5},
    {BOTH(reciprocal), [](Real x) { return 1 / x; }, 0.5},
    {BOTH(floor), [](Real x) { return std::floor(x); }, 0},
    {BOTH(ceil), [](Real x) { return std::ceil(x); }, 0},
    {BOTH(round), [](Real x) { return std::nearbyint(x); }, 0},
    {BOTH(trunc), [](Real x) { return std::trunc(x); }, 0},
    {BOTH(exp), [](Real x) { return std::exp(x); }},
    {BOTH(exp2), [](Real x) { return std::exp2(x); }},
    {BOTH(expm1), [](Real x) { return std::expm1(x); }, 2.5},
    {BOTH(log), [](Real x) { return std::log(x); }},
    {BOTH(log1p), [](Real x) { return std::log1p(x); }},
    {BOTH(log2), [](Real x) { return std::log2(x); }},
    {BOTH(log10), [](Real x) { return std::log10(x); }},
    {BOTH(cbrt), [](Real x) { return std::cbrt(x); }, 1},
    {BOTH(sin), [](Real x) { return std::sin(x); }},
    {BOTH(cos), [](Real x) { return std::cos(x); }},
    {BOTH(tan), [](Real x) { return std::tan(x); }, 2.5},
    {BOTH(asin), [](Real x) { return std::asin(x); }, 2.5},
    {BOTH(acos), [](Real x) { return std::acos(x); }},
    {BOTH(atan), [](Real x) { return std::atan(x); }},
    {BOTH(sinh), [](Real x) { return std::sinh(x); }, 2.5},
    {BOTH(cosh), [](Real x) { return std::cosh(x); }, 2.5},
    {BOTH(tanh), [](Real x) { return std::tanh(x); }, 3},
    {BOTH(sech_squared), [](Real x) { return 1 / (std::cosh(x) * std::cosh(x)); }, 4},
    {BOTH(asinh), [](Real x) { return std::asinh(x); }, 3},
    {BOTH(acosh), [](Real x) { return std::acosh(x); }, 3},
    {BOTH(atanh), [](Real x) { return std::atanh(x); }, 3},
    {BOTH(sigmoid), [](Real x) { return 1 / (1 + std::exp(-x)); }, 2.5},
    {BOTH(softplus), [](Real x) { return x > 60 ? x : std::log1p(std::exp(x)); }, 2.5},
    {BOTH(relu), [](Real x) { return x > 0    ? x
                                     : x <= 0 ? Real(0)
                                              : x; }, 0},
    {BOTH(erf), [](Real x) { return std::erf(x); }},
    {BOTH(erfc), [](Real x) { return std::erfc(x); }, 4},
    {BOTH(erfinv), erfinv_reference, 2.5},
    // lgamma's and digamma's zeros on the left are wherever they are: near them only the absolute error is small.
    {BOTH(gammaln), [](Real x) { return std::lgamma(x); }, 4, 4},
    {BOTH(digamma), digamma_reference, 4, 4},
    {BOTH(i0e), [](Real x) { return bessel_reference(0, x); }, 4},
    {BOTH(i1e), [](Real x) { return bessel_reference(1, x); }, 4},
};

// ---- Functions of two arguments -------------------------------------------------------------------------------------

struct BinaryCase {
  const char* name;
  BinaryKernel<float> VectorKernels<float>::*f32;
  BinaryKernel<double> VectorKernels<double>::*f64;
  Real (*reference)(Real, Real);
  double ulp;

  BinaryKernel<float> get(const VectorKernels<float>& k) const { return k.*f32; }
  BinaryKernel<double> get(const VectorKernels<double>& k) const { return k.*f64; }
};

Real floor_mod(Real a, Real b) {
  Real r = std::fmod(a, b);
  if (r == 0) return std::copysign(Real(0), b);
  return (r < 0) != (b < 0) ? r + b : r;
}

const BinaryCase binary_cases[] = {
    {BOTH(add), [](Real a, Real b) { return a + b; }, 0.50001},
    {BOTH(sub), [](Real a, Real b) { return a - b; }, 0.50001},
    {BOTH(mul), [](Real a, Real b) { return a * b; }, 0.50001},
    {BOTH(div), [](Real a, Real b) { return a / b; }, 0.50001},
    {BOTH(maximum), [](Real a, Real b) { return std::isnan(a) || a > b ? a : b; }, 0},
    {BOTH(minimum), [](Real a, Real b) { return std::isnan(a) || a < b ? a : b; }, 0},
    {BOTH(pow), [](Real a, Real b) { return std::pow(a, b); }, 1.5},
    {BOTH(atan2), [](Real a, Real b) { return std::atan2(a, b); }, 2.5},
    {BOTH(hypot), [](Real a, Real b) { return std::hypot(a, b); }, 1.5},
    {BOTH(mod), floor_mod, 0.50001},
};

#undef BOTH

}  // namespace
}  // namespace dini::kernels::vector_test
