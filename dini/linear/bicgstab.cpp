// BiCGStab: steps of biconjugate gradients, each followed by one of minimal residual.
#include "dini/linear/krylov_cycles.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

namespace krylov_parts {

struct Biconjugate {
  Array d, r, p, rho, steps, status;  // rho = shadowᵀr, where the shadow is the cycle's first residual
  auto tree() { return std::tie(d, r, p, rho, steps, status); }
};

Biconjugate biconjugate_step(const KrylovProblem& problem, const KrylovState& start, const Biconjugate& at) {
  const auto nonzero = [](const Array& x) { return (x != 0) & isfinite(x); };
  const Array p = problem.precondition(at.p), v = problem.product(p);
  const Array across = sum(start.r * v), crosses = nonzero(across);
  const Array alpha = where(crosses, at.rho, zeros_like(across)) / or_one(crosses, across);
  const Array half = at.r - alpha * v, s = problem.precondition(half), t = problem.product(s);
  const Array unit = unit_of(t), direction = t / unit;
  const Array square = sum(direction * direction);
  const Array omega = sum(direction * half) / or_one(square > 0, square) / unit;
  Biconjugate to;
  to.d = at.d + alpha * p + omega * s;
  to.r = half - omega * t;
  to.rho = sum(start.r * to.r);
  const Array sound = crosses & nonzero(omega) & nonzero(to.rho);
  const Array beta = to.rho / or_one(at.rho != 0, at.rho) * (alpha / or_one(sound, omega));
  to.p = to.r + beta * (at.p - omega * v);
  to.steps = at.steps + 1;
  const Array unfinished = norm(to.r) > problem.target();
  to.status = problem.after_step(start, sound, across + omega + to.rho, unfinished, to.steps);
  return to;
}

}  // namespace krylov_parts

KrylovResult bicgstab(const Product& a, const Array& b, const KrylovOptions& options) {
  using namespace krylov_parts;
  const KrylovProblem problem(a, b, options, {0.5, false, 2});
  return problem.solve([&](const KrylovState& start) -> KrylovCycle {
    const Biconjugate begin{zeros_like(b), start.r, start.r, square(start.size), array(std::int64_t{0}), start.status};
    const Biconjugate end =
        run(begin, options.max_products, [&](const Biconjugate& at) { return biconjugate_step(problem, start, at); });
    return {end.d, end.status, 2 * end.steps};
  });
}

}  // namespace dini::detail
