#include "dini/solvers/barrier_search.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/promote.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace barrier_search {

struct Trial {
  Array part;  // α
  BarrierPoint to;
  Barrier::Values values;
  Array violation, good, counts_slope, tries;
  auto tree() { return std::tie(part, to, values, violation, good, counts_slope, tries); }
};

}  // namespace barrier_search

BarrierSearch search(const Barrier& barrier, const Barrier::System& k, const Barrier::Values& v,
                     const Barrier::Slopes& s, const BarrierPoint& p, const Array& mu, const Filter& filter,
                     double border, int max_halvings) {
  using barrier_search::Trial;
  const Array theta = barrier.violation(v, p.slack), phi = barrier.objective(v, p, mu);
  const Array tau = maximum(scalar_like(border, mu), 1 - mu), noise = 10 * epsilon(mu.dtype()) * abs(phi);
  const Array first_violation = filter.violation(0) * 1e-8;  // 1e-4 of the start's

  auto trial = [&](const BarrierPoint& d, const Array& part, const Array& dual, const Array& slope,
                   const Array& tries) {
    Trial t;
    t.part = part;
    t.to = barrier.moved(p, d, part, dual, mu);
    t.values = barrier.program().values(t.to.z);
    // A slack that its row leaves room for takes it.
    t.to.slack = maximum(t.to.slack, -t.values.at_most);
    t.violation = barrier.violation(t.values, t.to.slack);
    const Array there = barrier.objective(t.values, t.to, mu);
    const Array steep = (slope < 0) & (part * power(maximum(-slope, zeros_like(slope)), 2.3) > power(theta, 1.1));
    t.counts_slope = steep & (theta <= first_violation);
    const Array falls = there <= phi + 1e-4 * part * slope + noise;
    const Array better =
        (t.violation <= (1 - Filter::margin) * theta) | (there <= phi - Filter::margin * theta + noise);
    t.good = isfinite(there) & isfinite(t.violation) & filter.allows(t.violation, there - noise) &
             where(t.counts_slope, falls, better);
    t.tries = tries;
    return t;
  };
  const BarrierPoint d = barrier.step(k, s, p, mu, v.equal, v.at_most + p.slack);
  const Barrier::Lengths longest = barrier.to_border(p, d, tau);
  const Array slope = barrier.slope(s, p, d, mu), one = array(std::int64_t{1});
  const Trial full = trial(d, longest.primal, longest.dual, slope, one);
  const Trial corrected = cond(
      ~full.good & isfinite(full.violation) & (full.violation >= theta),
      [&](const Trial& t) {
        const BarrierPoint e = barrier.step(k, s, p, mu, t.part * v.equal + t.values.equal,
                                            t.part * (v.at_most + p.slack) + t.values.at_most + t.to.slack);
        const Barrier::Lengths most = barrier.to_border(p, e, tau);
        const Trial again = trial(e, most.primal, most.dual, slope, t.tries + 1);
        Trial out = tree_map([&](const Array& a, const Array& b) { return where(again.good, a, b); }, again, t);
        out.tries = again.tries;
        return out;
      },
      [](const Trial& t) { return t; }, full);
  const Trial last = loop([](const Trial& t) { return ~t.good; },
                          [&](const Trial& t) { return trial(d, 0.5 * t.part, longest.dual, slope, t.tries + 1); },
                          corrected, max_halvings);
  BarrierSearch out{last.to, last.values, filter, last.good & k.sound, last.tries};
  // A point that is not left by its slope is one not to come back to.
  const Array kept = ~last.good | ~last.counts_slope;
  out.filter =
      tree_map([&](const Array& a, const Array& b) { return where(kept, a, b); }, filter.with(theta, phi), filter);
  return out;
}

}  // namespace dini::detail
