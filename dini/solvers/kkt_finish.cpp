// The rounds of the finish, and the judgement.
#include <cmath>
#include <limits>

#include "dini/linear/null_space.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/kkt.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/rounding_noise.hpp"

namespace dini::detail {

namespace kkt_finish {

constexpr int most_rounds = 10;
constexpr double sign_noise = 450;  // units of rounding by which a slack or a multiplier is negative for sure: 1e-13

Array largest(const Array& v) { return v.size() ? max(abs(v)) : zeros({}, v.dtype()); }
Array either(const ActiveSet& a) { return concatenate({a.lower, a.upper, a.rows}); }

// Parts to take the Hessian from, where it is the same everywhere.
const KktParts* same_hessian(const SolverProblem& problem, const KktParts& before) {
  return problem.kind == Kind::quadratic_program ? &before : nullptr;
}

struct Finish {
  const SolverProblem& problem;
  const Array& z0;
  bool symmetric;
  double eps;

  Finish(const SolverProblem& p, const Array& start)
      : problem(p), z0(start), symmetric(p.kind != Kind::root), eps(epsilon(start.dtype())) {}

  // From the multipliers that are larger than their slacks.
  ActiveSet first(const KktParts& p, const KktLook& look) const {
    const Array equal = p.lower == p.upper, up = look.upper_multiplier > look.lower_multiplier;
    Array rows = look.multiplier > look.slack;
    if (p.g.size() > 1) rows = where(p.opposite >= 0, first_of_pair(p.opposite, look.multiplier), rows);
    return {where(equal, ~up, look.lower_multiplier > look.lower_slack),
            where(equal, up, look.upper_multiplier > look.upper_slack), rows};
  }
  // What is violated enters, what has a multiplier of the wrong sign leaves. (A bound's multiplier is 0 where ∇L pushes to the other side.)
  ActiveSet next(const KktParts& p, const KktLook& look, const ActiveSet& now) const {
    const double noise = sign_noise * eps;
    const Array equal = p.lower == p.upper, up = look.upper_multiplier > look.lower_multiplier;
    auto stays = [&](const Array& active, const Array& opposite, const Array& slack) {
      return (active & ~(opposite > noise)) | (slack < -noise);
    };
    const Array below = stays(now.lower, look.upper_multiplier, look.lower_slack);
    const Array above = stays(now.upper, look.lower_multiplier, look.upper_slack);
    const Array leaves = look.multiplier < -noise;
    Array rows = (now.rows & ~leaves) | (look.slack < -noise);
    if (p.g.size() > 1) {
      // Of an equation in two rows one is active always.
      const Array other = take(now.rows & leaves, maximum(p.opposite, Array(std::int64_t{0})), 0);
      rows = where(p.opposite >= 0, where(now.rows, ~leaves, other), rows);
    }
    return {where(equal, ~up, below), where(equal, up, above & ~below), rows};
  }

  struct Correction {
    KktUnknowns to;
    Array size;
  };
  // δ = -A⁻¹F from where F is.
  Correction corrected(const KktParts& p, const KktUnknowns& from, const ActiveSet& active, const Leaves& factors,
                       const Array& matrix) const {
    const std::int64_t n = from.z.size(), end_of_equal = n + from.equal.size();
    const Array delta = -solve_kkt(factors, matrix, kkt_residual(p, from, active), false);
    KktUnknowns to;
    to.z = where(active.lower, p.lower, where(active.upper, p.upper, from.z + delta(slice(0, n))));
    to.equal = from.equal + delta(slice(n, end_of_equal));
    to.at_most = where(active.rows, from.at_most + delta(slice(end_of_equal, end)), zeros_like(from.at_most));
    return {to, largest(delta)};
  }

  struct Rounds {
    KktUnknowns at, best;
    ActiveSet active;
    Array best_error, last_error, seen, turn, going;
    auto tree() { return std::tie(at, best, active, best_error, last_error, seen, turn, going); }
  };

  Rounds rounds(const KktUnknowns& start, const KktParts& parts, const KktLook& look) const {
    Rounds r;
    r.at = r.best = start;
    r.active = first(parts, look);
    // What is right to rounding is taken, whatever the solver's own point looks like.
    const Array rounding = scalar_like(64 * eps, z0),
                infinite = scalar_like(std::numeric_limits<double>::infinity(), z0);
    r.best_error = where(isfinite(look.error), maximum(look.error, rounding), infinite);
    r.last_error = infinite;
    r.turn = array(std::int64_t{0});
    r.seen = zeros({most_rounds, either(r.active).size()}, Dtype::bool_);
    r.going = isfinite(look.error);
    return loop([](const Rounds& q) { return q.going; }, [&](const Rounds& q) { return round(q, parts); }, r,
                most_rounds);
  }

  Rounds round(const Rounds& q, const KktParts& before) const {
    const KktParts parts = kkt_parts(problem, masked(q.at, q.active), same_hessian(problem, before));
    const Array matrix = kkt_matrix(parts, q.active);
    Leaves factors = factorize_kkt(matrix, q.at.z.size(), symmetric);
    if (symmetric) factors = completed_kkt(factors);
    const Correction one = corrected(parts, q.at, q.active, factors, matrix);
    // Once more by the same factors: what the first lost by rounding, or a chord step.
    const KktParts there = kkt_parts(problem, one.to, &parts);
    const Correction two = corrected(there, one.to, q.active, factors, matrix);
    const Array better = two.size <= 0.5 * one.size;
    Rounds r = q;
    r.at = tree_map([&](const Array& a, const Array& b) { return where(better, a, b); }, two.to, one.to);
    const KktParts reached = kkt_parts(problem, r.at, &parts);
    const KktLook look = kkt_look(reached, r.at, z0);
    const Array takes = look.error <= q.best_error;
    r.best = tree_map([&](const Array& a, const Array& b) { return where(takes, a, b); }, r.at, q.best);
    r.best_error = where(takes, look.error, q.best_error);
    r.last_error = look.error;
    r.active = next(reached, look, q.active);
    const Array number = reshape(arange(most_rounds), {most_rounds, 1});
    r.seen = where(number == q.turn, either(q.active), q.seen);
    const Array again = all(r.seen == either(r.active), 1) & (arange(most_rounds) <= q.turn);
    const Array same = all(either(r.active) == either(q.active));
    const Array gains = (look.error < 0.5 * q.last_error) & (look.error > 4 * eps);
    r.going = isfinite(look.error) & where(same, gains, ~any(again));
    r.turn = q.turn + 1;
    return r;
  }

  static KktUnknowns masked(const KktUnknowns& at, const ActiveSet& active) {
    return {at.z, at.equal, where(active.rows, at.at_most, zeros_like(at.at_most))};
  }
};

// What the strictly active rows say of a point.
struct Verdict {
  Array small, definite, semidefinite, negative, dependent, error_estimate;
};

// F of the masked conditions as a function of all unknowns, and what rounding is of it.
Array noise_of(const SolverProblem& problem, const KktParts& parts, const KktUnknowns& at, const ActiveSet& active) {
  const std::int64_t n = at.z.size(), end_of_equal = n + at.equal.size();
  if (problem.reads_values) {
    const double eps = epsilon(at.z.dtype());
    const Array of_z = parts.bending + abs(parts.gradient) + dot(abs(transpose(parts.c_slope)), abs(at.equal)) +
                       dot(abs(transpose(parts.g_slope)), abs(at.at_most));
    const Array fixed = active.lower | active.upper;
    return eps * concatenate({where(fixed, zeros_like(of_z), of_z), dot(abs(parts.c_slope), abs(at.z)),
                              where(active.rows, dot(abs(parts.g_slope), abs(at.z)), zeros_like(at.at_most))});
  }
  return rounding_noise([&](const Array& y) {
    const KktUnknowns here{y(slice(0, n)), y(slice(n, end_of_equal)), y(slice(end_of_equal, end))};
    return kkt_residual(kkt_parts(problem, here, &parts), here, active);
  })(concatenate({at.z, at.equal, at.at_most}));
}

// Whether both ways along d some weakly active row or bound is in the way, so that the least curvature is not felt.
Array blocked(const KktParts& p, const ActiveSet& weak, const Array& d) {
  const Array none = array(false);
  const Array slope = dot(p.g_slope, d);
  auto in_the_way = [&](double side) {
    Array out = any(weak.lower & (side * d < 0)) | any(weak.upper & (side * d > 0));
    return p.g.size() ? out | any(weak.rows & (side * slope > 0)) : out | none;
  };
  return in_the_way(1) & in_the_way(-1);
}

// Of the strictly active rows.
struct Conditions {
  Array matrix;
  Leaves factors;
};

Verdict verdict_on(const SolverProblem& problem, const KktParts& parts, const KktUnknowns& at, const ActiveSets& sets,
                   const Conditions& strict, const KktLook& look, const Array& z0) {
  const bool symmetric = problem.kind != Kind::root;
  const std::int64_t n = at.z.size();
  const double eps = epsilon(z0.dtype()), rtol = solution_tolerance(z0.dtype());
  const Array& matrix = strict.matrix;
  const Leaves& factors = strict.factors;
  const Array delta = solve_kkt(factors, matrix, kkt_residual(parts, at, sets.strict), false)(slice(0, n));
  const Array noise = noise_of(problem, parts, at, sets.strict);
  Array shift = max(abs(solve_kkt(factors, matrix, noise_patterns(noise), false)(slice(0, n))), 1);
  shift = where(isfinite(shift), shift, zeros_like(shift));
  Verdict v;
  const Array nothing = scalar_like(eps * eps, z0) * largest(z0);
  v.small = all(abs(delta) <= maximum(maximum(rtol * abs(at.z), 4 * shift), nothing)) | (look.error <= 8 * eps);
  v.dependent = kkt_dependent(factors);
  const Array size = largest(at.z), error = largest(delta) + largest(shift);
  v.error_estimate = where(error == 0.0, zeros_like(error), error / where(size > 0, size, ones_like(size)));
  v.error_estimate = where(isfinite(v.error_estimate) & ((size > 0) | (error == 0.0)), v.error_estimate,
                           scalar_like(std::numeric_limits<double>::infinity(), z0));
  const Array no = array(false);
  if (!symmetric) {
    v.definite = kkt_regular(factors);
    v.semidefinite = ~v.definite;
    v.negative = no;
    return v;
  }
  v.definite = kkt_definite(factors);
  // The curvature is looked at where it is not all positive; `unless` depends on that, or it would be done in advance.
  struct Curve {
    Array negative, open;
    auto tree() { return std::tie(negative, open); }
  };
  const Curve curve = cond(
      v.definite,
      [](const Leaves&) {
        return Curve{array(false), array(false)};
      },
      [&](const Leaves& f) {
        const KktCurvature least = kkt_curvature(f);
        // With the weakly active rows held, too.
        const Array any_weak = any(concatenate({sets.weak.lower, sets.weak.upper, sets.weak.rows}));
        const ActiveSet both{sets.strict.lower | sets.weak.lower, sets.strict.upper | sets.weak.upper,
                             sets.strict.rows | sets.weak.rows};
        const Array held = kkt_definite(factorize_kkt(kkt_matrix(parts, both), n, true));
        const Array saved = any_weak & held & blocked(parts, sets.weak, least.direction);
        return Curve{least.negative & ~saved, least.negative & saved};
      },
      factors);
  v.negative = curve.negative;
  v.semidefinite = ~v.definite & ~v.negative & ~curve.open;
  v.definite = v.definite | curve.open;
  return v;
}

// Where strictly active rows depend on each other, the multipliers of least norm, if they keep the same rows strictly active.
KktUnknowns with_least_multipliers(const KktParts& parts, const KktUnknowns& at, const ActiveSets& sets,
                                   const Leaves& factors, const Array& z0, double tau) {
  const std::int64_t me = at.equal.size();
  if (me + at.at_most.size() == 0) return at;
  const Array rows = concatenate({ones({me}, Dtype::bool_), sets.strict.rows});
  const Array all_of = concatenate({at.equal, at.at_most});
  const Array least = where(rows, least_multipliers(factors, where(rows, all_of, zeros_like(all_of))), all_of);
  const KktUnknowns there{at.z, least(slice(0, me)), least(slice(me, end))};
  const ActiveSets kept = active_sets(parts, kkt_look(parts, there, z0), tau);
  const Array takes = (kkt_dependent(factors) > 0) & all(either(kept.strict) == either(sets.strict)) &
                      all(either(kept.weak) == either(sets.weak));
  return tree_map([&](const Array& a, const Array& b) { return where(takes, a, b); }, there, at);
}

}  // namespace kkt_finish

Outcome finished(const SolverProblem& problem, const KktPoint& at, const Array& z0, const StopRule& stop) {
  using namespace kkt_finish;
  const double rtol = solution_tolerance(z0.dtype());
  const bool formed = z0.size() <= formed_unasked;
  KktUnknowns point{at.z, at.equal, at.at_most};
  Array evaluations = at.evaluations;
  KktParts parts = kkt_parts(problem, point);
  KktLook look = kkt_look(parts, point, z0);
  if (formed && z0.size() > 0) {
    const Finish finish(problem, z0);
    const Finish::Rounds r = finish.rounds(point, parts, look);
    point = r.best;
    evaluations = evaluations + 3 * r.turn + 2;
    parts = kkt_parts(problem, point, same_hessian(problem, KktParts(parts)));
    look = kkt_look(parts, point, z0);
  }
  // Multipliers that rounding has made negative are 0.
  point.at_most = where(look.multiplier < -sign_noise * epsilon(z0.dtype()), point.at_most,
                        maximum(point.at_most, zeros_like(point.at_most)));
  look = kkt_look(parts, point, z0);
  const double strict = stop.strict > 0 ? stop.strict : rtol;
  const ActiveSets sets = active_sets(parts, look, strict);
  Conditions conditions;
  if (formed && z0.size() > 0) {
    conditions.matrix = kkt_matrix(parts, sets.strict);
    conditions.factors = factorize_kkt(conditions.matrix, z0.size(), problem.kind != Kind::root);
    point = with_least_multipliers(parts, point, sets, conditions.factors, z0, strict);
    look = kkt_look(parts, point, z0);
  }
  const Array failed = where(at.status == 0, code(StatusCode::stagnated), at.status);
  const Array tau = scalar_like(rtol, z0);
  Array sound = look.violation <= tau;
  if (look.multiplier.size()) sound = sound & (min(look.multiplier) >= -tau);

  Outcome out;
  ConstrainedEnd end = no_constrained_end(problem, point.z);
  out.error_estimate = scalar_like(z0.size() ? std::numeric_limits<double>::infinity() : 0, z0);
  if (formed && z0.size() > 0) {
    const Verdict v = verdict_on(problem, parts, point, sets, conditions, look, z0);
    const Array right = look.error <= tau;
    out.status = where(sound & v.small & v.definite, code(StatusCode::converged), failed);
    out.status = where(v.semidefinite & right, code(StatusCode::converged), out.status);
    out.status = where(v.negative & right, code(StatusCode::not_a_minimum), out.status);
    // A quadratic program has multipliers wherever it has a solution.
    if (problem.kind != Kind::quadratic_program && point.equal.size() + point.at_most.size() > 0) {
      const Array forces =
          dot(abs(transpose(parts.c_slope)), abs(point.equal)) + dot(abs(transpose(parts.g_slope)), abs(point.at_most));
      const Array outweighed = largest(parts.gradient) < std::sqrt(epsilon(z0.dtype())) * largest(forces);
      // A gradient of which nothing is left but what bounds hold depends on these.
      const Array held = sets.strict.lower | sets.strict.upper;
      auto lost = [&](const Array& slopes, const Array& counts) {
        if (slopes.size() == 0) return array(false);
        const Array free = max(where(held, zeros_like(slopes), abs(slopes)), 1);
        return any(counts & (free <= std::sqrt(epsilon(z0.dtype())) * max(abs(slopes), 1)));
      };
      const Array any_lost =
          lost(parts.c_slope, ones({parts.c.size()}, Dtype::bool_)) | lost(parts.g_slope, sets.strict.rows);
      out.status = where(outweighed & ((v.dependent > 0) | any_lost), code(StatusCode::singular), out.status);
    }
    out.error_estimate = v.error_estimate;
    end.dependent = v.dependent;
  } else {
    out.status = where(look.error <= tau, code(StatusCode::converged), failed);
  }
  if (stop.tolerance.given()) {
    const KktUnknowns start{z0, zeros_like(point.equal), zeros_like(point.at_most)};
    const Array first = kkt_look(kkt_parts(problem, start), start, z0).error;
    const Array wanted =
        maximum(Array(stop.tolerance.absolute.value_or(0)), stop.tolerance.relative.value_or(0) * first);
    out.status = where(look.error <= wanted, code(StatusCode::converged), failed);
  }
  out.status = where(isfinite(look.error) | (at.status != 0), out.status, code(StatusCode::nonfinite));
  out.z = point.z;
  out.steps = at.steps;
  out.evaluations = evaluations;
  out.residual_norm = look.error;
  out.history = at.history;
  out.method = array(std::int64_t{0});
  end.equal = point.equal;
  end.at_most = point.at_most;
  end.strict = sets.strict;
  end.weak = sets.weak;
  out.constrained = flatten(end);
  return out;
}

Outcome unjudged(const SolverProblem& problem, const KktPoint& at, const Array& error, const Array& z0,
                 const StopRule& stop) {
  Outcome out;
  std::vector<Aval> avals;
  for (const Array& a : flatten(at)) avals.push_back(a.aval());
  const Staged staged = stage(
      [&](const Leaves& in) {
        out = finished(problem, unflatten(at, in), z0, stop);
        return flatten(out);
      },
      avals, "solve");
  Leaves nothing;
  for (const Aval& a : staged.program->output_avals()) nothing.push_back(zeros(a.shape, a.dtype));
  out = unflatten(out, nothing);
  ConstrainedEnd end = no_constrained_end(problem, at.z);
  end.equal = at.equal;
  end.at_most = at.at_most;
  out.constrained = flatten(end);
  out.z = at.z;
  out.status = at.status;
  out.steps = at.steps;
  out.evaluations = at.evaluations;
  out.residual_norm = error;
  out.error_estimate = scalar_like(std::numeric_limits<double>::infinity(), z0);
  out.history = at.history;
  return out;
}

}  // namespace dini::detail
