// Functions of one number with brackets, and how a solve of each has to end.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <ostream>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace dini::tests {

struct BracketCase {
  std::string name;
  std::function<Array(const Array&)> f;
  double a, b;
  StatusCode status = StatusCode::converged;
  double root = std::nan("");
  double digits = 1e-15;       // how far from it in float64, relative, or absolute where it is 0
  StatusCode single = status;  // in float32
};
inline void PrintTo(const BracketCase& c, std::ostream* out) { *out << c.name; }

// In float32 the constants, too, are float32's.
inline std::vector<BracketCase> bracket_cases() {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  static const double root2 = std::sqrt(2.0), pi = std::numbers::pi;
  const StatusCode good = StatusCode::converged, none = StatusCode::bracket, stuck = StatusCode::stagnated;
  return {
      {"cubic", [](const Array& z) { return z * z * z - 2; }, 0, 3, good, std::cbrt(2.0)},
      {"the other way round", [](const Array& z) { return 2 - z * z; }, 3, 0, good, root2},
      {"a wide bracket", [](const Array& z) { return z * z - 2; }, 0, 1e6, good, root2},
      {"all numbers", [](const Array& z) { return z * z * z - 2; }, -infinity, infinity, good, std::cbrt(2.0)},
      {"up to infinity", [](const Array& z) { return log(z) - 3; }, 0, infinity, good, std::exp(3.0)},
      {"infinite at an end", [](const Array& z) { return log(z); }, 0, 3, good, 1},
      {"overflowing ends", [](const Array& z) { return exp(z / 1e3) - 2; }, -1e30, 1e30, good, 1e3 * std::log(2.0)},
      {"underflowing products", [](const Array& z) { return 1e-20 * (z * z * z - 2); }, 0, 3, good, std::cbrt(2.0)},
      {"steep at one end", [](const Array& z) { return exp(z) - 1e6; }, 0, 80, good, 6 * std::log(10.0), 1e-14},
      {"near 0", [](const Array& z) { return z - 1e-30; }, -1, 1, good, 1e-30},
      {"0", [](const Array& z) { return z; }, -1, 2, good, 0},
      {"triple, at 0", [](const Array& z) { return z * z * z; }, -1, 2, good, 0},
      {"triple, beside 0", [](const Array& z) { return power(z - root2, 3); }, -1, 4, good, root2},
      // Rounding hides such a root up to the cube root of eps, which is too much in float32.
      {"triple, expanded", [](const Array& z) { return ((z - 3) * z + 3) * z - 1; }, -2, 5, good, 1, 1e-4, stuck},
      {"cube root", [](const Array& z) { return cbrt(z - root2); }, -1, 4, good, root2},
      {"ninth root", [](const Array& z) { return sign(z - 0.7) * power(abs(z - 0.7), 1.0 / 9); }, -1, 4, good, 0.7},
      {"a root at the lower end", [](const Array& z) { return z + 1; }, -1, 1, good, -1},
      {"a root at the upper end", [](const Array& z) { return z - 1; }, -1, 1, good, 1},
      {"a root at the end of the domain", [](const Array& z) { return sqrt(z); }, 0, 1, good, 0},
      {"of size 0", [](const Array& z) { return z - 1; }, 1, 1, good, 1},
      {"noise as large as the root", [](const Array& z) { return cos(z + pi / 2); }, -1, 1, good, 0, 1e-15},
      {"no root in it", [](const Array& z) { return z - 1; }, -3, 0, none},
      {"two roots in it", [](const Array& z) { return z * z - 1; }, -3, 2, none},
      {"of size 0, without a root", [](const Array& z) { return z - 1; }, 2, 2, none},
      {"NaN at an end", [](const Array& z) { return sqrt(2 - z) - 1; }, 0, 3, none},
      {"an end that is no number", [](const Array& z) { return z - 1; }, std::nan(""), 3, none},
      {"a jump", [](const Array& z) { return sign(z - 0.3) - 0.5; }, -2, 3, stuck},
      {"a jump at 0", [](const Array& z) { return sign(z) - 0.5; }, -2, 3, stuck},
      {"a jump between slopes", [](const Array& z) { return z + where(z > 0.3, 1.0, -2.0); }, -2, 3, stuck},
      {"a pole", [](const Array& z) { return 1 / (z - 1); }, 0, 3, stuck},
      {"a pole in noise", [](const Array& z) { return 1 / (2 - z * z * z); }, 0, 3, stuck},
      {"a tangent's pole", [](const Array& z) { return tan(z); }, 1, 2, stuck},
      {"nothing but noise", [](const Array& z) { return (z + 1e20) - 1e20 - 1; }, -1e5, 1e5, stuck, 0, 0, none},
      {"vanishing about the root", [](const Array& z) { return (z - 0.7) * exp(-1 / square(z - 0.7)); }, -10, 10.5,
       stuck},
      {"NaN inside", [](const Array& z) { return z - 1 + 0 * log(square(z - 1) - 0.01); }, -5, 2,
       StatusCode::nonfinite},
  };
}

}  // namespace dini::tests
