#include "dini/solvers/newton_error_norm.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/formed_state.hpp"

namespace dini {

namespace detail {
namespace error_norm {

struct Trial {
  Array t, next_t, z, f, ahead, good, grown, reduced, tried;
  auto tree() { return std::tie(t, next_t, z, f, ahead, good, grown, reduced, tried); }
};

constexpr std::int64_t most_trials = 60;

}  // namespace error_norm
}  // namespace detail

const detail::MethodTable<NewtonErrorNorm>& NewtonErrorNorm::table() {
  static const detail::MethodTable<NewtonErrorNorm> t{
      "newton_error_norm",
      "Newton's method, damped by the corrections' size; for ill-conditioned problems; forms the Jacobian",
      {Kind::root, Kind::fixed_point},
      false,
      {{"first", &NewtonErrorNorm::first, {0, 1, false}, "the part of the first correction that is tried"},
       {"least", &NewtonErrorNorm::least, {0, 1, false, false}, "no smaller part of a correction is taken"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> NewtonErrorNorm::method() const {
  using namespace detail;
  using error_norm::Trial;
  StepFunctions steps;
  // memory: of the last step t, its correction and the simplified one that came of it; t is 0 before the first.
  steps.init = [](const SolverProblem& p, const Array& z0) {
    return formed_state(p, z0, p.residual(z0), code(StatusCode::converged), array(std::int64_t{1}),
                        {scalar_like(0, z0), zeros_like(z0), zeros_like(z0)});
  };
  steps.step = [o = *this](const SolverProblem& p, const SolverState& s) {
    const Array z = s.z, delta = s.delta, t_before = s.memory[0], before = s.memory[1], ahead = s.memory[2];
    const Inverse inverse = inverse_of(s.factors, p.structure);
    const Array larger = maximum(abs(z), abs(delta)), units = where(larger > 0, larger, ones_like(larger));
    auto size = [&](const Array& v) { return length(v / units); };
    auto over = [&](const Array& a, const Array& b) { return a / where(b > 0, b, scalar_like(1, b)); };
    const Array whole = size(delta), one = scalar_like(1, z);

    const Array off = size(ahead - delta);
    const Array predicted = over(size(before), off) * over(size(ahead), whole) * t_before;
    const Array guess = where((off > 0) & isfinite(predicted), predicted, one);
    const Array none = array(false);
    Trial q{where(t_before > 0, minimum(maximum(guess, o.least), one), scalar_like(o.first, z)),
            one,
            z,
            s.residual,
            zeros_like(z),
            none,
            none,
            none,
            array(std::int64_t{0})};
    q.next_t = q.t;
    q = loop([&](const Trial& at) { return ~at.good & (at.next_t >= o.least); },
             [&](const Trial& at) {
               Trial r;
               r.t = at.next_t;
               r.z = z + r.t * delta;
               r.f = p.residual(r.z);
               r.ahead = -inverse(r.f);
               const Array now = size(r.ahead), bend = size(r.ahead - (1 - r.t) * delta);
               // Where the simplified correction is as the model says there is no limit.
               const Array allowed = where(bend > 0, 0.5 * r.t * r.t * over(whole, bend), one);
               const Array passed = (now <= (1 - 0.25 * r.t) * whole) | (length(r.f) <= s.floor);
               const Array sound = isfinite(now) & passed;
               // A step that was too careful is made longer, once.
               const Array longer = sound & ~at.reduced & ~at.grown & (r.t < 1) & (minimum(allowed, one) >= 4 * r.t);
               // Far away the model's limit is worth little.
               const Array limit = where(isfinite(allowed), allowed, zeros_like(allowed));
               const Array shorter = maximum(minimum(limit, 0.5 * r.t), 0.1 * r.t);
               r.next_t = where(longer, minimum(allowed, one), where(sound, r.t, shorter));
               r.good = sound & ~longer;
               r.grown = at.grown | longer;
               r.reduced = at.reduced | ~sound;
               r.tried = at.tried + 1;
               return r;
             },
             q, error_norm::most_trials);
    const Array failure = where(isfinite(length(q.f)), code(StatusCode::stagnated), code(StatusCode::nonfinite));
    return formed_state(p, where(q.good, q.z, z), where(q.good, q.f, s.residual),
                        where(q.good, code(StatusCode::converged), failure), s.evaluations + q.tried,
                        {where(q.good, q.t, t_before), delta, q.ahead});
  };
  steps.default_max_steps = 500;
  steps.forms_jacobian = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
