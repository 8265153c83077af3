#include "dini/solvers/nelder_mead.hpp"

#include <algorithm>
#include <cmath>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/drive.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/solvers/simplex.hpp"

namespace dini {

namespace detail {
namespace nelder_mead {

SimplexLengths lengths_of(const NelderMead& o, std::int64_t unknowns) {
  const auto n = static_cast<double>(std::max<std::int64_t>(unknowns, 2));
  auto given = [](double v, double otherwise) { return v > 0 ? v : otherwise; };
  return {o.reflection, given(o.expansion, 1 + 2 / n), given(o.contraction, 0.75 - 1 / (2 * n)),
          given(o.shrinkage, 1 - 1 / n)};
}

SolverState state_of(const Array& z, const Simplex& s, const Array& gradient, const Array& delta, const Array& failure,
                     const Array& evaluations) {
  const Array own = failure_at({s.values(0), gradient}, s.first);
  return {z, gradient, delta, scalar_like(0, z), where(own != 0, own, failure), evaluations, {}, flatten(s)};
}

// Where E shows no more.
SolverState corrected(const NelderMead& by, const SolverProblem& p, const SolverState& at) {
  Simplex s = unflatten(Simplex{}, at.memory);
  const Array delta = newton_correction(p, at.z, at.residual).delta, z = at.z + delta;
  const Slope there = slope_at(p, z);
  const Array lower = (there.value <= s.values(0) + unseen_decrease(s.values(0))) &
                      (length(there.gradient) <= 0.5 * length(at.residual));
  const Array fell = s.values(0) < s.made - unseen_decrease(s.made);
  const Array steps = at.evaluations + 2;
  return cond(
      lower,
      [&](const SolverState&) {
        Simplex to = s;
        to.points = s.points + (z - s.points(0));
        to.values = s.values.at(0).set(there.value);
        return state_of(z, to, there.gradient, delta, code(StatusCode::converged), steps);
      },
      [&](const SolverState& from) {
        const Simplex fresh = simplex_at(p, from.z, by.size, s.first);
        const Array stuck = where(fell, code(StatusCode::converged), code(StatusCode::stagnated));
        const Array same = where(fresh.values(0) < s.values(0), slope_at(p, fresh.points(0)).gradient, from.residual);
        return state_of(fresh.points(0), fresh, same, full_like(from.z, Array(std::nan(""))), stuck,
                        steps + from.z.size());
      },
      at);
}

}  // namespace nelder_mead
}  // namespace detail

const detail::MethodTable<NelderMead>& NelderMead::table() {
  static const detail::MethodTable<NelderMead> t{
      "nelder_mead",
      "the simplex method, of values alone, for few unknowns; only by name",
      {Kind::minimize},
      false,
      {{"size", &NelderMead::size, {0, 1, false}, "of the first simplex, beside the start"},
       {"reflection", &NelderMead::reflection, {0, 10, false}, "how far through the middle of the others"},
       {"expansion", &NelderMead::expansion, {}, "of a step that found something lower; 0: 1 + 2/n"},
       {"contraction", &NelderMead::contraction, {0, 1, true, false}, "of one that did not; 0: 3/4 - 1/(2n)"},
       {"shrinkage", &NelderMead::shrinkage, {0, 1, true, false}, "of the whole simplex; 0: 1 - 1/n"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> NelderMead::method() const {
  using namespace detail;
  using namespace detail::nelder_mead;
  StepFunctions steps;
  steps.init = [by = *this](const SolverProblem& p, const Array& z0) {
    const Slope here = slope_at(p, z0);
    const Simplex s = simplex_at(p, z0, by.size, here.value);
    return state_of(z0, s, here.gradient, full_like(z0, Array(std::nan(""))), code(StatusCode::converged),
                    array(z0.size() + 2));
  };
  steps.step = [by = *this](const SolverProblem& p, const SolverState& at) {
    const Simplex s = unflatten(Simplex{}, at.memory);
    const Array spread = max(abs(s.points - s.points(0)), 0);
    const Array seen = std::pow(epsilon(at.z.dtype()), 0.375) * maximum(abs(at.z), s.units);
    return cond(
        all(spread <= seen), [&](const SolverState& from) { return corrected(by, p, from); },
        [&](const SolverState& from) {
          const MovedSimplex to = moved(p, s, lengths_of(by, at.z.size()));
          const Array lowest = to.s.points(0);
          const Array gradient = cond(
              any(lowest != from.z), [&](const Array&, const Array& z) { return slope_at(p, z).gradient; },
              [](const Array& same, const Array&) { return same; }, from.residual, lowest);
          return state_of(lowest, to.s, gradient, full_like(from.z, Array(std::nan(""))), code(StatusCode::converged),
                          from.evaluations + to.evaluations);
        },
        at);
  };
  steps.default_max_steps = 20000;
  steps.descends = true;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
