#include "dini/solvers/quadratic_data.hpp"

#include <limits>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

namespace quadratic {

constexpr int sweeps = 12;  // of equilibration, until all is within 10%
Array column(const Array& v) { return reshape(v, {v.size(), 1}); }
// The largest magnitudes of rows (axis 1) or columns (axis 0).
Array largest(const Array& a, int axis) {
  return a.size() ? max(abs(a), axis) : zeros({a.shape()[1 - axis]}, a.dtype());
}
Array factor(const Array& size) { return where(size > 0, rsqrt(size), ones_like(size)); }

}  // namespace quadratic

QuadraticData quadratic_data(const SolverProblem& problem, const Array& z0) {
  const RowCounts m = row_counts(problem, z0);
  const std::int64_t n = z0.size();
  const Array origin = zeros_like(z0);
  QuadraticData d;
  d.q = problem.residual(origin);
  const Array p = jacobian(problem.residual)(origin);
  d.p = 0.5 * (p + transpose(p));
  d.a = m.equal ? jacobian(problem.equal)(origin) : zeros({0, n}, z0.dtype());
  d.b = m.equal ? -problem.equal(origin) : zeros({0}, z0.dtype());
  d.g = m.at_most ? jacobian(problem.at_most)(origin) : zeros({0, n}, z0.dtype());
  d.h = m.at_most ? -problem.at_most(origin) : zeros({0}, z0.dtype());
  const BoundsOf bounds = bounds_of(problem, z0);
  d.lower = bounds.lower;
  d.upper = bounds.upper;
  d.below = problem.lower.defined();
  d.above = problem.upper.defined();
  return d;
}

KktParts kkt_parts(const QuadraticData& d, const KktUnknowns& at) {
  KktParts p;
  p.gradient = dot(d.p, at.z) + d.q;
  p.c = dot(d.a, at.z) - d.b;
  p.g = dot(d.g, at.z) - d.h;
  p.c_slope = d.a;
  p.g_slope = d.g;
  p.lower = d.lower;
  p.upper = d.upper;
  p.hessian = d.p;
  p.bending = dot(abs(d.p), abs(at.z));
  return p;
}

QuadraticData without_fixed(const QuadraticData& d) {
  using quadratic::column;
  if (!d.below || !d.above) return d;
  const Array fixed = d.lower == d.upper, at = where(fixed, d.lower, zeros_like(d.q));
  const Array none = scalar_like(std::numeric_limits<double>::infinity(), d.q);
  auto free_columns = [&](const Array& m) { return where(fixed, zeros_like(m), m); };
  QuadraticData out = d;
  out.p = where(column(fixed) | fixed, diag(astype(fixed, d.p.dtype())), d.p);
  out.q = where(fixed, -at, d.q + dot(d.p, at));
  out.a = free_columns(d.a);
  out.b = d.b - dot(d.a, at);
  out.g = free_columns(d.g);
  out.h = d.h - dot(d.g, at);
  out.lower = where(fixed, -none, d.lower);
  out.upper = where(fixed, none, d.upper);
  return out;
}

QuadraticScaling equilibrated(const QuadraticData& d) {
  using namespace quadratic;
  const std::int64_t me = d.a.shape()[0], mg = d.g.shape()[0];
  struct Sweep {
    QuadraticScaling by, next;
    QuadraticData now;
    auto tree() { return std::tie(by, next, now); }
  };
  auto next = [&](const QuadraticData& now) {
    const Array of_rows = maximum(largest(now.a, 0), largest(now.g, 0));
    return QuadraticScaling{factor(maximum(largest(now.p, 0), of_rows)), factor(largest(now.a, 1)),
                            factor(largest(now.g, 1)), scalar_like(1, d.q)};
  };
  auto uneven = [](const Sweep& at) {
    Array out = array(false);
    for (const Array& f : {at.next.variables, at.next.equal, at.next.at_most}) out = out | any(abs(f - 1) > 0.05);
    return out;
  };
  const QuadraticScaling none{ones_like(d.q), ones({me}, d.q.dtype()), ones({mg}, d.q.dtype()), scalar_like(1, d.q)};
  Sweep w{none, next(d), d};
  w = loop(
      uneven,
      [&](const Sweep& at) {
        const QuadraticScaling &f = at.next, &b = at.by;
        const QuadraticData now = scaled(at.now, f);
        return Sweep{{b.variables * f.variables, b.equal * f.equal, b.at_most * f.at_most, b.cost}, next(now), now};
      },
      w, sweeps);
  QuadraticScaling s = w.by;
  if (d.q.size() == 0) return s;
  const Array size = maximum(mean(largest(w.now.p, 0)), max(abs(w.now.q)));
  s.cost = where(size > 0, reciprocal(where(size > 0, size, ones_like(size))), ones_like(size));
  return s;
}

QuadraticData scaled(const QuadraticData& d, const QuadraticScaling& by) {
  using quadratic::column;
  QuadraticData out = d;
  out.p = by.cost * column(by.variables) * d.p * by.variables;
  out.q = by.cost * by.variables * d.q;
  out.a = column(by.equal) * d.a * by.variables;
  out.b = by.equal * d.b;
  out.g = column(by.at_most) * d.g * by.variables;
  out.h = by.at_most * d.h;
  out.lower = d.lower / by.variables;
  out.upper = d.upper / by.variables;
  return out;
}

Array is_convex(const QuadraticData& d) {
  const std::int64_t n = d.q.size();
  if (n == 0) return array(true);
  Array p = d.p;
  for (int k = 0; k < 3; ++k) {
    const Array f = quadratic::factor(quadratic::largest(p, 0));
    p = quadratic::column(f) * p * f;
  }
  // Rounding of P's elements, and of the factors, shifts eigenvalues by so much at the most.
  const Array size = max(sum(abs(p), 0));
  const Array little = 4 * static_cast<double>(n) * epsilon(p.dtype()) * where(size > 0, size, ones_like(size));
  return all(isfinite(cholesky(p + little * eye(n, p.dtype()))));
}

}  // namespace dini::detail
