#include "dini/solvers/trust_region_cg.hpp"

#include <limits>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/descent.hpp"
#include "dini/solvers/products.hpp"
#include "dini/solvers/trust_region.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {

namespace detail {
namespace trust_region_cg {

struct Memory {
  Array value, first, slope, radius;  // E here and at the start, ‖g‖ at the start, Δ
  ConjugateStep next;                 // the step from here
  auto tree() { return std::tie(value, first, slope, radius, next); }
};

Product hessian_products(const SolverProblem& p, const Array& z) {
  if (!p.reads_values) return products_at(p, z);
  return [&p, z](const Array& v) { return dini::jvp([&p](const Array& at) { return p.residual(at); }, z, v).tangent; };
}

// With the step from here; where it ends inside it is an estimate of -H⁻¹g.
SolverState state(const SolverProblem& p, const Array& z, const Array& gradient, Memory m, const Array& failure,
                  const Array& evaluations, int products) {
  const Array size = length(gradient);
  const Array part = minimum(0.5, sqrt(size / where(m.slope > 0, m.slope, ones_like(size))));
  m.next = conjugate_step(hessian_products(p, z), gradient, m.radius, part * size, products);
  const Array unknown = full_like(z, Array(std::numeric_limits<double>::quiet_NaN()));
  return descent_state(z, {m.value, gradient}, where(m.next.inside, m.next.step, unknown), m.first, failure,
                       evaluations + m.next.products, flatten(m));
}

}  // namespace trust_region_cg
}  // namespace detail

const detail::MethodTable<TrustRegionCG>& TrustRegionCG::table() {
  static const detail::MethodTable<TrustRegionCG> t{
      "trust_region_cg",
      "Newton's method within a trust region, from products with the Hessian",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"products", &TrustRegionCG::products, {1}, "the most products in a step"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> TrustRegionCG::method() const {
  using namespace detail;
  using trust_region_cg::Memory;
  StepFunctions steps;
  steps.init = [most = products](const SolverProblem& p, const Array& z0) {
    const Slope s = slope_at(p, z0);
    const Array size = length(z0), radius = where((size > 0) & isfinite(size), size, ones_like(size));
    return trust_region_cg::state(p, z0, s.gradient, {s.value, s.value, length(s.gradient), radius, {}},
                                  code(StatusCode::converged), array(std::int64_t{1}), most);
  };
  steps.step = [most = products](const SolverProblem& p, const SolverState& at) {
    Memory m = unflatten(Memory{}, at.memory);
    const Array& g = at.residual;
    const Array z = at.z + m.next.step;
    const Slope there = slope_at(p, z);
    TriedStep tried;
    tried.before = m.value;
    tried.after = there.value;
    tried.predicted = predicted_decrease(g, m.next.step, m.next.product);
    tried.length = length(m.next.step);
    tried.radius = m.radius;
    tried.slope_before = length(g);
    tried.slope_after = length(there.gradient);
    tried.newton = m.next.inside;
    const Decision decision = decide(tried);
    const Array& taken = decision.taken;
    m.value = where(taken, there.value, m.value);
    m.radius = decision.radius;
    const Array stuck = decision.exhausted | (~taken & all(at.z + decision.radius == at.z));
    return trust_region_cg::state(p, where(taken, z, at.z), where(taken, there.gradient, g), m,
                                  where(stuck, code(StatusCode::stagnated), code(StatusCode::converged)),
                                  at.evaluations + 1, most);
  };
  steps.default_max_steps = 1000;
  steps.descends = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
