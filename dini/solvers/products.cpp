#include "dini/solvers/products.hpp"

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/formed_state.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

Product products_at(const SolverProblem& problem, const Array& z) {
  if (problem.reads_values) {
    return
        [f = problem.residual, z](const Array& v) { return jvp([&](const Array& at) { return f(at); }, z, v).tangent; };
  }
  const Staged staged = stage([&](const Leaves& in) { return Leaves{problem.residual(in[0])}; },
                              {{z.shape(), z.dtype(), false}}, "solve");
  std::vector<bool> by_z(staged.program->inputs.size(), false);
  by_z[0] = true;
  const LinearProgram linear = linear_program(staged.program, by_z, {true});
  Leaves inputs{z};
  inputs.insert(inputs.end(), staged.captured.begin(), staged.captured.end());
  Leaves kept = evaluate(*linear.primal, inputs);
  kept.erase(kept.begin());
  return [system = LinearSystem::of_products(linear.tangent, kept)](const Array& v) { return system.apply(v); };
}

Array slopes_at(const SolverProblem& problem, const Array& z) {
  if (!problem.diagonal()) return jacobian(problem.residual)(z);
  return jvp([&](const Array& at) { return problem.residual(at); }, z, ones_like(z)).tangent;
}

Array scalar_inverse(const SolverProblem& problem, const Array& z, const Array& residual) {
  const Array unit = residual / length_or_one(residual), image = products_at(problem, z)(unit);
  const Array size = length_or_one(image), cosine = dot(unit, image / size);
  // At a right angle there is none; then the length that A itself suggests.
  const Array part = where(abs(cosine) > 0.1, cosine, copysign(scalar_like(0.1, cosine), cosine));
  return where(isfinite(size), part / size, scalar_like(1, size));
}

}  // namespace dini::detail
