#include "dini/solvers/bounded_merit.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

namespace bounded_merit {

// a + b - √(a² + b²), b where a is infinite. Its slopes at (0, 0) are 1 and 1.
Array fischer_burmeister(const Array& a, const Array& b) {
  const Array there = isfinite(square(a)), from = where(there, a, zeros_like(a)), square_sum = square(from) + square(b);
  const Array root = where(square_sum > 0, sqrt(where(square_sum > 0, square_sum, ones_like(b))), zeros_like(b));
  return where(there, from + b - root, b);
}

// Φ, from F in the units of its rows.
Array complementarity(const BoundsOf& bounds, const Array& z, const Array& f) {
  return fischer_burmeister(z - bounds.lower, -fischer_burmeister(bounds.upper - z, -f));
}

Array bending(const Array& h, const Array& z, const Array& z0) {
  return dot(abs(h), abs(z)) + unfelt(dot(abs(h), abs(z0)));
}

BoundedMerit of_root(const SolverProblem& problem, const BoundsOf& bounds, const Array& z0) {
  const Array sizes = max(abs(jacobian(problem.residual)(z0)), 1);
  const Array units = stop_gradient(where(isfinite(sizes) & (sizes > 0), sizes, ones_like(sizes)));
  BoundedMerit out;
  out.bounds = bounds;
  out.value = [=, &problem](const Array& z) {
    return 0.5 * sum(square(complementarity(bounds, z, problem.residual(z) / units)));
  };
  out.model = [=, &problem](const Array& z) {
    const Array f = problem.residual(z), slopes = jacobian(problem.residual)(z);
    const Array phi = complementarity(bounds, z, f / units);
    // Φ_j depends on z_j and F_j alone: its slopes by them are those of the sum.
    auto total = [&](const Array& x, const Array& g) { return sum(complementarity(bounds, x, g)); };
    const auto parts = grad<0, 1>(total)(z, f / units);
    const Array whole = diag(std::get<0>(parts)) + expand_dims(std::get<1>(parts) / units, 1) * slopes;
    BoundedModel m;
    m.value = 0.5 * sum(square(phi));
    m.gradient = dot(phi, whole);
    m.hessian = dot(transpose(whole), whole);
    m.error = bounded_error(f, bending(slopes, z, z0), bounds, z, z0);
    return m;
  };
  return out;
}

}  // namespace bounded_merit

BoundedMerit merit_of(const SolverProblem& problem, const Array& z0) {
  const BoundsOf bounds = bounds_of(problem, z0);
  if (problem.kind == Kind::root) return bounded_merit::of_root(problem, bounds, z0);
  BoundedMerit out;
  out.bounds = bounds;
  out.value = [&problem](const Array& z) { return objective_at(problem, z); };
  out.model = [=, &problem](const Array& z) {
    const Array h = jacobian(problem.residual)(z);
    BoundedModel m;
    m.value = objective_at(problem, z);
    m.gradient = problem.residual(z);
    m.hessian = 0.5 * (h + transpose(h));
    m.error = bounded_error(m.gradient, bounded_merit::bending(h, z, z0), bounds, z, z0);
    return m;
  };
  return out;
}

Array bounded_error(const Array& gradient, const Array& bending, const BoundsOf& bounds, const Array& z,
                    const Array& z0) {
  const Array no_rows = zeros({0}, z.dtype()), no_slopes = zeros({0, z.size()}, z.dtype());
  KktParts parts;
  parts.gradient = gradient;
  parts.c = parts.g = no_rows;
  parts.c_slope = parts.g_slope = no_slopes;
  parts.lower = bounds.lower;
  parts.upper = bounds.upper;
  parts.bending = bending;
  return kkt_look(parts, {z, no_rows, no_rows}, z0).error;
}

Array contradictory(const BoundsOf& bounds) { return any(bounds.lower > bounds.upper); }

}  // namespace dini::detail
