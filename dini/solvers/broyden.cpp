#include "dini/solvers/broyden.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/products.hpp"
#include "dini/solvers/quasi_newton.hpp"

namespace dini {

const detail::MethodTable<Broyden>& Broyden::table() {
  static const detail::MethodTable<Broyden> t{
      "broyden",
      "corrects an approximate inverse of the Jacobian after each step",
      {Kind::root, Kind::fixed_point},
      false,
      {{"bad", &Broyden::bad, {0, 1}, "1: the bad update in place of the good one"},
       {"identity", &Broyden::identity, {0, 1}, "1: begins with a multiple of the identity, and not with the Jacobian"},
       {"max_halvings", &Broyden::max_halvings, {}, "of a step"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> Broyden::method() const {
  using namespace detail;
  InverseUpdate inverse;
  inverse.start = [identity = identity](const SolverProblem& p, const Array& z, const Array& f) {
    const Array unit = eye(z.size(), z.dtype());
    if (identity) return Leaves{unit * scalar_inverse(p, z, f)};
    const Array h = inverse_of(newton_correction(p, z, f).factors, p.structure)(unit);
    // Of an A that is singular there is none.
    return Leaves{where(isfinite(length(h)), h, unit * scalar_inverse(p, z, f))};
  };
  inverse.apply = [](const Leaves& h, const Array& v) { return dot(h[0], v); };
  inverse.update = [bad = bad](const Leaves& h, const InverseUpdate::Step& step) {
    if (bad) return Leaves{h[0] + outer(step.ratio * (step.s - step.hy), step.change)};
    const RankOne by = good_update(step, dot(step.s, h[0]));
    return Leaves{h[0] + outer(by.u, by.v)};
  };
  return std::make_shared<StepMethod>(*this, quasi_newton_steps(inverse, max_halvings));
}

}  // namespace dini
