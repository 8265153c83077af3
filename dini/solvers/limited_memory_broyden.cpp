#include "dini/solvers/limited_memory_broyden.hpp"

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/solvers/products.hpp"
#include "dini/solvers/quasi_newton.hpp"

namespace dini {

const detail::MethodTable<LimitedMemoryBroyden>& LimitedMemoryBroyden::table() {
  static const detail::MethodTable<LimitedMemoryBroyden> t{
      "limited_memory_broyden",
      "Broyden's method of the last steps; for large z",
      {Kind::root, Kind::fixed_point},
      true,
      {{"memory", &LimitedMemoryBroyden::memory, {1}, "updates that are kept, until it begins anew"},
       {"max_halvings", &LimitedMemoryBroyden::max_halvings, {}, "of a step"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> LimitedMemoryBroyden::method() const {
  using namespace detail;
  const int m = memory;
  // h: σ, rows u and v, how many there are. Rows that are not there yet are 0.
  InverseUpdate inverse;
  inverse.start = [m](const SolverProblem& p, const Array& z, const Array& f) {
    const Array none = zeros({m, z.size()}, z.dtype());
    return Leaves{scalar_inverse(p, z, f), none, none, array(std::int64_t{0})};
  };
  inverse.apply = [](const Leaves& h, const Array& v) { return h[0] * v + dot(dot(h[2], v), h[1]); };
  inverse.update = [m](const Leaves& h, const InverseUpdate::Step& step) {
    const Array full = h[3] >= m, slot = where(full, array(std::int64_t{0}), h[3]);
    const RankOne by = good_update(step, h[0] * step.s + dot(dot(h[1], step.s), h[2]));
    const RankOne anew = good_update({step.s, h[0] * step.change / step.ratio, step.change, step.ratio}, h[0] * step.s);
    auto kept = [&](const Array& rows) { return where(full, zeros_like(rows), rows); };
    return Leaves{h[0], kept(h[1]).at(slot).set(where(full, anew.u, by.u)),
                  kept(h[2]).at(slot).set(where(full, anew.v, by.v)), slot + 1};
  };
  return std::make_shared<StepMethod>(*this, quasi_newton_steps(inverse, max_halvings));
}

}  // namespace dini
