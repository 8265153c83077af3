#include "dini/solvers/nonlinear_program.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

namespace nonlinear_program {

// The gradients of rows, [m, n], none of no rows.
Array row_slopes(const Function& rows, std::int64_t count, const Array& z) {
  return count > 0 ? jacobian(rows)(z) : zeros({0, z.size()}, z.dtype());
}
Array row_values(const Function& rows, std::int64_t count, const Array& z) {
  return count > 0 ? rows(z) : zeros({0}, z.dtype());
}

// min(1, 100/size); 1 where that is no number.
Array scale_of(const Array& size) {
  const Array large = isfinite(size) & (size > 100);
  return stop_gradient(where(large, 100 / where(large, size, ones_like(size)), ones_like(size)));
}

}  // namespace nonlinear_program

NonlinearProgram::NonlinearProgram(const SolverProblem& problem, const Array& z0)
    : problem_(problem), z0_(z0), bounds_(bounds_of(problem, z0)), rows_(row_counts(problem, z0)) {
  using namespace nonlinear_program;
  const Array start = clip(z0, bounds_.lower, bounds_.upper);
  scale_ = scale_of(max(abs(problem.residual(start))));
  auto each = [&](const Function& rows, std::int64_t count) {
    return scale_of(count > 0 ? max(abs(row_slopes(rows, count, start)), 1) : zeros({0}, z0.dtype()));
  };
  equal_scale_ = each(problem.equal, rows_.equal);
  at_most_scale_ = each(problem.at_most, rows_.at_most);
}

NonlinearProgram::Values NonlinearProgram::values(const Array& z) const {
  using nonlinear_program::row_values;
  return {scale_ * objective_at(problem_, z), equal_scale_ * row_values(problem_.equal, rows_.equal, z),
          at_most_scale_ * row_values(problem_.at_most, rows_.at_most, z)};
}

NonlinearProgram::Slopes NonlinearProgram::slopes(const Array& z, const Array& equal, const Array& at_most) const {
  using namespace nonlinear_program;
  Slopes s;
  s.gradient = scale_ * problem_.residual(z);
  s.equal = expand_dims(equal_scale_, 1) * row_slopes(problem_.equal, rows_.equal, z);
  s.at_most = expand_dims(at_most_scale_, 1) * row_slopes(problem_.at_most, rows_.at_most, z);
  auto constrained = [&](const Array& x) {
    Array sum = scalar_like(0, x);
    if (rows_.equal > 0) sum = sum + dot(equal * equal_scale_, problem_.equal(x));
    if (rows_.at_most > 0) sum = sum + dot(at_most * at_most_scale_, problem_.at_most(x));
    return sum;
  };
  auto lagrangian = [&](const Array& x) {
    const Array own = scale_ * problem_.residual(x);
    return rows_.equal + rows_.at_most > 0 ? own + grad(constrained)(x) : own;
  };
  const Array h = jacobian(lagrangian)(z);
  s.hessian = 0.5 * (h + transpose(h));
  return s;
}

KktLook NonlinearProgram::look(const Array& z, const Values& v, const Slopes& s, const Array& equal,
                               const Array& at_most) const {
  KktParts parts;
  parts.gradient = s.gradient / scale_;
  parts.c = v.equal / equal_scale_;
  parts.g = v.at_most / at_most_scale_;
  parts.c_slope = s.equal / expand_dims(equal_scale_, 1);
  parts.g_slope = s.at_most / expand_dims(at_most_scale_, 1);
  parts.lower = bounds_.lower;
  parts.upper = bounds_.upper;
  parts.bending = (dot(abs(s.hessian), abs(z)) + unfelt(dot(abs(s.hessian), abs(z0_)))) / scale_;
  return kkt_look(parts, {z, equal_of(equal), at_most_of(at_most)}, z0_);
}

Array NonlinearProgram::error(const Array& z, const Values& v, const Slopes& s, const Array& equal,
                              const Array& at_most) const {
  return look(z, v, s, equal, at_most).error;
}

Array NonlinearProgram::violation(const Array& z, const Values& v, const Slopes& s) const {
  return look(z, v, s, zeros_like(v.equal), zeros_like(v.at_most)).violation;
}

}  // namespace dini::detail
