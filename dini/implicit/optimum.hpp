// Optima as functions of what they are optima of.
//
//     minimize(E, z0, options, θ...)        z = argmin E(θ..., z), a local one; E a scalar
//     least_squares(r, z0, options, θ...)   z = argmin ½‖r(θ..., z)‖²
//
// z is where the gradient in z is 0 and the Hessian H positive definite. By the implicit function theorem dz = -H⁻¹ ∂(∇E)/∂θ dθ: of
// a least-squares fit with the full Hessian of ½‖r‖², second derivatives of r included. (Gauss and Newton's JᵀJ in its place gives
// wrong derivatives where the residuals do not vanish.) What is found, and the objective there, are differentiable in every θ and in
// all that the function captures, in every order, under jit and vmap.
#pragma once

#include "dini/implicit/fixed_point.hpp"

namespace dini {

using MinimizeOptions = FixedPointOptions;
using LeastSquaresOptions = FixedPointOptions;

/// What an optimisation found. Lanes, under vmap, have their own numbers.
template <class Z> struct Optimum {
  Z value;
  Status status;  // not_a_minimum: a stationary point that is a saddle or a maximum
  Array steps, evaluations;
  Array objective;       // E(value), or ½‖r(value)‖²: differentiable as value is
  Array residual_norm;   // of the gradient
  Array error_estimate;  // the largest error of a component beside its size, rounding included
  Array history;         // norms of the gradient, NaN beyond the last step
  Array method;          // which of `methods` it was that found it
  std::vector<std::string> methods;
  auto tree() {
    return std::tie(value, status, steps, evaluations, objective, residual_norm, error_estimate, history, method);
  }
  std::string solver() const { return methods.at(static_cast<std::size_t>(method.to_vector<std::int64_t>().at(0))); }
};

namespace detail {

/// ½ Σ r², over all leaves.
Array half_square(const Leaves& residuals);

template <class Z> Optimum<Z> as_optimum(Solution<Z> s, Array objective) {
  return {std::move(s.value), s.status,         s.steps,   s.evaluations, std::move(objective),
          s.residual_norm,    s.error_estimate, s.history, s.method,      std::move(s.methods)};
}

}  // namespace detail

/// z with E(params..., z) least near z0; E's last argument is z, and its value a scalar. Steps are Newton's on the gradient, with a
/// line search on its norm, and what they find is a minimum or has status `not_a_minimum`. ShapeError where E is no scalar;
/// SolveError when the solve fails, as options.on_failure says.
template <class E, class Z, class... P>
auto minimize(const E& e, const Z& z0, const MinimizeOptions& options, const P&... params) {
  auto found = detail::solve_tree<Kind::minimize>("minimize", e, z0, options, params...);
  Array objective;
  if constexpr (detail::takes<E, P..., Z>) objective = Array(e(detail::as_tree(params)..., found.value));
  return detail::as_optimum(std::move(found), std::move(objective));
}
template <class E, class Z> auto minimize(const E& e, const Z& z0) { return minimize(e, z0, MinimizeOptions{}); }

/// z with ½‖r(params..., z)‖² least near z0; r's last argument is z, its value a tree of any number of residuals.
template <class R, class Z, class... P>
auto least_squares(const R& r, const Z& z0, const LeastSquaresOptions& options, const P&... params) {
  auto found = detail::solve_tree<Kind::least_squares>("least_squares", r, z0, options, params...);
  Array objective;
  if constexpr (detail::takes<R, P..., Z>)
    objective = detail::half_square(flatten(detail::as_tree(r(detail::as_tree(params)..., found.value))));
  return detail::as_optimum(std::move(found), std::move(objective));
}
template <class R, class Z> auto least_squares(const R& r, const Z& z0) {
  return least_squares(r, z0, LeastSquaresOptions{});
}

}  // namespace dini
