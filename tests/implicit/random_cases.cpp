#include "tests/implicit/random_cases.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dini::tests {

namespace {

constexpr std::int64_t n = 3;
const double infinite = std::numeric_limits<double>::infinity();

// θ begins with how the problem fails, 0 where it does not; then come a matrix and vectors.
Array how(const Array& t) { return t(0); }
Array matrix(const Array& t) { return reshape(t(slice(1, 1 + n * n)), {n, n}); }
Array vector(const Array& t, std::int64_t k) { return t(slice(1 + n * n + k * n, 1 + n * n + (k + 1) * n)); }
Array definite(const Array& t) { return dot(transpose(matrix(t)), matrix(t)) + 0.5 * eye(n, t.dtype()); }

std::function<Point(Draw&, bool)> drawn(int vectors) {
  return [vectors](Draw& d, bool solvable) {
    Point out{solvable ? 0. : d.integer(1, 2)};
    for (std::int64_t k = 0; k < n * n + n * vectors; ++k) out.push_back(2 * d.uniform() - 1);
    return out;
  };
}

// Observations of two decays, 6 of them.
Array times() { return 0.5 * arange(6.0); }
Array decay(const Array& t, const Array& z) {
  const Array observed = concatenate({vector(t, 0), vector(t, 1)}) * 0.1 + 2.0 * exp(-0.7 * astype(times(), t.dtype()));
  return z(0) * exp(-z(1) * astype(times(), t.dtype())) - observed;
}

std::vector<RandomCase> made() {
  using Of = KnownCase::Of;
  auto dense = [](const Array& t, const Array& z) { return dot(matrix(t) + 3.0 * eye(n, t.dtype()), z); };
  const Of equation = [dense](const Array& t, const Array& z) {
    return where(how(t) > 0, 1.0 + square(z) + square(vector(t, 0)),
                 dense(t, z) + 0.3 * power(z, 3) - 3.0 * vector(t, 0));
  };
  const Of energy = [](const Array& t, const Array& z) {
    return 0.5 * dot(z, dot(definite(t), z)) - 3.0 * dot(vector(t, 0), z) + 0.1 * sum(power(z, 4));
  };
  // Where it fails the lower one is above the upper.
  auto lower = [](const Array& t) { return vector(t, 1) - 0.5; };
  auto upper = [](const Array& t) { return where(how(t) > 0, vector(t, 1) - 0.75, vector(t, 1) + 0.5); };
  const Point origin(n, 0.25);

  std::vector<RandomCase> out;
  out.push_back({{.name = "root", .kind = Kind::root, .f = equation, .start = origin}, drawn(1)});
  out.push_back(
      {{.name = "root with bounds",
        .kind = Kind::root,
        .f = [dense](const Array& t, const Array& z) { return dense(t, z) + 0.3 * power(z, 3) - 3.0 * vector(t, 0); },
        .lower = lower,
        .upper = upper,
        .start = origin},
       drawn(2),
       StatusCode::infeasible});
  out.push_back({{.name = "fixed point",
                  .kind = Kind::fixed_point,
                  .f =
                      [](const Array& t, const Array& z) {
                        return where(how(t) > 0, z + 1.0 + square(z) + square(vector(t, 0)),
                                     tanh(0.4 * dot(matrix(t), z) + vector(t, 0)));
                      },
                  .start = origin},
                 drawn(1)});
  out.push_back(
      {{.name = "bracketed root",
        .kind = Kind::bracketed_root,
        .f = [](const Array& t, const Array& z) { return power(z, 3) + square(vector(t, 1)) * z - vector(t, 0); },
        .lower = [](const Array& t) { return where(how(t) > 0, 10.0, -3.0) * ones({n}, t.dtype()); },
        .upper = [](const Array& t) { return 12.0 * ones({n}, t.dtype()); },
        .start = {}},
       drawn(2),
       StatusCode::bracket});
  out.push_back(
      {{.name = "minimum",
        .kind = Kind::minimize,
        .f = [energy](const Array& t,
                      const Array& z) { return where(how(t) > 0, dot(z, -2.0 - vector(t, 0)), energy(t, z)); },
        .start = origin},
       drawn(1)});
  out.push_back({{.name = "fit",
                  .kind = Kind::least_squares,
                  .f = [](const Array& t, const Array& z) { return decay(t, z) / where(how(t) > 0, 0.0, 1.0); },
                  .start = {1, 0.3}},
                 drawn(2),
                 StatusCode::nonfinite,
                 400});
  out.push_back({{.name = "minimum with bounds",
                  .kind = Kind::minimize,
                  .f = energy,
                  .lower = lower,
                  .upper = upper,
                  .start = origin},
                 drawn(2),
                 StatusCode::infeasible,
                 400});
  out.push_back({{.name = "fit with bounds",
                  .kind = Kind::least_squares,
                  .f = decay,
                  .lower =
                      [](const Array& t) {
                        return stack({1.5 + vector(t, 2)(0), Array(-infinite)});
                      },
                  .upper =
                      [](const Array& t) {
                        return stack({where(how(t) > 0, 0.0, 9.0), 0.7 + 0.3 * vector(t, 2)(1)});
                      },
                  .start = {1, 0.3}},
                 drawn(3),
                 StatusCode::infeasible,
                 400});
  // A plane and a ball, which are apart where it fails.
  out.push_back(
      {{.name = "minimum with constraints",
        .kind = Kind::minimize,
        .f = energy,
        .lower = [](const Array& t) { return vector(t, 1) - 1.0; },
        .equal = [](const Array& t,
                    const Array& z) { return reshape(sum(z) - where(how(t) > 0, 9.0, 0.5 * vector(t, 2)(0)), {1}); },
        .at_most =
            [](const Array& t, const Array& z) {
              return stack({sum(square(z)) - 2.0, z(0) * z(1) - 1.0 - 0.5 * vector(t, 2)(1)});
            },
        .start = origin},
       drawn(3),
       StatusCode::max_steps,
       200});
  // Without a point, or falling for ever.
  out.push_back({{.name = "quadratic program",
                  .kind = Kind::quadratic_program,
                  .f =
                      [](const Array& t, const Array& z) {
                        const Array p = where(how(t) == 2.0, zeros({n, n}, t.dtype()), definite(t));
                        const Array q = where(how(t) == 2.0, -1.0 - abs(vector(t, 0)), 3.0 * vector(t, 0));
                        return 0.5 * dot(z, dot(p, z)) + dot(q, z);
                      },
                  .lower = [](const Array& t) { return vector(t, 1) - 1.0; },
                  .at_most =
                      [](const Array& t, const Array& z) {
                        const Array g = where(how(t) == 2.0, -abs(matrix(t)), matrix(t));
                        const Array all = where(how(t) == 1.0, 9.0 + 3.0 * sum(abs(vector(t, 1))), -4.0);
                        return concatenate({dot(g, z) - 1.0 - 0.5 * vector(t, 2),
                                            reshape(where(how(t) == 2.0, -sum(z), sum(z)) + all, {1})});
                      },
                  .start = origin},
                 drawn(3)});
  return out;
}

Array shuffled(Draw& d, std::int64_t size) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t k = order.size(); k > 1; --k)
    std::swap(order[k - 1], order[static_cast<std::size_t>(d.integer(0, static_cast<int>(k) - 1))]);
  return array(order);
}

// out[order] = a
Array put_back(const Array& a, const Array& order) { return take(a, argsort(order)); }

}  // namespace

const std::vector<RandomCase>& random_cases() {
  static const std::vector<RandomCase> all = made();
  return all;
}

Rewriting rewriting(const RandomCase& c, const Array& theta, Draw& draw, double largest) {
  const KnownCase& p = c.problem;
  const bool bracket = p.kind == Kind::bracketed_root;
  const Array z = bracket ? p.lower(theta) : array(p.start);
  auto units = [&](std::int64_t size) {
    Point v;
    for (std::int64_t k = 0; k < size; ++k) v.push_back(std::pow(largest, 2 * draw.uniform() - 1));
    return array(v);
  };
  auto rows = [&](const KnownCase::Of& f) { return f ? f(theta, z).size() : 0; };
  Rewriting r;
  r.units = units(z.size());
  r.order = shuffled(draw, z.size());
  const bool residuals = p.kind == Kind::least_squares, equations = p.kind == Kind::root || bracket;
  const std::int64_t m = residuals || equations ? rows(p.f) : 0;
  r.equations = units(m);
  // With bounds, and in brackets, equation k belongs to unknown k.
  r.order_of_equations = (equations && p.lower) ? r.order : shuffled(draw, m);
  r.equal = units(rows(p.equal));
  r.order_of_equal = shuffled(draw, rows(p.equal));
  r.at_most = units(rows(p.at_most));
  r.order_of_at_most = shuffled(draw, rows(p.at_most));
  r.objective = std::pow(largest, 2 * draw.uniform() - 1);
  return r;
}

Array start_of(const Rewriting& by, const Array& z) { return take(z, by.order) / by.units; }

KnownCase rewritten(const KnownCase& c, const Rewriting& by) {
  KnownCase out = c;
  auto point = [by](const Array& z) { return put_back(by.units * z, by.order); };
  out.f = [f = c.f, kind = c.kind, by, point](const Array& t, const Array& z) {
    const Array v = f(t, point(z));
    switch (kind) {
      case Kind::fixed_point: return start_of(by, v);
      case Kind::root:
      case Kind::bracketed_root: return by.equations * take(v, by.order_of_equations);
      case Kind::least_squares: return by.objective * take(v, by.order_of_equations);
      default: return by.objective * v;
    }
  };
  auto bound = [by](const KnownCase::Bound& b) -> KnownCase::Bound {
    if (!b) return nullptr;
    return [b, by](const Array& t) { return start_of(by, b(t)); };
  };
  auto rows = [point](const KnownCase::Of& g, const Array& units, const Array& order) -> KnownCase::Of {
    if (!g) return nullptr;
    return [g, point, units, order](const Array& t, const Array& z) { return units * take(g(t, point(z)), order); };
  };
  out.lower = bound(c.lower);
  out.upper = bound(c.upper);
  out.equal = rows(c.equal, by.equal, by.order_of_equal);
  out.at_most = rows(c.at_most, by.at_most, by.order_of_at_most);
  if (!c.start.empty()) out.start = start_of(by, array(c.start)).to_vector<double>();
  return out;
}

Solved read_back(const KnownCase& c, const Solved& s, const Rewriting& by) {
  const double f = c.kind == Kind::least_squares ? by.objective * by.objective : by.objective;
  Solved out = s;
  out.z = put_back(by.units * s.z, by.order);
  out.objective = s.objective / f;
  if (s.lower.size()) {
    out.lower = put_back(s.lower / by.units, by.order) / f;
    out.upper = put_back(s.upper / by.units, by.order) / f;
  }
  if (s.equal.size()) out.equal = put_back(by.equal * s.equal, by.order_of_equal) / f;
  if (s.at_most.size()) out.at_most = put_back(by.at_most * s.at_most, by.order_of_at_most) / f;
  return out;
}

}  // namespace dini::tests
