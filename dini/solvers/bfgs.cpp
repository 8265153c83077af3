#include "dini/solvers/bfgs.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/descent.hpp"
#include "dini/solvers/secant_pairs.hpp"

namespace dini {

const detail::MethodTable<BFGS>& BFGS::table() {
  static const detail::MethodTable<BFGS> t{
      "bfgs",
      "a quasi-Newton method for minima; keeps n^2 numbers",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"decrease", &BFGS::decrease, {0, 0.5, false, false}, "the part of the predicted decrease that is wanted"},
       {"curvature", &BFGS::curvature, {0, 1, false, false}, "the part of the slope that may be left"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> BFGS::method() const {
  using namespace detail;
  Descent d;
  d.fresh = [](const Array& z0) { return Leaves{eye(z0.size(), z0.dtype())}; };
  d.direction = [](const Leaves& m, const Array& g) { return -dot(m[0], g); };
  d.learn = [](const Leaves& m, const Learned& l) {
    return Leaves{bfgs_update(where(l.first, short_step(l.s, l.y), 1.0) * m[0], l.s, l.y)};
  };
  d.search = {decrease, curvature, 30};
  return std::make_shared<StepMethod>(*this, descent_steps(d));
}

}  // namespace dini
