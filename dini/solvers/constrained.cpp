#include "dini/solvers/constrained.hpp"

#include <limits>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/trace/trace.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

Array count(const ActiveSet& active) {
  auto of = [](const Array& a) { return sum(astype(a, Dtype::int64)); };
  return of(active.lower | active.upper) + of(active.rows);
}

RowCounts row_counts(const SolverProblem& problem, const Array& z) {
  auto count = [&](const Function& rows) {
    if (!rows) return std::int64_t{0};
    return stage([&](const Leaves& in) { return Leaves{rows(in[0])}; }, {z.aval()}, "solve")
        .program->output_avals()[0]
        .shape.size();
  };
  return {count(problem.equal), count(problem.at_most)};
}

ConstrainedEnd no_constrained_end(const SolverProblem& problem, const Array& z) {
  const RowCounts m = row_counts(problem, z);
  const Shape n{z.size()};
  auto unknown = [&](const Shape& shape) {
    return full(shape, Array(std::numeric_limits<double>::quiet_NaN()), z.dtype());
  };
  auto none = [&] {
    return ActiveSet{zeros(n, Dtype::bool_), zeros(n, Dtype::bool_), zeros({m.at_most}, Dtype::bool_)};
  };
  return {zeros({m.equal}, z.dtype()), zeros({m.at_most}, z.dtype()), none(),     none(),     array(std::int64_t{0}),
          unknown({m.equal}),          unknown({m.at_most}),          unknown(n), unknown(n), unknown(n)};
}

Array lagrangian_gradient(const SolverProblem& problem, const Array& z, const Array& equal, const Array& at_most) {
  Array out = problem.residual(z);
  auto add = [&](const Function& rows, const Array& by) {
    if (rows && by.size() > 0) out = out + grad([&](const Array& v) { return dot(rows(v), by); })(z);
  };
  add(problem.equal, equal);
  add(problem.at_most, at_most);
  return out;
}

BoundsOf bounds_of(const SolverProblem& problem, const Array& z) {
  return {problem.lower.defined() ? problem.lower : full(z.shape(), Array(-infinite), z.dtype()),
          problem.upper.defined() ? problem.upper : full(z.shape(), Array(infinite), z.dtype())};
}

}  // namespace dini::detail
