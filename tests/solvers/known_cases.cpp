#include "tests/solvers/known_cases.hpp"

namespace dini::tests {

namespace {

const double infinite = std::numeric_limits<double>::infinity();

Array side_by_side(const detail::Leaves& leaves, const Array& like) {
  detail::Leaves parts{zeros({0}, like.dtype())};
  for (const Array& a : leaves) {
    if (a.defined()) parts.push_back(ravel(a));
  }
  return concatenate(parts);
}

template <class D> Array together(D duals, const Array& like) { return side_by_side(flatten(duals), like); }

Solved of_solution(const Solution<Array>& s) {
  const Array none = zeros({0}, s.value.dtype()), nothing = zeros({}, Dtype::int64);
  return {
      s.value,          none,    none,    none,    none, none, s.status.code, s.steps, s.evaluations, s.residual_norm,
      s.error_estimate, nothing, nothing, nothing, none, none};
}

template <class H, class G> Solved of_optimum(const Optimum<Array, H, G>& s) {
  const Array& z = s.value;
  return {z,
          together(s.duals.equal, z),
          together(s.duals.at_most, z),
          s.duals.lower,
          s.duals.upper,
          reshape(s.objective, {1}),
          s.status.code,
          s.steps,
          s.evaluations,
          s.residual_norm,
          s.error_estimate,
          s.active,
          s.weakly_active,
          s.dependent,
          together(s.certificate, z),
          s.ray};
}

}  // namespace

Array Solved::everything() const { return concatenate({z, equal, at_most, lower, upper, objective}); }

QuadraticProgram program_of(const KnownCase& c, const Array& theta, Dtype dtype) {
  const Array x = zeros({static_cast<std::int64_t>(c.start.size())}, dtype);
  auto of = [&](const KnownCase::Of& f) { return [&](const Array& z) { return astype(f(theta, z), dtype); }; };
  QuadraticProgram p;
  p.q = grad(of(c.f))(x);
  p.P = jacobian(grad(of(c.f)))(x);
  if (c.equal) p.A = jacobian(of(c.equal))(x), p.b = -of(c.equal)(x);
  if (c.at_most) p.G = jacobian(of(c.at_most))(x), p.h = -of(c.at_most)(x);
  if (c.lower) p.lower = astype(c.lower(theta), dtype);
  if (c.upper) p.upper = astype(c.upper(theta), dtype);
  return p;
}

Solved solve(const KnownCase& c, const Array& theta, const How& how) {
  const Dtype d = how.dtype;
  auto of = [d](const KnownCase::Of& f) {
    return [&f, d](const Array& t, const Array& z) { return astype(f(t, z), d); };
  };
  const auto f = of(c.f);
  auto bound = [&](const KnownCase::Bound& b, double none) { return b ? astype(b(theta), d) : astype(Array(none), d); };
  const Array lower = bound(c.lower, -infinite), upper = bound(c.upper, infinite);
  if (c.kind == Kind::bracketed_root) return of_solution(root(f, Bracket{lower, upper}, how.options, theta));
  const Array z0 = astype(how.start.defined() ? how.start : array(c.start), d);
  if (c.kind == Kind::quadratic_program) return of_optimum(quadratic_program(program_of(c, theta, d), how.options, z0));
  const Bounds bounds{lower, upper};
  const bool bounded = c.lower || c.upper;
  if (c.kind == Kind::fixed_point) return of_solution(fixed_point(f, z0, how.options, theta));
  if (c.kind == Kind::root) {
    return of_solution(bounded ? root(f, z0, bounds, how.options, theta) : root(f, z0, how.options, theta));
  }
  auto run = [&](const auto&... constraints) {
    return c.kind == Kind::least_squares
               ? of_optimum(least_squares(f, z0, constraints..., LeastSquaresOptions::of(how.options), theta))
               : of_optimum(minimize(f, z0, constraints..., how.options, theta));
  };
  const Equal equal{of(c.equal)};
  const AtMost at_most{of(c.at_most)};
  if (c.equal && c.at_most) return run(subject_to(bounds, equal, at_most));
  if (c.equal) return run(subject_to(bounds, equal));
  if (c.at_most) return run(subject_to(bounds, at_most));
  if (bounded) return run(subject_to(bounds));
  return run();
}

Array lagrangian(const KnownCase& c, const Array& theta, const Solved& at) {
  const Array f = c.f(theta, at.z);
  Array out = c.kind == Kind::least_squares ? 0.5 * sum(square(f)) : f;
  if (c.equal) out = out + dot(at.equal, c.equal(theta, at.z));
  if (c.at_most) out = out + dot(at.at_most, c.at_most(theta, at.z));
  auto finite = [](const Array& b) { return where(isfinite(b), b, 0.0); };
  if (c.lower) out = out + dot(at.lower, finite(c.lower(theta)));
  if (c.upper) out = out - dot(at.upper, finite(c.upper(theta)));
  return out;
}

}  // namespace dini::tests
