#include "dini/solvers/newton.hpp"

#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/drive.hpp"

namespace dini {

namespace detail {
namespace newton {

SolverState at(const SolverProblem& p, const Array& z, const Array& f, const Array& failure, const Array& evaluations) {
  const Correction c = newton_correction(p, z, f);
  // Where A is not finite no solve of it says anything; where it is and δ is not, A is singular.
  const Array cause = where(all(isfinite(c.factors[0])), code(StatusCode::singular), code(StatusCode::nonfinite));
  const Array broken = where(isfinite(length(c.delta)) | ~isfinite(length(f)), code(StatusCode::converged), cause);
  return {z,           f,         c.delta, rounding_floor(c.factors[0], z), where(failure != 0, failure, broken),
          evaluations, c.factors, {}};
}

struct Trial {
  Array t, z, f, size, halvings;
  auto tree() { return std::tie(t, z, f, size, halvings); }
};

}  // namespace newton
}  // namespace detail

const detail::MethodTable<Newton>& Newton::table() {
  static const detail::MethodTable<Newton> t{
      "newton",
      "Newton's method with a line search; forms the Jacobian",
      Kinds::all(),
      true,
      {{"max_halvings", &Newton::max_halvings, {}, "of a step, in the line search; 0: full steps"},
       {"slope", &Newton::slope, {0, 1, true, false}, "the part of the predicted decrease that is wanted"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> Newton::method() const {
  using namespace detail;
  StepFunctions steps;
  steps.init = [](const SolverProblem& p, const Array& z0) {
    return newton::at(p, z0, p.residual(z0), code(StatusCode::converged), array(std::int64_t{1}));
  };
  steps.step = [halvings = max_halvings, c = slope](const SolverProblem& p, const SolverState& s) {
    using newton::Trial;
    const Array start = length(s.residual), delta = s.delta;
    auto trial = [&](const Array& t, const Array& count) {
      const Array z = s.z + t * delta, f = p.residual(z);
      return Trial{t, z, f, length(f), count};
    };
    // At its rounding floor the residual says nothing of a step.
    auto refused = [&](const Trial& at) {
      return ~(isfinite(at.size) & (at.size <= maximum((1 - c * at.t) * start, s.floor)));
    };
    const Trial last = loop(
        refused, [&](const Trial& at) { return trial(0.5 * at.t, at.halvings + 1); },
        trial(scalar_like(1, s.z), array(std::int64_t{0})), halvings);
    const Array failed = halvings == 0 ? ~isfinite(last.size) : refused(last);
    const Array z = where(failed, s.z, last.z), f = where(failed, s.residual, last.f);
    const Array cause = where(isfinite(last.size), code(StatusCode::stagnated), code(StatusCode::nonfinite));
    const Array failure = where(failed, cause, code(StatusCode::converged));
    return newton::at(p, z, f, failure, s.evaluations + last.halvings + 1);
  };
  steps.default_max_steps = 500;
  steps.forms_jacobian = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
