#include "dini/solvers/trust_region.hpp"

#include <cmath>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace {

constexpr double near_border = 0.1, near_least = 0.1;

// a/b, 0 where b is 0.
Array quotient(const Array& a, const Array& b) {
  const Array there = b != 0.0;
  return where(there, a / where(there, b, ones_like(b)), zeros_like(a));
}

// How far it is from p, inside, along the unit vector v to the border: the shorter way, or forwards. In units of the radius,
// whose square may be out of range.
Array to_border(const Array& p, const Array& v, const Array& radius, bool forwards) {
  const Array along = dot(p, v) / radius, size = length(p) / radius;
  const Array missing = maximum((1 - size) * (1 + size), zeros_like(size)), root = sqrt(square(along) + missing);
  if (forwards) return radius * where(along > 0, quotient(missing, along + root), root - along);
  const Array sum = abs(along) + root;
  return radius * quotient(missing, where(along < 0, -sum, sum));
}

struct MultiplierSearch {
  Array step, null, multiplier, low, high, done;
  auto tree() { return std::tie(step, null, multiplier, low, high, done); }
};

Array unit_vector(const Array& v) { return v / length(v); }

Array step_to_border(const Array& b, const Array& g, const Array& radius, const Array& hessian) {
  const std::int64_t n = g.size();
  const Array unit = eye(n, g.dtype()), zero = scalar_like(0, g);
  const Array size_of_b = minimum(length(b), max(sum(abs(b), 1))), pull = length(g) / radius;
  const Array flat = std::sqrt(epsilon(g.dtype())) * size_of_b;
  MultiplierSearch start;
  start.step = -g * quotient(radius, length(g));
  start.null = unit_vector(cos(3.1 * astype(arange(n), g.dtype()) + 0.4));
  start.low = maximum(maximum(zero, -min(diagonal(b))), pull - size_of_b);
  start.high = pull + 1.1 * size_of_b;  // beyond it B + λI is positive definite
  start.multiplier = start.low;
  start.done = array(false);
  auto next = [&](const MultiplierSearch& s) {
    const Array& shift = s.multiplier;
    const Array factor = linalg::cholesky(b + shift * unit), definite = all(isfinite(factor));
    const Array l = where(definite, factor, unit);
    const Array p = -linalg::cho_solve(l, g), size = length(p), inside = size < radius;
    const Array slope = quotient(size, length(linalg::solve_triangular(l, p, true)));
    const Array newton = shift + square(slope) * (size - radius) / radius;
    // (B + λI)⁻¹ stretches the eigenvector of the least eigenvalue most; Rayleigh's quotient bounds that from above.
    Array null = s.null;
    for (int k = 0; k < 2; ++k) null = unit_vector(linalg::cho_solve(l, null));
    const Array curvature = sum(square(dot(transpose(l), null)));
    const Array more = to_border(p, null, radius, false);
    const Array hard =
        inside & (square(more / radius) * curvature <= near_least * (shift - dot(g, p / radius) / radius));
    const Array level = hessian.defined() ? abs(dot(null, dot(hessian, null))) <= flat : array(false);
    const Array border = abs(size - radius) <= near_border * radius;
    MultiplierSearch r;
    const Array candidate = where(border | (inside & (level | (shift == 0.0))), p,
                                  where(inside, p + more * null, p * quotient(radius, size)));
    r.step = where(definite, candidate, s.step);
    r.null = where(definite, null, s.null);
    r.low = maximum(s.low, where(definite & inside, shift - curvature, shift));
    r.high = where(definite & inside, shift, s.high);
    const Array between = maximum(1e-3 * r.high, sqrt(r.low) * sqrt(r.high));
    r.multiplier = where(definite & (newton > r.low) & (newton <= r.high), newton, between);
    r.done =
        (definite & (border | hard | (inside & (shift == 0.0)))) | (r.high - r.low <= 4 * epsilon(g.dtype()) * r.high);
    return r;
  };
  return loop([](const MultiplierSearch& s) { return ~s.done; }, next, start, 60).step;
}

}  // namespace

Array exact_step(const Array& b, const Array& g, const Array& radius, const Array& newton, const Array& definite,
                 const Array& hessian) {
  return cond(
      definite & (length(newton) <= radius), [&](const Array&) { return newton; },
      [&](const Array& slope) { return step_to_border(b, slope, radius, hessian); }, g);
}

ConjugateStep conjugate_step(const Product& b, const Array& g, const Array& radius, const Array& tolerance,
                             std::int64_t most) {
  struct Search {
    Array p, product, residual, direction, done, inside, products;
    auto tree() { return std::tie(p, product, residual, direction, done, inside, products); }
  };
  const Array none = array(std::int64_t{0});
  const Search start{zeros_like(g), zeros_like(g), -g, -g, array(false), array(false), none};
  auto next = [&](const Search& s) {
    const Array bd = b(s.direction), bend = dot(s.direction, bd), rr = dot(s.residual, s.residual);
    const Array along = quotient(rr, bend), full = s.p + along * s.direction;
    const Array out = ~(bend > 0) | ~(length(full) < radius);
    const Array size = length(s.direction), unit = quotient(ones_like(size), size);
    const Array to = unit * to_border(s.p, unit * s.direction, radius, true);
    const Array by = where(out, to, along);
    Search r;
    r.p = s.p + by * s.direction;
    r.product = s.product + by * bd;
    r.residual = s.residual - by * bd;
    r.inside = ~out & (length(r.residual) <= tolerance);
    r.done = out | r.inside;
    r.direction = r.residual + quotient(dot(r.residual, r.residual), rr) * s.direction;
    r.products = s.products + 1;
    return r;
  };
  const Search s = loop([](const Search& at) { return ~at.done; }, next, start, most);
  return {s.p, s.product, s.inside, s.products};
}

Array predicted_decrease(const Array& g, const Array& p, const Array& product) { return -dot(p, g + 0.5 * product); }

Decision decide(const TriedStep& t) {
  const Array finite = isfinite(t.after) & isfinite(t.slope_after) & isfinite(t.predicted);
  const Array ratio = quotient(t.before - t.after, t.predicted);
  const Array unseen = t.newton & (t.predicted <= unseen_decrease(t.before));
  const Array shorter = t.slope_after < t.slope_before;
  Decision out;
  out.taken = finite & where(unseen, shorter, (t.predicted > 0) & (ratio >= 1e-4));
  out.exhausted = unseen & finite & ~shorter;
  const Array shrunk = 0.25 * minimum(t.length, t.radius);
  const Array grown = where((ratio > 0.75) & (t.length >= 0.8 * t.radius), 2 * t.radius, t.radius);
  const Array poor = ~finite | (ratio < 0.25) | ~(t.predicted > 0);
  out.radius = where(unseen & shorter, t.radius, where(poor, shrunk, grown));
  return out;
}

}  // namespace dini::detail
