#include "dini/solvers/anderson.hpp"

#include <algorithm>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/drive.hpp"

namespace dini {

const detail::MethodTable<Anderson>& Anderson::table() {
  static const detail::MethodTable<Anderson> t{
      "anderson",
      "mixes the last iterates; for maps that do not quite contract, and for large z",
      {Kind::fixed_point},
      true,
      {{"history", &Anderson::history, {1}, "how many iterates are mixed"},
       {"mixing", &Anderson::mixing, {0, 1, false}, "how much of f's values is taken"},
       {"ridge", &Anderson::ridge, {}, "regularisation, relative; 8 eps at least"},
       {"type", &Anderson::type, {1, 2}, "1: what is left is orthogonal to the steps; 2: it is least"},
       {"safeguard", &Anderson::safeguard, {}, "by how much ‖f(z) - z‖ may grow before a plain step; 0: by any"},
       {"restart", &Anderson::restart, {}, "forgets the earlier iterates after so many; 0: never"}}};
  return t;
}

namespace detail {
namespace anderson {

// Rows at length 1, neither overflowing nor vanishing on the way, and their lengths; a row of 0 stays.
struct Rows {
  Array unit, lengths;  // [m, n], [m]
};
Rows at_length_1(const Array& rows) {
  if (rows.size() == 0) return {rows, zeros({rows.shape()[0]}, rows.dtype())};
  auto or_1 = [](const Array& a) { return where((a > 0) & isfinite(a), a, ones_like(a)); };
  const Array most = or_1(max(abs(rows), 1, true)), scaled = rows / most;
  const Array lengths = sqrt(sum(square(scaled), 1, true));
  return {scaled / or_1(lengths), reshape(most * lengths, {rows.shape()[0]})};
}

// Σ γᵢ dᵢ and Σ γᵢ eᵢ.
struct Mixture {
  Array z, g;
};
Mixture mixture(const Anderson& o, const SolverState& s, const Array& zs, const Array& gs, const Array& count) {
  const std::int64_t m = zs.shape()[0];
  // A row that is not there yet is none.
  const Array there = reshape(arange(m) < count, {m, 1}), nothing = zeros_like(zs);
  const Array d = where(there, zs - s.z, nothing), e = where(there, gs - s.residual, nothing);
  const Rows of_e = at_length_1(e), of_g = at_length_1(reshape(s.residual, {1, s.z.size()}));
  const Array left = o.type == 2 ? of_e.unit : -at_length_1(d).unit;
  const Array some = of_e.lengths > 0, none = where(some, 0.0, 1.0);
  // Of rows that depend on each other rounding alone would choose.
  const double ridge = std::max(o.ridge, 8 * epsilon(s.z.dtype()));
  const Array gram = tensordot(left, of_e.unit, Axes{1}) + eye(m, s.z.dtype()) * (ridge + none);
  const Array weights = linalg::solve(gram, -dot(left, reshape(of_g.unit, {s.z.size()})));
  const Array gamma = weights * of_g.lengths / where(some, of_e.lengths, ones_like(of_e.lengths));
  return {dot(gamma, d), dot(gamma, e)};
}

struct Trial {
  Array z, g, evaluations;
  auto tree() { return std::tie(z, g, evaluations); }
};

}  // namespace anderson
}  // namespace detail

std::shared_ptr<const detail::SolverMethod> Anderson::method() const {
  using namespace detail;
  // memory: the last iterates, their residuals, and how many there have been. Rows that are not there yet are zero.
  auto state = [](const anderson::Trial& at, const Array& zs, const Array& gs, const Array& count) {
    return SolverState{
        at.z,           at.g, zeros({0}, at.z.dtype()), scalar_like(0, at.z), code(StatusCode::converged),
        at.evaluations, {},   {zs, gs, count}};
  };
  StepFunctions steps;
  steps.init = [state, m = history](const SolverProblem& p, const Array& z0) {
    const Array g = p.residual(z0), none = zeros({m, z0.size()}, z0.dtype());
    return state({z0, g, array(std::int64_t{1})}, none.at(0).set(z0), none.at(0).set(g), array(std::int64_t{1}));
  };
  steps.step = [state, o = *this](const SolverProblem& p, const SolverState& s) {
    const Array zs = s.memory[0], gs = s.memory[1], count = s.memory[2];
    const Array plain = s.z + o.mixing * s.residual;
    const anderson::Mixture by = anderson::mixture(o, s, zs, gs, count);
    const Array mixed = plain + by.z + o.mixing * by.g;
    auto evaluated = [&](const Array& z, const Array& evaluations) {
      return anderson::Trial{z, p.residual(z), evaluations + 1};
    };
    anderson::Trial at = evaluated(where(all(isfinite(mixed)), mixed, plain), s.evaluations);
    if (o.safeguard > 0) {
      at = cond(
          ~(length(at.g) <= o.safeguard * length(s.residual)),
          [&](const anderson::Trial& a) { return evaluated(plain, a.evaluations); },
          [](const anderson::Trial& a) { return a; }, at);
    }
    const Array kept = o.restart > 0 ? where(count >= o.restart, array(std::int64_t{0}), count) : count;
    const Array slot = kept % o.history;
    return state(at, zs.at(slot).set(at.z), gs.at(slot).set(at.g), kept + 1);
  };
  steps.default_max_steps = 10000;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
