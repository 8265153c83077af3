// The vector kernels against the C library in long double: errors in ulp over the whole range, special values, tails,
// and the order of sums, on every instruction set that this processor has.
#include "dini/ops/kernels/vector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace dini::kernels {
namespace {

template <class T>
using Unsigned = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
template <class T>
constexpr T inf = std::numeric_limits<T>::infinity();
template <class T>
constexpr T nan_of = std::numeric_limits<T>::quiet_NaN();

using Real = long double;

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const char* name : {"baseline", "avx2", "avx512"})
    if (vector_kernels_for<float>(name)) names.push_back(name);
  return names;
}

template <class T>
bool same_bits(T a, T b) {
  return std::bit_cast<Unsigned<T>>(a) == std::bit_cast<Unsigned<T>>(b) || (std::isnan(a) && std::isnan(b));
}

// The error of y in units of the last place of T at the exact value; what rounds to infinity may be infinity.
template <class T>
double ulp_error(T y, Real exact) {
  if (std::isnan(exact) || std::isnan(y)) return std::isnan(exact) && std::isnan(y) ? 0 : 1e30;
  T rounded = T(exact);
  if (y == rounded) {
    if (std::isinf(y) || exact == Real(y)) return 0;
  } else if (std::isinf(y) || std::isinf(rounded)) {
    T largest = std::numeric_limits<T>::max();
    bool close = std::isinf(rounded) ? std::abs(y) == largest : std::abs(rounded) == largest;
    return close && std::signbit(y) == std::signbit(rounded) ? 1 : 1e30;
  }
  int exponent = exact == 0 ? -10000 : std::ilogb(exact);
  int lowest = std::numeric_limits<T>::min_exponent - 1;
  Real ulp = std::ldexp(Real(1), std::max(exponent, lowest) - std::numeric_limits<T>::digits + 1);
  return double(std::abs(Real(y) - exact) / ulp);
}

// ---- Arguments ----------------------------------------------------------------------------------------------------------

// Bit patterns over all exponents and both signs, values a few bits from interesting ones, and uniform draws where
// functions change their method.
template <class T>
std::vector<T> arguments(std::size_t random_count) {
  std::vector<T> xs;
  std::mt19937_64 random(20240229);
  if constexpr (sizeof(T) == 4) {
    std::uint64_t stride = (1ull << 32) / random_count;
    for (std::uint64_t b = random() % stride; b < (1ull << 32); b += stride) xs.push_back(std::bit_cast<T>(std::uint32_t(b)));
  } else {
    for (std::size_t i = 0; i < random_count; ++i) xs.push_back(std::bit_cast<T>(std::uint64_t(random())));
  }
  auto uniform = [&](double low, double high, std::size_t n) {
    std::uniform_real_distribution<double> draw(low, high);
    for (std::size_t i = 0; i < n; ++i) xs.push_back(T(draw(random)));
  };
  std::size_t n = random_count / 8;
  uniform(-1, 1, n);
  uniform(-10, 10, n);
  uniform(0.4, 2.5, n);
  uniform(-100, 100, n);
  uniform(-800, 800, n);
  uniform(-1e5, 1e5, n);
  uniform(-2e6, 2e6, n);
  // Multiples of π/4, where sin, cos and tan cancel; half-integers; powers of two and ten.
  std::vector<double> special = {0.0, 1e-300, 1e-40, 1e-20, 1e-8, 0.5, 1.0, 2.0, 0.70710678118654752, 1.4142135623730951,
                                 0.41421356237309505, 2.4142135623730951, 88.72283, 103.97, 709.782712893384, 745.13,
                                 1e5, 1647000.0, 1e10, 1e22, 1e30, 1e300, 19.06, 9.01, 1.4616321449683623, 4.2e9};
  for (int i = 1; i < 200; ++i) special.push_back(i * 0.78539816339744831), special.push_back(i * 0.5);
  for (int i = 200; i < 2000000; i += 997) special.push_back(i * 0.78539816339744831);
  for (int e = -1070; e < 1024; e += 3) special.push_back(std::ldexp(1.0, e));
  for (int e = -300; e < 300; ++e) special.push_back(std::pow(10.0, e));
  for (double v : special) {
    for (T near : {T(v), T(-v)}) {
      Unsigned<T> b = std::bit_cast<Unsigned<T>>(near);
      for (int d = -2; d <= 2; ++d) xs.push_back(std::bit_cast<T>(Unsigned<T>(b + Unsigned<T>(d))));
    }
  }
  return xs;
}

// ---- Functions of one argument ------------------------------------------------------------------------------------------

struct UnaryCase {
  const char* name;
  UnaryKernel<float> VectorKernels<float>::* f32;
  UnaryKernel<double> VectorKernels<double>::* f64;
  Real (*reference)(Real);
  double ulp = 2;         // the largest error allowed, in ulp
  double absolute = 0;    // or this many epsilons, where the function has zeros that the argument does not resolve

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
  const Real b[] = {1.0L / 12,  -1.0L / 120,      1.0L / 252, -1.0L / 240,        1.0L / 132, -691.0L / 32760,
                    1.0L / 12, -3617.0L / 8160, 43867.0L / 14364, -174611.0L / 6600};
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

#define BOTH(name) #name, &VectorKernels<float>::name, &VectorKernels<double>::name
const UnaryCase unary_cases[] = {
    {BOTH(neg), [](Real x) { return -x; }, 0},
    {BOTH(abs), [](Real x) { return std::abs(x); }, 0},
    {BOTH(sign), [](Real x) { return x > 0 ? Real(1) : x < 0 ? Real(-1) : x; }, 0},
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
    {BOTH(expm1), [](Real x) { return std::expm1(x); }},
    {BOTH(log), [](Real x) { return std::log(x); }},
    {BOTH(log1p), [](Real x) { return std::log1p(x); }},
    {BOTH(log2), [](Real x) { return std::log2(x); }},
    {BOTH(log10), [](Real x) { return std::log10(x); }},
    {BOTH(cbrt), [](Real x) { return std::cbrt(x); }},
    {BOTH(sin), [](Real x) { return std::sin(x); }},
    {BOTH(cos), [](Real x) { return std::cos(x); }},
    {BOTH(tan), [](Real x) { return std::tan(x); }, 2.5},
    {BOTH(asin), [](Real x) { return std::asin(x); }, 2.5},
    {BOTH(acos), [](Real x) { return std::acos(x); }},
    {BOTH(atan), [](Real x) { return std::atan(x); }},
    {BOTH(sinh), [](Real x) { return std::sinh(x); }, 2.5},
    {BOTH(cosh), [](Real x) { return std::cosh(x); }, 2.5},
    {BOTH(tanh), [](Real x) { return std::tanh(x); }, 2.5},
    {BOTH(asinh), [](Real x) { return std::asinh(x); }, 3},
    {BOTH(acosh), [](Real x) { return std::acosh(x); }, 3},
    {BOTH(atanh), [](Real x) { return std::atanh(x); }, 3},
    {BOTH(sigmoid), [](Real x) { return 1 / (1 + std::exp(-x)); }, 2.5},
    {BOTH(softplus), [](Real x) { return x > 60 ? x : std::log1p(std::exp(x)); }, 2.5},
    {BOTH(relu), [](Real x) { return x > 0 ? x : x <= 0 ? Real(0) : x; }, 0},
    {BOTH(erf), [](Real x) { return std::erf(x); }},
    {BOTH(erfc), [](Real x) { return std::erfc(x); }, 3.75},
    {BOTH(erfinv), erfinv_reference, 4},
    // lgamma's and digamma's zeros on the left are wherever they are: near them only the absolute error is small.
    {BOTH(gammaln), [](Real x) { return std::lgamma(x); }, 4, 4},
    {BOTH(digamma), digamma_reference, 4, 4},
    {BOTH(i0e), [](Real x) { return bessel_reference(0, x); }, 4},
    {BOTH(i1e), [](Real x) { return bessel_reference(1, x); }, 4},
};

// DINI_VECTOR_ULP=1 prints the table of docs/vector-maths.md, from many more arguments.
bool print_table() { return std::getenv("DINI_VECTOR_ULP") != nullptr; }

template <class T>
void unary_errors() {
  const std::vector<T> xs = arguments<T>(print_table() ? 2000000 : 4000);
  std::vector<T> y(xs.size());
  std::vector<Real> exact(xs.size());
  for (const UnaryCase& c : unary_cases) {
    for (std::size_t i = 0; i < xs.size(); ++i) exact[i] = c.reference(Real(xs[i]));
    std::string line;
    for (const std::string& isa : instruction_sets()) {
      c.get(*vector_kernels_for<T>(isa.c_str()))(xs.data(), y.data(), xs.size());
      double worst = 0;
      std::size_t at = 0;
      for (std::size_t i = 0; i < xs.size(); ++i) {
        double e = ulp_error(y[i], exact[i]);
        if (c.absolute > 0 && std::abs(Real(y[i]) - exact[i]) <= c.absolute * std::numeric_limits<T>::epsilon()) e = 0;
        if (e > worst) worst = e, at = i;
      }
      if (print_table()) {
        char text[200];
        std::snprintf(text, sizeof text, " %9.3g (%.9g)", worst, double(xs[at]));
        line += text;
      }
      EXPECT_LE(worst, c.ulp) << c.name << (sizeof(T) == 4 ? " float32 " : " float64 ") << isa << " at " << std::hexfloat
                              << xs[at] << std::defaultfloat << " = " << xs[at] << ": " << y[at] << ", not " << T(exact[at]);
    }
    if (print_table()) std::printf("%-10s %s %s\n", c.name, sizeof(T) == 4 ? "float32" : "float64", line.c_str());
  }
}

TEST(Vector, UnaryErrorsFloat32) { unary_errors<float>(); }
TEST(Vector, UnaryErrorsFloat64) { unary_errors<double>(); }

}  // namespace
}  // namespace dini::kernels
