// Conjugate gradients: each step minimises ½dᵀA d - rᵀd along a direction that is A-orthogonal to those before.
#include "dini/linear/krylov_cycles.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

namespace krylov_parts {

struct Descent {
  Array d, r, p, slope, steps, status;  // slope = rᵀM⁻¹r
  auto tree() { return std::tie(d, r, p, slope, steps, status); }
};

Descent descent_step(const KrylovProblem& problem, const KrylovState& start, const Descent& at) {
  const Array q = problem.product(at.p), curvature = sum(at.p * q);
  Array sound = (curvature > 0) & isfinite(curvature);
  if (problem.preconditioned()) sound = sound & (at.slope > 0);
  const Array step = where(sound, at.slope, zeros_like(at.slope)) / or_one(sound, curvature);
  Descent to;
  to.d = at.d + step * at.p;
  to.r = at.r - step * q;
  const Array z = problem.precondition(to.r);
  to.slope = sum(to.r * z);
  to.p = z + to.slope / or_one(at.slope != 0, at.slope) * at.p;
  to.steps = at.steps + 1;
  const Array size = problem.preconditioned() ? norm(to.r) : sqrt(to.slope);
  to.status = problem.after_step(start, sound, curvature, size > problem.target(), to.steps);
  return to;
}

}  // namespace krylov_parts

KrylovResult conjugate_gradients(const Product& a, const Array& b, const KrylovOptions& options) {
  using namespace krylov_parts;
  const KrylovProblem problem(a, b, options, {0.5, true});
  return problem.solve([&](const KrylovState& start) -> KrylovCycle {
    const Array z = problem.precondition(start.r);
    const Descent begin{zeros_like(b), start.r, z, sum(start.r * z), array(std::int64_t{0}), start.status};
    const Descent end =
        run(begin, options.max_products, [&](const Descent& at) { return descent_step(problem, start, at); });
    return {end.d, end.status, end.steps};
  });
}

}  // namespace dini::detail
