#include "dini/solvers/elastic_step.hpp"

#include <limits>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/homogeneous_model.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace elastic {

// In d/unit, the parts above and below 0 of c + Cd, and that above of g + Gd.
QuadraticData data_of(const ElasticProgram& e) {
  const std::int64_t n = e.gradient.size(), me = e.equal.size(), mg = e.at_most.size();
  const Dtype dtype = e.gradient.dtype();
  auto none = [&](std::int64_t rows, std::int64_t columns) { return zeros({rows, columns}, dtype); };
  const Array above = eye(me, dtype), beyond = eye(mg, dtype), parts = ones({2 * me + mg}, dtype);
  const Array infinite = scalar_like(std::numeric_limits<double>::infinity(), e.rho);
  QuadraticData q;
  q.p = concatenate({concatenate({square(e.unit) * e.b, none(n, 2 * me + mg)}, 1), none(2 * me + mg, n + 2 * me + mg)});
  q.q = concatenate({e.unit * e.gradient, e.rho * parts});
  q.a = concatenate({e.unit * e.equal_slopes, -above, above, none(me, mg)}, 1);
  q.b = -e.equal;
  q.g = concatenate({e.unit * e.at_most_slopes, none(mg, 2 * me), -beyond}, 1);
  q.h = -e.at_most;
  q.lower = concatenate({e.low / e.unit, zeros_like(parts)});
  q.upper = concatenate({e.high / e.unit, infinite * parts});
  return q;
}

struct Progress {
  HomogeneousIterate now;
  KktUnknowns best;
  Array error, since;
  auto tree() { return std::tie(now, best, error, since); }
};

}  // namespace elastic

ElasticStep elastic_step(const ElasticProgram& e) {
  const QuadraticData data = elastic::data_of(e), free = without_fixed(data);
  const QuadraticScaling by = equilibrated(free);
  const HomogeneousModel model(scaled(free, by), 0.99, 3);
  const std::int64_t n = e.gradient.size(), mg = e.at_most.size();
  auto point = [&](const HomogeneousIterate& at) {
    const Array x = where(data.lower == data.upper, data.lower, by.variables * at.x / at.tau);
    return KktUnknowns{clip(x, data.lower, data.upper), by.equal * at.y / (at.tau * by.cost),
                       by.at_most * at.z(slice(0, mg)) / (at.tau * by.cost)};
  };
  const HomogeneousIterate start = model.start();
  const Array beside = by.variables * start.x;
  auto error_of = [&](const KktUnknowns& at) { return kkt_look(kkt_parts(data, at), at, beside).error; };
  const double enough = 1e4 * epsilon(e.gradient.dtype());
  elastic::Progress p{start, point(start), {}, array(std::int64_t{0})};
  p.error = error_of(p.best);
  p = loop([&](const elastic::Progress& q) { return ~(q.error <= enough) & (q.since < 5); },
           [&](const elastic::Progress& q) {
             elastic::Progress r = q;
             r.now = model.step(q.now);
             const KktUnknowns at = point(r.now);
             const Array error = error_of(at), better = error < q.error;
             r.best = tree_map([&](const Array& a, const Array& b) { return where(better, a, b); }, at, q.best);
             r.error = where(better, error, q.error);
             r.since = where(better, array(std::int64_t{0}), q.since + 1);
             return r;
           },
           p, 60);
  return {e.unit * p.best.z(slice(0, n)), p.best.equal, maximum(p.best.at_most, zeros_like(p.best.at_most))};
}

Array elastic_violation(const ElasticProgram& e, const Array& d) {
  const Array beyond = e.at_most + dot(e.at_most_slopes, d);
  return sum(abs(e.equal + dot(e.equal_slopes, d))) + sum(maximum(beyond, zeros_like(beyond)));
}

Array elastic_value(const ElasticProgram& e, const Array& d) {
  return dot(e.gradient, d) + 0.5 * dot(d, dot(e.b, d)) + e.rho * elastic_violation(e, d);
}

}  // namespace dini::detail
