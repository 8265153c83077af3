#include "dini/solvers/barrier.hpp"

#include <limits>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace barrier {

// The largest magnitude, 0 of nothing.
Array largest(const Array& v) { return v.size() > 0 ? max(abs(v)) : scalar_like(0, v); }
Array ones_of(const Array& v) { return ones_like(v); }

// The largest α ≤ 1 with v + αd ≥ (1 - τ)v.
Array to_zero(const Array& v, const Array& d, const Array& tau) {
  const Array one = scalar_like(1, v);
  if (v.size() == 0) return one;
  const Array falls = d < 0;
  return minimum(one, min(where(falls, tau * v / where(falls, -d, ones_of(d)), ones_of(d))));
}

}  // namespace barrier

Barrier::Barrier(const NonlinearProgram& program) : program_(program) {
  const BoundsOf& b = program.bounds();
  fixed_ = b.lower == b.upper;
  has_lower_ = isfinite(b.lower) & ~fixed_;
  has_upper_ = isfinite(b.upper) & ~fixed_;
}

Array Barrier::below(const Array& z) const {
  return where(has_lower_, z - where(has_lower_, program_.bounds().lower, z), ones_like(z));
}
Array Barrier::above(const Array& z) const {
  return where(has_upper_, where(has_upper_, program_.bounds().upper, z) - z, ones_like(z));
}

Array Barrier::inside(const Array& z) const {
  const Array l = where(has_lower_, program_.bounds().lower, z), u = where(has_upper_, program_.bounds().upper, z);
  const Array width = where(has_lower_ & has_upper_, u - l, scalar_like(std::numeric_limits<double>::infinity(), z));
  auto gap = [&](const Array& bound) { return 1e-2 * minimum(maximum(abs(bound), ones_like(z)), width); };
  Array out = where(has_lower_, maximum(z, l + gap(l)), z);
  out = where(has_upper_, minimum(out, u - gap(u)), out);
  return where(fixed_, program_.bounds().lower, out);
}

Array Barrier::objective(const Values& v, const BarrierPoint& p, const Array& mu) const {
  return v.objective - mu * (sum(log(below(p.z))) + sum(log(above(p.z))) + sum(log(p.slack)));
}

Array Barrier::violation(const Values& v, const Array& slack) const {
  return sum(abs(v.equal)) + sum(abs(v.at_most + slack));
}

Array Barrier::stationarity(const Slopes& s, const BarrierPoint& p) const {
  const Array all = s.gradient + dot(p.equal, s.equal) + dot(p.at_most, s.at_most);
  return where(fixed_, zeros_like(all), all);
}

Array Barrier::error(const Values& v, const Slopes& s, const BarrierPoint& p, const Array& mu) const {
  using barrier::largest;
  const double bounds = static_cast<double>(p.equal.size() + p.at_most.size() + 2 * p.z.size());
  const Array multipliers = (sum(abs(p.equal)) + sum(abs(p.at_most)) + sum(abs(p.lower)) + sum(abs(p.upper))) / bounds;
  const Array size = maximum(multipliers, scalar_like(100, p.z)) / 100;
  const Array slope = largest(stationarity(s, p) - p.lower + p.upper) / size;
  const Array zero = zeros_like(p.z);
  const Array gaps = maximum(largest(where(has_lower_, below(p.z) * p.lower - mu, zero)),
                             largest(where(has_upper_, above(p.z) * p.upper - mu, zero)));
  const Array products = maximum(gaps, largest(p.slack * p.at_most - mu)) / size;
  return maximum(maximum(slope, products), maximum(largest(v.equal), largest(v.at_most + p.slack)));
}

Barrier::System Barrier::system(const Slopes& s, const BarrierPoint& p, const Array& mu,
                                const Array& last_shift) const {
  const std::int64_t n = p.z.size(), me = p.equal.size(), m = p.at_most.size();
  const Dtype dtype = p.z.dtype();
  const Array free = astype(~fixed_, dtype), identity = eye(n, dtype);
  const Array within = expand_dims(free, 1) * free;
  const Array weights = p.lower / below(p.z) + p.upper / above(p.z);
  const Array base = within * s.hessian + identity * where(fixed_, ones_like(weights), weights);
  const Array c = s.equal * free, g = s.at_most * free;
  // Equations that depend on each other would make the system singular.
  const Array dependence = std::sqrt(epsilon(dtype)) * power(mu, 0.25);
  const Array slack = p.slack / p.at_most;
  auto formed = [&](const Array& shift) {
    std::vector<std::vector<Array>> rows{{base + shift * identity}};
    if (me > 0) rows[0].push_back(transpose(c));
    if (m > 0) rows[0].push_back(transpose(g));
    if (me > 0) {
      rows.push_back({c, -dependence * eye(me, dtype)});
      if (m > 0) rows.back().push_back(zeros({me, m}, dtype));
    }
    if (m > 0) {
      rows.push_back({g});
      if (me > 0) rows.back().push_back(zeros({m, me}, dtype));
      rows.back().push_back(-eye(m, dtype) * slack);
    }
    return block(rows);
  };
  struct Search {
    System k;
    Array tries;
    auto tree() { return std::tie(k, tries); }
  };
  const Array none = zeros_like(last_shift);
  auto tried = [&](const Array& shift, const Array& tries) {
    System k{symmetric_factors(formed(shift)), shift, array(false)};
    // A singular system shows in its solution.
    const Array x = k.factors.solve(ones({n + me + m}, dtype));
    k.sound = (k.factors.negative() == me + m) & all(isfinite(x));
    return Search{k, tries};
  };
  const Array first = where(last_shift > 0, last_shift / 3, scalar_like(1e-4, p.z));
  return loop([](const Search& q) { return ~q.k.sound; },
              [&](const Search& q) { return tried(where(q.tries == 0, first, 8 * q.k.shift), q.tries + 1); },
              tried(none, array(std::int64_t{0})), 40)
      .k;
}

BarrierPoint Barrier::step(const System& k, const Slopes& s, const BarrierPoint& p, const Array& mu, const Array& equal,
                           const Array& at_most) const {
  const std::int64_t n = p.z.size(), me = p.equal.size();
  const Array gap = below(p.z), gap_above = above(p.z), zero = zeros_like(p.z);
  const Array push = where(has_lower_, mu / gap, zero), push_back = where(has_upper_, mu / gap_above, zero);
  const Array right = where(fixed_, zero, -(stationarity(s, p) - push + push_back));
  const Array d = k.factors.solve(concatenate({right, -equal, p.slack - at_most - mu / p.at_most}));
  BarrierPoint out;
  const std::vector<Array> parts = split(d, {n, n + me});
  out.z = parts[0];
  out.equal = parts[1];
  out.at_most = parts[2];
  out.slack = mu / p.at_most - p.slack - p.slack / p.at_most * out.at_most;
  out.lower = where(has_lower_, push - p.lower - p.lower / gap * out.z, zero);
  out.upper = where(has_upper_, push_back - p.upper + p.upper / gap_above * out.z, zero);
  return out;
}

Barrier::Lengths Barrier::to_border(const BarrierPoint& p, const BarrierPoint& d, const Array& tau) const {
  using barrier::to_zero;
  const Array zero = zeros_like(p.z);
  const Array in_z = minimum(to_zero(below(p.z), where(has_lower_, d.z, zero), tau),
                             to_zero(above(p.z), where(has_upper_, -d.z, zero), tau));
  const Array dual = minimum(to_zero(p.lower, d.lower, tau), to_zero(p.upper, d.upper, tau));
  return {minimum(in_z, to_zero(p.slack, d.slack, tau)), minimum(dual, to_zero(p.at_most, d.at_most, tau))};
}

BarrierPoint Barrier::moved(const BarrierPoint& p, const BarrierPoint& d, const Array& primal, const Array& dual,
                            const Array& mu) const {
  const double eps = epsilon(p.z.dtype());
  const BoundsOf& b = program_.bounds();
  BarrierPoint out;
  out.z = p.z + primal * d.z;
  // Rounding may lead onto a bound.
  out.z = where(has_lower_, maximum(out.z, where(has_lower_, b.lower + 4 * eps * abs(b.lower), out.z)), out.z);
  out.z = where(has_upper_, minimum(out.z, where(has_upper_, b.upper - 4 * eps * abs(b.upper), out.z)), out.z);
  out.slack = p.slack + primal * d.slack;
  out.equal = p.equal + primal * d.equal;
  auto near = [&](const Array& v, const Array& gap) { return clip(v, 1e-10 * mu / gap, 1e10 * mu / gap); };
  const Array zero = zeros_like(p.z);
  out.at_most = near(p.at_most + dual * d.at_most, out.slack);
  out.lower = where(has_lower_, near(p.lower + dual * d.lower, below(out.z)), zero);
  out.upper = where(has_upper_, near(p.upper + dual * d.upper, above(out.z)), zero);
  return out;
}

Array Barrier::slope(const Slopes& s, const BarrierPoint& p, const BarrierPoint& d, const Array& mu) const {
  const Array zero = zeros_like(p.z);
  const Array push = where(has_lower_, mu / below(p.z), zero) - where(has_upper_, mu / above(p.z), zero);
  return dot(s.gradient - push, d.z) - mu * sum(d.slack / p.slack);
}

Array Barrier::equal_of_least_slope(const Slopes& s, const BarrierPoint& p) const {
  const std::int64_t n = p.z.size(), me = p.equal.size();
  if (me == 0) return p.equal;
  const Dtype dtype = p.z.dtype();
  const Array c = where(fixed_, zeros_like(s.equal), s.equal);
  BarrierPoint without = p;
  without.equal = zeros_like(p.equal);
  const Array slope = stationarity(s, without) - p.lower + p.upper;
  const Array k = block({{eye(n, dtype), transpose(c)}, {c, -std::sqrt(epsilon(dtype)) * eye(me, dtype)}});
  const Array found = split(symmetric_factors(k).solve(concatenate({-slope, zeros({me}, dtype)})), {n})[1];
  // One that is very large says that the rows' gradients depend on each other.
  const Array usable = all(isfinite(found)) & (barrier::largest(found) <= 1e3);
  return where(usable, found, zeros_like(found));
}

BarrierPoint Barrier::centred(const Array& z, const Array& slack, const Array& equal, const Array& mu) const {
  const Array zero = zeros_like(z);
  return {z, slack, equal, mu / slack, where(has_lower_, mu / below(z), zero), where(has_upper_, mu / above(z), zero)};
}

}  // namespace dini::detail
