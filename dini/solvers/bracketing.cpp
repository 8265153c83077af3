#include "dini/solvers/bracketing.hpp"

#include <limits>

#include "dini/solvers/constrained.hpp"
#include "dini/linear/check_status.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/watch_op.hpp"

namespace dini::detail {

namespace {

constexpr std::int64_t still_dividing = -1, to_be_looked_at = -2, default_steps = 1000;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

double largest_number(Dtype d) {
  return d == Dtype::float32 ? static_cast<double>(std::numeric_limits<float>::max())
                             : std::numeric_limits<double>::max();
}
double smallest_normal(Dtype d) {
  return d == Dtype::float32 ? static_cast<double>(std::numeric_limits<float>::min())
                             : std::numeric_limits<double>::min();
}

Array opposite(const Array& f, const Array& g) { return ((f < 0) & (g > 0)) | ((f > 0) & (g < 0)); }

// How close the ends may come.
Array least_width(const Brackets& b) { return epsilon(b.lo.dtype()) * maximum(abs(b.lo), abs(b.hi)); }

Array divided_to_the_end(const Brackets& b) {
  const Array half = 0.5 * b.lo + 0.5 * b.hi;
  return (b.hi - b.lo <= least_width(b)) | ~((half > b.lo) & (half < b.hi));
}

Array lower_is_nearer(const Brackets& b) { return (abs(b.f_lo) <= abs(b.f_hi)) | isnan(b.f_hi); }
Array nearer(const Brackets& b) { return where(lower_is_nearer(b), b.lo, b.hi); }

struct Division {
  Brackets at;
  Array middle, since;  // of the bracket as it was when it last came into a half, and how many evaluations ago that was
  Array changes, lost;  // whether F has changed its sign between the ends; whether it was NaN at a point between them
  Array at_first;       // the smaller |F| of the first ends
  Array steps, status, norm, best_norm, first_norm, history;
  auto tree() {
    return std::tie(at, middle, since, changes, lost, at_first, steps, status, norm, best_norm, first_norm, history);
  }
};

class Divide {
 public:
  Divide(const BracketSteps& m, const SolverProblem& p, const Array& z0, const StopRule& rule)
      : method(m), problem(p), stop(rule), max_steps(rule.max_steps >= 0 ? rule.max_steps : default_steps) {
    const Array most = scalar_like(largest_number(z0.dtype()), z0);
    const Array a = clip(minimum(p.lower, p.upper), -most, most), b = clip(maximum(p.lower, p.upper), -most, most);
    // What is not a number has no sign anywhere.
    const Array whole = ~(isnan(p.lower) | isnan(p.upper));
    lower = where(whole, a, scalar_like(unknown, z0));
    upper = where(whole, b, scalar_like(unknown, z0));
    // Of an end at infinity nothing is known of the size that z has.
    auto size = [](const Array& end) { return where(isfinite(end), abs(end), zeros_like(end)); };
    scale = maximum(size(p.lower), size(p.upper));
    scale = where((scale > 0) & whole, scale, ones_like(scale));
  }

  Outcome run() const {
    Division d = start();
    d = loop([](const Division& at) { return at.status == still_dividing; },
             [&](const Division& at) { return next(at); }, d, max_steps + 1, stop.watch);
    // A watched loop may be told to end in the middle of a step, with the state that the step began with.
    if (stop.watch) d.status = where(d.status == still_dividing, code(StatusCode::cancelled), d.status);
    return cond(
        d.status == to_be_looked_at, [&](const Division& at) { return looked_at(at); },
        [&](const Division& at) { return as_it_is(at); }, d);
  }

 private:
  const BracketSteps& method;
  const SolverProblem& problem;
  const StopRule& stop;
  std::int64_t max_steps;
  Array lower, upper, scale;

  // F at both ends, as one turn of a watched loop: it may take as long as a step.
  Division start() const {
    struct Ends {
      Array lo, hi, made;
      auto tree() { return std::tie(lo, hi, made); }
    };
    const Array none = where(isnan(lower), lower, scalar_like(unknown, lower));
    // The ends are made to depend on the loop's state: what does not is computed before the loop.
    const Ends f = loop([](const Ends& e) { return ~e.made; },
                        [&](const Ends& e) {
                          return Ends{problem.residual(where(e.made, e.lo, lower)),
                                      problem.residual(where(e.made, e.hi, upper)), array(true)};
                        },
                        Ends{none, none, array(false)}, 1, stop.watch);
    Division d;
    const Array at_lo = f.lo == 0.0, at_hi = (f.hi == 0.0) & ~at_lo;
    d.at = {where(at_hi, upper, lower),
            where(at_lo, lower, upper),
            where(at_hi, f.hi, f.lo),
            where(at_lo, f.lo, f.hi),
            none,
            none,
            abs(f.hi) < abs(f.lo),
            {}};
    d.at.memory = method.init(d.at);
    d.changes = opposite(f.lo, f.hi) | at_lo | at_hi;
    d.lost = zeros_like(d.changes);
    d.middle = middle_of(d.at.lo, d.at.hi);
    d.since = zeros(lower.shape(), Dtype::int64);
    d.steps = array(std::int64_t{0});
    d.at_first = minimum(abs(f.lo), abs(f.hi));
    d.norm = d.best_norm = d.first_norm = length(d.at_first);
    d.history = record(full({stop.history}, Array(unknown), lower.dtype()), d.steps, d.norm);
    d.status = status_of(d, f.made);
    if (stop.watch) d.status = where(f.made, d.status, code(StatusCode::cancelled));
    return d;
  }

  Division next(const Division& d) const {
    const Brackets& b = d.at;
    Division r = d;
    const Array ended = divided_to_the_end(b), middle = middle_of(b.lo, b.hi);
    auto between = [&](const Array& x) { return (x > b.lo) & (x < b.hi); };
    Array x = method.next(b, least_width(b), r.at.memory);
    x = where((d.since >= 3) | ~between(x), middle, x);
    x = where(between(x), x, 0.5 * b.lo + 0.5 * b.hi);
    const Array f = problem.residual(where(ended, b.lo, x));
    const Array zero = f == 0.0, goes = ~ended & ~isnan(f), as_lo = goes & ((f > 0) == (b.f_lo > 0)) & ~zero;
    const Array to_lo = as_lo | (goes & zero), to_hi = goes & ~as_lo;
    r.at.lo = where(to_lo, x, b.lo);
    r.at.f_lo = where(to_lo, f, b.f_lo);
    r.at.hi = where(to_hi, x, b.hi);
    r.at.f_hi = where(to_hi, f, b.f_hi);
    r.at.out = where(goes, where(as_lo, b.lo, b.hi), b.out);
    r.at.f_out = where(goes, where(as_lo, b.f_lo, b.f_hi), b.f_out);
    r.at.newest_is_hi = where(goes, ~as_lo, b.newest_is_hi);
    r.lost = d.lost | (~ended & isnan(f));
    const Array halved = (r.at.lo >= d.middle) | (r.at.hi <= d.middle);
    r.middle = where(halved, middle_of(r.at.lo, r.at.hi), d.middle);
    r.since = where(halved, zeros_like(d.since), d.since + 1);
    r.steps = d.steps + 1;
    r.norm = length(minimum(abs(r.at.f_lo), abs(r.at.f_hi)));
    r.best_norm = minimum(d.best_norm, r.norm);
    r.history = record(d.history, r.steps, r.norm);
    r.status = status_of(r, d.status == still_dividing);
    return r;
  }

  static Array record(const Array& history, const Array& steps, const Array& norm) {
    if (history.size() == 0) return history;
    return where(arange(history.size()) == steps, norm, history);
  }

  // `going`: whether the step that led here was made, and not only taken part in beside other lanes.
  Array status_of(const Division& d, const Array& going) const {
    Array out_of_steps = d.steps >= max_steps;
    if (stop.budget.defined()) out_of_steps = out_of_steps | (d.steps >= stop.budget);
    Array status = where(out_of_steps, code(StatusCode::max_steps), array(still_dividing));
    status = where(all(divided_to_the_end(d.at)) | any(d.lost) | ~all(d.changes), array(to_be_looked_at), status);
    if (stop.tolerance.given()) {
      const Array wanted =
          maximum(Array(stop.tolerance.absolute.value_or(0)), stop.tolerance.relative.value_or(0) * d.first_norm);
      status = where(all(d.changes) & (d.norm <= wanted), code(StatusCode::converged), status);
    }
    if (!stop.watch) return status;
    const Array stopped = watch(stop.watch, d.steps, d.norm, d.best_norm, going);
    return where(stopped & ((status == still_dividing) | (status == to_be_looked_at)), code(StatusCode::cancelled),
                 status);
  }

  // The largest error beside the size of its element; one that is nothing beside the ends, and has no digits, is taken to be 0.
  Array error_of(const Array& e, const Array& x) const {
    const double eps = epsilon(x.dtype());
    return largest_relative(where((abs(x) > eps * eps * scale) | (e < 0.25 * abs(x)), e, zeros_like(e)), x);
  }

  Outcome as_it_is(const Division& d) const {
    const Array z = nearer(d.at), width = d.at.hi - d.at.lo;
    const Array f = minimum(abs(d.at.f_lo), abs(d.at.f_hi));
    return {z,         d.status,
            d.steps,   d.steps + 2,
            length(f), error_of(where(isfinite(width), width, scalar_like(infinite, width)), z),
            d.history, array(std::int64_t{0}),
            {}};
  }

  // How far the root may be from x by the noise η of F: where the straight line through x shows it at 4 times that distance, that;
  // elsewhere the distance at which F leaves its noise on both sides. Infinite where that is farther than `limit`.
  struct Reach {
    Array error, distance, found, turns;
    auto tree() { return std::tie(error, distance, found, turns); }
  };
  Reach reach(const Array& x, const Array& steepness, const Array& line, const Array& eta, const Array& known,
              const Array& limit) const {
    const double eps = epsilon(x.dtype());
    const Array first = maximum(where(isfinite(line), line, zeros_like(line)), 0.5 * eps * abs(x));
    return loop([&](const Reach& r) { return any(~r.found & (r.distance <= 4 * limit)) & (r.turns < 25); },
                [&](const Reach& r) {
                  const Array left = problem.residual(x - r.distance), right = problem.residual(x + r.distance);
                  const Array out = ~(abs(left) < 2 * eta) & ~(abs(right) < 2 * eta);
                  const Array straight = (r.turns == 0) & (abs(right - left) <= 4 * r.distance * steepness);
                  const Array error = where(straight, first, r.distance);
                  return Reach{where(out & ~r.found, error, r.error), 8 * r.distance, r.found | out, r.turns + 1};
                },
                Reach{where(known, first, scalar_like(infinite, x)),
                      4 * maximum(first, 0.5 * eps * maximum(abs(x), eps * scale)), known, array(std::int64_t{0})},
                25);
  }

  Outcome looked_at(const Division& d) const {
    const Brackets& b = d.at;
    const double eps = epsilon(b.lo.dtype());
    const Array x = nearer(b), width = b.hi - b.lo;
    const Array f = problem.residual(x);
    const Array slope = dini::jvp([&](const Array& v) { return problem.residual(v); }, x, ones_like(x)).tangent;
    const Array steepness = abs(slope), some = isfinite(slope) & (slope != 0.0);
    Array eta = noise_at(problem, x, Array());
    if (problem.reads_values) eta = maximum(eta, eps * where(some, steepness, zeros_like(x)) * abs(x));
    const Array zero = f == 0.0, rises = b.f_hi > b.f_lo;
    const Array through = some & ((slope > 0) == rises) & (abs(f) <= 64 * width * steepness);
    const Array noise = (abs(f) <= 4 * eta) & (abs(f) <= d.at_first);
    const Array line = where(some, (abs(f) + eta) / where(some, steepness, ones_like(x)), scalar_like(infinite, x));
    const Array limit = maximum(1e-2 * abs(x), 4 * eps * scale);
    const Reach r = reach(x, steepness, line, eta, ~(zero | noise), limit);
    const Array root = (zero | through | noise) & (r.error <= limit);
    Array codes = where(root, code(StatusCode::converged), code(StatusCode::stagnated));
    codes = where(divided_to_the_end(b), codes, array(still_dividing));
    codes = where(d.lost, code(StatusCode::nonfinite), codes);
    codes = where(d.changes, codes, code(StatusCode::bracket));
    // That of the first element that has failed, and of none that waits for it.
    const Array failed = codes > 0;
    const Array status = where(any(failed), take(codes, argmax(where(failed, 1, 0))), code(StatusCode::converged));
    Outcome out = as_it_is(d);
    out.z = x;
    out.status = status;
    out.evaluations = d.steps + 8 + 2 * r.turns;
    out.residual_norm = length(f);
    out.error_estimate = where(all(root), error_of(r.error, x), scalar_like(infinite, x));
    if (stop.tolerance.given()) out.status = where(status == 0, code(StatusCode::stagnated), status);
    return out;
  }
};

}  // namespace

Array middle_of(const Array& lo, const Array& hi) {
  const Dtype dtype = lo.dtype();
  const Array sign = where(hi > 0, scalar_like(1, lo), scalar_like(-1, lo));
  const Array small = minimum(abs(lo), abs(hi)), large = maximum(abs(lo), abs(hi));
  const Array tiny = scalar_like(smallest_normal(dtype), lo), from = maximum(small, tiny);
  const Array geometric = sign * sqrt(from) * sqrt(large), arithmetic = 0.5 * lo + 0.5 * hi;
  const Array middle = where(large > 4 * from, geometric, arithmetic);
  return where((lo < 0) & (hi > 0), zeros_like(lo), middle);
}

Outcome solve_in_bracket(const BracketSteps& method, const SolverProblem& problem, const Array& z0,
                         const StopRule& stop) {
  if (z0.size() == 0) {
    const Array none = array(std::int64_t{0}), zero = scalar_like(0, z0);
    return {z0, none, none, none, zero, zero, full({stop.history}, Array(unknown), z0.dtype()), none, {}};
  }
  return Divide(method, problem, z0, stop).run();
}

namespace {

struct InBracket final : SolverMethod {
  InBracket(std::shared_ptr<const SolverMethod> m, Array a, Array b)
      : method(std::move(m)), lower(std::move(a)), upper(std::move(b)) {}
  std::shared_ptr<const SolverMethod> method;
  Array lower, upper;
  std::string name() const override { return method->name(); }
  std::string key() const override { return method->key(); }
  Kinds kinds() const override { return method->kinds(); }
  Outcome solve(const SolverProblem& problem, const Array& z0, const StopRule& stop) const override {
    SolverProblem p = problem;
    p.lower = lower;
    p.upper = upper;
    return method->solve(p, z0, stop);
  }
};

}  // namespace

std::shared_ptr<const SolverMethod> in_bracket(std::shared_ptr<const SolverMethod> method, const Array& lower,
                                               const Array& upper) {
  return std::make_shared<InBracket>(std::move(method), lower, upper);
}

}  // namespace dini::detail
