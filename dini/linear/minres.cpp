// MINRES. Lanczos' three-term recurrence makes A tridiagonal; reflections make that triangular as it grows, and the residual
// is minimal in every step (in the norm of M⁻¹). The names are Paige and Saunders'.
#include "dini/linear/krylov_cycles.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {

namespace krylov_parts {

struct Lanczos {
  Array d, r;
  Array v_before, v, z;              // with zᵢᵀvⱼ = δᵢⱼ and z = M⁻¹v
  Array w_before, w;                 // directions of d
  Array beta, dbar, epsilon;         // of the triangular matrix
  Array cosine, sine, phi, largest;  // phi: ‖r‖ in the norm of M⁻¹; largest: of the tridiagonal matrix
  Array steps, status;
  auto tree() {
    return std::tie(d, r, v_before, v, z, w_before, w, beta, dbar, epsilon, cosine, sine, phi, largest, steps, status);
  }
};

Lanczos lanczos_step(const KrylovProblem& problem, const KrylovState& start, const Lanczos& at) {
  const Array p = problem.product(at.z), alpha = sum(at.z * p);
  const Array rest = p - alpha * at.v - at.beta * at.v_before;
  const Array unit = unit_of(rest), y = rest / unit, z = problem.precondition(y), square = sum(z * y);
  const Array length = sqrt(maximum(square, literal(0, square)));
  const Array beta = unit * length, largest = maximum(at.largest, maximum(abs(alpha), beta));

  const Array delta = at.cosine * at.dbar + at.sine * alpha, gbar = at.sine * at.dbar - at.cosine * alpha;
  const Array dbar = -at.cosine * beta, gamma = hypot(gbar, beta);
  // ‖A r‖/‖r‖: where that is rounding A is singular, and r is what no solution takes away.
  const Array slope = hypot(gbar, dbar), floor = rounding(largest) * largest;
  Array sound = slope > floor;
  if (problem.preconditioned()) sound = sound & (square >= 0);
  const Array cosine = gbar / or_one(sound, gamma), sine = beta / or_one(sound, gamma);
  const Array step = where(sound, cosine * at.phi, zeros_like(gamma));
  // Where nothing is left of y the space is invariant, and the solution lies in it.
  const Array left = beta > floor;

  Lanczos to;
  to.w = (at.z - at.epsilon * at.w_before - delta * at.w) / or_one(sound, gamma);
  to.w_before = at.w;
  to.d = at.d + step * to.w;
  to.v_before = at.v;
  to.v = y / or_one(left, length);
  to.z = z / or_one(left, length);
  to.phi = sine * at.phi;
  to.r = sine * sine * at.r - to.phi * cosine * to.v;
  to.beta = beta;
  to.dbar = dbar;
  to.epsilon = at.sine * beta;
  to.cosine = cosine;
  to.sine = sine;
  to.largest = largest;
  to.steps = at.steps + 1;
  to.status = problem.after_step(start, sound, slope, left & (norm(to.r) > problem.target()), to.steps);
  return to;
}

}  // namespace krylov_parts

KrylovResult minres(const Product& a, const Array& b, const KrylovOptions& options) {
  using namespace krylov_parts;
  const KrylovProblem problem(a, b, options, {0.5});
  return problem.solve([&](const KrylovState& start) -> KrylovCycle {
    const Array z = problem.precondition(start.r), square = sum(z * start.r), positive = square > 0;
    const Array beta = sqrt(or_one(positive, square)), none = zeros_like(b), zero = zeros_like(beta);
    Array status = start.status;
    if (problem.preconditioned()) {
      const Array breakdown = array(static_cast<std::int64_t>(StatusCode::breakdown));
      status = where(positive | (status != running), status, breakdown);
    }
    const Lanczos begin{
        none, start.r, none, start.r / beta,         z / beta, none, none, beta, zero, zero, -ones_like(beta),
        zero, beta,    zero, array(std::int64_t{0}), status};
    const Lanczos end =
        run(begin, options.max_products, [&](const Lanczos& at) { return lanczos_step(problem, start, at); });
    return {end.d, end.status, end.steps};
  });
}

}  // namespace dini::detail
