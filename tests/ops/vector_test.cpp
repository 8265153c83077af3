// The vector kernels against the C library in long double: errors in ulp over the whole range, and values at the edges,
// on every instruction set that this processor has.
#include "vector_test.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

namespace dini::kernels::vector_test {
namespace {

// The error of y in units of the last place of T at the exact value; what rounds to infinity may be infinity.
template <class T> double ulp_error(T y, Real exact) {
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

// ---- Arguments ------------------------------------------------------------------------------------------------------

// Bit patterns over all exponents and both signs, values a few bits from interesting ones, and uniform draws where
// functions change their method.
template <class T> std::vector<T> arguments(std::size_t random_count) {
  std::vector<T> xs;
  std::mt19937_64 random(20240229);
  if constexpr (sizeof(T) == 4) {
    std::uint64_t stride = (1ull << 32) / random_count;
    for (std::uint64_t b = random() % stride; b < (1ull << 32); b += stride)
      xs.push_back(std::bit_cast<T>(std::uint32_t(b)));
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
  std::vector<double> special = {0.0,
                                 1e-300,
                                 1e-40,
                                 1e-20,
                                 1e-8,
                                 0.5,
                                 1.0,
                                 2.0,
                                 0.70710678118654752,
                                 1.4142135623730951,
                                 0.41421356237309505,
                                 2.4142135623730951,
                                 88.72283,
                                 103.97,
                                 709.782712893384,
                                 745.13,
                                 1e5,
                                 1647000.0,
                                 1e10,
                                 1e22,
                                 1e30,
                                 1e300,
                                 19.06,
                                 9.01,
                                 1.4616321449683623,
                                 4.2e9};
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

// DINI_VECTOR_ULP=1 prints the table of docs/vector-maths.md, from many more arguments.
bool print_table() { return std::getenv("DINI_VECTOR_ULP") != nullptr; }

template <class T> void unary_errors() {
  const std::vector<T> xs = arguments<T>(print_table() ? 2000000 : 12000);
  std::vector<T> y(xs.size());
  std::vector<Real> exact(xs.size());
  for (const UnaryCase& c : unary_cases) {
    for (std::size_t i = 0; i < xs.size(); ++i) exact[i] = c.reference(Real(xs[i]));
    std::string line;
    for (const std::string& isa : instruction_sets()) {
      c.get (*vector_kernels_for<T>(isa.c_str()))(xs.data(), y.data(), xs.size());
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
      EXPECT_LE(worst, c.ulp) << c.name << (sizeof(T) == 4 ? " float32 " : " float64 ") << isa << " at "
                              << std::hexfloat << xs[at] << std::defaultfloat << " = " << xs[at] << ": " << y[at]
                              << ", not " << T(exact[at]);
    }
    if (print_table()) std::printf("%-10s %s %s\n", c.name, sizeof(T) == 4 ? "float32" : "float64", line.c_str());
  }
}

TEST(Vector, UnaryErrorsFloat32) { unary_errors<float>(); }
TEST(Vector, UnaryErrorsFloat64) { unary_errors<double>(); }

// Pairs of arguments: anything with anything, numbers of like size, powers that neither over- nor underflow, quotients
// near integers.
template <class T> std::pair<std::vector<T>, std::vector<T>> argument_pairs(std::size_t n) {
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
    double angle = 0.39269908169872414 * double(random() % 16) + uniform(-1e-6, 1e-6),
           r = std::exp2(uniform(-100, 100));
    add(r * std::sin(angle), r * std::cos(angle));
  }
  return {a, b};
}

template <class T> void binary_errors() {
  const auto [a, b] = argument_pairs<T>(print_table() ? 300000 : 3000);
  std::vector<T> y(a.size());
  std::vector<Real> exact(a.size());
  for (const BinaryCase& c : binary_cases) {
    for (std::size_t i = 0; i < a.size(); ++i) exact[i] = c.reference(Real(a[i]), Real(b[i]));
    std::string line;
    for (const std::string& isa : instruction_sets()) {
      c.get (*vector_kernels_for<T>(isa.c_str()))(a.data(), b.data(), y.data(), a.size());
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
      EXPECT_LE(worst, c.ulp) << c.name << (sizeof(T) == 4 ? " float32 " : " float64 ") << isa << " at "
                              << std::hexfloat << a[at] << ", " << b[at] << std::defaultfloat << " = " << a[at] << ", "
                              << b[at] << ": " << y[at] << ", not " << T(exact[at]);
    }
    if (print_table()) std::printf("%-10s %s %s\n", c.name, sizeof(T) == 4 ? "float32" : "float64", line.c_str());
  }
}

TEST(Vector, BinaryErrorsFloat32) { binary_errors<float>(); }
TEST(Vector, BinaryErrorsFloat64) { binary_errors<double>(); }

// ---- Values at the edges --------------------------------------------------------------------------------------------

template <class T> class VectorLimits : public testing::Test {};
using Dtypes = testing::Types<float, double>;
TYPED_TEST_SUITE(VectorLimits, Dtypes);

TYPED_TEST(VectorLimits, LimitsAreExact) {
  using T = TypeParam;
  using K = VectorKernels<T>;
  const T big = std::numeric_limits<T>::max(), tiny = std::numeric_limits<T>::denorm_min();
  struct Limit {
    UnaryKernel<T> K::*f;
    const char* name;
    T x, y;
  };
#define LIMIT(f, x, y) \
  { &K::f, #f, T(x), T(y) }
  const Limit limits[] = {
      LIMIT(tanh, 1000, 1),
      LIMIT(tanh, -1000, -1),
      LIMIT(tanh, inf<T>, 1),
      LIMIT(tanh, -inf<T>, -1),
      LIMIT(tanh, -0.0, -0.0),
      LIMIT(tanh, tiny, tiny),
      LIMIT(tanh, big, 1),
      LIMIT(exp, -1000, 0),
      LIMIT(exp, 1000, inf<T>),
      LIMIT(exp, 0, 1),
      LIMIT(exp, -0.0, 1),
      LIMIT(exp, -inf<T>, 0),
      LIMIT(exp, inf<T>, inf<T>),
      LIMIT(exp2, 10, 1024),
      LIMIT(exp2, -2000, 0),
      LIMIT(exp2, 2000, inf<T>),
      LIMIT(expm1, -1000, -1),
      LIMIT(expm1, 1000, inf<T>),
      LIMIT(expm1, -0.0, -0.0),
      LIMIT(expm1, -inf<T>, -1),
      LIMIT(expm1, inf<T>, inf<T>),
      LIMIT(expm1, tiny, tiny),
      LIMIT(log, 0, -inf<T>),
      LIMIT(log, -0.0, -inf<T>),
      LIMIT(log, -1, nan_of<T>),
      LIMIT(log, 1, 0),
      LIMIT(log, inf<T>, inf<T>),
      LIMIT(log, -inf<T>, nan_of<T>),
      LIMIT(log2, 8, 3),
      LIMIT(log2, 0, -inf<T>),
      LIMIT(log2, T(0.125), -3),
      LIMIT(log10, 1000, 3),
      LIMIT(log10, 0, -inf<T>),
      LIMIT(log10, -2, nan_of<T>),
      LIMIT(log1p, -1, -inf<T>),
      LIMIT(log1p, -2, nan_of<T>),
      LIMIT(log1p, -0.0, -0.0),
      LIMIT(log1p, inf<T>, inf<T>),
      LIMIT(log1p, tiny, tiny),
      LIMIT(sqrt, -1, nan_of<T>),
      LIMIT(sqrt, -0.0, -0.0),
      LIMIT(sqrt, inf<T>, inf<T>),
      LIMIT(rsqrt, 0, inf<T>),
      LIMIT(reciprocal, 0, inf<T>),
      LIMIT(reciprocal, -0.0, -inf<T>),
      LIMIT(cbrt, 27, 3),
      LIMIT(cbrt, -8, -2),
      LIMIT(cbrt, -0.0, -0.0),
      LIMIT(cbrt, -inf<T>, -inf<T>),
      LIMIT(sin, -0.0, -0.0),
      LIMIT(sin, inf<T>, nan_of<T>),
      LIMIT(sin, tiny, tiny),
      LIMIT(cos, 0, 1),
      LIMIT(cos, inf<T>, nan_of<T>),
      LIMIT(tan, -0.0, -0.0),
      LIMIT(tan, -inf<T>, nan_of<T>),
      LIMIT(asin, 2, nan_of<T>),
      LIMIT(asin, -0.0, -0.0),
      LIMIT(acos, 1, 0),
      LIMIT(acos, -2, nan_of<T>),
      LIMIT(acos, inf<T>, nan_of<T>),
      LIMIT(atan, -0.0, -0.0),
      LIMIT(atan, inf<T>, 1.5707963267948966),
      LIMIT(atan, -inf<T>, -1.5707963267948966),
      LIMIT(asin, 1, 1.5707963267948966),
      LIMIT(acos, -1, 3.1415926535897931),
      LIMIT(sinh, -0.0, -0.0),
      LIMIT(sinh, -1000, -inf<T>),
      LIMIT(cosh, 0, 1),
      LIMIT(cosh, -1000, inf<T>),
      LIMIT(asinh, -0.0, -0.0),
      LIMIT(asinh, -inf<T>, -inf<T>),
      LIMIT(acosh, 1, 0),
      LIMIT(acosh, T(0.5), nan_of<T>),
      LIMIT(acosh, -inf<T>, nan_of<T>),
      LIMIT(acosh, inf<T>, inf<T>),
      LIMIT(atanh, 1, inf<T>),
      LIMIT(atanh, -1, -inf<T>),
      LIMIT(atanh, 2, nan_of<T>),
      LIMIT(atanh, -0.0, -0.0),
      LIMIT(sigmoid, 1000, 1),
      LIMIT(sigmoid, -1000, 0),
      LIMIT(sigmoid, 0, T(0.5)),
      LIMIT(sigmoid, inf<T>, 1),
      LIMIT(sigmoid, -inf<T>, 0),
      LIMIT(softplus, 1000, 1000),
      LIMIT(softplus, -1000, 0),
      LIMIT(softplus, inf<T>, inf<T>),
      LIMIT(softplus, -inf<T>, 0),
      LIMIT(softplus, big, big),
      LIMIT(relu, -1, 0),
      LIMIT(relu, -inf<T>, 0),
      LIMIT(relu, inf<T>, inf<T>),
      LIMIT(erf, 10, 1),
      LIMIT(erf, -10, -1),
      LIMIT(erf, -0.0, -0.0),
      LIMIT(erf, inf<T>, 1),
      LIMIT(erf, tiny, 0),
      LIMIT(erfc, 0, 1),
      LIMIT(erfc, 1000, 0),
      LIMIT(erfc, -1000, 2),
      LIMIT(erfc, inf<T>, 0),
      LIMIT(erfc, -inf<T>, 2),
      LIMIT(erfinv, 1, inf<T>),
      LIMIT(erfinv, -1, -inf<T>),
      LIMIT(erfinv, -0.0, -0.0),
      LIMIT(erfinv, 2, nan_of<T>),
      LIMIT(gammaln, 1, 0),
      LIMIT(gammaln, 2, 0),
      LIMIT(gammaln, 0, inf<T>),
      LIMIT(gammaln, -1, inf<T>),
      LIMIT(gammaln, inf<T>, inf<T>),
      LIMIT(digamma, -1, nan_of<T>),
      LIMIT(digamma, inf<T>, inf<T>),
      LIMIT(i0e, 0, 1),
      LIMIT(i0e, inf<T>, 0),
      LIMIT(i1e, 0, 0),
      LIMIT(i1e, -inf<T>, -0.0),
      LIMIT(sign, -0.0, -0.0),
      LIMIT(sign, -3, -1),
      LIMIT(abs, -0.0, 0),
      LIMIT(abs, -inf<T>, inf<T>),
      LIMIT(floor, -0.0, -0.0),
      LIMIT(floor, -0.5, -1),
      LIMIT(ceil, -0.5, -0.0),
      LIMIT(round, 2.5, 2),
      LIMIT(round, 3.5, 4),
      LIMIT(round, -0.5, -0.0),
      LIMIT(trunc, -0.5, -0.0),
      LIMIT(floor, big, big),
      LIMIT(round, inf<T>, inf<T>),
      LIMIT(neg, 0, -0.0),
  };
  for (const std::string& isa : instruction_sets()) {
    const K& k = *vector_kernels_for<T>(isa.c_str());
    for (const Limit& l : limits) {
      T y;
      (k.*l.f)(&l.x, &y, 1);
      bool tiny_erf = l.name == std::string("erf") && l.x == tiny;
      if (tiny_erf)
        EXPECT_LE(y, 2 * tiny);
      else
        EXPECT_TRUE(same_bits(y, l.y)) << l.name << "(" << l.x << ") = " << y << ", not " << l.y << ", " << isa;
    }
    for (const UnaryCase& c : unary_cases) {
      T x = nan_of<T>, y = 0;
      c.get(k)(&x, &y, 1);
      EXPECT_TRUE(std::isnan(y)) << c.name << "(nan) " << isa;
    }
  }
}

TYPED_TEST(VectorLimits, PairsAtTheEdgesAreAsInC) {
  using T = TypeParam;
  const T values[] = {T(0),
                      T(-0.0),
                      1,
                      -1,
                      T(0.5),
                      T(-0.5),
                      2,
                      -2,
                      3,
                      -3,
                      T(2.5),
                      T(-2.5),
                      inf<T>,
                      -inf<T>,
                      nan_of<T>,
                      std::numeric_limits<T>::max(),
                      -std::numeric_limits<T>::max(),
                      std::numeric_limits<T>::denorm_min(),
                      -std::numeric_limits<T>::denorm_min(),
                      std::numeric_limits<T>::min(),
                      T(1e15),
                      T(-1e15) + 1};
  struct Pair {
    const char* name;
    BinaryKernel<T> VectorKernels<T>::*f;
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
          bool close = std::isfinite(y) && wanted != 0 &&
                       std::abs(y - wanted) <= 4 * std::numeric_limits<T>::epsilon() * std::abs(wanted);
          EXPECT_TRUE(close || same_bits(y, wanted))
              << p.name << "(" << a << ", " << b << ") = " << y << ", not " << wanted << ", " << isa;
        }
      }
    }
  }
}

}  // namespace
}  // namespace dini::kernels::vector_test
