#include "dini/solvers/reflective_step.hpp"

#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/trust_region.hpp"

namespace dini::detail {

namespace reflective {

constexpr double infinite = std::numeric_limits<double>::infinity();

// The model in scaled variables; d scales them back.
struct ScaledModel {
  Array gradient, hessian, d;
  Array value(const Array& s) const { return dot(gradient, s) + 0.5 * dot(s, dot(hessian, s)); }
};
// A step in scaled variables, and the model's value there.
struct ModelStep {
  Array step, value;
};

// The largest t with z + t p within the bounds; ∞ where p is 0.
Array to_bounds(const BoundsOf& b, const Array& z, const Array& p) {
  const Array moves = p != 0.0, way = where(p > 0, b.upper - z, b.lower - z);
  return min(where(moves, way / where(moves, p, ones_like(p)), scalar_like(infinite, p)));
}

// The least of the model on from + t·way, low ≤ t ≤ high; infinite where there is no such t.
ModelStep least_along(const ScaledModel& m, const Array& from, const Array& way, const Array& low, const Array& high) {
  const Array product = dot(m.hessian, way), bend = dot(way, product),
              slope = dot(m.gradient, way) + dot(from, product);
  const Array bends = bend > 0,
              inner = clip(where(bends, -slope / where(bends, bend, ones_like(bend)), high), low, high);
  ModelStep best{from + inner * way, m.value(from + inner * way)};
  for (const Array& t : {low, high}) {
    const Array s = from + t * way, value = m.value(s), better = value < best.value;
    best = {where(better, s, best.step), where(better, value, best.value)};
  }
  best.value = where((low <= high) & isfinite(best.value), best.value, scalar_like(infinite, low));
  return best;
}

// How far from s inside the sphere of this radius t·way leads to it.
Array to_sphere(const Array& s, const Array& way, const Array& radius) {
  const Array a = sum(square(way)), b = dot(s, way), c = minimum(sum(square(s)) - square(radius), zeros_like(radius));
  const Array moves = a > 0, safe = where(moves, a, ones_like(a));
  return where(moves, (sqrt(square(b) - a * c) - b) / safe, zeros_like(a));
}

// The step to take of a trust region's step that meets bounds.
ModelStep bent(const ScaledModel& m, const BoundsOf& b, const Array& z, const Array& step, const Array& radius,
               const Array& border) {
  const Array whole = m.d * step, part = to_bounds(b, z, whole), hits = z + part * whole;
  const Array met = where(whole > 0, hits >= b.upper, hits <= b.lower) & (whole != 0.0);
  const Array reflected = where(met, -step, step), until = part * step;
  const Array to_border = to_sphere(until, reflected, radius);
  const Array to_bound = to_bounds(b, clip(hits, b.lower, b.upper), m.d * reflected),
              stride = minimum(to_border, to_bound);
  const Array low =
      where(stride > 0, (1 - border) * part / where(stride > 0, stride, ones_like(stride)), zeros_like(stride));
  const Array high =
      where(stride > 0, where(to_bound <= to_border, border * to_bound, to_border), scalar_like(-1, stride));
  ModelStep best{border * until, m.value(border * until)};
  const Array size = length(m.gradient), down = -m.gradient;
  const Array sphere = radius / where(size > 0, size, ones_like(size)), wall = to_bounds(b, z, m.d * down);
  const Array most = where(wall < sphere, border * wall, sphere);
  for (const ModelStep& c :
       {least_along(m, until, reflected, low, high), least_along(m, zeros_like(step), down, zeros_like(most), most)}) {
    const Array better = c.value < best.value;
    best = {where(better, c.step, best.step), where(better, c.value, best.value)};
  }
  return best;
}

// Off the bounds by at least a rounding.
Array strictly_within(const BoundsOf& b, const Array& z) {
  const double eps = epsilon(z.dtype());
  const Array low = where(isfinite(b.lower), b.lower + eps * maximum(abs(b.lower), scalar_like(1e-300, z)), b.lower);
  const Array high = where(isfinite(b.upper), b.upper - eps * maximum(abs(b.upper), scalar_like(1e-300, z)), b.upper);
  return where(low < high, clip(z, low, high), 0.5 * (b.lower + b.upper));
}

}  // namespace reflective

BoundedState reflective_start(const BoundedMerit& merit, const Array& z0) {
  const BoundsOf& b = merit.bounds;
  const Array there = isfinite(b.lower), above = isfinite(b.upper);
  const Array l = where(there, b.lower, z0), u = where(above, b.upper, z0);
  const Array width = where(there & above, u - l, scalar_like(reflective::infinite, z0));
  auto gap = [&](const Array& bound) { return 1e-2 * minimum(maximum(abs(bound), ones_like(z0)), width); };
  BoundedState s;
  s.z = where(there, maximum(z0, l + gap(l)), z0);
  s.z = where(above, minimum(s.z, u - gap(u)), s.z);
  s.here = merit.model(s.z);
  const Array size = length(s.z);
  s.radius = where(size > 0, size, ones_like(size));
  s.stuck = array(false);
  s.length = zeros_like(size);
  return s;
}

BoundedState reflective_step(const BoundedMerit& merit, const BoundedState& s, double border) {
  using namespace reflective;
  const BoundsOf& b = merit.bounds;
  const Array &g = s.here.gradient, one = ones_like(g), zero = zeros_like(g);
  const Array to_upper = (g < 0) & isfinite(b.upper), to_lower = (g > 0) & isfinite(b.lower);
  const Array v =
      where(to_upper, where(to_upper, b.upper, s.z) - s.z, where(to_lower, s.z - where(to_lower, b.lower, s.z), one));
  const Array bending = where(to_upper | to_lower, abs(g), zero), fixed = b.lower == b.upper;
  ScaledModel m;
  m.d = where(fixed, zero, sqrt(maximum(v, zero)));
  m.gradient = m.d * g;
  m.hessian = expand_dims(m.d, 1) * s.here.hessian * m.d + diag(where(fixed, one, bending));
  const MatrixStructure symmetric{.symmetric = true};
  const Leaves factors = factorize(m.hessian, symmetric);
  const Array newton = -solve_factored(factors, m.hessian, m.gradient, symmetric);
  const Array definite = is_definite(factors, m.hessian) & all(isfinite(newton));
  const Array inner = exact_step(m.hessian, m.gradient, s.radius, newton, definite), to = s.z + m.d * inner;
  const Array within = all(((to > b.lower) & (to < b.upper)) | fixed);
  const Array theta = maximum(scalar_like(border, s.z), 1 - max(abs(v * g)));
  const ModelStep curved = bent(m, b, s.z, inner, s.radius, theta);
  const Array way = where(within, inner, curved.step);
  const Array z = where(fixed, s.z, strictly_within(b, s.z + m.d * way));
  return after_step(merit, s, {z, length(way), -m.value(way), 0.5 * sum(bending * square(way))}, 1e-4);
}

}  // namespace dini::detail
