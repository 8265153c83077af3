#include "dini/solvers/interior_point_qp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/quadratic_end.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/watch_op.hpp"

namespace dini {

namespace detail {
namespace interior_point {

constexpr int most_steps = 80, patience = 8;

Array only(const Array& mask, const Array& a) { return where(mask, a, zeros_like(a)); }
Array column(const Array& v) { return reshape(v, {v.size(), 1}); }

// Where an iterate stands; s and z of the rows of G, the lower and the upper bounds, 1 for rows that are none.
struct Iterate {
  Array x, y, z, s, tau, kappa;
  auto tree() { return std::tie(x, y, z, s, tau, kappa); }
};

struct Progress {
  Iterate now, best;
  Array error, best_error, ratio, mu, steps, since, history, going, cancelled;  // ratio, mu: the least τ/κ and μ so far
  auto tree() { return std::tie(now, best, error, best_error, ratio, mu, steps, since, history, going, cancelled); }
};

// The program with the bounds as rows of G, -x ≤ -l and x ≤ u; equilibrated.
class Model {
 public:
  Model(const QuadraticData& data, const InteriorPointQP& o)
      : d(data), options(o), n(data.q.size()), me(data.b.size()), mg(data.h.size()) {
    const Array sides = concatenate({d.h, -d.lower, d.upper});
    live = sides < std::numeric_limits<double>::infinity();
    h = only(live, sides);
    g = only(column(live(slice(0, mg))), d.g);
    count = sum(astype(live, d.q.dtype())) + 1;
  }

  Array rows(const Array& x) const { return only(live, concatenate({dot(g, x), -x, x})); }
  Array rows_transposed(const Array& z) const {
    return dot(transpose(g), z(slice(0, mg))) - z(slice(mg, mg + n)) + z(slice(mg + n, end));
  }

  // With unit slacks, of which those and their multipliers that are too small are raised to 1.
  Iterate start() const {
    const Array one = ones_like(h);
    const Array solved = solve(factorized(one), one, column(concatenate({-d.q, d.b, h})))(slice(), 0);
    const Array z = solved(slice(n + me, end));
    auto raised = [&](const Array& v) {
      const Array least = h.size() ? min(where(live, v, one)) : scalar_like(1, d.q);
      return where(live, v + maximum(1 - least, zeros_like(least)), one);
    };
    const Array unit = scalar_like(1, d.q);
    return {solved(slice(0, n)), solved(slice(n, n + me)), raised(z), raised(-z), unit, unit};
  }

  Array complementarity(const Iterate& at) const { return (sum(only(live, at.s * at.z)) + at.tau * at.kappa) / count; }

  Iterate step(const Iterate& at) const {
    const Array w = where(live, at.s / at.z, ones_like(at.s));
    const Factors f = factorized(w);
    const Array px = dot(d.p, at.x), xi = at.x / at.tau, p_xi = px / at.tau;
    const Array of_x = px + dot(transpose(d.a), at.y) + rows_transposed(only(live, at.z)) + d.q * at.tau;
    const Array of_y = dot(d.a, at.x) - d.b * at.tau;
    const Array of_z = rows(at.x) + only(live, at.s) - h * at.tau;
    const Array of_tau = at.kappa + dot(d.q, at.x) + dot(d.b, at.y) + dot(h, at.z) + dot(px, xi);
    const Array mu = complementarity(at);

    struct Direction {
      Array x, y, z, s, tau, kappa;
    };
    // `keep` of the residuals is to be left, by these right sides of the complementarity.
    auto direction = [&](const Array& first, const Array& second, const Array& left, const Array& by_rows,
                         const Array& by_tau) {
      const Array x1 = first(slice(0, n)), y1 = first(slice(n, n + me)), z1 = first(slice(n + me, end));
      const Array x2 = second(slice(0, n)), y2 = second(slice(n, n + me)), z2 = second(slice(n + me, end));
      const Array apart = x2 - xi;
      const Array exact = dot(apart, dot(d.p, apart)) + sum(only(live, w * square(z2))) + at.kappa / at.tau;
      const Array direct = dot(p_xi, xi) + at.kappa / at.tau - dot(d.q + 2 * p_xi, x2) - dot(d.b, y2) - dot(h, z2);
      const Array below = where(direct > 0.5 * exact, direct, exact);
      const Array above = left * of_tau + by_tau / at.tau + dot(d.q + 2 * p_xi, x1) + dot(d.b, y1) + dot(h, z1);
      Direction out;
      out.tau = above / below;
      out.x = x1 + out.tau * x2;
      out.y = y1 + out.tau * y2;
      out.z = only(live, z1 + out.tau * z2);
      out.s = only(live, by_rows / at.z - w * out.z);
      out.kappa = (by_tau - at.kappa * out.tau) / at.tau;
      return out;
    };
    auto right_side = [&](const Array& left, const Array& by_rows) {
      return concatenate({-left * of_x, -left * of_y, only(live, -left * of_z - by_rows / at.z)});
    };
    auto longest = [&](const Direction& to) {
      Array most = scalar_like(1 / options.border, d.q);
      auto reach = [&](const Array& v, const Array& dv) {
        const Array falls = dv < 0;
        return where(falls, -v / where(falls, dv, -ones_like(dv)), most);
      };
      if (h.size()) most = minimum(most, minimum(min(reach(at.s, to.s)), min(reach(at.z, to.z))));
      return minimum(most, minimum(reach(at.tau, to.tau), reach(at.kappa, to.kappa)));
    };

    const Array one = scalar_like(1, d.q);
    const Array to_border = -at.s * at.z, tau_to_border = -at.tau * at.kappa;
    const Array both =
        solve(f, w, concatenate({column(right_side(one, to_border)), column(concatenate({-d.q, d.b, h}))}, 1));
    const Array second = both(slice(), 1);
    const Direction affine = direction(both(slice(), 0), second, one, to_border, tau_to_border);
    const Array sigma = power(1 - minimum(longest(affine), one), 3);
    const Array by_rows = only(live, sigma * mu + to_border - affine.s * affine.z);
    const Array by_tau = sigma * mu + tau_to_border - affine.tau * affine.kappa;
    const Array first = solve(f, w, column(right_side(1 - sigma, by_rows)))(slice(), 0);
    const Direction to = direction(first, second, 1 - sigma, by_rows, by_tau);
    const Array alpha = options.border * longest(to);
    Iterate next{at.x + alpha * to.x, at.y + alpha * to.y,     at.z + alpha * to.z,
                 at.s + alpha * to.s, at.tau + alpha * to.tau, at.kappa + alpha * to.kappa};
    // The model is homogeneous: any multiple will do.
    const Array size = maximum(next.tau, next.kappa);
    for (Array* v : {&next.x, &next.y, &next.tau, &next.kappa}) *v = *v / size;
    next.z = where(live, next.z / size, next.z);
    next.s = where(live, next.s / size, next.s);
    return next;
  }

  const QuadraticData& d;
  const InteriorPointQP& options;
  std::int64_t n, me, mg;
  Array live, h, g, count;

 private:
  struct Factors {
    Array matrix, by;  // equilibrated, with what it was multiplied by from both sides
    Leaves of;
  };
  // Of [P + bounds' z/s, Aᵀ, Gᵀ; A, 0, 0; G, 0, -s/z].
  Factors factorized(const Array& w) const {
    const Dtype dtype = d.q.dtype();
    const Array t = only(live, reciprocal(w));
    const Array bounds = t(slice(mg, mg + n)) + t(slice(mg + n, end));
    Array k = concatenate({concatenate({d.p + diag(bounds), transpose(d.a), transpose(g)}, 1),
                           concatenate({d.a, zeros({me, me + mg}, dtype)}, 1),
                           concatenate({g, zeros({mg, me}, dtype), -diag(w(slice(0, mg)))}, 1)});
    Factors f{k, ones({n + me + mg}, dtype), {}};
    for (int turn = 0; turn < 3; ++turn) {
      const Array size = max(abs(f.matrix), 1), by = where(size > 0, rsqrt(size), ones_like(size));
      f.by = f.by * by;
      f.matrix = column(by) * f.matrix * by;
    }
    const double regular = std::pow(epsilon(dtype), 0.7);  // 1e-11
    f.matrix =
        f.matrix + diag(concatenate({full({n}, Array(regular), dtype), full({me + mg}, Array(-regular), dtype)}));
    f.of = factorize(f.matrix, {.symmetric = true});
    return f;
  }

  // [P Aᵀ Gᵀ; A 0 0; G 0 -w] x = b with all rows, refined by that matrix; b [n + me + rows, k].
  Array solve(const Factors& f, const Array& w, const Array& b) const {
    const Array weights = column(w), t = column(only(live, reciprocal(w))), there = column(live);
    auto part = [&](const Array& v, std::int64_t from, std::int64_t to) { return v(slice(from, to)); };
    const std::int64_t z = n + me, lower = z + mg, upper = lower + n, last = upper + n;
    auto product = [&](const Array& v) {
      const Array x = part(v, 0, n), y = part(v, n, z), of_z = part(v, z, last);
      const Array gx = only(there, concatenate({dot(g, x), -x, x}));
      return concatenate({dot(d.p, x) + dot(transpose(d.a), y) + dot(transpose(g), part(v, z, lower)) -
                              part(v, lower, upper) + part(v, upper, last),
                          dot(d.a, x), gx - weights * of_z});
    };
    auto once = [&](const Array& r) {
      const Array lower_t = t(slice(mg, mg + n)), upper_t = t(slice(mg + n, end));
      const Array of_x = part(r, 0, n) - lower_t * part(r, lower, upper) + upper_t * part(r, upper, last);
      const Array reduced = concatenate({of_x, part(r, n, lower)});
      const Array v = column(f.by) * emit_linear_solve(f.of, f.matrix, column(f.by) * reduced, false, true);
      const Array x = part(v, 0, n);
      return concatenate({v, lower_t * (-x - part(r, lower, upper)), upper_t * (x - part(r, upper, last))});
    };
    const Array right = concatenate({part(b, 0, z), only(there, part(b, z, last))});
    Array v = once(right);
    for (int k = 0; k < options.refinements; ++k) v = v + once(right - product(v));
    return v;
  }
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
    const Model model(even, options);
    const std::int64_t mg = model.mg, n = model.n;
    const Array nothing = array(std::int64_t{0}), infinite = scalar_like(std::numeric_limits<double>::infinity(), z0);

    auto point = [&](const Iterate& at) {
      const Array x = where(data.lower == data.upper, data.lower, by.variables * at.x / at.tau);
      const Array z = only(model.live, at.z)(slice(0, mg));
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
    const double enough = 450 * epsilon(z0.dtype());  // 1e-13
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
      // There is no solution to come where τ vanishes beside κ.
      Array on =
          (q.best_error > enough) & ((q.ratio > enough) | (q.mu > enough)) & (q.since < patience) & (q.steps < most);
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
               const Array much = (r.error < 0.9 * q.best_error) | (ratio < 0.9 * q.ratio) | falls;
               r.best = tree_map([&](const Array& a, const Array& b) { return where(better, a, b); }, r.now, q.best);
               r.best_error = where(better, r.error, q.best_error);
               r.ratio = where(ratio < q.ratio, ratio, q.ratio);
               r.mu = where(mu < q.mu, mu, q.mu);
               r.since = where(much, nothing, q.since + 1);
               r.steps = q.steps + 1;
               return judged(r, q.going);
             },
             p, most, stop.watch);

    QuadraticEnd last;
    const KktUnknowns found = point(p.best);
    const Array status = where(p.steps >= most, code(StatusCode::max_steps), code(StatusCode::stagnated));
    last.at = {found.z, found.equal, found.at_most, where(p.cancelled, code(StatusCode::cancelled), status),
               p.steps, p.steps,     p.history};
    const Array z = only(model.live, p.now.z);
    last.infeasible = {p.now.y, z(slice(0, mg)), z(slice(mg, mg + n)), z(slice(mg + n, end)), array(false)};
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
      {{"border", &InteriorPointQP::border, {0, 1, false, false}, "how far a step goes on the way to the border"},
       {"refinements", &InteriorPointQP::refinements, {}, "of each linear solve"}},
      Restriction::general};
  return t;
}

std::shared_ptr<const detail::SolverMethod> InteriorPointQP::method() const {
  return std::make_shared<detail::interior_point::Method>(*this);
}

}  // namespace dini
