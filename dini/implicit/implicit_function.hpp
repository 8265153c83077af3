// The derivative of a point that one has: from anywhere, found by any means.
//
//     z = implicit_function(F, z, options, θ...)       the same z, as a function of θ with 0 = F(θ..., z)
//
//     z          = implicit_function(solver, F, options, θ...)       solver(θ...) -> z
//     [z, aux]   = implicit_function(solver, F, options, θ...)       solver(θ...) -> pair(z, aux), and 0 = F(θ..., z, aux)
//
// F are conditions that hold at z: equations, the stationarity of what was made least, a KKT system. Whoever found z, a solver of
// another library, a table, a formula, the derivative is that of the implicit function theorem: dz = -(∂F/∂z)⁻¹ ∂F/∂θ dθ.
#pragma once

#include <tuple>
#include <utility>

#include "dini/implicit/fixed_point.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {

namespace detail {
/// The method that takes z0 as it is, where its Newton correction is within accept·‖z0‖.
Solver given_point(double accept);
}  // namespace detail

/// z itself, differentiable in params and in all that F captures, in every order; not in the z that is given. As many conditions as
/// unknowns, in any tree. SolveError, as options.on_failure says, where z does not meet them: its Newton correction exceeds
/// options.accept·‖z‖, or it has no derivative. Of the options `solver`, `tolerance`, `max_steps` and `history` are of no account.
template <class F, Tree Z, class... P>
tree_t<Z> implicit_function(const F& conditions, const Z& z, RootOptions options, const P&... params) {
  options.solver = detail::given_point(options.accept);
  return detail::solve_tree<Kind::root>("implicit_function", conditions, z, options, params...).value;
}
template <class F, Tree Z> tree_t<Z> implicit_function(const F& conditions, const Z& z) {
  return implicit_function(conditions, z, RootOptions{});
}

/// What solver(params...) finds, differentiable in params by the conditions that hold there; the solver's steps are not
/// differentiated. It returns z, or a std::pair of z and of what the conditions need besides (which rows are active, a
/// factorisation, a scale), any tree: conditions(params..., z, aux) = 0, in which `aux` counts as constant. Returned is what the solver
/// returns; `aux` has no derivative. Errors as above.
template <class S, class F, class... P>
requires(!Tree<F>) auto implicit_function(const S& solver, const F& conditions, const RootOptions& options,
                                          const P&... params) {
  const auto found = solver(stop_gradient(detail::as_tree(params))...);
  using Found = std::remove_cvref_t<decltype(found)>;
  if constexpr (detail::is_pair<Found>()) {
    using Z = tree_t<std::tuple_element_t<0, Found>>;
    using Aux = tree_t<std::tuple_element_t<1, Found>>;
    if constexpr (std::is_invocable_v<const F&, const tree_t<P>&..., const Z&, const Aux&>) {
      const Aux aux = stop_gradient(detail::as_tree(found.second));
      const auto held = [&conditions, aux](const tree_t<P>&... theta, const Z& z) {
        return conditions(theta..., z, aux);
      };
      return std::pair<Z, Aux>(implicit_function(held, detail::as_tree(found.first), options, params...), aux);
    } else {
      return implicit_function(conditions, found, options, params...);
    }
  } else {
    return implicit_function(conditions, found, options, params...);
  }
}

}  // namespace dini
