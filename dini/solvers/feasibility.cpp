#include "dini/solvers/feasibility.hpp"

#include <limits>

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

namespace feasibility {

struct Attempt {
  Array z, damping, value, tries;
  auto tree() { return std::tie(z, damping, value, tries); }
};

Array broken(const NonlinearProgram::Values& v) {
  return concatenate({v.equal, maximum(v.at_most, zeros_like(v.at_most))});
}

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

Array over(const Array& v, const Array& size) { return v / where(size > 0, size, ones_like(size)); }

}  // namespace feasibility

Array infeasibility(const NonlinearProgram::Values& v) { return 0.5 * sum(square(feasibility::broken(v))); }

FeasibilityStep feasibility_step(const NonlinearProgram& program, const Array& z, const NonlinearProgram::Values& v,
                                 const NonlinearProgram::Slopes& s, const Array& damping) {
  using feasibility::Attempt;
  const BoundsOf& bounds = program.bounds();
  const Dtype dtype = z.dtype();
  const Array r = feasibility::broken(v), here = infeasibility(v), one = ones_like(here);
  const Array counts = expand_dims(concatenate({ones_like(v.equal), astype(v.at_most > 0, dtype)}), 1);
  const Array d = sqrt(minimum(minimum(z - bounds.lower, bounds.upper - z), ones_like(z)));
  const Array j = counts * concatenate({s.equal, s.at_most}) * d;
  const Array slope = dot(r, j), normal = dot(transpose(j), j), size = max(abs(normal));
  auto tried = [&](const Array& rho, const Array& tries) {
    const Array a = normal + rho * where(size > 0, size, one) * eye(z.size(), dtype);
    const Array step = -d * solve_factored(factorize(a, {.symmetric = true}), a, slope, {.symmetric = true});
    // Most of the way to the first bound on its line.
    const Array gap = where(step < 0, z - bounds.lower, bounds.upper - z);
    const Array part = minimum(
        one, min(where(step != 0.0, 0.99 * gap / where(step != 0.0, abs(step), ones_like(gap)), ones_like(gap))));
    const Array to = z + part * step;
    return Attempt{to, rho, infeasibility(program.values(to)), tries};
  };
  const Attempt found = loop([&](const Attempt& a) { return ~(a.value < here) & (a.damping < 1e12); },
                             [&](const Attempt& a) { return tried(10 * a.damping, a.tries + 1); },
                             tried(damping, array(std::int64_t{1})), 40);
  const Array better = found.value < here;
  const Array length_of_j = length(j) * length(r);
  FeasibilityStep out;
  out.z = where(better, found.z, z);
  out.damping = maximum(where(found.tries > 1, found.damping, 0.1 * found.damping), scalar_like(1e-10, z));
  out.evaluations = found.tries;
  out.stationary = ~better | (length(slope) <= std::sqrt(epsilon(dtype)) * length_of_j);
  return out;
}

NoSolution no_feasible_point(const SolverProblem& problem, const Array& z) {
  const BoundsOf bounds = bounds_of(problem, z);
  const Array crossed = bounds.lower > bounds.upper, by_bounds = any(crossed), none = zeros({0}, z.dtype());
  const Array first = astype(crossed & (cumsum(astype(crossed, Dtype::int64)) == 1), z.dtype());
  Array pull = zeros_like(z);
  // r, and what it pulls at z with.
  auto broken = [&](const Function& rows, bool both_signs) {
    if (!rows) return none;
    const auto at = vjp([&](const Array& v) { return rows(v); }, z);
    const Array r = both_signs ? at.value : maximum(at.value, zeros_like(at.value));
    pull = pull + at.pullback(r);
    return where(by_bounds, zeros_like(r), r);
  };
  NoSolution out;
  out.equal = broken(problem.equal, true);
  out.at_most = broken(problem.at_most, false);
  const Array zero = zeros_like(z);
  out.lower = where(by_bounds, first, where(z <= bounds.lower, maximum(pull, zero), zero));
  out.upper = where(by_bounds, first, where(z >= bounds.upper, maximum(-pull, zero), zero));
  Array size = zeros({}, z.dtype());
  for (const Array* v : {&out.equal, &out.at_most, &out.lower, &out.upper})
    size = v->size() ? maximum(size, max(abs(*v))) : size;
  for (Array* v : {&out.equal, &out.at_most, &out.lower, &out.upper}) *v = feasibility::over(*v, size);
  out.ray = full_like(z, Array(feasibility::unknown));
  return out;
}

NoSolution no_least_point(const SolverProblem& problem, const Array& z, const Array& z0) {
  const RowCounts rows = row_counts(problem, z);
  const Array unknown = full_like(z, Array(feasibility::unknown)), way = z - z0;
  auto some = [&](std::int64_t n) { return full({n}, Array(feasibility::unknown), z.dtype()); };
  return {some(rows.equal), some(rows.at_most), unknown, unknown, feasibility::over(way, max(abs(way)))};
}

}  // namespace dini::detail
