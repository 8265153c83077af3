#include "dini/solvers/levenberg_marquardt_root.hpp"

#include <limits>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/formed_state.hpp"
#include "dini/solvers/scaled_residual.hpp"

namespace dini {

namespace detail {
namespace levenberg_root {

struct Trial {
  Array damping, growth, z, f, norm, good, tried;
  auto tree() { return std::tie(damping, growth, z, f, norm, good, tried); }
};

// s with (BᵀB + λI) s = -BᵀF.
Array damped_step(const ScaledResidual& r, const Array& lambda) {
  if (r.matrix.ndim() == 1) return -r.norm * (r.gradient / (square(r.matrix) + lambda));
  const std::int64_t n = r.unit.size();
  const linalg::Qr qr = linalg::qr(concatenate({r.matrix, sqrt(lambda) * eye(n, r.unit.dtype())}));
  return -r.norm * linalg::solve_triangular(qr.r, dot(r.unit, qr.q(slice(0, n))));
}

}  // namespace levenberg_root
}  // namespace detail

const detail::MethodTable<LevenbergMarquardtRoot>& LevenbergMarquardtRoot::table() {
  static const detail::MethodTable<LevenbergMarquardtRoot> t{
      "levenberg_marquardt_root",
      "damped Gauss-Newton steps on the residual; where the Jacobian is singular; forms it",
      {Kind::root, Kind::fixed_point},
      true,
      {{"damping",
        &LevenbergMarquardtRoot::damping,
        {0, std::numeric_limits<double>::infinity(), false, false},
        "of the first step, relative to the Jacobian's columns"},
       {"max_trials", &LevenbergMarquardtRoot::max_trials, {1}, "of a step"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> LevenbergMarquardtRoot::method() const {
  using namespace detail;
  using levenberg_root::damped_step;
  using levenberg_root::Trial;
  StepFunctions steps;
  // memory: D, μ, the largest ‖F‖ so far.
  steps.init = [o = *this](const SolverProblem& p, const Array& z0) {
    const Array f = p.residual(z0);
    return formed_state(p, z0, f, code(StatusCode::converged), array(std::int64_t{1}),
                        {zeros_like(z0), scalar_like(o.damping, z0), length(f)}, false);
  };
  steps.step = [o = *this](const SolverProblem& p, const SolverState& s) {
    const Array d = column_scales(s.factors[0], s.memory[0]);
    const ScaledResidual r(s, d);
    const Array part = r.norm / where(s.memory[2] > 0, s.memory[2], r.norm);
    const Array tiny = scalar_like(1e-30, s.z);
    Trial q{s.memory[1], scalar_like(2, s.z), s.z, s.residual, r.norm, array(false), array(std::int64_t{0})};
    q = loop([](const Trial& at) { return ~at.good; },
             [&](const Trial& at) {
               Trial t;
               const Array by = damped_step(r, at.damping * part);
               t.z = s.z + r.step(by);
               t.f = p.residual(t.z);
               t.norm = length(t.f);
               const Array wanted = r.predicted(by), got = r.achieved(t.norm);
               t.good = isfinite(t.norm) & (((got >= 1e-4 * wanted) & (got > 0)) | (t.norm <= s.floor));
               const Array less = where(got >= 0.5 * wanted, maximum(0.1 * at.damping, tiny), at.damping);
               t.damping = where(t.good & (got >= 0.25 * wanted), less, at.growth * at.damping);
               t.growth = 2 * at.growth;
               t.tried = at.tried + 1;
               return t;
             },
             q, o.max_trials);
    const Array stays = q.good & ~(r.is_least(q.norm) & (q.norm > s.floor));
    return formed_state(p, where(q.good, q.z, s.z), where(q.good, q.f, s.residual),
                        where(stays, code(StatusCode::converged), no_step_left(s, q.norm)), s.evaluations + q.tried,
                        {d, q.damping, maximum(s.memory[2], q.norm)}, false);
  };
  steps.default_max_steps = 500;
  steps.forms_jacobian = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
