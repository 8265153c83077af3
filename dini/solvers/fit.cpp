#include "dini/solvers/fit.hpp"

#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

namespace {

constexpr std::ptrdiff_t remembered = 6;  // leaves of a FitMemory

struct JacobianAt {
  Array jacobian, columns;
  auto tree() { return std::tie(jacobian, columns); }
};
JacobianAt jacobian_at(const SolverProblem& problem, const Array& z) {
  const Array j = jacobian(problem.objective)(z);
  return {j, norm(j, 2, {0})};
}

// max_j |g_j|/(‖J_j‖‖r‖), the largest cosine of r and a column; 0 where r is 0.
Array largest_cosine(const FitMemory& m, const Array& gradient) {
  const Array sizes = m.columns * sqrt(2 * m.value), there = sizes > 0;
  return max(where(there, abs(gradient) / where(there, sizes, ones_like(sizes)), zeros_like(sizes)));
}

SolverState fit_state(const Array& z, const Array& gradient, const Correction& c, const FitMemory& m,
                      const Array& failure, const Array& evaluations, const Leaves& own) {
  const Array floor = rounding_floor(c.factors[0], z), cause = failure_at({m.value, gradient}, m.first);
  SolverState s{
      z,           gradient,  c.delta, where(m.formed(), floor, zeros_like(floor)), where(failure != 0, failure, cause),
      evaluations, c.factors, own};
  for (const Array& a : flatten(m)) s.memory.push_back(a);
  return s;
}

}  // namespace

Array FitMemory::units() const { return where(largest > 0, largest, ones_like(largest)); }

FitMemory fit_memory(const SolverState& s) {
  return unflatten(FitMemory{}, Leaves(s.memory.end() - remembered, s.memory.end()));
}
Leaves own_memory(const SolverState& s) { return {s.memory.begin(), s.memory.end() - remembered}; }

SolverState fit_start(const SolverProblem& problem, const Array& z0,
                      const std::function<Leaves(const FitMemory&)>& own) {
  const Slope s = slope_at(problem, z0);
  const JacobianAt j = jacobian_at(problem, z0);
  FitMemory m{j.jacobian, j.columns, j.columns, s.value, s.value, array(std::int64_t{0})};
  m.largest = where(isfinite(j.columns), j.columns, zeros_like(j.columns));
  return fit_state(z0, s.gradient, newton_correction(problem, z0, s.gradient), m, code(StatusCode::converged),
                   array(std::int64_t{1}), own(m));
}

FullModel full_model(const SolverState& at, const FitMemory& m) {
  const Array d = m.units(), &h = at.factors[0];
  const Array definite = is_definite({at.factors.begin() + 1, at.factors.end()}, h);
  return {h / outer(d, d), m.formed() & definite & isfinite(length(at.delta)), d * at.delta};
}

SolverState fit_moved(const SolverProblem& problem, const SolverState& at, const FitMove& move, int each) {
  FitMemory m = fit_memory(at);
  const Array& taken = move.taken;
  const Array z = where(taken, move.z, at.z), gradient = where(taken, move.there.gradient, at.residual);
  const JacobianAt j = cond(
      taken, [&](const JacobianAt&, const Array& v) { return jacobian_at(problem, v); },
      [](const JacobianAt& before, const Array&) { return before; }, JacobianAt{m.jacobian, m.columns}, move.z);
  const Array there = ~taken & m.formed();  // a point that was not left keeps its H
  m.jacobian = j.jacobian;
  m.columns = j.columns;
  m.largest = where(isfinite(j.columns), maximum(m.largest, j.columns), m.largest);
  m.value = where(taken, move.there.value, m.value);
  const Array wanted = ~taken | move.wants_hessian | (m.since + 1 >= each) | (largest_cosine(m, gradient) < 1e-2);
  const Array unknown = full_like(z, Array(std::numeric_limits<double>::quiet_NaN()));
  const Correction before{where(there, at.delta, unknown), at.factors};
  const Correction c = cond(
      wanted & ~there, [&](const Correction&, const Array& v) { return newton_correction(problem, v, gradient); },
      [](const Correction& old, const Array&) { return old; }, before, z);
  m.since = where(wanted | there, array(std::int64_t{0}), m.since + 1);
  const Array failure = where(move.stuck, code(StatusCode::stagnated), code(StatusCode::converged));
  return fit_state(z, gradient, c, m, failure, at.evaluations + 1, move.own);
}

}  // namespace dini::detail
