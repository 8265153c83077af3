// Random systems whose roots are known far beyond the dtype, in units as far apart as they come.
//
//     F(z) = R g(z / C),   g(w) = one of four families with the root w* chosen first,
//
// C and R diagonal. The same g in long double, from the very numbers that F holds, tells the exact root next to any point.
#pragma once

#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/implicit/regularity.hpp"
#include "tests/sample.hpp"

namespace dini::tests {

/// Times as many draws as a test makes by itself, and other ones: from the environment. A part of them under sanitizers.
inline int draws(int usual) {
  if (sanitized) usual = usual < 50 ? (usual + 2) / 3 : usual / 10;
  const char* times = std::getenv("DINI_SEARCH_TIMES");
  return usual * (times ? std::atoi(times) : 1);
}
inline unsigned search_seed(unsigned usual) {
  const char* seed = std::getenv("DINI_SEARCH_SEED");
  return seed ? static_cast<unsigned>(std::atoi(seed)) : usual;
}

/// Numbers that are the same with every standard library.
class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}
  int integer(int first, int last) {
    return first + static_cast<int>(engine_() % static_cast<unsigned>(last - first + 1));
  }
  double uniform() { return std::ldexp(static_cast<double>(engine_() >> 11), -53); }
  bool chance(double p) { return uniform() < p; }
  /// k/16 in ±[low, high].
  double sixteenths(double low, double high) {
    const double size = integer(static_cast<int>(16 * low), static_cast<int>(16 * high)) / 16.0;
    return chance(.5) ? size : -size;
  }

 private:
  std::mt19937_64 engine_;
};

using Real = long double;
using Reals = std::vector<Real>;

/// x with m x = b, by elimination with row exchanges; nothing where m is singular.
inline std::optional<Reals> solved(std::vector<Reals> m, Reals b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i) {
      if (std::fabs(m[i][k]) > std::fabs(m[pivot][k])) pivot = i;
    }
    if (!(std::fabs(m[pivot][k]) > 0)) return {};
    std::swap(m[k], m[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const Real factor = m[i][k] / m[k][k];
      for (std::size_t j = k; j < n; ++j) m[i][j] -= factor * m[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j) b[i] -= m[i][j] * b[j];
    b[i] /= m[i][i];
  }
  return b;
}

struct RandomSystem {
  enum Family { polynomial, exponential, layer, mixed, families };
  Dtype dtype = Dtype::float64;
  Kind kind = Kind::root;
  int family = 0;
  std::size_t n = 1;
  std::vector<double> a, p, q, constant, unknowns, equations, start;  // start: z0, in z's units

  RandomSystem(Draw& draw, Dtype d, Kind k, bool far_starts) : dtype(d), kind(k) {
    const bool wide = dtype == Dtype::float64;
    family = draw.integer(0, families - 1);
    n = static_cast<std::size_t>(draw.integer(1, 6));
    std::vector<double> root(n);
    for (double& w : root) w = draw.sixteenths(.25, family == exponential ? 1.5 : 4);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) a.push_back(draw.sixteenths(0, 1) + (i == j ? 1.5 : 0));
      p.push_back(draw.sixteenths(0, 1));
      q.push_back(draw.sixteenths(0, 1));
    }
    constant.assign(n, 0);
    const Reals at(root.begin(), root.end()), value = g(at);
    for (std::size_t i = 0; i < n; ++i) constant[i] = rounded(static_cast<double>(value[i]));
    const bool far = far_starts && draw.chance(.4);
    const int most = wide ? 12 : 5, leap = wide ? 20 : 8;
    auto scale = [&](int largest) {
      return rounded(draw.chance(.5) ? std::pow(10.0, draw.integer(-largest, largest))
                                     : std::ldexp(1.0, draw.integer(-3 * largest, 3 * largest)));
    };
    const bool even = draw.chance(.2);
    for (std::size_t i = 0; i < n; ++i) {
      unknowns.push_back(even ? 1 : scale(most));
      // What is added to z has to be in its units.
      equations.push_back(kind == Kind::root ? scale(most) : rounded(unknowns[i] * scale(1)));
      double z = root[i] * (1 + .5 * (draw.uniform() - .5)) * unknowns[i];
      if (far && draw.chance(.3)) z *= std::pow(10.0, draw.chance(.5) ? leap : -leap);
      start.push_back(rounded(z));
    }
  }

  double rounded(double v) const { return dtype == Dtype::float64 ? v : static_cast<double>(static_cast<float>(v)); }
  Array numbers(const std::vector<double>& v) const { return array(v, dtype); }
  Array z0() const { return numbers(start); }

  /// F(z), or f(z) of a fixed point, with `more` taken from every equation of g.
  Array operator()(const Array& more, const Array& z) const {
    const auto size = static_cast<std::int64_t>(n);
    const Array w = z / numbers(unknowns), by = dot(reshape(numbers(a), {size, size}), w), next = roll(w, -1);
    Array v;
    switch (family) {
      case polynomial: v = by + numbers(p) * w * w * w + numbers(q) * w * next; break;
      case exponential: v = exp(0.5 * by) + numbers(p) * w; break;
      case layer: v = w - tanh(by + numbers(q)); break;
      default: v = by + numbers(p) / (1 + next * next) + sin(w); break;
    }
    v = numbers(equations) * (v - numbers(constant) - more);
    return kind == Kind::root ? v : z + v;
  }

  Reals g(const Reals& w) const {
    Reals v(n);
    for (std::size_t i = 0; i < n; ++i) {
      const Real s = by(w, i), next = w[(i + 1) % n];
      switch (family) {
        case polynomial: v[i] = s + p[i] * w[i] * w[i] * w[i] + q[i] * w[i] * next; break;
        case exponential: v[i] = std::exp(.5L * s) + p[i] * w[i]; break;
        case layer: v[i] = w[i] - std::tanh(s + q[i]); break;
        default: v[i] = s + p[i] / (1 + next * next) + std::sin(w[i]); break;
      }
      v[i] -= constant[i];
    }
    return v;
  }
  std::vector<Reals> slopes(const Reals& w) const {
    std::vector<Reals> m(n, Reals(n));
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t k = (i + 1) % n;
      const Real s = by(w, i), next = w[k];
      for (std::size_t j = 0; j < n; ++j) {
        const Real row = a[i * n + j];
        switch (family) {
          case exponential: m[i][j] = .5L * row * std::exp(.5L * s); break;
          case layer: m[i][j] = -row / std::cosh(s + q[i]) / std::cosh(s + q[i]); break;
          default: m[i][j] = row;
        }
      }
      switch (family) {
        case polynomial:
          m[i][i] += 3 * p[i] * w[i] * w[i] + q[i] * next;
          m[i][k] += q[i] * w[i];
          break;
        case exponential: m[i][i] += p[i]; break;
        case layer: m[i][i] += 1; break;
        default: m[i][k] -= 2 * p[i] * next / (1 + next * next) / (1 + next * next); m[i][i] += std::cos(w[i]);
      }
    }
    return m;
  }

  /// The exact root next to w: Newton's method in long double. Nothing where it does not converge.
  std::optional<Reals> root_near(Reals w) const {
    Real least = std::numeric_limits<Real>::infinity();
    for (int step = 0; step < 60; ++step) {
      const auto d = solved(slopes(w), g(w));
      if (!d) return {};
      Real largest = 0;
      for (std::size_t j = 0; j < n; ++j) {
        w[j] -= (*d)[j];
        largest = std::max(largest, std::fabs((*d)[j] / w[j]));
      }
      if (!std::isfinite(largest)) return {};
      // Down to long double's own rounding.
      if (largest < 1e-17L || (largest < 1e-13L && !(largest < .5L * least))) return w;
      least = largest;
    }
    return {};
  }
  /// z in g's units.
  Reals in_units(const Array& z) const {
    Reals w(n);
    const auto v = z.to_vector<double>();
    for (std::size_t j = 0; j < n; ++j) w[j] = static_cast<Real>(v[j]) / unknowns[j];
    return w;
  }
  std::string name() const {
    static const char* const names[] = {"polynomial", "exponential", "layer", "mixed"};
    return std::string(names[family]) + " n=" + std::to_string(n) + " " + dini::name(dtype) +
           (kind == Kind::root ? " root" : " fixed point");
  }

 private:
  Real by(const Reals& w, std::size_t i) const {
    Real s = 0;
    for (std::size_t j = 0; j < n; ++j) s += a[i * n + j] * w[j];
    return s;
  }
};

/// 1/condition of a matrix whose rows and columns are scaled.
inline double reciprocal_condition_of(const std::vector<Reals>& m) {
  std::vector<std::vector<double>> rows;
  for (const Reals& r : m) rows.emplace_back(r.begin(), r.end());
  return detail::reciprocal_condition(array(rows)).item();
}

}  // namespace dini::tests
