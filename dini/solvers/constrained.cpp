#include "dini/solvers/constrained.hpp"

#include <limits>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/trace/trace.hpp"

namespace dini::detail {

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

BoundsOf bounds_of(const SolverProblem& problem, const Array& z) {
  const double infinite = std::numeric_limits<double>::infinity();
  return {problem.lower.defined() ? problem.lower : full(z.shape(), Array(-infinite), z.dtype()),
          problem.upper.defined() ? problem.upper : full(z.shape(), Array(infinite), z.dtype())};
}

}  // namespace dini::detail
