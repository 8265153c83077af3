#include "dini/solvers/drive.hpp"

#include <cmath>
#include <limits>

#include "dini/core/index.hpp"
#include "dini/linear/operator_solve.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

constexpr std::int64_t formed_limit = 200;  // unknowns up to which A is formed for a solver's last correction

Array code(StatusCode c) { return array(static_cast<std::int64_t>(c)); }
Array scalar_like(double value, const Array& z) { return astype(Array(value), z.dtype()); }

Array length(const Array& v) { return norm(v); }

Correction newton_correction(const SolverProblem& problem, const Array& z, const Array& residual) {
  const Array a = jacobian(problem.residual)(z);
  const Array delta = -linalg::solve(a, residual);
  // An infinite slope makes the correction 0, which says nothing: neither number may then end a solve as converged.
  const Array sound = all(isfinite(a));
  const Array size = where(sound, length(delta), scalar_like(std::numeric_limits<double>::quiet_NaN(), z));
  const Array floor = 8 * epsilon(z.dtype()) * length(dot(abs(a), abs(z)));
  return {delta, size, where(sound, floor, scalar_like(-1, z)), a};
}

namespace {

// δ where A is too large to be formed for that, from products with it: to two digits, which are enough to see how large it
// is, and since corrections are repeated.
Array correction_by_products(const SolverProblem& problem, const Array& z, const Array& residual) {
  const Staged staged = stage([&](const Leaves& in) { return Leaves{problem.residual(in[0])}; },
                              {{z.shape(), z.dtype(), false}}, "solve");
  std::vector<bool> by_z(staged.program->inputs.size(), false);
  by_z[0] = true;
  const LinearProgram linear = linear_program(staged.program, by_z, {true});
  Leaves inputs{z};
  inputs.insert(inputs.end(), staged.captured.begin(), staged.captured.end());
  Leaves kept = evaluate(*linear.primal, inputs);
  kept.erase(kept.begin());
  return operator_solve(linear.tangent, false, krylov_method(GMRES{.tolerance = 1e-2}), true, -residual, kept);
}

struct Progress {
  SolverState now;
  Array best_z, best_norm, first_norm, steps, since, status, history;
  auto tree() { return std::tie(now, best_z, best_norm, first_norm, steps, since, status, history); }
};

const std::int64_t running = -1;

struct Rule {
  const StopRule& stop;
  Array z0;
  double rtol;
  std::int64_t max_steps, patience;

  Array scale(const Array& z) const { return maximum(length(z), length(z0)); }

  Array converged(const SolverState& s, const Array& f, const Array& first) const {
    if (stop.tolerance.given()) {
      const Array wanted =
          maximum(Array(stop.tolerance.absolute.value_or(0)), stop.tolerance.relative.value_or(0) * first);
      return isfinite(f) & (f <= wanted);
    }
    const Array size = rtol * scale(s.z);
    const Array known = isfinite(s.correction);
    return isfinite(f) &
           ((known & (s.correction <= size)) | (f <= s.floor) | (f == 0.0) | (~known & (s.floor == 0.0) & (f <= size)));
  }

  Array judge(const SolverState& s, const Array& f, const Array& first, const Array& steps, const Array& since) const {
    Array status = array(running);
    status = where(steps >= max_steps, code(StatusCode::max_steps), status);
    status = where(since >= patience, code(StatusCode::stagnated), status);
    status = where(f > 1e10 * maximum(first, scale(z0)), code(StatusCode::diverged), status);
    status = where(s.failure != 0, s.failure, status);
    status = where(isfinite(f), status, code(StatusCode::nonfinite));
    return where(converged(s, f, first), code(StatusCode::converged), status);
  }
};

Array record(const Array& history, const Array& steps, const Array& f) {
  if (history.size() == 0) return history;
  return where(arange(history.size()) == steps, f, history);
}

}  // namespace

Outcome drive(const StepFunctions& solver, const SolverProblem& problem, const Array& z0, const StopRule& stop) {
  const Rule rule{stop, z0, std::pow(epsilon(z0.dtype()) / 2, 2.0 / 3),
                  stop.max_steps >= 0 ? stop.max_steps : solver.default_max_steps, solver.patience};
  Progress p;
  p.now = solver.init(problem, z0);
  const Array f0 = length(p.now.residual);
  p.best_z = z0;
  p.best_norm = f0;
  p.first_norm = f0;
  p.steps = array(std::int64_t{0});
  p.since = array(std::int64_t{0});
  p.history = full({stop.history}, Array(std::numeric_limits<double>::quiet_NaN()), z0.dtype());
  p.history = record(p.history, p.steps, f0);
  p.status = rule.judge(p.now, f0, f0, p.steps, p.since);

  p = loop([](const Progress& q) { return q.status == running; },
           [&](const Progress& q) {
             Progress r;
             r.now = solver.step(problem, q.now);
             const Array f = length(r.now.residual);
             const Array better = f < q.best_norm;
             r.best_z = where(better, r.now.z, q.best_z);
             r.best_norm = where(better, f, q.best_norm);
             r.first_norm = q.first_norm;
             r.steps = q.steps + 1;
             r.since = where(better, array(std::int64_t{0}), q.since + 1);
             r.history = record(q.history, r.steps, f);
             r.status = rule.judge(r.now, f, q.first_norm, r.steps, r.since);
             return r;
           },
           p, rule.max_steps + 1);

  const Array done = p.status == 0;
  Outcome out;
  out.z = where(done, p.now.z, p.best_z);
  out.residual_norm = where(done, length(p.now.residual), p.best_norm);
  out.status = p.status;
  out.steps = p.steps;
  out.evaluations = p.now.evaluations;
  out.history = p.history;
  const Array s = rule.scale(out.z);
  const Array positive = where(s > 0, s, scalar_like(1, s));
  out.error_estimate = where(isfinite(p.now.correction), p.now.correction, out.residual_norm) / positive;
  const bool formed = solver.forms_jacobian || z0.size() <= formed_limit;
  // A function that may read its values is not asked for products.
  if (stop.tolerance.given() || z0.size() == 0 || (!formed && !anything_abstract())) return out;

  // Polish: corrections while each is less than half of the last.
  struct Polish {
    Array z, residual, delta, size, going, evaluations;
    auto tree() { return std::tie(z, residual, delta, size, going, evaluations); }
  };
  struct Step {
    Array delta, norm;
  };
  auto correction = [&](const Array& z, const Array& f) {
    if (!formed) {
      const Array delta = correction_by_products(problem, z, f);
      return Step{delta, length(delta)};
    }
    const Correction c = newton_correction(problem, z, f);
    return Step{c.delta, c.norm};
  };
  auto polished = [&](const Outcome& o) {
    const Array f = problem.residual(o.z);
    const Step c = correction(o.z, f);
    // Where a correction costs a Krylov solve, one that is short enough is not followed by others.
    const Array enough = formed ? scalar_like(0, f) : rule.rtol * s;
    Polish q{o.z, f, c.delta, c.norm, isfinite(c.norm) & (c.norm > enough) & (length(f) > 0), o.evaluations + 1};
    q = loop([](const Polish& at) { return at.going; },
             [&](const Polish& at) {
               Polish to;
               const Array z = at.z + at.delta, residual = problem.residual(z);
               const Step next = correction(z, residual);
               // A correction that leads to a worse point (a residual at its floor goes up and down) is not taken.
               const Array good = isfinite(next.norm) & (next.norm < at.size);
               to.z = where(good, z, at.z);
               to.residual = where(good, residual, at.residual);
               to.delta = where(good, next.delta, at.delta);
               to.size = where(good, next.norm, at.size);
               to.going = good & (next.norm < 0.5 * at.size) & (next.norm > 0);
               to.evaluations = at.evaluations + 1;
               return to;
             },
             q, 6);
    Outcome better = o;
    better.z = q.z;
    better.residual_norm = length(q.residual);
    better.evaluations = q.evaluations;
    better.error_estimate = where(isfinite(q.size), q.size / positive, o.error_estimate);
    if (solver.forms_jacobian) return better;
    // A solver without A may have stopped far from the solution: what no correction mends has not converged.
    better.status =
        where(isfinite(q.size) & (q.size > 1e3 * rule.rtol * s) & (better.residual_norm > 1e-3 * o.residual_norm),
              code(StatusCode::stagnated), o.status);
    return better;
  };
  return cond(
      done, polished, [](const Outcome& o) { return o; }, out);
}

}  // namespace dini::detail
