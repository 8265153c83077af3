#include "dini/solvers/drive.hpp"

#include <cmath>
#include <limits>

#include "dini/linear/krylov.hpp"
#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/products.hpp"
#include "dini/solvers/watched_start.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/ends_by_itself.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/watch_op.hpp"

namespace dini::detail {

Correction newton_correction(const SolverProblem& problem, const Array& z, const Array& residual) {
  Correction c;
  const Array a = slopes_at(problem, z);
  c.factors = {a};
  for (const Array& f : factorize(a, problem.structure)) c.factors.push_back(f);
  const Array delta = -inverse_of(c.factors, problem.structure)(residual);
  // An infinite slope makes the correction 0, which says nothing.
  c.delta = where(all(isfinite(a)), delta, scalar_like(std::numeric_limits<double>::quiet_NaN(), z));
  return c;
}

Array rounding_floor(const Array& a, const Array& z) {
  const Array floor = 8 * epsilon(z.dtype()) * length(product_with(abs(a), abs(z)));
  return where(isfinite(floor), floor, zeros_like(floor));
}

Inverse inverse_of(const Leaves& factors, const MatrixStructure& structure) {
  const Leaves rest(factors.begin() + 1, factors.end());
  return [a = factors[0], rest, structure](const Array& b) { return solve_factored(rest, a, b, structure); };
}

namespace {

constexpr std::int64_t running = Judgement::not_yet, to_be_judged = -2;

struct Progress {
  SolverState now;
  Array norm, best_z, best_norm, first_norm, steps, since, status, history;
  // Of a solver without A: the last two ratios of norms, by how much its estimate has to be below what was asked for, and how far z
  // went for each unit of F.
  Array ratio, ratio_before, margin, reach;
  // What the last judgement said.
  Array found, found_norm, error_estimate, judged;
  Leaves factors;
  auto tree() {
    return std::tie(now, norm, best_z, best_norm, first_norm, steps, since, status, history, ratio, ratio_before,
                    margin, reach, found, found_norm, error_estimate, judged, factors);
  }
};

// A⁻¹b where A is too large to be formed for a look, from products with it at z: to two digits, which are enough to see how large
// a correction is, and since corrections are repeated.
Inverse inverse_by_products(const SolverProblem& problem, const Array& z) {
  const Product product = products_at(problem, z);
  return [product](const Array& b) {
    const KrylovResult r = gmres(product, b, {1e-2, 200, 50, {}});
    return where(r.status == 0, r.x, scalar_like(std::numeric_limits<double>::quiet_NaN(), b));
  };
}

class Drive {
 public:
  Drive(const StepFunctions& s, const SolverProblem& p, const Array& start, const StopRule& rule)
      : solver(s),
        problem(p),
        z0(start),
        stop(rule),
        criterion(criterion_of(p.kind)),
        rtol(solution_tolerance(start.dtype())),
        max_steps(rule.max_steps >= 0 ? rule.max_steps : s.default_max_steps),
        given(rule.tolerance.given()),
        order(p.order(start.size())),
        formed(s.forms_jacobian || order <= formed_for_a_look) {}

  Outcome run() const {
    Progress p = stop.watch && !problem.reads_values ? watched_first() : first(z0);
    if (z0.size() == 0) return outcome(p);  // there is nothing to solve, and no step that could be traced
    auto stepped = [&](const Progress& from) {
      Progress q = loop([](const Progress& at) { return at.status == running; },
                        [&](const Progress& at) { return next(at); }, from, ends_by_itself, stop.watch);
      // A watched loop may be told to end in the middle of a step, with the state that the step began with.
      if (stop.watch) q.status = where(q.status == running, code(StatusCode::cancelled), q.status);
      return q;
    };
    if (given) {
      p = stepped(p);
    } else {
      p = loop([](const Progress& q) { return (q.status == running) | (q.status == to_be_judged); },
               [&](const Progress& q) {
                 const Progress there = stepped(q);
                 return cond(
                     there.status == to_be_judged, [&](const Progress& at) { return judged(at); },
                     [](const Progress& at) { return at; }, there);
               },
               p, ends_by_itself);
    }
    return outcome(p);
  }

 private:
  const StepFunctions& solver;
  const SolverProblem& problem;
  const Array& z0;
  const StopRule& stop;
  const Criterion& criterion;
  double rtol;
  std::int64_t max_steps;
  bool given;
  std::int64_t order;
  bool formed;

  Array out_of_steps(const Progress& p) const {
    const Array out = p.steps >= max_steps;
    return stop.budget.defined() ? out | (p.steps >= stop.budget) : out;
  }
  Array constant(double v) const { return scalar_like(v, z0); }

  // The start as one turn of a watched loop: it may take as long as a step.
  Progress watched_first() const {
    return watched_start<Progress>([&](const Array& z) { return first(z); }, z0, stop.watch,
                                   [&](Progress& p) {
                                     p.best_z = p.found = z0;
                                     p.best_norm = constant(std::numeric_limits<double>::infinity());
                                   });
  }

  Progress first(const Array& start) const {
    Progress p;
    p.now = solver.init(problem, start);
    p.norm = criterion.merit(p.now.residual);
    p.best_z = p.found = start;
    p.best_norm = p.first_norm = p.found_norm = p.norm;
    p.steps = p.since = array(std::int64_t{0});
    p.history =
        record(full({stop.history}, Array(std::numeric_limits<double>::quiet_NaN()), z0.dtype()), p.steps, p.norm);
    p.ratio = p.ratio_before = constant(std::numeric_limits<double>::infinity());
    p.margin = p.reach = constant(1);
    p.error_estimate = constant(std::numeric_limits<double>::infinity());
    p.judged = array(false);
    if (!solver.forms_jacobian && drive_factors(solver, order, stop)) {
      // Not there yet.
      p.factors = {problem.diagonal() ? zeros_like(z0) : zeros({z0.size(), z0.size()}, z0.dtype())};
      for (const Array& f : no_factors(p.factors[0], problem.structure)) p.factors.push_back(f);
    }
    p.status = status_of(p, stop.budget.defined() ? stop.budget > 0 : array(true));
    return p;
  }

  Progress next(const Progress& q) const {
    Progress r = q;
    r.now = solver.step(problem, q.now);
    r.norm = criterion.merit(r.now.residual);
    const Array better = solver.descends ? isfinite(r.norm) : r.norm < q.best_norm;
    r.best_z = where(better, r.now.z, q.best_z);
    r.best_norm = where(better, r.norm, q.best_norm);
    r.steps = q.steps + 1;
    r.since = where(better, array(std::int64_t{0}), q.since + 1);
    r.history = record(q.history, r.steps, r.norm);
    if (!solver.forms_jacobian) {
      r.ratio_before = q.ratio;
      r.ratio = r.norm / where(q.norm > 0, q.norm, constant(1));
      if (problem.kind != Kind::fixed_point) {
        const Array way = length(r.now.z - q.now.z), by = length(r.now.residual - q.now.residual);
        const Array reach = way / where(by > 0, by, constant(1));
        r.reach = where((by > 0) & (way > 0) & isfinite(reach), reach, q.reach);
      }
    }
    r.status = status_of(r, q.status == running);
    return r;
  }

  static Array record(const Array& history, const Array& steps, const Array& norm) {
    if (history.size() == 0) return history;
    return where(arange(history.size()) == steps, norm, history);
  }

  // ‖F‖ in z's units. A fixed point's residual has them; of others the last step tells, by the secant.
  Array in_units(const Progress& p) const { return problem.kind == Kind::fixed_point ? p.norm : p.norm * p.reach; }

  // r·ρ/(1 - ρ), infinite where the residual does not fall.
  Array contraction_error(const Progress& p) const {
    const Array rate = maximum(p.ratio, p.ratio_before);
    const Array below = where(rate < 1, rate, zeros_like(rate));
    return where(rate < 1, in_units(p) * below / (1 - below), constant(std::numeric_limits<double>::infinity()));
  }

  Array promising(const Progress& p) const {
    if (z0.size() == 0) return array(true);
    const Array zero = p.norm == 0.0;
    if (solver.forms_jacobian) return worth_judging(p.now.delta, p.now.z, z0) | (p.norm <= p.now.floor) | zero;
    // An estimate of the correction: what is right to half of the digits is worth the true one.
    if (estimates()) return worth_judging(std::sqrt(rtol) / p.margin * p.now.delta, p.now.z, z0) | zero;
    // What can be judged may be as large as the start; what cannot has to be right beside itself. At its rounding floor a residual
    // goes up and down, whatever the rate was.
    const Array size = length(p.now.z), start = length(z0), eps = constant(epsilon(z0.dtype()));
    const Array wanted = judgeable() ? rtol * maximum(size, start) : maximum(rtol * size, eps * eps * start);
    const Array contracted =
        (contraction_error(p) <= p.margin * wanted) | (in_units(p) <= p.margin * 4 * eps * maximum(size, start));
    return ((p.steps > 0) & contracted) | zero;
  }
  bool estimates() const { return solver.descends && !solver.forms_jacobian; }
  bool judgeable() const { return solver.forms_jacobian || formed || !problem.reads_values; }

  // `going`: whether the step that led here was made, and not only taken part in beside other lanes.
  Array status_of(const Progress& p, const Array& going) const {
    Array status = array(running);
    status = where(out_of_steps(p), code(StatusCode::max_steps), status);
    const Array late = p.since >= solver.patience, finite = isfinite(p.norm);
    Array good;
    if (given) {
      const Array wanted =
          maximum(Array(stop.tolerance.absolute.value_or(0)), stop.tolerance.relative.value_or(0) * p.first_norm);
      status = where(late, code(StatusCode::stagnated), status);
      status = where(p.now.failure != 0, p.now.failure, status);
      good = p.norm <= wanted;
    } else {
      // A solver that cannot go on may yet be at the solution.
      good = promising(p) | late | (p.now.failure != 0);
    }
    if (!solver.descends)
      status = where(p.norm > 1e10 * maximum(p.first_norm, length(z0)), code(StatusCode::diverged), status);
    status = where(finite, status, code(StatusCode::nonfinite));
    const bool at_once = given || z0.size() == 0;
    status = where(good & finite, at_once ? code(StatusCode::converged) : array(to_be_judged), status);
    // What is beyond any end is no solution, whatever lies beside it.
    status = where(p.now.failure == code(StatusCode::unbounded), p.now.failure, status);
    if (!stop.watch) return status;
    const Array stopped = watch(stop.watch, p.steps, p.norm, p.best_norm, going);
    return where(stopped & ((status == running) | (status == to_be_judged)), code(StatusCode::cancelled), status);
  }

  Progress judged(const Progress& p) const {
    Candidate at;
    at.z = p.now.z;
    at.residual = p.now.residual;
    at.z0 = z0;
    Leaves factors = p.now.factors;
    Array delta = p.now.delta;
    if (solver.forms_jacobian || formed) {
      if (!solver.forms_jacobian) {
        const Correction c = newton_correction(problem, at.z, at.residual);
        delta = c.delta;
        factors = c.factors;
      }
      at.matrix = factors[0];
      at.factors = {factors.begin() + 1, factors.end()};
      at.inverse = inverse_of(factors, problem.structure);
    } else if (judgeable()) {  // a function that may read its values is not asked for products
      at.inverse = inverse_by_products(problem, at.z);
      delta = -at.inverse(at.residual);
    }
    Progress r = p;
    r.judged = array(true);
    const Array estimated = contraction_error(p) / where(length(at.z) > 0, length(at.z), constant(1));
    if (!judgeable()) {
      r.status = where(promising(p), code(StatusCode::converged), ended(p));
      r.found = at.z;
      r.found_norm = p.norm;
      r.error_estimate = estimated;
      return r;
    }
    at.delta = delta;
    // Who did not come here by itself is a solution only if rounding is all that kept it away; a way down leads to no other point.
    at.by_itself = solver.forms_jacobian || solver.descends ? array(true) : promising(p);
    const Judgement j = criterion.judge(problem, at);
    r.found = j.z;
    r.found_norm = criterion.merit(j.residual);
    r.error_estimate = j.error_estimate;
    r.now.evaluations = p.now.evaluations + j.evaluations;
    r.status = where(j.status == Judgement::not_yet, ended(p), j.status);
    if (!solver.forms_jacobian) {
      r.factors = factors;
      if (!formed) {
        r.factors = {};
        // Where products do not solve for the correction, the rate of contraction is all that is known.
        const Array unknown = ~isfinite(length(delta)) & promising(p);
        r.status = where(unknown, code(StatusCode::converged), r.status);
        r.found = where(unknown, at.z, r.found);
        r.found_norm = where(unknown, p.norm, r.found_norm);
        r.error_estimate = where(unknown, estimated, r.error_estimate);
      }
      r.margin = 0.1 * p.margin;
    }
    if (!solver.descends) return r;
    const Array goes_on = (r.status == code(StatusCode::not_a_minimum)) & j.falls & ~out_of_steps(p);
    return cond(
        goes_on, [&](const Progress& at) { return restarted(at, j.way_down); }, [](const Progress& at) { return at; },
        r);
  }

  // From a point further down than one that is no minimum.
  Progress restarted(const Progress& p, const Array& from) const {
    Progress r = p;
    r.now = solver.init(problem, from);
    r.now.evaluations = p.now.evaluations + r.now.evaluations;
    r.norm = r.best_norm = criterion.merit(r.now.residual);
    r.best_z = from;
    r.steps = p.steps + 1;
    r.since = array(std::int64_t{0});
    r.history = record(p.history, r.steps, r.norm);
    r.margin = constant(1);
    r.status = where(r.now.failure != 0, r.now.failure, array(running));
    return r;
  }

  // What becomes of a point that was judged to be no solution.
  Array ended(const Progress& p) const {
    Array status = where(out_of_steps(p), code(StatusCode::max_steps), array(running));
    status = where(p.since >= solver.patience, code(StatusCode::stagnated), status);
    return where(p.now.failure != 0, p.now.failure, status);
  }

  Outcome outcome(const Progress& p) const {
    const bool at_once = given || z0.size() == 0;
    const Array done = p.status == 0;
    Outcome out;
    out.z = where(done, at_once ? p.now.z : p.found, p.best_z);
    out.residual_norm = where(done, at_once ? p.norm : p.found_norm, p.best_norm);
    out.status = p.status;
    out.steps = p.steps;
    out.evaluations = p.now.evaluations;
    out.history = p.history;
    out.method = array(std::int64_t{0});
    out.error_estimate = p.error_estimate;
    if (z0.size() == 0) {
      out.error_estimate = constant(0);
    } else if (solver.forms_jacobian) {
      const Array last = largest_relative(p.now.delta, p.now.z);
      const Array known = p.judged & done;
      out.error_estimate = where(known, p.error_estimate, last);
    } else if (given) {
      const Array size = length(p.now.z);
      out.error_estimate = contraction_error(p) / where(size > 0, size, constant(1));
    }
    if (drive_factors(solver, order, stop)) {
      out.factors = solver.forms_jacobian ? p.now.factors : p.factors;
      out.factors.push_back(solver.forms_jacobian ? done : p.judged & done);
    }
    return out;
  }
};

}  // namespace

bool drive_factors(const StepFunctions& solver, std::int64_t order, const StopRule& stop) {
  if (order == 0) return false;
  return solver.forms_jacobian || (!stop.tolerance.given() && order <= formed_for_a_look);
}

Outcome drive(const StepFunctions& solver, const SolverProblem& problem, const Array& z0, const StopRule& stop) {
  return Drive(solver, problem, z0, stop).run();
}

}  // namespace dini::detail
