#include "dini/solvers/pseudo_transient.hpp"

#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/solvers/formed_state.hpp"
#include "dini/solvers/scaled_residual.hpp"

namespace dini {

namespace detail {
namespace transient {

struct Trial {
  Array length, z, f, norm, good, tried;
  auto tree() { return std::tie(length, z, f, norm, good, tried); }
};

}  // namespace transient
}  // namespace detail

const detail::MethodTable<PseudoTransient>& PseudoTransient::table() {
  const double none = std::numeric_limits<double>::infinity();
  static const detail::MethodTable<PseudoTransient> t{
      "pseudo_transient",
      "follows a flow to its steady state; where the residual has minima that are no roots; forms the Jacobian",
      {Kind::root, Kind::fixed_point},
      true,
      {{"first", &PseudoTransient::first, {0, none, false, false}, "length of the first step in time"},
       {"most", &PseudoTransient::most, {0, none, false, false}, "length of a step at most"},
       {"max_trials", &PseudoTransient::max_trials, {1}, "of a step, until the residual is finite"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> PseudoTransient::method() const {
  using namespace detail;
  using transient::Trial;
  StepFunctions steps;
  // memory: V's signs, its sizes so far, τ.
  steps.init = [o = *this](const SolverProblem& p, const Array& z0) {
    SolverState s = formed_state(p, z0, p.residual(z0), code(StatusCode::converged), array(std::int64_t{1}), {}, false);
    const Array diagonals = p.kind == Kind::fixed_point ? -ones_like(z0) : diagonal_of(s.factors[0]);
    s.memory = {where(diagonals < 0, -ones_like(z0), ones_like(z0)), zeros_like(z0), scalar_like(o.first, z0)};
    return s;
  };
  steps.step = [o = *this](const SolverProblem& p, const SolverState& s) {
    const Array a = s.factors[0], scales = column_scales(a, s.memory[1]), flow = s.memory[0] * scales,
                v = a.ndim() == 1 ? flow : diag(flow);
    Trial q{s.memory[2], s.z, s.residual, length(s.residual), array(false), array(std::int64_t{0})};
    q = loop([](const Trial& at) { return ~at.good; },
             [&](const Trial& at) {
               Trial t = at;
               const Array with_flow = a + v / at.length;
               t.z = s.z - solve_factored(factorize(with_flow, p.structure), with_flow, s.residual, p.structure);
               t.f = p.residual(t.z);
               t.norm = length(t.f);
               t.good = isfinite(t.norm);
               t.length = where(t.good, at.length, 0.1 * at.length);
               t.tried = at.tried + 1;
               return t;
             },
             q, o.max_trials);
    const Array grown = q.length * length_or_one(s.residual) / where(q.norm > 0, q.norm, scalar_like(1, q.norm));
    const Array most = scalar_like(o.most, s.z);
    const Array failure = where(q.good, code(StatusCode::converged), code(StatusCode::nonfinite));
    return formed_state(p, where(q.good, q.z, s.z), where(q.good, q.f, s.residual), failure, s.evaluations + q.tried,
                        {s.memory[0], scales, where(q.good & (grown < most), grown, most)}, false);
  };
  steps.default_max_steps = 300;
  steps.patience = 150;
  steps.forms_jacobian = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
