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
    {BOTH(asinh), [](Real x) { return std::asinh(x); }, 3},
    {BOTH(acosh), [](Real x) { return std::acosh(x); }, 3},
    {BOTH(atanh), [](Real x) { return std::atanh(x); }, 3},
    {BOTH(sigmoid), [](Real x) { return 1 / (1 + std::exp(-x)); }, 2.5},
    {BOTH(softplus), [](Real x) { return x > 60 ? x : std::log1p(std::exp(x)); }, 2.5},
    {BOTH(relu), [](Real x) { return x > 0 ? x : x <= 0 ? Real(0) : x; }, 0},
    {BOTH(erf), [](Real x) { return std::erf(x); }},
    {BOTH(erfc), [](Real x) { return std::erfc(x); }, 4},
    {BOTH(erfinv), erfinv_reference, 2.5},
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
  const std::vector<T> xs = arguments<T>(print_table() ? 2000000 : 12000);
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

// ---- Functions of two arguments -----------------------------------------------------------------------------------------

struct BinaryCase {
  const char* name;
  BinaryKernel<float> VectorKernels<float>::* f32;
  BinaryKernel<double> VectorKernels<double>::* f64;
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

// Pairs of arguments: anything with anything, numbers of like size, powers that neither over- nor underflow, quotients
// near integers.
template <class T>
std::pair<std::vector<T>, std::vector<T>> argument_pairs(std::size_t n) {
  std::vector<T> a, b, all = arguments<T>(1000);
  std::mt19937_64 random(7);
  auto uniform = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
  auto add = [&](double u, double v) { a.push_back(T(u)), b.push_back(T(v)); };
  for (std::size_t i = 0; i < n; ++i) {
    a.push_back(all[random() % all.size()]), b.push_back(all[random() % all.size()]);
    add(uniform(-10, 10), uniform(-10, 10));
    double base = std::exp2(uniform(-140, 120));
    add(base, uniform(-1, 1) * (sizeof(T) == 4 ? 100 : 740) / std::log(base));
    add(uniform(0.5, 2), uniform(-1000, 1000));
    add(1 + uniform(-1, 1) * 1e-5, uniform(-1, 1) * 1e7);
    add(-uniform(0, 20), std::round(uniform(-40, 40)));
    double v = uniform(-3, 3);
    add(T(v) * std::round(uniform(-1e4, 1e4)), v);
    add(uniform(-1, 1) * std::exp2(uniform(-60, 60)), uniform(-1, 1) * std::exp2(uniform(-60, 60)));
    // Angles near those at which atan2 changes its method.
    double angle = 0.39269908169872414 * double(random() % 16) + uniform(-1e-6, 1e-6), r = std::exp2(uniform(-100, 100));
    add(r * std::sin(angle), r * std::cos(angle));
  }
  return {a, b};
}

template <class T>
void binary_errors() {
  const auto [a, b] = argument_pairs<T>(print_table() ? 300000 : 3000);
  std::vector<T> y(a.size());
  std::vector<Real> exact(a.size());
  for (const BinaryCase& c : binary_cases) {
    for (std::size_t i = 0; i < a.size(); ++i) exact[i] = c.reference(Real(a[i]), Real(b[i]));
    std::string line;
    for (const std::string& isa : instruction_sets()) {
      c.get(*vector_kernels_for<T>(isa.c_str()))(a.data(), b.data(), y.data(), a.size());
      double worst = 0;
      std::size_t at = 0;
      for (std::size_t i = 0; i < a.size(); ++i) {
        // The sum of a remainder and b is rounded to T once, from a remainder that is exact: ours is the nearest.
        double e = ulp_error(y[i], exact[i]);
        if (e > worst) worst = e, at = i;
      }
      if (print_table()) {
        char text[200];
        std::snprintf(text, sizeof text, " %9.3g (%.9g, %.9g)", worst, double(a[at]), double(b[at]));
        line += text;
      }
      EXPECT_LE(worst, c.ulp) << c.name << (sizeof(T) == 4 ? " float32 " : " float64 ") << isa << " at " << std::hexfloat
                              << a[at] << ", " << b[at] << std::defaultfloat << " = " << a[at] << ", " << b[at] << ": "
                              << y[at] << ", not " << T(exact[at]);
    }
    if (print_table()) std::printf("%-10s %s %s\n", c.name, sizeof(T) == 4 ? "float32" : "float64", line.c_str());
  }
}

TEST(Vector, BinaryErrorsFloat32) { binary_errors<float>(); }
TEST(Vector, BinaryErrorsFloat64) { binary_errors<double>(); }

// ---- Values at the edges ------------------------------------------------------------------------------------------------

template <class T>
class VectorOf : public testing::Test {};
using Dtypes = testing::Types<float, double>;
TYPED_TEST_SUITE(VectorOf, Dtypes);

TYPED_TEST(VectorOf, LimitsAreExact) {
  using T = TypeParam;
  using K = VectorKernels<T>;
  const T big = std::numeric_limits<T>::max(), tiny = std::numeric_limits<T>::denorm_min();
  struct Limit {
    UnaryKernel<T> K::* f;
    const char* name;
    T x, y;
  };
#define LIMIT(f, x, y) {&K::f, #f, T(x), T(y)}
  const Limit limits[] = {
      LIMIT(tanh, 1000, 1), LIMIT(tanh, -1000, -1), LIMIT(tanh, inf<T>, 1), LIMIT(tanh, -inf<T>, -1), LIMIT(tanh, -0.0, -0.0),
      LIMIT(tanh, tiny, tiny), LIMIT(tanh, big, 1), LIMIT(exp, -1000, 0), LIMIT(exp, 1000, inf<T>), LIMIT(exp, 0, 1),
      LIMIT(exp, -0.0, 1), LIMIT(exp, -inf<T>, 0), LIMIT(exp, inf<T>, inf<T>), LIMIT(exp2, 10, 1024), LIMIT(exp2, -2000, 0),
      LIMIT(exp2, 2000, inf<T>), LIMIT(expm1, -1000, -1), LIMIT(expm1, 1000, inf<T>), LIMIT(expm1, -0.0, -0.0),
      LIMIT(expm1, -inf<T>, -1), LIMIT(expm1, inf<T>, inf<T>), LIMIT(expm1, tiny, tiny), LIMIT(log, 0, -inf<T>),
      LIMIT(log, -0.0, -inf<T>), LIMIT(log, -1, nan_of<T>), LIMIT(log, 1, 0), LIMIT(log, inf<T>, inf<T>),
      LIMIT(log, -inf<T>, nan_of<T>), LIMIT(log2, 8, 3), LIMIT(log2, 0, -inf<T>), LIMIT(log2, T(0.125), -3),
      LIMIT(log10, 1000, 3), LIMIT(log10, 0, -inf<T>), LIMIT(log10, -2, nan_of<T>), LIMIT(log1p, -1, -inf<T>),
      LIMIT(log1p, -2, nan_of<T>), LIMIT(log1p, -0.0, -0.0), LIMIT(log1p, inf<T>, inf<T>), LIMIT(log1p, tiny, tiny),
      LIMIT(sqrt, -1, nan_of<T>), LIMIT(sqrt, -0.0, -0.0), LIMIT(sqrt, inf<T>, inf<T>), LIMIT(rsqrt, 0, inf<T>),
      LIMIT(reciprocal, 0, inf<T>), LIMIT(reciprocal, -0.0, -inf<T>), LIMIT(cbrt, 27, 3), LIMIT(cbrt, -8, -2),
      LIMIT(cbrt, -0.0, -0.0), LIMIT(cbrt, -inf<T>, -inf<T>), LIMIT(sin, -0.0, -0.0), LIMIT(sin, inf<T>, nan_of<T>),
      LIMIT(sin, tiny, tiny), LIMIT(cos, 0, 1), LIMIT(cos, inf<T>, nan_of<T>), LIMIT(tan, -0.0, -0.0),
      LIMIT(tan, -inf<T>, nan_of<T>), LIMIT(asin, 2, nan_of<T>), LIMIT(asin, -0.0, -0.0), LIMIT(acos, 1, 0),
      LIMIT(acos, -2, nan_of<T>), LIMIT(acos, inf<T>, nan_of<T>), LIMIT(atan, -0.0, -0.0), LIMIT(atan, inf<T>, 1.5707963267948966),
      LIMIT(atan, -inf<T>, -1.5707963267948966), LIMIT(asin, 1, 1.5707963267948966), LIMIT(acos, -1, 3.1415926535897931),
      LIMIT(sinh, -0.0, -0.0), LIMIT(sinh, -1000, -inf<T>), LIMIT(cosh, 0, 1), LIMIT(cosh, -1000, inf<T>),
      LIMIT(asinh, -0.0, -0.0), LIMIT(asinh, -inf<T>, -inf<T>), LIMIT(acosh, 1, 0), LIMIT(acosh, T(0.5), nan_of<T>),
      LIMIT(acosh, -inf<T>, nan_of<T>), LIMIT(acosh, inf<T>, inf<T>), LIMIT(atanh, 1, inf<T>), LIMIT(atanh, -1, -inf<T>),
      LIMIT(atanh, 2, nan_of<T>), LIMIT(atanh, -0.0, -0.0), LIMIT(sigmoid, 1000, 1), LIMIT(sigmoid, -1000, 0),
      LIMIT(sigmoid, 0, T(0.5)), LIMIT(sigmoid, inf<T>, 1), LIMIT(sigmoid, -inf<T>, 0), LIMIT(softplus, 1000, 1000),
      LIMIT(softplus, -1000, 0), LIMIT(softplus, inf<T>, inf<T>), LIMIT(softplus, -inf<T>, 0), LIMIT(softplus, big, big),
      LIMIT(relu, -1, 0), LIMIT(relu, -inf<T>, 0), LIMIT(relu, inf<T>, inf<T>), LIMIT(erf, 10, 1), LIMIT(erf, -10, -1),
      LIMIT(erf, -0.0, -0.0), LIMIT(erf, inf<T>, 1), LIMIT(erf, tiny, 0), LIMIT(erfc, 0, 1), LIMIT(erfc, 1000, 0),
      LIMIT(erfc, -1000, 2), LIMIT(erfc, inf<T>, 0), LIMIT(erfc, -inf<T>, 2), LIMIT(erfinv, 1, inf<T>),
      LIMIT(erfinv, -1, -inf<T>), LIMIT(erfinv, -0.0, -0.0), LIMIT(erfinv, 2, nan_of<T>), LIMIT(gammaln, 1, 0),
      LIMIT(gammaln, 2, 0), LIMIT(gammaln, 0, inf<T>), LIMIT(gammaln, -1, inf<T>), LIMIT(gammaln, inf<T>, inf<T>),
      LIMIT(digamma, -1, nan_of<T>), LIMIT(digamma, inf<T>, inf<T>), LIMIT(i0e, 0, 1), LIMIT(i0e, inf<T>, 0), LIMIT(i1e, 0, 0),
      LIMIT(i1e, -inf<T>, -0.0), LIMIT(sign, -0.0, -0.0), LIMIT(sign, -3, -1), LIMIT(abs, -0.0, 0), LIMIT(abs, -inf<T>, inf<T>),
      LIMIT(floor, -0.0, -0.0), LIMIT(floor, -0.5, -1), LIMIT(ceil, -0.5, -0.0), LIMIT(round, 2.5, 2), LIMIT(round, 3.5, 4),
      LIMIT(round, -0.5, -0.0), LIMIT(trunc, -0.5, -0.0), LIMIT(floor, big, big), LIMIT(round, inf<T>, inf<T>), LIMIT(neg, 0, -0.0),
  };
  for (const std::string& isa : instruction_sets()) {
    const K& k = *vector_kernels_for<T>(isa.c_str());
    for (const Limit& l : limits) {
      T y;
      (k.*l.f)(&l.x, &y, 1);
      bool tiny_erf = l.name == std::string("erf") && l.x == tiny;
      if (tiny_erf) EXPECT_LE(y, 2 * tiny);
      else EXPECT_TRUE(same_bits(y, l.y)) << l.name << "(" << l.x << ") = " << y << ", not " << l.y << ", " << isa;
    }
    for (const UnaryCase& c : unary_cases) {
      T x = nan_of<T>, y = 0;
      c.get(k)(&x, &y, 1);
      EXPECT_TRUE(std::isnan(y)) << c.name << "(nan) " << isa;
    }
  }
}

TYPED_TEST(VectorOf, PairsAtTheEdgesAreAsInC) {
  using T = TypeParam;
  const T values[] = {T(0), T(-0.0), 1, -1, T(0.5), T(-0.5), 2, -2, 3, -3, T(2.5), T(-2.5), inf<T>, -inf<T>, nan_of<T>,
                      std::numeric_limits<T>::max(), -std::numeric_limits<T>::max(), std::numeric_limits<T>::denorm_min(),
                      -std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::min(), T(1e15), T(-1e15) + 1};
  struct Pair {
    const char* name;
    BinaryKernel<T> VectorKernels<T>::* f;
    T (*reference)(T, T);
  };
  const Pair cases[] = {
      {"pow", &VectorKernels<T>::pow, [](T a, T b) { return T(std::pow(a, b)); }},
      {"atan2", &VectorKernels<T>::atan2, [](T a, T b) { return T(std::atan2(a, b)); }},
      {"hypot", &VectorKernels<T>::hypot, [](T a, T b) { return T(std::hypot(a, b)); }},
      {"mod", &VectorKernels<T>::mod,
       [](T a, T b) {
         T r = std::fmod(a, b);
         if (r == 0) return std::copysign(T(0), b);
         return (r < 0) != (b < 0) ? r + b : r;
       }},
  };
  for (const std::string& isa : instruction_sets()) {
    for (const Pair& p : cases) {
      for (T a : values) {
        for (T b : values) {
          T y;
          (vector_kernels_for<T>(isa.c_str())->*p.f)(&a, &b, &y, 1);
          T wanted = p.reference(a, b);
          bool close = std::isfinite(y) && wanted != 0 && std::abs(y - wanted) <= 4 * std::numeric_limits<T>::epsilon() * std::abs(wanted);
          EXPECT_TRUE(close || same_bits(y, wanted)) << p.name << "(" << a << ", " << b << ") = " << y << ", not " << wanted << ", " << isa;
        }
      }
    }
  }
}

// ---- Tails, position, in place ------------------------------------------------------------------------------------------

// Values that send some lanes and not others through the rare branches.
template <class T>
std::vector<T> mixed_values(std::size_t n, unsigned seed) {
  const T odd[] = {0, T(-0.0), T(1e30), T(-1e30), inf<T>, nan_of<T>, std::numeric_limits<T>::denorm_min(), T(1e7), T(0.9999), -1, 100};
  std::mt19937_64 random(seed);
  std::vector<T> x(n);
  for (T& v : x) v = random() % 4 == 0 ? odd[random() % std::size(odd)] : T(std::uniform_real_distribution<double>(-4, 4)(random));
  return x;
}

constexpr std::size_t guard = 24;

// f(n, y) writes n elements at y and nowhere else; they are returned.
template <class T, class F>
std::vector<T> guarded(std::size_t n, T fill, F f) {
  std::vector<T> y(n + 2 * guard, fill);
  f(y.data() + guard);
  for (std::size_t i = 0; i < guard; ++i) {
    EXPECT_EQ(std::memcmp(&y[i], &fill, sizeof(T)), 0) << "before the array, n = " << n;
    EXPECT_EQ(std::memcmp(&y[guard + n + i], &fill, sizeof(T)), 0) << "behind the array, n = " << n;
  }
  return {y.begin() + guard, y.begin() + guard + n};
}

TYPED_TEST(VectorOf, AnElementDependsOnItselfAlone) {
  using T = TypeParam;
  for (const std::string& isa : instruction_sets()) {
    const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
    const std::vector<T> x = mixed_values<T>(64, 1), z = mixed_values<T>(64, 2);
    for (const UnaryCase& c : unary_cases) {
      std::vector<T> alone(64);
      for (std::size_t i = 0; i < 64; ++i) c.get(k)(&x[i], &alone[i], 1);
      for (std::size_t n = 0; n <= 40; ++n) {
        std::size_t from = (n * 7) % 24;
        auto y = guarded<T>(n, T(7), [&](T* p) { c.get(k)(x.data() + from, p, n); });
        auto in_place = guarded<T>(n, T(7), [&](T* p) {
          std::copy_n(x.data() + from, n, p);
          c.get(k)(p, p, n);
        });
        for (std::size_t i = 0; i < n; ++i) {
          ASSERT_TRUE(same_bits(y[i], alone[from + i])) << c.name << " " << isa << " n = " << n << " element " << i;
          ASSERT_TRUE(same_bits(in_place[i], y[i])) << c.name << " in place";
        }
      }
    }
    for (const BinaryCase& c : binary_cases) {
      std::vector<T> alone(64);
      for (std::size_t i = 0; i < 64; ++i) c.get(k)(&x[i], &z[i], &alone[i], 1);
      for (std::size_t n = 0; n <= 40; ++n) {
        std::size_t from = (n * 5) % 24;
        for (int place = 0; place < 3; ++place) {
          auto y = guarded<T>(n, T(7), [&](T* p) {
            const T *a = x.data() + from, *b = z.data() + from;
            if (place == 1) std::copy_n(a, n, p), a = p;
            if (place == 2) std::copy_n(b, n, p), b = p;
            c.get(k)(a, b, p, n);
          });
          for (std::size_t i = 0; i < n; ++i)
            ASSERT_TRUE(same_bits(y[i], alone[from + i])) << c.name << " " << isa << " n = " << n << " element " << i;
        }
      }
    }
  }
}

TYPED_TEST(VectorOf, ComparisonsAndSelect) {
  using T = TypeParam;
  for (const std::string& isa : instruction_sets()) {
    const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
    std::vector<T> a = mixed_values<T>(40, 3), b = mixed_values<T>(40, 4);
    for (std::size_t i = 0; i < 40; i += 3) b[i] = a[i];
    for (std::size_t n = 0; n <= 40; ++n) {
      // std::vector<bool> has no array inside.
      auto c = std::make_unique<bool[]>(n + 2);
      auto check = [&](CompareKernel<T> f, auto reference) {
        std::fill_n(c.get(), n + 2, true);
        f(a.data(), b.data(), c.get() + 1, n);
        EXPECT_TRUE(c[0] && c[n + 1]);
        for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(c[i + 1], reference(a[i], b[i])) << isa << " " << a[i] << " " << b[i];
      };
      check(k.lt, std::less<>());
      check(k.le, std::less_equal<>());
      check(k.eq, std::equal_to<>());
      check(k.ne, std::not_equal_to<>());
      auto y = guarded<T>(n, T(7), [&](T* p) { k.select(c.get() + 1, a.data(), b.data(), p, n); });
      for (std::size_t i = 0; i < n; ++i) EXPECT_TRUE(same_bits(y[i], c[i + 1] ? a[i] : b[i]));
    }
  }
}

// ---- Reductions ---------------------------------------------------------------------------------------------------------

template <class T>
std::vector<T> uniform_values(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> draw(-1, 1);
  std::vector<T> x(n);
  for (T& v : x) v = T(draw(random) * std::exp2(draw(random) * 10));
  return x;
}

// The order that vector.hpp states, as plainly as possible.
template <class T>
T stated_sum(const std::vector<T>& x) {
  constexpr std::size_t lanes = 128 / sizeof(T);
  double total = 0;
  for (std::size_t block = 0; block < x.size(); block += reduction_block) {
    T lane[lanes] = {};
    for (std::size_t i = block; i < std::min(x.size(), block + reduction_block); ++i) lane[(i - block) % lanes] += x[i];
    for (std::size_t half = lanes / 2; half > 0; half /= 2)
      for (std::size_t l = 0; l < half; ++l) lane[l] += lane[l + half];
    total += lane[0];
  }
  return T(total);
}

TYPED_TEST(VectorOf, SumsHaveTheStatedOrderEverywhere) {
  using T = TypeParam;
  for (std::size_t n : {0, 1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 1023, 1024, 1025, 2048, 5000, 10007}) {
    const std::vector<T> x = uniform_values<T>(n, 5), z = uniform_values<T>(n, 6);
    std::vector<T> products(n), squares(n);
    for (std::size_t i = 0; i < n; ++i) products[i] = x[i] * z[i], squares[i] = x[i] * x[i];
    for (const std::string& isa : instruction_sets()) {
      const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
      EXPECT_TRUE(same_bits(k.sum(x.data(), n), stated_sum(x))) << isa << " n = " << n;
      EXPECT_TRUE(same_bits(k.dot(x.data(), z.data(), n), stated_sum(products))) << isa << " n = " << n;
      EXPECT_TRUE(same_bits(k.sum_squares(x.data(), n), stated_sum(squares))) << isa << " n = " << n;
      if (n <= reduction_block) {
        EXPECT_TRUE(same_bits(k.block_sum(x.data(), n), stated_sum(x)));
      }
    }
  }
}

TYPED_TEST(VectorOf, LargestAndSmallest) {
  using T = TypeParam;
  for (const std::string& isa : instruction_sets()) {
    const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
    EXPECT_EQ(k.max(nullptr, 0), -inf<T>);
    EXPECT_EQ(k.min(nullptr, 0), inf<T>);
    for (std::size_t n = 1; n < 150; ++n) {
      std::vector<T> x = uniform_values<T>(n, unsigned(n));
      EXPECT_EQ(k.max(x.data(), n), *std::max_element(x.begin(), x.end()));
      EXPECT_EQ(k.min(x.data(), n), *std::min_element(x.begin(), x.end()));
      x[(n * 37) % n] = nan_of<T>;
      x[n / 2] = nan_of<T>;
      EXPECT_TRUE(std::isnan(k.max(x.data(), n)));
      EXPECT_TRUE(std::isnan(k.min(x.data(), n)));
    }
  }
}

// ---- Products -----------------------------------------------------------------------------------------------------------

TYPED_TEST(VectorOf, MatrixTimesVector) {
  using T = TypeParam;
  const T eps = std::numeric_limits<T>::epsilon();
  for (const std::string& isa : instruction_sets()) {
    const VectorKernels<T>& k = *vector_kernels_for<T>(isa.c_str());
    for (std::size_t m : {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 20, 33}) {
      for (std::size_t n : {0, 1, 2, 3, 5, 8, 10, 15, 16, 17, 33, 63, 64, 65, 128, 131, 200, 257}) {
        const std::vector<T> A = uniform_values<T>(m * n, 8), x = uniform_values<T>(n, 9), u = uniform_values<T>(m, 10);
        auto y = guarded<T>(m, T(7), [&](T* p) { k.gemv(m, n, A.data(), x.data(), p); });
        auto t = guarded<T>(n, T(7), [&](T* p) { k.gemv_t(m, n, A.data(), u.data(), p); });
        auto C = guarded<T>(m * n, T(7), [&](T* p) { k.outer(m, n, u.data(), x.data(), p); });
        for (std::size_t i = 0; i < m; ++i) {
          double exact = 0, size = 0;
          for (std::size_t j = 0; j < n; ++j) exact += double(A[i * n + j]) * x[j], size += std::abs(double(A[i * n + j]) * x[j]);
          ASSERT_LE(std::abs(y[i] - exact), 20 * eps * size) << isa << " " << m << " x " << n << " row " << i;
          for (std::size_t j = 0; j < n; ++j) ASSERT_EQ(C[i * n + j], u[i] * x[j]);
        }
        for (std::size_t j = 0; j < n; ++j) {
          double exact = 0, size = 0;
          for (std::size_t i = 0; i < m; ++i) exact += double(A[i * n + j]) * u[i], size += std::abs(double(A[i * n + j]) * u[i]);
          ASSERT_LE(std::abs(t[j] - exact), 20 * eps * size) << isa << " " << m << " x " << n << " column " << j;
        }
        // A row's or column's bits are its own.
        if (m == 20) {
          T one;
          for (std::size_t i = 0; i < m; ++i) {
            k.gemv(1, n, A.data() + i * n, x.data(), &one);
            ASSERT_TRUE(same_bits(one, y[i])) << isa << " row " << i << " alone";
          }
          std::vector<T> column(m);
          for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t i = 0; i < m; ++i) column[i] = A[i * n + j];
            k.gemv_t(m, 1, column.data(), u.data(), &one);
            ASSERT_TRUE(same_bits(one, t[j])) << isa << " column " << j << " alone";
          }
        }
      }
    }
    for (std::size_t n = 0; n <= 40; ++n) {
      const std::vector<T> x = uniform_values<T>(n, 11), start = uniform_values<T>(n, 12);
      auto y = guarded<T>(n, T(7), [&](T* p) {
        std::copy(start.begin(), start.end(), p);
        k.axpy(n, T(0.3), x.data(), p);
      });
      for (std::size_t i = 0; i < n; ++i) {
        T fused = std::fma(T(0.3), x[i], start[i]), plain = T(0.3) * x[i] + start[i];
        ASSERT_TRUE(y[i] == fused || y[i] == plain);
      }
    }
  }
}

TEST(Vector, TheChosenTableIsOneOfThem) {
  std::string isa = instruction_set();
  EXPECT_EQ(&vector_kernels<float>(), vector_kernels_for<float>(isa.c_str()));
  EXPECT_EQ(&vector_kernels<double>(), vector_kernels_for<double>(isa.c_str()));
  EXPECT_EQ(vector_kernels_for<double>("mmx"), nullptr);
  const char* wanted = std::getenv("DINI_ISA");
  if (wanted && vector_kernels_for<float>(wanted)) {
    EXPECT_EQ(isa, wanted);
  }
}

}  // namespace
}  // namespace dini::kernels
