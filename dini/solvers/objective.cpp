#include "dini/solvers/objective.hpp"

#include "dini/linear/check_status.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

Array objective_at(const SolverProblem& problem, const Array& z) {
  const Array value = problem.objective(z);
  return problem.kind == Kind::least_squares ? 0.5 * sum(square(value)) : value;
}

Slope slope_at(const SolverProblem& problem, const Array& z) {
  auto both = value_and_grad([&](const Array& v) { return objective_at(problem, v); })(z);
  return {std::move(both.first), std::move(both.second)};
}

Array falls_without_end(const Array& value, const Array& first) {
  return value < -1e20 * maximum(abs(first), scalar_like(1, first));
}

Array failure_at(const Slope& slope, const Array& first) {
  const Array finite = isfinite(slope.value) & all(isfinite(slope.gradient));
  const Array cause = where(finite, code(StatusCode::converged), code(StatusCode::nonfinite));
  return where(falls_without_end(slope.value, first), code(StatusCode::unbounded), cause);
}

Array unseen_decrease(const Array& value) { return 1e4 * epsilon(value.dtype()) * abs(value); }

}  // namespace dini::detail
