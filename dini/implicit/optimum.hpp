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

#include <type_traits>
#include <utility>

#include "dini/implicit/loss.hpp"

namespace dini {

using MinimizeOptions = FixedPointOptions;

/// No rows: the multipliers of constraints that there are none of.
struct NoRows {
  auto tree() { return std::tie(); }
};

/// Multipliers: ∂(optimal value)/∂lower = `lower`, ∂/∂upper = -`upper`, ∂/∂b = -`equal` for h(z) = b, ∂/∂b = -`at_most` for g(z) ≤ b. 0 or
/// more but for `equal`. Trees like z and like the values of the constraints.
template <class Z, class H = NoRows, class G = NoRows> struct Duals {
  Z lower, upper;
  H equal;
  G at_most;
  auto tree() { return std::tie(lower, upper, equal, at_most); }
};

/// What an optimisation found. Lanes, under vmap, have their own numbers.
template <class Z, class H = NoRows, class G = NoRows> struct Optimum {
  Z value;
  Status status;  // not_a_minimum: a stationary point that is a saddle or a maximum
  Array steps, evaluations;
  Array objective;       // E(value), or ½‖r(value)‖²: differentiable as value is
  Array residual_norm;   // of the gradient; with constraints the largest violation of the optimality conditions, scaled
  Array error_estimate;  // the largest error of a component beside its size, rounding included
  Array history;         // norms of the gradient, NaN beyond the last step
  Array method;          // which of `methods` it was that found it
  std::vector<std::string> methods;
  Duals<Z, H, G> duals;  // differentiable as value is
  Array active;          // how many bounds and rows are active, with a multiplier that is not 0: int64
  Array weakly_active;   // how many are active with a multiplier of 0: the derivative is that of options.ties
  Array dependent;  // how many of the active rows depend on the others: multipliers and derivative are of minimum norm
  Duals<Z, H, G> certificate;  // of status `infeasible`: multipliers that prove it, the largest 1; otherwise NaN
  Z ray;  // of `unbounded`: a direction in which E falls for ever, the largest component 1; otherwise NaN
  auto tree() {
    return std::tie(value, status, steps, evaluations, objective, residual_norm, error_estimate, history, method, duals,
                    active, weakly_active, dependent, certificate, ray);
  }
  std::string solver() const { return methods.at(static_cast<std::size_t>(method.to_vector<std::int64_t>().at(0))); }
};

namespace detail {

/// The point of a start: that itself, or what an earlier optimisation found.
template <class Z> const Z& point_of_start(const Z& z) { return z; }
template <class Z, class H, class G> const Z& point_of_start(const Optimum<Z, H, G>& o) { return o.value; }
template <class Start>
using point_of_start_t = std::remove_cvref_t<decltype(point_of_start(std::declval<const Start&>()))>;
template <class Start> inline constexpr bool is_optimum = !std::is_same_v<point_of_start_t<Start>, Start>;

/// ½ Σ r², over all leaves.
Array half_square(const Leaves& residuals);

/// Those of a solve without constraints: zeros, no certificate, no ray.
ConstrainedLeaves no_constraints(const Leaves& z);

/// Multipliers and certificates in trees like z and like the rows' values.
template <class Z, class H, class G>
Optimum<Z, H, G> optimum_of(Solution<Z> s, Array objective, const ConstrainedLeaves& c, const H& h, const G& g) {
  const Z& z = s.value;
  return {z,
          s.status,
          s.steps,
          s.evaluations,
          std::move(objective),
          s.residual_norm,
          s.error_estimate,
          s.history,
          s.method,
          s.methods,
          {unflatten(z, c.lower), unflatten(z, c.upper), unflatten(h, c.equal), unflatten(g, c.at_most)},
          c.active,
          c.weakly_active,
          c.dependent,
          {unflatten(z, c.certificate_lower), unflatten(z, c.certificate_upper), unflatten(h, c.certificate_equal),
           unflatten(g, c.certificate_at_most)},
          unflatten(z, c.ray)};
}
template <class Z> Optimum<Z> as_optimum(const Solution<Z>& s, Array objective) {
  return optimum_of(s, std::move(objective), no_constraints(flatten(s.value)), NoRows{}, NoRows{});
}

}  // namespace detail

/// z with E(params..., z) least near z0; E's last argument is z, and its value a scalar. Steps go downhill, so that saddles and maxima are
/// left; where E falls without end the status is `unbounded`. z0 may be an earlier Optimum, of which the value is taken. ShapeError where
/// E is no scalar; SolveError when the solve fails, as options.on_failure says.
template <class E, class Start, class... P>
auto minimize(const E& e, const Start& z0, const MinimizeOptions& options, const P&... params) {
  using Z = detail::point_of_start_t<Start>;
  auto found = detail::solve_tree<Kind::minimize>("minimize", e, detail::point_of_start(z0), options, params...);
  Array objective;
  if constexpr (detail::takes<E, P..., Z>) objective = Array(e(detail::as_tree(params)..., found.value));
  return detail::as_optimum(std::move(found), std::move(objective));
}
template <class E, class Z> auto minimize(const E& e, const Z& z0) { return minimize(e, z0, MinimizeOptions{}); }

/// z with ½‖r(params..., z)‖², or what options.loss makes of r, least near z0; r's last argument is z, its value a tree of any number of
/// residuals. z0 may be an earlier Optimum.
template <class R, class Start, class... P>
auto least_squares(const R& r, const Start& start, const LeastSquaresOptions& options, const P&... params) {
  using Z = detail::point_of_start_t<Start>;
  const Z& z0 = detail::point_of_start(start);
  if constexpr (detail::takes<R, P..., Z>) {
    const auto residuals = detail::robust(r, options.loss);
    auto found = detail::solve_tree<Kind::least_squares>("least_squares", residuals, z0, options, params...);
    Array objective = detail::half_square(flatten(residuals(detail::as_tree(params)..., found.value)));
    return detail::as_optimum(std::move(found), std::move(objective));
  } else {
    return detail::as_optimum(detail::solve_tree<Kind::least_squares>("least_squares", r, z0, options, params...), {});
  }
}
template <class R, class Z> auto least_squares(const R& r, const Z& z0) {
  return least_squares(r, z0, LeastSquaresOptions{});
}

}  // namespace dini
