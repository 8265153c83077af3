#include "dini/solvers/line_search.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace {

// φ at a trial.
struct OnLine {
  Array t, value, slope;
  auto tree() { return std::tie(t, value, slope); }
};

struct WolfeSearch {
  OnLine low, high;  // the best so far, and the other end; high.t is 0 while there is none
  Array z, gradient, t, found, turns;
  auto tree() { return std::tie(low, high, z, gradient, t, found, turns); }
};

// Where the cubic through values and slopes at two points is least, away from both ends; the middle where it has no such point.
Array least_of_cubic(const OnLine& a, const OnLine& b) {
  const Array width = b.t - a.t, apart = where(width == 0.0, ones_like(width), width);
  const Array d1 = a.slope + b.slope - 3 * (b.value - a.value) / apart;
  const Array inner = square(d1) - a.slope * b.slope;
  const Array d2 = sqrt(maximum(inner, zeros_like(inner))) * where(width < 0, -1.0, 1.0);
  const Array bottom = b.slope - a.slope + 2 * d2;
  const Array part = 1 - (b.slope + d2 - d1) / where(bottom == 0.0, ones_like(bottom), bottom);
  const Array good = (inner >= 0) & (bottom != 0.0) & isfinite(part);
  return a.t + width * where(good, minimum(maximum(part, 0.1), 0.9), 0.5);
}

}  // namespace

LineEnd wolfe_search(const SolverProblem& problem, const Array& z, const Slope& here, const Array& p,
                     const Array& first, const WolfeOptions& options) {
  const Array zero = scalar_like(0, z), slope = dot(here.gradient, p);
  const Array noise = 1e2 * epsilon(z.dtype()) * abs(here.value);
  const OnLine start{zero, here.value, slope};
  auto next = [&](const WolfeSearch& s) {
    const Array there = z + s.t * p;
    const Slope at = slope_at(problem, there);
    const OnLine trial{s.t, at.value, dot(at.gradient, p)};
    const Array finite = isfinite(trial.value) & isfinite(trial.slope);
    const Array enough = trial.value <= here.value + options.decrease * s.t * slope;
    const Array unseen = (abs(trial.value - here.value) <= noise) & (trial.slope <= (2 * options.decrease - 1) * slope);
    const Array good = (slope < 0) & finite & (enough | unseen) & (trial.value <= s.low.value + noise);
    WolfeSearch r = s;
    const Array bracketed = s.high.t != 0.0;
    // To which side of the trial point the least value lies.
    const Array back = where(bracketed, trial.slope * (s.high.t - s.low.t) >= 0, trial.slope >= 0);
    auto choose = [](const Array& c, const OnLine& a, const OnLine& b) {
      return OnLine{where(c, a.t, b.t), where(c, a.value, b.value), where(c, a.slope, b.slope)};
    };
    // An end at t = 0 is written as a tiny one, for 0 stands for none.
    OnLine old = s.low;
    old.t = where(old.t == 0.0, 1e-30 * s.t, old.t);
    r.high = choose(~good, trial, choose(back, old, s.high));
    r.low = choose(good, trial, s.low);
    r.z = where(good, there, s.z);
    r.gradient = where(good, at.gradient, s.gradient);
    // Between ends as near to each other as these there is no better step to speak of.
    const Array narrow = (r.high.t != 0.0) & (r.low.t != 0.0) & (abs(r.high.t - r.low.t) <= 1e-7 * r.low.t);
    r.found = narrow | (good & (abs(trial.slope) <= -options.curvature * slope));
    const Array middle = 0.5 * (r.low.t + r.high.t), usable = isfinite(r.high.value) & isfinite(r.high.slope);
    r.t = where(r.high.t == 0.0, 4 * s.t, where(usable, least_of_cubic(r.low, r.high), middle));
    r.turns = s.turns + 1;
    return r;
  };
  WolfeSearch s{start, {zero, here.value, slope}, z, here.gradient, first, array(false), array(std::int64_t{0})};
  s = loop([&](const WolfeSearch& at) { return ~at.found & (at.turns < options.most) & isfinite(at.t); }, next, s,
           options.most);
  return {s.low.t, s.z, {s.low.value, s.gradient}, s.turns};
}

LineEnd armijo_search(const SolverProblem& problem, const Array& z, const Slope& here, const Array& p,
                      const Array& first, double decrease, std::int64_t most) {
  const Array slope = dot(here.gradient, p), noise = 1e2 * epsilon(z.dtype()) * abs(here.value);
  struct Trial {
    Array t, z;
    Slope there;
    Array turns;
    auto tree() { return std::tie(t, z, there, turns); }
  };
  auto at = [&](const Array& t, const Array& turns) {
    const Array there = z + t * p;
    return Trial{t, there, slope_at(problem, there), turns};
  };
  auto refused = [&](const Trial& s) {
    const Array enough = s.there.value <= here.value + decrease * s.t * slope;
    const Array unseen =
        (abs(s.there.value - here.value) <= noise) & (length(s.there.gradient) < length(here.gradient));
    return ~(isfinite(s.there.value) & all(isfinite(s.there.gradient)) & (enough | unseen));
  };
  const Trial last = loop(
      refused, [&](const Trial& s) { return at(0.5 * s.t, s.turns + 1); }, at(first, array(std::int64_t{1})), most);
  const Array none = refused(last);
  return {where(none, zeros_like(last.t), last.t),
          where(none, z, last.z),
          {where(none, here.value, last.there.value), where(none, here.gradient, last.there.gradient)},
          last.turns};
}

Array modest_step(const Array& z, const Array& p) {
  const Array size = length(z), pull = length(p), most = where(size > 0, size, ones_like(size));
  return where(pull > most, most / where(pull > 0, pull, ones_like(pull)), ones_like(pull));
}

}  // namespace dini::detail
