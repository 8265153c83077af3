#include "dini/solvers/aitken.hpp"

#include <limits>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/drive.hpp"

namespace dini {

const detail::MethodTable<Aitken>& Aitken::table() {
  static const detail::MethodTable<Aitken> t{
      "aitken",
      "Aitken's extrapolation of z, f(z) and f(f(z)); for numbers, and equations that hang together little",
      {Kind::fixed_point},
      false,
      {{"vector", &Aitken::vector, {0, 1}, "1: one factor for all elements, 0: one for each"}}};
  return t;
}

namespace detail {
namespace aitken {

struct Point {
  Array z, g, evaluations;
  auto tree() { return std::tie(z, g, evaluations); }
};

// z - g²/Δ, or with one factor for all.
Array extrapolated(const Array& z, const Array& g, const Array& difference, bool as_vector) {
  if (!as_vector) return z - g * (g / difference);
  // At length 1: squares of differences may vanish.
  const Array size = length(difference), unit = difference / size;
  return z - g * (dot(g / size, unit));
}

}  // namespace aitken
}  // namespace detail

std::shared_ptr<const detail::SolverMethod> Aitken::method() const {
  using namespace detail;
  auto state = [](const aitken::Point& at) {
    return SolverState{
        at.z, at.g, zeros({0}, at.z.dtype()), scalar_like(0, at.z), code(StatusCode::converged), at.evaluations,
        {},   {}};
  };
  StepFunctions steps;
  steps.init = [state](const SolverProblem& p, const Array& z0) {
    return state({z0, p.residual(z0), array(std::int64_t{1})});
  };
  steps.step = [state, as_vector = vector != 0](const SolverProblem& p, const SolverState& s) {
    const Array z1 = s.z + s.residual, g1 = p.residual(z1), z2 = z1 + g1;
    const Array there = aitken::extrapolated(s.z, s.residual, g1 - s.residual, as_vector);
    // Without a difference z has come to rest, or moves on evenly.
    const Array z = where(isfinite(there), there, z2);
    const aitken::Point at{z, p.residual(z), s.evaluations + 2};
    const Array worse = ~(length(at.g) <= maximum(length(s.residual), length(g1)));
    return state(cond(
        worse,
        [&](const aitken::Point& a) {
          return aitken::Point{z2, p.residual(z2), a.evaluations + 1};
        },
        [](const aitken::Point& a) { return a; }, at));
  };
  steps.default_max_steps = 10000;
  return std::make_shared<StepMethod>(*this, steps);
}

}  // namespace dini
