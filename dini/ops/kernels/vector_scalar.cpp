#include "vector_scalar.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace dini::kernels::scalar {

double sin(double x) { return std::sin(x); }
double cos(double x) { return std::cos(x); }
double tan(double x) { return std::tan(x); }

template <class T> T mod(T a, T b) {
  T r = std::fmod(a, b);
  if (r == 0) return std::copysign(T(0), b);
  return (r < 0) != (b < 0) ? r + b : r;
}
template float mod(float, float);
template double mod(double, double);

double gammaln(double x) {
  int sign;
  return lgamma_r(x, &sign);  // std::lgamma writes a global
}

namespace {

// The recurrence ψ(x) = ψ(x + 1) - 1/x up to x >= 10, as one fraction, then the asymptotic series (Abramowitz and
// Stegun 6.3.5, 6.3.18). In long double, because the parts cancel near the zero at 1.46.
long double positive_digamma(long double x) {
  long double numerator = 0, denominator = 1;
  for (; x < 10; x += 1) {
    numerator = numerator * x + denominator;
    denominator *= x;
  }
  constexpr long double b[] = {1.0L / 12,       -1.0L / 120, 1.0L / 252,      -1.0L / 240,     1.0L / 132,
                               -691.0L / 32760, 1.0L / 12,   -3617.0L / 8160, 43867.0L / 14364};
  long double z = 1 / (x * x), series = 0;
  for (int k = 8; k >= 0; --k) series = (series + b[k]) * z;
  return std::log(x) - (0.5L / x + series) - numerator / denominator;
}

}  // namespace

double digamma(double x) {
  if (!(x <= 0)) return double(std::isinf(x) ? x : positive_digamma(x));
  if (x == 0) return std::copysign(std::numeric_limits<double>::infinity(), -x);
  if (x == std::floor(x)) return std::numeric_limits<double>::quiet_NaN();
  // Reflection; x less its nearest integer has the same cotangent and is exact.
  constexpr long double pi = std::numbers::pi_v<long double>;
  long double fraction = x - std::nearbyint(x);
  return double(positive_digamma(1 - static_cast<long double>(x)) - pi / std::tan(pi * fraction));
}

}  // namespace dini::kernels::scalar
