#include "dini/solvers/compact_hessian.hpp"

#include <limits>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/sort.hpp"
#include "dini/solvers/criterion.hpp"

namespace dini::detail {

StepMemory StepMemory::none(const Array& z, std::int64_t history) {
  const Array rows = zeros({history, z.size()}, z.dtype());
  return {rows, rows};
}

StepMemory StepMemory::with(const Array& step, const Array& change) const {
  const Array sound = dot(step, change) > epsilon(step.dtype()) * sum(square(change));
  auto appended = [&](const Array& rows, const Array& row) {
    const Array longer = concatenate({rows(slice(1, end)), expand_dims(row, 0)});
    return where(sound, longer, rows);
  };
  return {appended(s, step), appended(y, change)};
}

CompactHessian::CompactHessian(const StepMemory& memory, const Array& first) {
  const Array &s = memory.s, &y = memory.y;
  const Array sy = dot(s, transpose(y)), d = diagonal(sy), there = d > 0, one = ones_like(d), last = y(-1);
  const Array curvature = dot(s(-1), last), known = curvature > 0;
  theta = where(known, sum(square(last)) / where(known, curvature, ones_like(curvature)), first);
  w = transpose(concatenate({y, theta * s}));
  // What is not there stands as the identity's: its columns of W are 0.
  const Array above = diag(where(there, -d, one)),
              below = theta * dot(s, transpose(s)) + diag(where(there, zeros_like(d), one));
  const Array l = tril(sy, -1);
  m = inv(block({{above, transpose(l)}, {l, below}}));
}

Array CompactHessian::apply(const Array& v) const { return theta * v - dot(w, dot(m, dot(v, w))); }

Array cauchy_point(const CompactHessian& b, const BoundsOf& bounds, const Array& z, const Array& g) {
  const Array infinite = scalar_like(std::numeric_limits<double>::infinity(), z);
  const Array bound = where(g > 0, bounds.lower, bounds.upper), moves = g != 0.0;
  // When each variable meets its bound.
  const Array when = where(moves, (z - bound) / where(moves, g, ones_like(g)), infinite);
  const Array order = argsort(when), t = take(when, order), slope = take(g, order), rows = take(b.w, order, 0);
  const Array from = concatenate({zeros({1}, z.dtype()), t}), to = concatenate({t, expand_dims(infinite, 0)});
  // On the k-th piece the first k variables are at their bounds: p = Wᵀd and c = Wᵀ(z(t) - z) of the others and of all.
  const Array gone = concatenate({zeros({1, rows.shape()[1]}, z.dtype()), cumsum(expand_dims(slope, 1) * rows, 0)});
  const Array squares = concatenate({zeros({1}, z.dtype()), cumsum(square(slope))});
  const Array p = gone - dot(g, b.w), size = maximum(sum(square(g)) - squares, zeros_like(squares));
  const Array start = where(isfinite(from), from, zeros_like(from)),
              lengths = start(slice(1, end)) - start(slice(0, -1));
  const Array steps = expand_dims(maximum(lengths, zeros_like(lengths)), 1) * p(slice(0, -1));
  const Array c = concatenate({zeros({1, rows.shape()[1]}, z.dtype()), cumsum(steps, 0)});
  const Array pm = dot(p, b.m);
  const Array falls = -size + b.theta * start * size - sum(pm * c, 1), bends = b.theta * size - sum(pm * p, 1);
  const Array curved = bends > 0, least = where(curved, -falls / where(curved, bends, ones_like(bends)), infinite);
  const Array ends_here = isfinite(from) & ((falls >= 0) | (from + least <= to));
  const Array k = argmax(ends_here), inner = maximum(take(least, k), scalar_like(0, z));
  const Array found = take(start, k) + where(take(falls, k) >= 0, scalar_like(0, z), inner);
  const Array until = where(isfinite(found), found, scalar_like(0, z));
  return where(when <= until, bound, z - until * g);
}

Array subspace_minimum(const CompactHessian& b, const BoundsOf& bounds, const Array& z, const Array& g,
                       const Array& cauchy) {
  const Array free = (cauchy > bounds.lower) & (cauchy < bounds.upper), zero = zeros_like(z);
  const Array r = where(free, -(g + b.apply(cauchy - z)), zero),
              rows = where(expand_dims(free, 1), b.w, zeros_like(b.w));
  // By Sherman, Morrison and Woodbury.
  const Array inner = eye(b.m.shape()[0], z.dtype()) - dot(b.m, dot(transpose(rows), rows)) / b.theta;
  const Array d = r / b.theta + dot(rows, solve(inner, dot(b.m, dot(r, rows)))) / square(b.theta);
  const Array projected = clip(cauchy + where(free, d, zero), bounds.lower, bounds.upper);
  // As far as the first bound where the projection does not lead downhill.
  const Array way = where(d > 0, bounds.upper, bounds.lower) - cauchy, moves = free & (d != 0.0);
  const Array part = minimum(scalar_like(1, z), min(where(moves, way / where(moves, d, ones_like(d)), ones_like(d))));
  const Array downhill = dot(projected - z, g) < 0;
  const Array found =
      where(downhill, projected, clip(cauchy + part * where(free, d, zero), bounds.lower, bounds.upper));
  return where(all(isfinite(found)), found, cauchy);
}

}  // namespace dini::detail
