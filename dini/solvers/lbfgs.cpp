#include "dini/solvers/lbfgs.hpp"

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/descent.hpp"
#include "dini/solvers/secant_pairs.hpp"

namespace dini {

const detail::MethodTable<LBFGS>& LBFGS::table() {
  static const detail::MethodTable<LBFGS> t{
      "lbfgs",
      "a quasi-Newton method for minima in many unknowns; keeps the last steps",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"history", &LBFGS::history, {1, 100}, "how many steps are kept"},
       {"decrease", &LBFGS::decrease, {0, 0.5, false, false}, "the part of the predicted decrease that is wanted"},
       {"curvature", &LBFGS::curvature, {0, 1, false, false}, "the part of the slope that may be left"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> LBFGS::method() const {
  using namespace detail;
  const int rows = history;
  Descent d;
  d.fresh = [rows](const Array& z0) {
    const Array none = zeros({rows, z0.size()}, z0.dtype());
    return Leaves{none, none};
  };
  d.direction = [](const Leaves& m, const Array& g) { return -two_loops(m[0], m[1], g); };
  d.learn = [](const Leaves& m, const Learned& l) {
    auto with = [](const Array& before, const Array& v) {
      return concatenate({before(slice(1, before.shape()[0])), reshape(v, {1, v.size()})});
    };
    return Leaves{with(m[0], l.s), with(m[1], l.y)};
  };
  d.search = {decrease, curvature, 30};
  return std::make_shared<StepMethod>(*this, descent_steps(d));
}

}  // namespace dini
