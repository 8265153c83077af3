#include "dini/solvers/df_sane.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/formed_state.hpp"
#include "dini/solvers/products.hpp"

namespace dini {

namespace detail {
namespace spectral {

// t: the part of σF that is tried next, along it and against it.
struct Trial {
  Array along, against, z, f, merit, good, tried;
  auto tree() { return std::tie(along, against, z, f, merit, good, tried); }
};

SolverState state(const Array& z, const Array& f, const Array& failure, const Array& evaluations, Leaves memory) {
  return {z, f, zeros({0}, z.dtype()), scalar_like(0, z), failure, evaluations, {}, std::move(memory)};
}

// The next part t, by a parabola through the merits, between a tenth and a half of this one.
Array smaller(const Array& t, const Array& merit, const Array& start) {
  const Array below = merit + (2 * t - 1) * start, by_model = t * t * start / where(below > 0, below, ones_like(below));
  return where((below > 0) & isfinite(by_model), minimum(maximum(by_model, 0.1 * t), 0.5 * t), 0.1 * t);
}

}  // namespace spectral
}  // namespace detail

const detail::MethodTable<DFSane>& DFSane::table() {
  static const detail::MethodTable<DFSane> t{
      "df_sane",
      "steps along the residual, of spectral length; for very large z",
      {Kind::root, Kind::fixed_point},
      true,
      {{"history", &DFSane::history, {1}, "residuals, of which the largest is to be improved on"},
       {"max_trials", &DFSane::max_trials, {1}, "of a step"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> DFSane::method() const {
  using namespace detail;
  using spectral::smaller;
  using spectral::state;
  using spectral::Trial;
  StepFunctions steps;
  // memory: -σ, its first value, the last merits (‖F‖/‖F(z0)‖)², ‖F(z0)‖, k.
  steps.init = [o = *this](const SolverProblem& p, const Array& z0) {
    const Array f = p.residual(z0), first = -scalar_inverse(p, z0, f);
    const Array merits = zeros({o.history}, z0.dtype()).at(0).set(1.0);
    return state(z0, f, code(StatusCode::converged), array(std::int64_t{1}),
                 {first, first, merits, length_or_one(f), array(std::int64_t{0})});
  };
  steps.step = [o = *this](const SolverProblem& p, const SolverState& s) {
    const Array step = s.memory[0], first = s.memory[1], merits = s.memory[2], unit = s.memory[3], k = s.memory[4];
    const Array now = square(length(s.residual) / unit), turn = astype(k + 1, s.z.dtype());
    const Array most = max(merits) + 1 / (turn * turn), direction = step * s.residual;
    auto accepted = [&](const Array& merit, const Array& t) { return merit <= most - 1e-4 * t * t * now; };
    const Array one = scalar_like(1, s.z);
    Trial q{one, one, s.z, s.residual, now, array(false), array(std::int64_t{0})};
    q = loop([](const Trial& at) { return ~at.good; },
             [&](const Trial& at) {
               Trial r;
               const Array ahead = s.z + at.along * direction, f_ahead = p.residual(ahead);
               const Array m_ahead = square(length(f_ahead) / unit), there = accepted(m_ahead, at.along);
               const Array back = s.z - at.against * direction, f_back = p.residual(back);
               const Array m_back = square(length(f_back) / unit);
               r.z = where(there, ahead, back);
               r.f = where(there, f_ahead, f_back);
               r.merit = where(there, m_ahead, m_back);
               r.good = there | accepted(m_back, at.against);
               r.along = smaller(at.along, m_ahead, now);
               r.against = smaller(at.against, m_back, now);
               r.tried = at.tried + where(there, array(std::int64_t{1}), array(std::int64_t{2}));
               return r;
             },
             q, o.max_trials);
    const Array z = where(q.good, q.z, s.z), f = where(q.good, q.f, s.residual);
    const Array way = z - s.z, size = length_or_one(way), change = (f - s.residual) / size, unit_way = way / size;
    const Array slope = dot(unit_way, change), next = -1 / where(slope == 0.0, one, slope);
    const Array sound =
        isfinite(next) & (slope != 0.0) & (abs(next) <= 1e10 * abs(first)) & (abs(next) >= 1e-10 * abs(first));
    const Array cause = where(isfinite(q.merit), code(StatusCode::stagnated), code(StatusCode::nonfinite));
    return state(z, f, where(q.good, code(StatusCode::converged), cause), s.evaluations + q.tried,
                 {where(sound, next, first), first, merits.at((k + 1) % o.history).set(where(q.good, q.merit, now)),
                  unit, k + 1});
  };
  steps.default_max_steps = 10000;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
