#include "dini/solvers/quasi_newton.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/formed_state.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace quasi_newton {

// memory: [k, how many updates H has had, H...].
SolverState state(const Array& z, const Array& f, const Array& failure, const Array& evaluations, const Array& k,
                  const Array& age, const Leaves& h) {
  Leaves memory{k, age};
  memory.insert(memory.end(), h.begin(), h.end());
  return {z, f, zeros({0}, z.dtype()), scalar_like(0, z), failure, evaluations, {}, memory};
}

struct Trial {
  Array t, z, f, size, tried;
  auto tree() { return std::tie(t, z, f, size, tried); }
};

struct Kept {
  Leaves h;
  Array z, f;
  auto tree() { return std::tie(h, z, f); }
};

}  // namespace quasi_newton

StepFunctions quasi_newton_steps(const InverseUpdate& inverse, int max_halvings) {
  using quasi_newton::Kept;
  using quasi_newton::state;
  using quasi_newton::Trial;
  const Array none = array(std::int64_t{0});
  StepFunctions steps;
  steps.init = [=](const SolverProblem& p, const Array& z0) {
    const Array f = p.residual(z0);
    return state(z0, f, code(StatusCode::converged), array(std::int64_t{1}), none, none, inverse.start(p, z0, f));
  };
  steps.step = [=](const SolverProblem& p, const SolverState& s) {
    const Array k = s.memory[0], age = s.memory[1];
    const Leaves h(s.memory.begin() + 2, s.memory.end());
    const Array delta = -inverse.apply(h, s.residual), start = length(s.residual);
    const Array turn = astype(k + 1, s.z.dtype()), more = 1 / (turn * turn);
    auto trial = [&](const Array& t, const Array& count) {
      const Array z = s.z + t * delta, f = p.residual(z);
      return Trial{t, z, f, length(f), count};
    };
    auto refused = [&](const Trial& at) { return ~(at.size <= (1 + more - 1e-4 * at.t) * start); };
    const Trial last = loop(
        refused, [&](const Trial& at) { return trial(0.5 * at.t, at.tried + 1); },
        trial(scalar_like(1, s.z), array(std::int64_t{1})), max_halvings);
    const Array moved = ~refused(last);
    const Kept kept = cond(
        moved,
        [&](const Kept& at) {
          const Array way = at.z - s.z, change = at.f - s.residual;
          const Array size = length_or_one(way), ratio = size / length_or_one(change);
          const Leaves updated = inverse.update(
              at.h, {way / size, inverse.apply(at.h, change / size), change / length_or_one(change), ratio});
          Array sound = array(true);
          for (const Array& a : updated) sound = sound & isfinite(length(a));
          Kept r = at;
          for (std::size_t i = 0; i < r.h.size(); ++i) r.h[i] = where(sound & any(way != 0.0), updated[i], at.h[i]);
          return r;
        },
        [&](const Kept& at) {
          Kept r = at;
          r.h = inverse.start(p, s.z, s.residual);
          return r;
        },
        Kept{h, last.z, last.f});
    const Array cause = where(isfinite(last.size), code(StatusCode::stagnated), code(StatusCode::nonfinite));
    const Array failure = where(moved | (age > 0), code(StatusCode::converged), cause);
    return state(where(moved, last.z, s.z), where(moved, last.f, s.residual), failure, s.evaluations + last.tried,
                 k + 1, where(moved, age + 1, zeros_like(age)), kept.h);
  };
  steps.default_max_steps = 2000;
  steps.patience = 200;
  return steps;
}

RankOne good_update(const InverseUpdate::Step& step, const Array& transposed) {
  // What the update would make of det A; kept away from 0.
  const Array gamma = dot(step.s, step.hy), one = scalar_like(1, gamma);
  const Array away = where(gamma < 0, -0.1 * one, 0.1 * one),
              part = where(abs(gamma) >= 0.1, one, (1 - away) / (1 - gamma));
  const Array hy = part * step.hy + (1 - part) * step.s;
  return {(step.s - hy) / (1 - part + part * gamma), transposed};
}

}  // namespace dini::detail
