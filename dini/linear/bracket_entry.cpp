#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "dini/linear/check_status.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/promote.hpp"

namespace dini::detail {

std::string bracket_entry(StatusCode code, const std::function<Array(const Array&)>& map, const Array& z,
                          const Array& lower, const Array& upper) {
  const bool ends = code == StatusCode::bracket;
  if (!ends && code != StatusCode::stagnated) return "";
  using Numbers = std::vector<double>;
  struct Pair {
    Numbers x, y, f, g;  // F(x), F(y)
  };
  const bool wide = z.dtype() == Dtype::float64;
  const double infinity = std::numeric_limits<double>::infinity();
  const double most =
      wide ? std::numeric_limits<double>::max() : static_cast<double>(std::numeric_limits<float>::max());
  auto pair = [&](const Numbers& x, const Numbers& y) {
    auto values = [&](const Numbers& at) { return map(astype(array(at), z.dtype())).to_vector<double>(); };
    return Pair{x, y, values(x), values(y)};
  };
  auto finite = [&](const Array& end) {
    Numbers out = end.to_vector<double>();
    for (double& x : out) x = std::isnan(x) ? x : std::clamp(x, -most, most);
    return out;
  };
  auto neighbours = [&](double towards) {
    Numbers out = z.to_vector<double>();
    for (double& x : out) {
      // By two: no nearer than that is a bracket divided.
      for (int k = 0; k < 2; ++k)
        x = wide ? std::nextafter(x, towards) : std::nextafter(static_cast<float>(x), static_cast<float>(towards));
    }
    return out;
  };
  std::vector<Pair> pairs;
  if (ends) {
    pairs = {pair(finite(lower), finite(upper))};
  } else {
    const Numbers point = z.to_vector<double>();
    pairs = {pair(neighbours(-infinity), point), pair(point, neighbours(infinity))};
  }
  // The first bracket without a change of sign, or the change of sign with the largest values beside it.
  double largest = -1;
  std::string out;
  for (const Pair& p : pairs) {
    for (std::size_t k = 0; k < p.x.size(); ++k) {
      const double f = p.f[k], g = p.g[k], size = std::min(std::fabs(f), std::fabs(g));
      const bool changes = (f < 0 && g > 0) || (f > 0 && g < 0);
      if (f == 0 || g == 0 || changes == ends || (ends ? !out.empty() : !(size > largest))) continue;
      largest = size;
      char text[300];
      const int digits = wide ? 17 : 9;
      // (Whatever the sign bit of a NaN.)
      std::snprintf(text, sizeof text, "F is %.6g at %.*g and %.6g at %.*g", std::isnan(f) ? std::fabs(f) : f, digits,
                    p.x[k], std::isnan(g) ? std::fabs(g) : g, digits, p.y[k]);
      out = std::string(" (") + (p.x.size() > 1 ? "at index " + std::to_string(k) + " " : "") + text +
            (ends ? ")" : ", next to it: a jump or a pole, or rounding hides the root)");
    }
  }
  return out;
}

}  // namespace dini::detail
