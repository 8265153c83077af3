// Random quadratic and linear programs whose ends are known, the same on every machine.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace dini::tests {

struct ProgramData {
  Array p, q, a, b, g, h, lower, upper;
  auto tree() { return std::tie(p, q, a, b, g, h, lower, upper); }
  QuadraticProgram program() const {
    return {.P = p, .q = q, .A = a, .b = b, .G = g, .h = h, .lower = lower, .upper = upper};
  }
  ProgramData as(Dtype dtype) const {
    return tree_map([&](const Array& v) { return astype(v, dtype); }, *this);
  }
};

struct Programs {
  std::string name;
  int count;
  StatusCode end;
  std::function<ProgramData(int)> make;
};

/// Numbers of a seed, by the generator that is the same everywhere.
class ProgramDraw {
 public:
  explicit ProgramDraw(int seed) : key_(random::key(seed)) {}
  Array normal(const Shape& shape) { return random::normal(next(), shape); }
  Array uniform(const Shape& shape) { return random::uniform(next(), shape); }
  /// Numbers from 0 to 1, half of them 0.
  Array slacks(std::int64_t m) { return where(uniform({m}) < 0.5, 0.0, uniform({m})); }

 private:
  Array next() { return random::fold_in(key_, array(static_cast<std::int64_t>(drawn_++))); }
  Array key_;
  int drawn_ = 0;
};

inline ProgramData without_bounds(const Array& p, const Array& q, const Array& g, const Array& h) {
  const std::int64_t n = q.size();
  const double inf = std::numeric_limits<double>::infinity();
  return {p, q, zeros({0, n}), zeros({0}), g, h, full({n}, Array(-inf)), full({n}, Array(inf))};
}

/// P of this rank and condition, me equations and m rows that hold at a point, half of them as equations; bounds about it if asked for.
inline ProgramData solvable(ProgramDraw& d, std::int64_t n, std::int64_t me, std::int64_t m, std::int64_t rank,
                            double condition, bool bounds) {
  const Array at = d.normal({n}), j = 1.0 * arange(n);
  const double step = rank > 1 ? 0.5 * std::log(condition) / static_cast<double>(rank - 1) : 0;
  const Array root = d.normal({n, n}) * reshape(where(j < static_cast<double>(rank), exp(-step * j), 0.0), {n, 1});
  const Array g = d.normal({m, n});
  ProgramData out = without_bounds(dot(root.T(), root), d.normal({n}), g, dot(g, at) + d.slacks(m));
  out.a = d.normal({me, n});
  out.b = dot(out.a, at);
  if (bounds) {
    out.lower = at - d.slacks(n);
    out.upper = at + d.slacks(n);
  }
  return out;
}

/// Rows of which five add up, with weights, to 0 ≤ -gap.
inline ProgramData with_gap(ProgramDraw& d, double gap, double scale) {
  const std::int64_t n = 8, m = 16;
  const Array root = d.normal({n, n}), at = d.normal({n}), g = d.normal({m - 1, n});
  const Array weights = where(arange(m - 1) < 4, 0.1 + d.uniform({m - 1}), 0.0);
  const Array h = dot(g, at) + where(arange(m - 1) < 4, 0.0, d.uniform({m - 1}));
  const Array units = exp(std::log(scale) * (2 * d.uniform({m}) - 1));
  return without_bounds(dot(root.T(), root) / 8.0, d.normal({n}),
                        concatenate({g, reshape(-dot(weights, g), {1, n})}) * reshape(units, {m, 1}),
                        concatenate({h, reshape(-dot(weights, h) - gap, {1})}) * units);
}

/// Falls for ever along a direction.
inline ProgramData falling(ProgramDraw& d, bool linear) {
  const std::int64_t n = 8, m = 16;
  const Array way = d.normal({n}), at = d.normal({n}), unit = way / norm(way);
  auto without = [&](const Array& rows) { return rows - outer(dot(rows, unit), unit); };
  const Array root = without(d.normal({n, n})), rows = d.normal({m, n});
  const Array g = where(reshape(arange(m), {m, 1}) < 3, without(rows), -rows * reshape(sign(dot(rows, unit)), {m, 1}));
  const Array q = d.normal({n});
  return without_bounds(linear ? zeros({n, n}) : dot(root.T(), root), -q * sign(dot(q, unit)), g,
                        dot(g, at) + d.uniform({m}));
}

/// The cheapest assignment of k to k, of costs that are whole numbers, so that many are: a face of a degenerate linear program.
inline ProgramData assignment(ProgramDraw& d, std::int64_t k) {
  const Array ones_k = ones({1, k});
  ProgramData out = without_bounds(zeros({k * k, k * k}), floor(5 * d.uniform({k * k})), zeros({0, k * k}), zeros({0}));
  out.a = concatenate({kron(eye(k), ones_k), kron(ones_k, eye(k))});
  out.b = ones({2 * k});
  out.lower = zeros({k * k});
  return out;
}

/// Another unit for every unknown and row.
inline ProgramData in_other_units(ProgramDraw& d, ProgramData p, double scale) {
  auto units = [&](std::int64_t n) { return exp(std::log(scale) * (2 * d.uniform({n}) - 1)); };
  const std::int64_t n = p.q.size(), me = p.b.size(), m = p.h.size();
  const Array c = units(n), e = units(me), r = units(m);
  p.p = p.p * c * reshape(c, {n, 1});
  p.q = p.q * c;
  p.a = p.a * c * reshape(e, {me, 1});
  p.b = p.b * e;
  p.g = p.g * c * reshape(r, {m, 1});
  p.h = p.h * r;
  p.lower = p.lower / c;
  p.upper = p.upper / c;
  return p;
}

/// The sets, some of a hundred programs and more.
inline std::vector<Programs> random_programs() {
  const StatusCode ok = StatusCode::converged, empty = StatusCode::infeasible, falls = StatusCode::unbounded;
  auto of = [](auto make) {
    return [make](int k) {
      ProgramDraw d(k);
      return make(d);
    };
  };
  return {
      {"5 unknowns, 10 rows", 300, ok, of([](ProgramDraw& d) { return solvable(d, 5, 0, 10, 5, 10, false); })},
      {"10 unknowns, 20 rows", 300, ok, of([](ProgramDraw& d) { return solvable(d, 10, 0, 20, 10, 10, false); })},
      {"20 unknowns, 60 rows", 300, ok, of([](ProgramDraw& d) { return solvable(d, 20, 0, 60, 20, 10, false); })},
      {"100 unknowns, 200 rows", 10, ok, of([](ProgramDraw& d) { return solvable(d, 100, 0, 200, 100, 10, false); })},
      {"of condition 1e12", 300, ok, of([](ProgramDraw& d) { return solvable(d, 10, 0, 20, 10, 1e12, false); })},
      {"of rank 3, with bounds, some equal", 300, ok,
       of([](ProgramDraw& d) { return solvable(d, 10, 2, 10, 3, 1, true); })},
      {"linear, with bounds, some equal", 300, ok,
       of([](ProgramDraw& d) { return solvable(d, 10, 2, 10, 0, 1, true); })},
      {"assignments, of many solutions", 100, ok, of([](ProgramDraw& d) { return assignment(d, 5); })},
      {"units from 1e-4 to 1e4", 300, ok,
       of([](ProgramDraw& d) { return in_other_units(d, solvable(d, 10, 2, 10, 10, 10, false), 1e4); })},
      {"solution at the tip of a cone", 100, ok, of([](ProgramDraw& d) {
         ProgramData p = solvable(d, 6, 0, 12, 6, 1, false);
         p.h = zeros({12});
         return p;
       })},
      {"rows given three times", 100, ok, of([](ProgramDraw& d) {
         ProgramData p = solvable(d, 8, 2, 6, 8, 10, false);
         p.a = concatenate({p.a, 2.0 * p.a, -p.a});
         p.b = concatenate({p.b, 2.0 * p.b, -p.b});
         p.g = concatenate({p.g, 3.0 * p.g, p.g});
         p.h = concatenate({p.h, 3.0 * p.h, p.h});
         return p;
       })},
      {"sets that just touch", 20, ok, of([](ProgramDraw& d) { return with_gap(d, 0, 1); })},
      {"no point, by 1", 20, empty, of([](ProgramDraw& d) { return with_gap(d, 1, 1); })},
      {"no point, in units 1e-4 to 1e4", 20, empty, of([](ProgramDraw& d) { return with_gap(d, 1, 1e4); })},
      {"no point, by 1e-6", 20, empty, of([](ProgramDraw& d) { return with_gap(d, 1e-6, 1); })},
      {"falling, quadratic", 20, falls, of([](ProgramDraw& d) { return falling(d, false); })},
      {"falling, linear", 20, falls, of([](ProgramDraw& d) { return falling(d, true); })},
  };
}

}  // namespace dini::tests
