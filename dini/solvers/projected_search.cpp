#include "dini/solvers/projected_search.hpp"

#include "dini/linear/system.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/trust_region.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace {

constexpr double wanted_slope = 1e-2;  // what a projected search wants of the model's slope

struct Round {
  Array s, free, going;
  auto tree() { return std::tie(s, free, going); }
};

}  // namespace

Projected cauchy_point(const BoxModel& at, const Array& radius, const Array& last) {
  auto tried = [&](const Array& alpha) {
    const Array s = at.within(-alpha * at.gradient);
    return Projected{alpha, s, (at.model(s) <= wanted_slope * dot(at.gradient, s)) & (norm(s) <= radius)};
  };
  const Projected first = tried(last);
  const Projected lower = loop([](const Projected& c) { return ~c.good; },
                               [&](const Projected& c) { return tried(0.1 * c.length); }, first, 60);
  struct Growth {
    Projected best, next;
    auto tree() { return std::tie(best, next); }
  };
  const Growth grown = loop([](const Growth& g) { return g.next.good & any(g.next.s != g.best.s); },
                            [&](const Growth& g) {
                              return Growth{g.next, tried(10 * g.next.length)};
                            },
                            Growth{first, tried(10 * first.length)}, 60);
  return tree_map([&](const Array& a, const Array& b) { return where(first.good, a, b); }, grown.best, lower);
}

Array subspace_step(const BoxModel& at, const Array& cauchy, const Array& radius, std::int64_t rounds) {
  const Array identity = eye(at.z.size(), at.z.dtype());
  auto next = [&](const Round& q) {
    const Array slope = at.gradient + dot(at.hessian, q.s), among = expand_dims(q.free, 0) & expand_dims(q.free, 1);
    const Array g = where(q.free, slope, zeros_like(slope)), b = where(among, at.hessian, identity);
    const MatrixStructure symmetric{.symmetric = true};
    const Leaves factors = factorize(b, symmetric);
    const Array newton = -solve_factored(factors, b, g, symmetric);
    const Array definite = is_definite(factors, b) & all(isfinite(newton));
    const Array w = exact_step(b, g, radius, newton, definite);
    const Array here = at.model(q.s);
    auto tried = [&](const Array& beta) {
      const Array s = at.within(q.s + beta * w);
      return Projected{beta, s, at.model(s) <= here + wanted_slope * minimum(dot(slope, s - q.s), zeros_like(here))};
    };
    const Projected found = loop([](const Projected& c) { return ~c.good; },
                                 [&](const Projected& c) { return tried(0.5 * c.length); }, tried(ones_like(here)), 30);
    const Array s = where(found.good, found.s, q.s), free = q.free & at.off_bounds(s);
    return Round{s, free, found.good & any(free) & any(free != q.free) & (norm(s) < radius)};
  };
  const Array free = at.off_bounds(cauchy);
  return loop([](const Round& q) { return q.going; }, next, Round{cauchy, free, any(free)}, rounds).s;
}

}  // namespace dini::detail
