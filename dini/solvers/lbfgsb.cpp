#include "dini/solvers/lbfgsb.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/bounded_merit.hpp"
#include "dini/solvers/compact_hessian.hpp"
#include "dini/solvers/constrained_loop.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/line_search.hpp"
#include "dini/transforms/control.hpp"

namespace dini {

namespace detail {
namespace lbfgsb {

struct Memory {
  Slope here;
  StepMemory steps;
  Array scale;  // θ while no steps are known
  Array first_value;
  auto tree() { return std::tie(here, steps, scale, first_value); }
};

// Where the solve began, and the forces that count for nothing there.
struct From {
  Array z0, unfelt;
};

ConstrainedState state(const SolverProblem& p, const BoundsOf& bounds, const From& from, const Array& z,
                       const Memory& m, const Array& failure, const Array& evaluations) {
  const Array none = zeros({0}, z.dtype()), bending = bending_by_products(p.residual, z) + from.unfelt;
  const Array own = failure_at(m.here, m.first_value), why = where(failure != 0, failure, own);
  return {z, none, none, bounded_error(m.here.gradient, bending, bounds, z, from.z0), why, evaluations, flatten(m)};
}

// θ for the first step, which leads about as far as z is from 0.
Array first_scale(const Array& z, const Array& g) {
  const Array size = length(z), slope = length(g), one = ones_like(size);
  return where(slope > 0, slope, one) / where(size > 0, size, one);
}

}  // namespace lbfgsb
}  // namespace detail

const detail::MethodTable<LBFGSB>& LBFGSB::table() {
  static const detail::MethodTable<LBFGSB> t{
      "lbfgsb",
      "limited-memory quasi-Newton method within bounds, for large z; no matrix",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"history", &LBFGSB::history, {1, 1000}, "of steps that the model is made of"},
       {"decrease", &LBFGSB::decrease, {0, 0.5, false, true}, "the part of the slope's decrease that is wanted"}},
      Restriction::bounds};
  return t;
}

std::shared_ptr<const detail::SolverMethod> LBFGSB::method() const {
  using namespace detail;
  return std::make_shared<ConstrainedMethod>(*this, [o = *this](const SolverProblem& p, const Array& z0) {
    const BoundsOf bounds = bounds_of(p, z0);
    const lbfgsb::From from{z0, unfelt(bending_by_products(p.residual, z0))};
    ConstrainedSteps steps;
    steps.init = [=, &p](const Array& start) {
      const Array z = clip(start, bounds.lower, bounds.upper);
      lbfgsb::Memory m{slope_at(p, z), StepMemory::none(z, o.history), {}, {}};
      m.scale = lbfgsb::first_scale(z, m.here.gradient);
      m.first_value = m.here.value;
      const Array failure = where(contradictory(bounds), code(StatusCode::infeasible), code(StatusCode::converged));
      return lbfgsb::state(p, bounds, from, z, m, failure, array(std::int64_t{1}));
    };
    steps.step = [=, &p](const ConstrainedState& s) {
      const lbfgsb::Memory m = unflatten(lbfgsb::Memory(), s.memory);
      const CompactHessian b(m.steps, m.scale);
      const Array& g = m.here.gradient;
      const Array to = subspace_minimum(b, bounds, s.z, g, cauchy_point(b, bounds, s.z, g)), way = to - s.z;
      const LineEnd end = armijo_search(p, s.z, m.here, way, scalar_like(1, s.z), o.decrease, 40);
      const Array found = end.t > 0, z = where(found, clip(end.z, bounds.lower, bounds.upper), s.z);
      lbfgsb::Memory n = m;
      n.here =
          tree_map([&](const Array& there, const Array& here) { return where(found, there, here); }, end.there, m.here);
      const StepMemory longer = m.steps.with(z - s.z, n.here.gradient - g), none = StepMemory::none(s.z, o.history);
      // Where no step is good the model is forgotten; where there was none the method ends.
      n.steps = tree_map([&](const Array& a, const Array& c) { return where(found, a, c); }, longer, none);
      // Along a line without curvature steps become longer.
      const Array known = any(m.steps.s != 0.0), anew = lbfgsb::first_scale(s.z, g);
      n.scale = where(found, 0.1 * m.scale, where(known, anew, m.scale));
      const Array stuck = where(found | known, code(StatusCode::converged), code(StatusCode::stagnated));
      return lbfgsb::state(p, bounds, from, z, n, stuck, s.evaluations + end.evaluations);
    };
    steps.default_max_steps = 15000;
    steps.patience = 1000;
    return steps;
  });
}

}  // namespace dini
