#include "dini/solvers/criterion.hpp"

#include <cmath>
#include <limits>

#include "dini/core/index.hpp"
#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/curvature.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/solvers/products.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/rounding_noise.hpp"

namespace dini::detail {

Array scalar_like(double value, const Array& z) { return astype(Array(value), z.dtype()); }

Array length(const Array& v) { return norm(v); }

double solution_tolerance(Dtype dtype) { return std::pow(epsilon(dtype) / 2, 2.0 / 3); }

namespace {

// a/b of sizes, 0 for 0/0: no NaN is made.
Array part_of(const Array& a, const Array& b) {
  const Array none = where(a == 0.0, zeros_like(a), scalar_like(std::numeric_limits<double>::infinity(), b));
  return where(b == 0.0, none, a / where(b == 0.0, ones_like(b), b));
}

// What is 0 beside the start, component by component; where one starts at 0, beside the whole of the start or of what has become of it.
Array nothing_beside(const Array& z0, const Array& z) {
  const double eps = epsilon(z0.dtype());
  return eps * eps * where(z0 == 0.0, maximum(length(z0), length(z)), abs(z0));
}

}  // namespace

Array largest_relative(const Array& d, const Array& z) { return max(part_of(abs(d), abs(z))); }

Array worth_judging(const Array& delta, const Array& z, const Array& z0) {
  const double rtol = solution_tolerance(z.dtype());
  const Array entrywise = all(abs(delta) <= maximum(rtol * abs(z), nothing_beside(z0, z)));
  return entrywise | (length(delta) <= rtol * length(z));
}

Array column_sizes(const Array& a) {
  if (a.ndim() == 1) return ones_like(a);
  // Times the reciprocals of rows, of which there are n in place of n² divisions. One of what is no normal number may be infinite.
  const double least =
      a.dtype() == Dtype::float32 ? std::numeric_limits<float>::min() : std::numeric_limits<double>::min();
  const Array rows = max(abs(a), 1, true);
  const Array columns = max(abs(a) * reciprocal(where(rows >= least, rows, ones_like(rows))), 0);
  return where(columns > 0, columns, ones_like(columns));
}

Array relative_change(const Array& a, const Inverse& inverse, const Array& change, const Array& z) {
  if (a.ndim() == 1) return max(abs(change / a));
  const Array by = inverse(change), units = abs(z);
  auto size = [&](const Array& c) { return norm(by * c / reshape(c, {c.size(), 1})); };
  const Array own = size(reciprocal(column_sizes(a))), in_z = size(units);
  return where(in_z < own, in_z, own);
}

namespace {
Array smallest_number(const Array& z) {
  return scalar_like(z.dtype() == Dtype::float32 ? std::numeric_limits<float>::denorm_min()
                                                 : std::numeric_limits<double>::denorm_min(),
                     z);
}
}  // namespace

Array noise_at(const SolverProblem& problem, const Array& z, const Array& matrix) {
  const Array smallest = smallest_number(z);
  if (!problem.reads_values) {
    return maximum(rounding_noise([&](const Array& v) { return problem.residual(v); })(z), smallest);
  }
  const Array own = epsilon(z.dtype()) / 2 * abs(z);
  const Array terms = matrix.defined() ? epsilon(z.dtype()) * product_with(abs(matrix), abs(z)) : zeros_like(z);
  return maximum(problem.kind == Kind::fixed_point ? terms + own : terms, smallest);
}

Array noise_patterns(const Array& eta, const Array& a) {
  if (a.defined() && a.ndim() == 1) return reshape(eta, {eta.size(), 1});
  const Array j = reshape(astype(arange(eta.size()), eta.dtype()), {eta.size(), 1});
  const Array k = astype(array({0.0, 3.1, 1.55, 2.3}), eta.dtype()), column = reshape(eta, {eta.size(), 1});
  return where(cos(j * k) < 0, -column, column);
}

Array felt_correction(const Array& delta, const Array& hidden, const Array& a) {
  if (a.ndim() == 1) return delta + where(delta < 0, -1.0, 1.0) * abs(reshape(hidden, delta.shape()));
  const Array column = reshape(delta, {delta.size(), 1}), sizes = reshape(column_sizes(a), {delta.size(), 1});
  const Array either = concatenate({column + hidden, column - hidden}, 1);
  return take(either, argmax(max(abs(either) * sizes, 0)), 1);
}

namespace {

// The lowest of some points to both sides of z along a direction, and of where `settled` takes each of them.
struct Lowest {
  Array z, falls;
};
Lowest lowest_along(const SolverProblem& problem, const Array& z, const Array& z0, const Array& direction,
                    const std::function<Array(const Array&)>& settled = {}) {
  const Array size = length(direction);
  const Array along = direction / where(size > 0, size, scalar_like(1, size));
  // Parts of the way from the start, and, where the start is beside the point, of the way to 0.
  const Array span = largest_relative(along, z);
  const Array from_zero = where(isfinite(span) & (span > 0), 1 / span, scalar_like(0, span));
  const Array longest = maximum(length(z - z0), from_zero);
  const Array far = where(longest > 0, longest, scalar_like(1, longest));
  const Array here = objective_at(problem, z);
  Array noise = 1e3 * epsilon(z.dtype()) * abs(here);
  if (!problem.reads_values)
    noise = noise + 8 * rounding_noise([&](const Array& v) { return objective_at(problem, v); })(z);
  Lowest out{z, array(false)};
  Array least = here - noise;
  std::vector<Array> reaches{1e-1 * far, 1e-2 * far, 1e-3 * far};
  // Where single precision hides a valley's slope up to some way off, a start that is far away says nothing of how long it is straight.
  if (z.dtype() == Dtype::float32) reaches.push_back(1e-2 * from_zero);
  for (const Array& reach : reaches) {
    const Array step = reach * along;
    Leaves points{z + step, z - step};
    if (settled) points = {points[0], points[1], settled(points[0]), settled(points[1])};
    for (const Array& there : points) {
      const Array value = objective_at(problem, there), lower = (value < least) & (size > 0);
      out.z = where(lower, there, out.z);
      out.falls = out.falls | lower;
      least = where(lower, value, least);
    }
  }
  return out;
}

// Where the Hessian is positive definite, but for what rounding may hide: where a correction that rounding may hide changes it by
// much of itself it is singular at the end, and what is semidefinite may be a saddle, whose null direction is that correction's.
Confirmation look_at_definite(const SolverProblem& problem, const Candidate& at, const Array& z, const Array& hidden) {
  const Array felt = felt_correction(at.delta, hidden, at.matrix);
  const Array change =
      relative_change(at.matrix, at.inverse, stop_gradient(jacobian(problem.residual)(at.z + felt)) - at.matrix, at.z);
  const Lowest lowest = lowest_along(problem, z, at.z0, felt);
  const Array falls = ~(change < 0.1) & lowest.falls;
  return {where(falls, code(StatusCode::not_a_minimum), code(StatusCode::converged)), lowest.z, falls};
}

// Where it is not, or may not be: of the Hessian at z itself, which may have been polished. Semidefinite to rounding, in any
// units of z, it is that of a minimum if nothing beside is lower. (An unknown that has gone to where nothing depends on it has
// found no minimum: exp z is 0 at -746.)
Confirmation look_at_indefinite(const SolverProblem& problem, const Candidate& at, const Array& z) {
  const Array h = stop_gradient(jacobian(problem.residual)(z));
  const Array rows = sqrt(max(abs(h), 1)), units = 1 / where(rows > 0, rows, ones_like(rows));
  const linalg::Eigh eigen = linalg::eigh(h * outer(units, units));
  const Array values = eigen.eigenvalues, vectors = eigen.eigenvectors, v = vectors(slice(), 0);
  const Array little = 10 * static_cast<double>(z.size()) * epsilon(z.dtype()) * max(abs(values));
  // A valley is curved: from beside z down to its floor again, by Newton's step across it.
  const Array across = where(values > little, reciprocal(where(values > little, values, ones_like(values))), 0.0);
  auto settled = [&](const Array& there) {
    const Array slope = units * problem.residual(there);
    return there - units * dot(vectors, across * dot(slope, vectors));
  };
  const Lowest lowest = lowest_along(problem, z, at.z0, units * v, settled);
  const Array flat = values(0) >= -little;
  const Array lost = any((rows == 0.0) & (z != at.z0));
  const Array minimum = flat & ~lost & ~lowest.falls;
  return {where(minimum, code(StatusCode::converged), code(StatusCode::not_a_minimum)), lowest.z, lowest.falls};
}

// Where there is no Hessian: by some products with it.
Confirmation look_by_products(const SolverProblem& problem, const Candidate& at, const Array& z) {
  const LowestCurvature lowest = lowest_curvature(products_at(problem, z), z, 40);
  const Array curved = lowest.value < -10 * static_cast<double>(z.size()) * epsilon(z.dtype()) * lowest.largest;
  const Lowest down = lowest_along(problem, z, at.z0, lowest.direction);
  return {where(curved, code(StatusCode::not_a_minimum), code(StatusCode::converged)), down.z, curved & down.falls};
}

class MinimumCriterion : public Criterion {
 protected:
  Confirmation confirm(const SolverProblem& problem, const Candidate& at, const Array& z,
                       const Array& hidden) const override {
    if (!at.matrix.defined()) {
      return problem.reads_values ? Criterion::confirm(problem, at, z, hidden) : look_by_products(problem, at, z);
    }
    return cond(
        is_definite(at.factors, at.matrix), [&](const Array& v) { return look_at_definite(problem, at, v, hidden); },
        [&](const Array& v) { return look_at_indefinite(problem, at, v); }, z);
  }
  // A whole valley of points that are equally low is no less of a minimum. It has no derivative.
  Confirmation hidden(const SolverProblem& problem, const Candidate& at, const Array& z) const override {
    Confirmation out = look_at_indefinite(problem, at, z);
    out.status = where((out.status == 0) | out.falls, out.status, code(StatusCode::stagnated));
    return out;
  }
};

class LeastSquaresCriterion final : public MinimumCriterion {
 protected:
  Confirmation confirm(const SolverProblem& problem, const Candidate& at, const Array& z,
                       const Array& hidden) const override {
    Confirmation out = MinimumCriterion::confirm(problem, at, z, hidden);
    if (!at.matrix.defined()) return out;
    auto columns = [&](const Array& v) { return sqrt(sum(square(stop_gradient(jacobian(problem.objective)(v))), 0)); };
    const Array start = columns(at.z0), little = scalar_like(1e-8, z), curvature = abs(diagonal(at.matrix));
    const Array vanished = any((columns(z) < little * start) & (curvature < little * square(start)));
    out.status = where(vanished, code(StatusCode::stagnated), out.status);
    return out;
  }
};

}  // namespace

Array Criterion::merit(const Array& residual) const { return length(residual); }

Confirmation Criterion::confirm(const SolverProblem&, const Candidate&, const Array& z, const Array&) const {
  return {code(StatusCode::converged), z, array(false)};
}

Confirmation Criterion::hidden(const SolverProblem&, const Candidate&, const Array& z) const {
  return {code(StatusCode::stagnated), z, array(false)};
}

Judgement Criterion::judge(const SolverProblem& problem, const Candidate& at) const {
  const Dtype dtype = at.z.dtype();
  const double rtol = solution_tolerance(dtype), eps = epsilon(dtype);
  const Array eta = noise_at(problem, at.z, at.matrix);
  Array shift = zeros_like(at.z), hidden_by_noise;
  if (at.matrix.defined()) {
    hidden_by_noise = at.inverse(noise_patterns(eta, at.matrix));
    shift = max(abs(hidden_by_noise), 1);
  } else if (!problem.reads_values) {
    shift = abs(at.inverse(eta));
  }
  shift = where(isfinite(shift), shift, zeros_like(shift));
  // Components that are no more than noise have no say in how good a correction is.
  auto measure = [&](const Array& d, const Array& z) {
    return largest_relative(where(abs(d) <= 4 * shift, zeros_like(d), d), z);
  };

  struct Polish {
    Array z, residual, delta, measure, going, turns;
    auto tree() { return std::tie(z, residual, delta, measure, going, turns); }
  };
  Polish p;
  p.z = at.z;
  p.residual = at.residual;
  p.delta = at.delta;
  p.measure = measure(at.delta, at.z);
  p.going = isfinite(length(at.delta)) & any(at.delta != 0.0) & any(at.residual != 0.0);
  p.turns = array(std::int64_t{0});
  p = loop([](const Polish& q) { return q.going; },
           [&](const Polish& q) {
             Polish r;
             const Array z = q.z + q.delta, f = problem.residual(z), delta = -at.inverse(f);
             const Array next = measure(delta, z);
             // A correction that leads to a worse point (a residual at its floor goes up and down) is not taken.
             const Array good = isfinite(length(delta)) & ((next < q.measure) | (next == 0.0));
             r.z = where(good, z, q.z);
             r.residual = where(good, f, q.residual);
             r.delta = where(good, delta, q.delta);
             r.measure = where(good, next, q.measure);
             r.going = good & (next < 0.5 * q.measure) & (next > 0);
             r.turns = q.turns + 1;
             return r;
           },
           p, 6);

  struct Merits {
    Array small, good, noise;
  };
  auto merits = [&](const Array& z, const Array& f, const Array& delta) {
    const Array size = length(f), next = length(problem.residual(z + delta));
    Array noise = (size <= 4 * length(eta)) | all(abs(f) <= 4 * eta);
    if (at.matrix.defined()) {
      // What z's own rounding makes of F, where F goes on beside z as A says: next to a pole or the end of a domain it does not.
      const Array step = 8 * where(delta < 0, -1.0, 1.0) * maximum(abs(delta), eps * abs(z));
      const Array beside = problem.residual(z + step), predicted = product_with(at.matrix, step);
      const Array as_said = length(beside - f - predicted) <= 0.5 * length(predicted);
      noise = noise | ((size <= 8 * eps * length(product_with(abs(at.matrix), abs(z)))) & as_said);
    }
    const Array wanted = maximum(maximum(rtol * abs(z), 4 * shift), nothing_beside(at.z0, z));
    return Merits{all(abs(delta) <= wanted), isfinite(next) & ((next <= 0.5 * size) | noise), noise};
  };
  const Merits before = merits(at.z, at.residual, at.delta), after = merits(p.z, p.residual, p.delta);
  const Array small = (before.small & before.good) | (after.small & after.good);
  Array hidden = array(false);
  if (at.matrix.defined()) {
    const Array moved = length(at.inverse(abs(p.residual) + eta));
    hidden = after.noise & ~(moved <= maximum(1e-2 * length(p.z), 4 * eps * length(at.z0)));
  }
  // A residual of 0 is believed, but where it is 0 whatever z is, by rounding (z + 1 = z, at 1e20) or because it vanishes (exp(-z), at
  // 1e3).
  const Array seen = maximum(4 * eps * length(at.z0), smallest_number(p.z) / eps);
  const Array blank = (length(p.z) > seen) & all(abs(problem.residual(1.015625 * p.z)) <= 4 * eta);
  Array zero =
      ((length(at.residual) == 0.0) | (at.by_itself & (length(p.residual) == 0.0))) & ~blank & all(isfinite(p.z));
  // At a pole or the end of a domain F may be 0 by what rounding makes of infinities.
  if (at.matrix.defined()) zero = zero & all(isfinite(at.matrix));
  Judgement out;
  Confirmation confirmed = confirm(problem, at, p.z, hidden_by_noise);
  out.status = where(small & (at.by_itself | before.noise), confirmed.status, array(Judgement::not_yet));
  if (at.matrix.defined()) {
    const Confirmation known = cond(
        hidden, [&](const Confirmation&, const Array& z) { return this->hidden(problem, at, z); },
        [](const Confirmation& other, const Array&) { return other; }, confirmed, p.z);
    out.status = where(hidden, known.status, out.status);
    confirmed.way_down = known.way_down;
    confirmed.falls = known.falls;
  }
  out.status = where(zero, confirmed.status, out.status);
  out.way_down = confirmed.way_down;
  out.falls = confirmed.falls;
  out.z = p.z;
  out.residual = p.residual;
  out.evaluations = p.turns + 8;
  const Array error = part_of(abs(p.delta) + shift, abs(p.z));
  // A component that is small beside the start and has no digits is taken to be 0.
  const Array counts = (abs(p.z) > nothing_beside(at.z0, p.z)) | (error < 0.25);
  out.error_estimate = max(where(counts, error, zeros_like(error)));
  out.error_estimate = where(isfinite(out.error_estimate), out.error_estimate,
                             scalar_like(std::numeric_limits<double>::infinity(), p.z));
  return out;
}

const Criterion& criterion_of(Kind kind) {
  static const Criterion root;
  static const MinimumCriterion minimum;
  static const LeastSquaresCriterion fit;
  switch (kind) {
    case Kind::minimize:
    case Kind::quadratic_program: return minimum;
    case Kind::least_squares: return fit;
    default: return root;
  }
}

}  // namespace dini::detail
