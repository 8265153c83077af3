#include "dini/solvers/constrained_loop.hpp"

#include <cmath>
#include <limits>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/feasibility.hpp"
#include "dini/solvers/watched_start.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/watch_op.hpp"

namespace dini::detail {

namespace constrained_loop {

constexpr std::int64_t running = -1, to_be_judged = -2;

struct Progress {
  ConstrainedState now;
  Array best_z, best_equal, best_at_most, best_error;
  Array first_error, steps, since, status, history;  // since: how many steps without a smaller error
  Array margin;                                      // below which the error has to be for a point to be judged
  Outcome out;                                       // what the last judgement said
  auto tree() {
    return std::tie(now, best_z, best_equal, best_at_most, best_error, first_error, steps, since, status, history,
                    margin, out);
  }
};

class Drive {
 public:
  Drive(const ConstrainedSteps& s, const SolverProblem& p, const Array& start, const StopRule& rule)
      : solver(s),
        problem(p),
        z0(start),
        stop(rule),
        max_steps(rule.max_steps >= 0 ? rule.max_steps : s.default_max_steps) {}

  Outcome run() const {
    Progress p = stop.watch && !problem.reads_values
                     ? watched_start<Progress>([&](const Array& z) { return first(z); }, z0, stop.watch,
                                               [&](Progress& q) {
                                                 q.best_z = q.out.z = z0;
                                                 q.best_error = scalar_like(infinite, z0);
                                               })
                     : first(z0);
    p = loop([](const Progress& q) { return (q.status == running) | (q.status == to_be_judged); },
             [&](const Progress& q) {
               Progress r = loop([](const Progress& at) { return at.status == running; },
                                 [&](const Progress& at) { return next(at); }, q, max_steps + 1, stop.watch);
               // A watched loop may be told to end in the middle of a step, with the state that the step began with.
               if (stop.watch) r.status = where(r.status == running, code(StatusCode::cancelled), r.status);
               // What was cancelled is not looked at any more: that might take as long as a step.
               return cond(
                   r.status == code(StatusCode::cancelled), [&](const Progress& at) { return unjudged_end(at); },
                   [&](const Progress& at) { return judged(at); }, r);
             },
             p, max_steps + 2);
    return outcome(p);
  }

 private:
  const ConstrainedSteps& solver;
  const SolverProblem& problem;
  const Array& z0;
  const StopRule& stop;
  std::int64_t max_steps;

  Progress first(const Array& start) const {
    Progress p;
    p.now = solver.init(start);
    p.best_error = p.first_error = p.now.error;
    p.best_z = p.now.z;
    p.best_equal = p.now.equal;
    p.best_at_most = p.now.at_most;
    p.steps = p.since = array(std::int64_t{0});
    p.history =
        record(full({stop.history}, Array(std::numeric_limits<double>::quiet_NaN()), z0.dtype()), p.steps, p.now.error);
    // An explicit tolerance is looked at by the judgement as well: this only says when it is made.
    p.margin = scalar_like(std::sqrt(epsilon(z0.dtype())), z0);
    p.out = unjudged(problem, {p.now.z, p.now.equal, p.now.at_most, array(running), p.steps, p.steps, p.history},
                     p.now.error, z0, stop);
    p.status = status_of(p, stop.budget.defined() ? stop.budget > 0 : array(true));
    // Bounds that contradict each other have a point, and a proof, like what is found to be infeasible later.
    p.status = where(p.status == code(StatusCode::infeasible), array(to_be_judged), p.status);
    return p;
  }

  Progress next(const Progress& q) const {
    Progress r = q;
    r.now = solver.step(q.now);
    const Array better = r.now.error < q.best_error;
    r.best_z = where(better, r.now.z, q.best_z);
    r.best_equal = where(better, r.now.equal, q.best_equal);
    r.best_at_most = where(better, r.now.at_most, q.best_at_most);
    r.best_error = where(better, r.now.error, q.best_error);
    r.steps = q.steps + 1;
    r.since = where(better, array(std::int64_t{0}), q.since + 1);
    r.history = record(q.history, r.steps, r.now.error);
    r.status = status_of(r, q.status == running);
    return r;
  }

  static Array record(const Array& history, const Array& steps, const Array& error) {
    if (history.size() == 0) return history;
    return where(arange(history.size()) == steps, error, history);
  }

  // What has failed is judged as well as what is promising.
  Array status_of(const Progress& p, const Array& going) const {
    Array status = array(running);
    const Array promising = p.now.error <= wanted(p);
    status = where(ending(p) != running, ending(p), status);
    status = where(promising & (status == running), array(to_be_judged), status);
    if (!stop.watch) return status;
    const Array stopped = watch(stop.watch, p.steps, p.now.error, p.best_error, going);
    return where(stopped & (status != code(StatusCode::cancelled)), code(StatusCode::cancelled), status);
  }

  Array wanted(const Progress& p) const {
    if (!stop.tolerance.given()) return p.margin;
    return maximum(astype(Array(stop.tolerance.absolute.value_or(0)), z0.dtype()),
                   stop.tolerance.relative.value_or(0) * p.first_error);
  }

  // Why no further step is made, whatever the error.
  Array ending(const Progress& p) const {
    Array out_of_steps = p.steps >= max_steps;
    if (stop.budget.defined()) out_of_steps = out_of_steps | (p.steps >= stop.budget);
    Array status = where(out_of_steps, code(StatusCode::max_steps), array(running));
    // Near a solution the error falls from step to step, or no more.
    const Array near = p.best_error <= std::sqrt(epsilon(z0.dtype()));
    status = where(near & (p.since >= solver.patience), code(StatusCode::stagnated), status);
    status = where(p.now.failure != 0, p.now.failure, status);
    return where(isfinite(p.now.error), status, code(StatusCode::nonfinite));
  }

  static Progress unjudged_end(const Progress& p) {
    Progress r = p;
    r.out.z = p.best_z;
    r.out.residual_norm = p.best_error;
    return r;
  }

  Progress judged(const Progress& p) const {
    Progress r = p;
    const Array why = where(p.status == to_be_judged, ending(p), p.status), ended = why != running;
    // Where a solve ends without success its best point is what is handed on.
    const Array apart = (why == code(StatusCode::infeasible)) | (why == code(StatusCode::unbounded));
    const Array last = ~ended | apart | (p.now.error <= p.best_error);
    KktPoint at;
    at.z = where(last, p.now.z, p.best_z);
    at.equal = where(last, p.now.equal, p.best_equal);
    at.at_most = where(last, p.now.at_most, p.best_at_most);
    at.status = where(ended, why, code(StatusCode::stagnated));
    at.steps = p.steps;
    at.evaluations = p.now.evaluations;
    at.history = p.history;
    r.out = finished(problem, at, z0, stop);
    // The multipliers of a point where there is no solution lead nowhere.
    const Array none = apart & (r.out.status != 0);
    r.out.z = where(none, at.z, r.out.z);
    r.out.status = where(none, why, r.out.status);
    r.out.constrained = flatten(cond(
        none, [&](const ConstrainedEnd& e, const Array& z) { return without_solution(e, z, why); },
        [](const ConstrainedEnd& e, const Array&) { return e; },
        unflatten(no_constrained_end(problem, z0), r.out.constrained), at.z));
    r.now.evaluations = r.out.evaluations;
    r.status = where(r.out.status == 0, r.out.status, where(ended, r.out.status, ending(p)));
    // One that was refused has to be better by much, but no better than rounding allows.
    r.margin = maximum(1e-2 * minimum(p.margin, p.now.error), scalar_like(4 * epsilon(z0.dtype()), z0));
    return r;
  }

  ConstrainedEnd without_solution(const ConstrainedEnd& found, const Array& z, const Array& status) const {
    const NoSolution empty = no_feasible_point(problem, z), endless = no_least_point(problem, z, z0);
    const NoSolution said =
        tree_map([&](const Array& a, const Array& b) { return where(status == code(StatusCode::infeasible), a, b); },
                 empty, endless);
    ConstrainedEnd end = found;
    end.certificate_equal = said.equal;
    end.certificate_at_most = said.at_most;
    end.certificate_lower = said.lower;
    end.certificate_upper = said.upper;
    end.ray = said.ray;
    return end;
  }

  Outcome outcome(const Progress& p) const {
    Outcome out = p.out;
    // The finish may have left a bound by a rounding.
    const BoundsOf bounds = bounds_of(problem, z0);
    out.z = clip(out.z, bounds.lower, bounds.upper);
    out.status = p.status;
    out.steps = p.steps;
    out.evaluations = p.now.evaluations;
    out.history = p.history;
    return out;
  }
};

}  // namespace constrained_loop

Outcome drive_constrained(const ConstrainedSteps& solver, const SolverProblem& problem, const Array& z0,
                          const StopRule& stop) {
  if (z0.size() > 0) return constrained_loop::Drive(solver, problem, z0, stop).run();
  const RowCounts rows = row_counts(problem, z0);
  const Array zero = array(std::int64_t{0});
  return finished(problem,
                  {z0, zeros({rows.equal}, z0.dtype()), zeros({rows.at_most}, z0.dtype()), code(StatusCode::max_steps),
                   zero, zero, full({stop.history}, Array(std::numeric_limits<double>::quiet_NaN()), z0.dtype())},
                  z0, stop);
}

}  // namespace dini::detail
