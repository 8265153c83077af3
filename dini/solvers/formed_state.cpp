#include "dini/solvers/formed_state.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

SolverState formed_state(const SolverProblem& p, const Array& z, const Array& f, const Array& failure,
                         const Array& evaluations, Leaves memory, bool singular_ends) {
  const Correction c = newton_correction(p, z, f);
  // Where A is not finite no solve of it says anything; where it is and δ is not, A is singular.
  const Array singular = code(singular_ends ? StatusCode::singular : StatusCode::converged);
  const Array cause = where(all(isfinite(c.factors[0])), singular, code(StatusCode::nonfinite));
  const Array broken = where(isfinite(length(c.delta)) | ~isfinite(length(f)), code(StatusCode::converged), cause);
  return {
      z,           f,         c.delta,          rounding_floor(c.factors[0], z), where(failure != 0, failure, broken),
      evaluations, c.factors, std::move(memory)};
}

namespace backtracking {
struct Trial {
  Array t, z, f, size, halvings;
  auto tree() { return std::tie(t, z, f, size, halvings); }
};
}  // namespace backtracking

Backtracked backtrack(const SolverProblem& p, const Array& from, const Array& residual, const Array& delta,
                      const Array& floor, const Backtracking& rule, const Array& persist) {
  using backtracking::Trial;
  const Array start = length(residual);
  auto trial = [&](const Array& t, const Array& count) {
    const Array z = from + t * delta, f = p.residual(z);
    return Trial{t, z, f, length(f), count};
  };
  // At its rounding floor the residual says nothing of a step.
  auto refused = [&](const Trial& at) {
    return ~(isfinite(at.size) & (at.size <= maximum((1 - rule.slope * at.t) * start, floor)));
  };
  const Trial full = trial(scalar_like(1, from), array(std::int64_t{0}));
  const Trial last = loop([&](const Trial& at) { return persist.defined() ? refused(at) & persist : refused(at); },
                          [&](const Trial& at) { return trial(0.5 * at.t, at.halvings + 1); }, full, rule.max_halvings);
  const Array failed = rule.max_halvings == 0 ? ~isfinite(last.size) : refused(last);
  const Array cause = where(isfinite(last.size), code(StatusCode::stagnated), code(StatusCode::nonfinite));
  return {where(failed, from, last.z),
          where(failed, residual, last.f),
          last.t,
          where(failed, cause, code(StatusCode::converged)),
          last.halvings + 1,
          ~isfinite(full.size)};
}

Array length_or_one(const Array& v) {
  const Array size = length(v);
  return where(size > 0, size, scalar_like(1, size));
}

}  // namespace dini::detail
