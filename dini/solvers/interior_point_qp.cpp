#include "dini/solvers/interior_point_qp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/core/option_table.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/homogeneous_model.hpp"
#include "dini/solvers/quadratic_end.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/watch_op.hpp"

namespace dini {

namespace detail {
namespace interior_point {

constexpr int most_steps = 80;
constexpr std::int64_t patience = 8;

using Iterate = HomogeneousIterate;

struct Progress {
  Iterate now, best;
  Array error, best_error, ratio, mu, steps, since, history, going, cancelled;  // ratio, mu: the least τ/κ and μ so far
  auto tree() { return std::tie(now, best, error, best_error, ratio, mu, steps, since, history, going, cancelled); }
};

Outcome without_unknowns(const SolverProblem& problem, const QuadraticData& d, const QuadraticScaling& by,
                         const Array& z0, const StopRule& stop) {
  const Array zero = array(std::int64_t{0});
  const Array history = full({stop.history}, Array(std::numeric_limits<double>::quiet_NaN()), z0.dtype());
  QuadraticEnd last;
  last.at = {z0, zeros_like(d.b), zeros_like(d.h), code(StatusCode::infeasible), zero, zero, history};
  last.infeasible = {last.at.equal, last.at.at_most, z0, z0, array(false)};
  last.ray = z0;
  last.doubtful = array(false);
  return quadratic_outcome(problem, d, d, by, last, z0, stop);
}

struct Method final : SolverMethod {
  explicit Method(const InteriorPointQP& o) : options(o) { InteriorPointQP::table().check(o); }
  InteriorPointQP options;
  std::string name() const override { return InteriorPointQP::table().name; }
  std::string key() const override { return InteriorPointQP::table().key(options); }
  Kinds kinds() const override { return InteriorPointQP::table().kinds; }
  Restriction takes() const override { return InteriorPointQP::table().takes; }

  Outcome solve(const SolverProblem& problem, const Array& z0, const StopRule& stop) const override {
    const QuadraticData data = quadratic_data(problem, z0), free = without_fixed(data);
    const QuadraticScaling by = equilibrated(free);
    const QuadraticData even = scaled(free, by);
    if (z0.size() == 0) return without_unknowns(problem, data, by, z0, stop);
    const HomogeneousModel model(even, options.border, options.refinements);
    const Array nothing = array(std::int64_t{0}), infinite = scalar_like(std::numeric_limits<double>::infinity(), z0);

    auto point = [&](const Iterate& at) {
      Array x = by.variables * at.x / at.tau;
      if (data.below && data.above) x = where(data.lower == data.upper, data.lower, x);
      const Array z = model.multipliers(at.z).at_most;
      return KktUnknowns{x, by.equal * at.y / (at.tau * by.cost), by.at_most * z / (at.tau * by.cost)};
    };
    const Iterate start = model.start();
    // What counts as 0 beside the start: of a solution at 0, from 0, the units are those of the first iterate.
    const Array beside = maximum(abs(z0), abs(by.variables * start.x));
    auto error_of = [&](const Iterate& at) {
      const KktUnknowns here = point(at);
      return kkt_look(kkt_parts(data, here), here, beside).error;
    };
    const std::int64_t most = stop.max_steps >= 0 ? std::min<std::int64_t>(stop.max_steps, most_steps) : most_steps;
    const double enough = 450 * epsilon(z0.dtype()), near = std::pow(epsilon(z0.dtype()), 0.7);  // 1e-13, 1e-11
    Progress p;
    p.now = p.best = start;
    p.error = error_of(p.now);
    p.best_error = where(isfinite(p.error), p.error, infinite);
    p.ratio = scalar_like(1, z0);
    p.mu = infinite;
    p.steps = p.since = nothing;
    p.history = full({stop.history}, Array(std::numeric_limits<double>::quiet_NaN()), z0.dtype());
    auto judged = [&](Progress q, const Array& going) {
      if (stop.history > 0) q.history = where(arange(stop.history) == q.steps, q.error, q.history);
      // There is no solution to come where τ vanishes beside κ. Near one an error that hardly falls any more is rounding.
      const Array waits = where(q.best_error <= near, array(std::int64_t{1}), array(patience));
      Array on =
          (q.best_error > enough) & ((q.ratio > enough) | (q.mu > enough)) & (q.since < waits) & (q.steps < most);
      if (stop.budget.defined()) on = on & (q.steps < stop.budget);
      q.cancelled = array(false);
      if (stop.watch) q.cancelled = watch(stop.watch, q.steps, q.error, q.best_error, going);
      q.going = on & ~q.cancelled;
      return q;
    };
    p = judged(p, array(true));
    p = loop([](const Progress& q) { return q.going; },
             [&](const Progress& q) {
               Progress r = q;
               r.now = model.step(q.now);
               r.error = error_of(r.now);
               const Array ratio = r.now.tau / r.now.kappa;
               const Array better = r.error < q.best_error;
               // Until μ is at rounding, too, the error may wait.
               const Array mu = model.complementarity(r.now), falls = (mu < 0.9 * q.mu) & (mu > enough);
               const Array some = (r.error < 0.9 * q.best_error) | (ratio < 0.9 * q.ratio) | falls;
               const Array much = where(q.best_error <= near, r.error < 0.1 * q.best_error, some);
               r.best = tree_map([&](const Array& a, const Array& b) { return where(better, a, b); }, r.now, q.best);
               r.best_error = where(better, r.error, q.best_error);
               r.ratio = where(ratio < q.ratio, ratio, q.ratio);
               r.mu = where(mu < q.mu, mu, q.mu);
               r.since = where(much, nothing, q.since + 1);
               r.steps = q.steps + 1;
               return judged(r, q.going);
             },
             p, most, stop.watch);
    // A watched loop may be told to end in the middle of a step, with the state that the step began with.
    if (stop.watch) p.cancelled = p.cancelled | p.going;

    QuadraticEnd last;
    const KktUnknowns found = point(p.best);
    const Array status = where(p.steps >= most, code(StatusCode::max_steps), code(StatusCode::stagnated));
    last.at = {found.z, found.equal, found.at_most, where(p.cancelled, code(StatusCode::cancelled), status),
               p.steps, p.steps,     p.history};
    const HomogeneousModel::Multipliers z = model.multipliers(p.now.z);
    last.infeasible = {p.now.y, z.at_most, z.lower, z.upper, array(false)};
    last.ray = p.now.x;
    last.doubtful = (p.now.tau < p.now.kappa) | (p.best.tau < p.best.kappa);
    return quadratic_outcome(problem, data, free, by, last, beside, stop);
  }
};

}  // namespace interior_point
}  // namespace detail

const detail::MethodTable<InteriorPointQP>& InteriorPointQP::table() {
  static const detail::MethodTable<InteriorPointQP> t{
      "interior_point_qp",
      "a homogeneous interior-point method for quadratic and linear programs",
      {Kind::quadratic_program},
      true,
      {{"border",
        &InteriorPointQP::border,
        {0, 1, false, false},
        "how far a step goes on the way to the border, at the least"},
       {"refinements", &InteriorPointQP::refinements, {}, "of each linear solve"}},
      Restriction::general};
  return t;
}

std::shared_ptr<const detail::SolverMethod> InteriorPointQP::method() const {
  return std::make_shared<detail::interior_point::Method>(*this);
}

}  // namespace dini
