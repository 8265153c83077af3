// Special functions of one operand, and polygamma.
#include <array>
#include <cmath>
#include <limits>

#include "dini/ops/elementwise_build.hpp"

namespace dini {

namespace {

constexpr double two_over_sqrt_pi = 1.128379167095512573896158903122, half_sqrt_pi = 0.886226925452758013649083741671;

// ψ(x) for the tests, by recurrence to x ≥ 40 and the asymptotic series (DLMF 5.11.2).
long double digamma_reference(long double x) {
  long double shift = 0;
  for (; x < 40; x += 1) shift -= 1 / x;
  const long double r = 1 / (x * x);
  return shift + std::log(x) - 1 / (2 * x) - r * (1 / 12.0L - r * (1 / 120.0L - r * (1 / 252.0L - r / 240.0L)));
}

// ψ⁽ⁿ⁾(x) = (-1)ⁿ⁺¹ n! Σ (x + k)⁻ⁿ⁻¹ for the tests: many terms, and four of Euler and Maclaurin's for the rest.
long double polygamma_reference(long double order, long double x) {
  const int n = static_cast<int>(order);
  if (n == 0) return digamma_reference(x);
  long double sum = 0;
  for (int k = 0; k < 400; ++k, x += 1) sum += std::pow(x, -n - 1.0L);
  sum += std::pow(x, -n) / n + std::pow(x, -n - 1.0L) / 2 + (n + 1) * std::pow(x, -n - 2.0L) / 12 -
         (n + 1) * (n + 2) * (n + 3) * std::pow(x, -n - 4.0L) / 720;
  return (n % 2 ? 1 : -1) * std::tgamma(n + 1.0L) * sum;
}

long double erfinv_reference(long double y) {
  long double x = 0;
  for (int k = 0; k < 200; ++k) {  // Newton's method rises to the root without passing it: erf is concave there
    const long double s = std::fabs(y);
    x += (s - std::erf(x)) * std::exp(x * x) * 0.886226925452758013649083741671L;
  }
  return std::copysign(x, y);
}

// Hurwitz's zeta Σ (x + k)⁻ˢ for x > 0, s ≥ 2, by Euler and Maclaurin's formula from the tenth term on.
double hurwitz_zeta(double s, double x) {
  constexpr std::array<double, 12> bernoulli_over_factorial = {
      // B₂ₖ/(2k)!
      8.333333333333333e-02, -1.388888888888889e-03, 3.306878306878307e-05, -8.267195767195768e-07,
      2.087675698786810e-08, -5.284190138687493e-10, 1.338253653068468e-11, -3.389680296322583e-13,
      8.586062056277845e-15, -2.174868698558062e-16, 5.509002828360230e-18, -1.395446468581252e-19};
  double sum = 0;
  for (int k = 0; k < 10; ++k) sum += std::pow(x + k, -s);
  const double a = x + 10;
  const double power = std::pow(a, -s);
  sum += power * a / (s - 1) + power / 2;
  double term = power * s / a;  // s (s+1) … (s+2k-2) a^(-s-2k+1)
  for (int k = 0; k < 12; ++k) {
    const double part = bernoulli_over_factorial[static_cast<std::size_t>(k)] * term;
    sum += part;
    if (std::fabs(part) < 1e-18 * std::fabs(sum)) break;
    term *= (s + 2 * k + 1) / a * ((s + 2 * k + 2) / a);
  }
  return sum;
}

// dⁿ/dxⁿ π cot(πx): a polynomial in c = cot(πx), since dc/dx = -π (1 + c²).
double cotangent_derivative(int n, double x) {
  constexpr int most = 60;
  constexpr double pi = 3.14159265358979323846;
  if (n > most) return std::numeric_limits<double>::quiet_NaN();
  std::array<double, most + 3> p{}, next{};
  p[1] = 1;
  for (int k = 0; k < n; ++k) {
    next.fill(0);
    for (int j = 1; j <= k + 1; ++j) {
      const auto i = static_cast<std::size_t>(j);
      next[i - 1] -= pi * j * p[i];
      next[i + 1] -= pi * j * p[i];
    }
    p = next;
  }
  const double r = x - std::round(x), c = std::cos(pi * r) / std::sin(pi * r);
  double value = 0;
  for (int j = n + 1; j >= 0; --j) value = value * c + p[static_cast<std::size_t>(j)];
  return pi * value;
}

double polygamma_value(double order, double x) {
  if (std::isnan(order) || std::isnan(x) || order < 0 || order != std::floor(order) || order > 1e6) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (order == 0) {
    double y;
    kernels::vector_kernels<double>().digamma(&x, &y, 1);
    return y;
  }
  const int n = static_cast<int>(order);
  const double sign = n % 2 ? 1 : -1;
  if (std::isinf(x)) return x > 0 ? sign * 0.0 : std::numeric_limits<double>::quiet_NaN();
  if (x <= 0 && x == std::floor(x)) {
    return n % 2 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  }
  // (-1)ⁿ ψ⁽ⁿ⁾(1 - x) - ψ⁽ⁿ⁾(x) = dⁿ/dxⁿ π cot(πx), DLMF 5.15.6.
  if (x < 0) return (n % 2 ? -1 : 1) * polygamma_value(order, 1 - x) - cotangent_derivative(n, x);
  return sign * std::tgamma(order + 1) * hurwitz_zeta(order + 1, x);
}

double gammaln_value(double x) {
  double y;
  kernels::vector_kernels<double>().gammaln(&x, &y, 1);
  return y;
}

// log Γ(x) less Stirling's (x - ½) log x - x + ½ log 2π, for x >= 10.
double stirling_rest(double x) {
  double sum = 0;
  for (double c : {-691.0 / 360360, 1.0 / 1188, -1.0 / 1680, 1.0 / 1260, -1.0 / 360, 1.0 / 12}) sum = sum / (x * x) + c;
  return sum / x;
}

// With Stirling's formula for the large ones, whose large terms are cancelled by hand (as Didonato and Morris, TOMS 708, do).
double betaln_value(double a, double b) {
  const double p = std::min(a, b), q = std::max(a, b);
  if (!(p > 0 && q >= 10)) return gammaln_value(a) + gammaln_value(b) - gammaln_value(a + b);
  if (std::isinf(q)) return -q;
  const double rest = stirling_rest(q) - stirling_rest(p + q);
  if (p < 10) return gammaln_value(p) + rest + p * (1 - std::log(p + q)) - (q - 0.5) * std::log1p(p / q);
  constexpr double half_log_two_pi = 0.918938533204672741780329736406;
  return half_log_two_pi - 0.5 * std::log(q) + stirling_rest(p) + rest - (p - 0.5) * std::log1p(q / p) -
         q * std::log1p(p / q);
}

// The slopes of i0e and i1e beyond this are differences of nearly equal numbers.
constexpr double bessel_far = 100;

// 1 - I₁(x)/I₀(x) for x >= bessel_far, to 1e-14: the quotient of the series DLMF 10.40.1.
Array bessel_gap(const Array& x) {
  const Array r = 1 / x;
  Array y = detail::literal(11.466461181640625, x);
  for (double c : {3.21875, 1.0478515625, 0.40625, 0.1953125, 0.125, 0.125, 0.5}) y = r * y + c;
  return r * y;
}

struct ElementBetaln {
  template <class T> T operator()(T a, T b) const {
    return static_cast<T>(betaln_value(static_cast<double>(a), static_cast<double>(b)));
  }
};

struct ElementPolygamma {
  template <class T> T operator()(T n, T x) const {
    return static_cast<T>(polygamma_value(static_cast<double>(n), static_cast<double>(x)));
  }
};

}  // namespace

using detail::pick;
using detail::unary;
using detail::vector_kernel;

const Op& sigmoid_op() {
  static const Op op = unary({
      .op = sigmoid_op,
      .name = "sigmoid",
      .kernel = vector_kernel<DINI_VECTOR(sigmoid)>(),
      // y (1 - y) = sech²(x/2)/4, of which 1 - y leaves nothing where y is next to 1.
      .jvp = [](const Array& x, const Array&,
                const Array& dx) { return dx * (0.25 * emit_one(sech_squared_op(), {0.5 * x})); },
      .samples = {-20, -0.9, -1e-8, 0, 0.3, 5, 37.4375},
      .reference = [](const long double* x) { return 1 / (1 + std::exp(-x[0])); },
  });
  return op;
}

const Op& softplus_op() {
  static const Op op = unary({
      .op = softplus_op,
      .name = "softplus",
      .kernel = vector_kernel<DINI_VECTOR(softplus)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * sigmoid(x); },
      .samples = {-20, -0.9, -1e-8, 0, 0.3, 5, 1000},
      .reference = [](const long double* x) { return std::fmax(x[0], 0.0L) + std::log1p(std::exp(-std::fabs(x[0]))); },
  });
  return op;
}

const Op& relu_op() {
  static const Op op = unary({
      .op = relu_op,
      .name = "relu",
      .kernel = vector_kernel<DINI_VECTOR(relu)>([](auto x) { return x > 0 ? x : decltype(x)(0); }),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * pick(x > 0, 1, 0, x); },
      .samples = {-20, -0.9, 0.3, 5},
      .reference = [](const long double* x) { return std::fmax(x[0], 0.0L); },
      .rounding = Rounding::exact,
  });
  return op;
}

const Op& erf_op() {
  static const Op op = unary({
      .op = erf_op,
      .name = "erf",
      .kernel = vector_kernel<DINI_VECTOR(erf)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * (two_over_sqrt_pi * exp(-square(x))); },
      .samples = {-3, -0.9, -1e-8, 0, 0.3, 1.5},
      .reference = [](const long double* x) { return std::erf(x[0]); },
  });
  return op;
}

const Op& erfc_op() {
  static const Op op = unary({
      .op = erfc_op,
      .name = "erfc",
      .kernel = vector_kernel<DINI_VECTOR(erfc)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * (-two_over_sqrt_pi * exp(-square(x))); },
      .samples = {-3, -0.9, -1e-8, 0, 0.3, 1.5, 5},
      .reference = [](const long double* x) { return std::erfc(x[0]); },
  });
  return op;
}

const Op& erfinv_op() {
  static const Op op = unary({
      .op = erfinv_op,
      .name = "erfinv",
      .kernel = vector_kernel<DINI_VECTOR(erfinv)>(),
      .jvp = [](const Array&, const Array& y, const Array& dx) { return dx * (half_sqrt_pi * exp(square(y))); },
      .samples = {-0.9, -1e-8, 0, 0.3, 0.75},
      .reference = [](const long double* x) { return erfinv_reference(x[0]); },
  });
  return op;
}

const Op& gammaln_op() {
  static const Op op = unary({
      .op = gammaln_op,
      .name = "gammaln",
      .kernel = vector_kernel<DINI_VECTOR(gammaln)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * digamma(x); },
      .samples = {-1.75, -0.3, 0.3, 1.25, 2.5, 7, 100},
      .reference = [](const long double* x) { return std::lgamma(x[0]); },
  });
  return op;
}

const Op& digamma_op() {
  static const Op op = unary({
      .op = digamma_op,
      .name = "digamma",
      .kernel = vector_kernel<DINI_VECTOR(digamma)>(),
      .jvp = [](const Array& x, const Array&, const Array& dx) { return dx * polygamma(1, x); },
      .samples = {-1.75, -0.3, 0.3, 1.25, 2.5, 7, 100},
      .reference = [](const long double* x) { return digamma_reference(x[0]); },
  });
  return op;
}

const Op& polygamma_op() {
  static const Op op = detail::binary({
      .op = polygamma_op,
      .name = "polygamma",
      .kernel = detail::loop_kernel<2>(ElementPolygamma{}),
      .jvp_b = [](const Array& n, const Array& x, const Array&, const Array& dx) { return dx * polygamma(n + 1, x); },
      .samples = {{0, 2.5}, {1, 0.3}, {1, 2.5}, {2, 1.25}, {3, 7}},
      .reference = [](const long double* x) { return polygamma_reference(x[0], x[1]); },
  });
  return op;
}

const Op& betaln_op() {
  static const Op op = detail::binary({
      .op = betaln_op,
      .name = "betaln",
      .kernel = detail::loop_kernel<2>(ElementBetaln{}),
      .jvp_a = [](const Array& a, const Array& b, const Array&,
                  const Array& da) { return da * (digamma(a) - digamma(a + b)); },
      .jvp_b = [](const Array& a, const Array& b, const Array&,
                  const Array& db) { return db * (digamma(b) - digamma(a + b)); },
      .samples = {{0.3, 2.5}, {2.5, 0.3}, {40, 25}, {30, 0.5}, {0.5, 300}, {7, 12}, {-0.3, 2.5}},
      .reference =
          [](const long double* x) { return std::lgamma(x[0]) + std::lgamma(x[1]) - std::lgamma(x[0] + x[1]); },
  });
  return op;
}

const Op& i0e_op() {
  static const Op op = unary({
      .op = i0e_op,
      .name = "i0e",
      .kernel = vector_kernel<DINI_VECTOR(i0e)>(),
      .jvp =
          [](const Array& x, const Array& y, const Array& dx) {
            const Array far = abs(x) > bessel_far, a = where(far, abs(x), bessel_far);
            return dx * where(far, -sign(x) * y * bessel_gap(a), i1e(x) - sign(x) * y);
          },
      .samples = {-300, -20, -0.9, 0.3, 2.5, 120},
      .reference =
          [](const long double* x) { return std::exp(-std::fabs(x[0])) * std::cyl_bessel_i(0.0L, std::fabs(x[0])); },
  });
  return op;
}

// I₁' = I₀ - I₁/x, and I₁(x)/x → ½ at 0.
const Op& i1e_op() {
  static const Op op = unary({
      .op = i1e_op,
      .name = "i1e",
      .kernel = vector_kernel<DINI_VECTOR(i1e)>(),
      .jvp =
          [](const Array& x, const Array& y, const Array& dx) {
            const Array at_zero = x == 0;
            const Array safe = where(at_zero, 1.0, x);
            const Array near = i0e(x) - where(at_zero, 0.5, y / safe) - sign(x) * y;
            const Array far = abs(x) > bessel_far, a = where(far, abs(x), bessel_far), gap = bessel_gap(a);
            return dx * where(far, i0e(x) * (gap + (gap - 1) / a), near);
          },
      .samples = {-300, -20, -0.9, 0.3, 2.5, 120},
      .reference =
          [](const long double* x) {
            return std::copysign(std::exp(-std::fabs(x[0])) * std::cyl_bessel_i(1.0L, std::fabs(x[0])), x[0]);
          },
  });
  return op;
}

}  // namespace dini
