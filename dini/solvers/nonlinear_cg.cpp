#include "dini/solvers/nonlinear_cg.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/descent.hpp"
#include "dini/solvers/secant_pairs.hpp"

namespace dini {

const detail::MethodTable<NonlinearCG>& NonlinearCG::table() {
  static const detail::MethodTable<NonlinearCG> t{
      "nonlinear_cg",
      "conjugate gradients for minima in many unknowns, with next to no memory",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"decrease",
        &NonlinearCG::decrease,
        {0, 0.5, false, false},
        "the part of the predicted decrease that is wanted"},
       {"curvature", &NonlinearCG::curvature, {0, 1, false, false}, "the part of the slope that may be left"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> NonlinearCG::method() const {
  using namespace detail;
  // memory: βp, and the length of a step along -g
  Descent d;
  d.fresh = [](const Array& z0) { return Leaves{zeros_like(z0), scalar_like(1, z0)}; };
  d.direction = [](const Leaves& m, const Array& g) { return m[0] - g; };
  d.learn = [](const Leaves&, const Learned& l) {
    const Array size = dot(l.before, l.before);
    const Array beta = dot(l.after, l.y) / where(size > 0, size, ones_like(size));
    return Leaves{maximum(beta, zeros_like(beta)) * l.p, long_step(l.s, l.y)};
  };
  d.correction = [](const Leaves& m, const Array& g) { return -m[1] * g; };
  d.search = {decrease, curvature, 30};
  d.sized = false;
  StepFunctions steps = descent_steps(d);
  steps.default_max_steps = 10000;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
