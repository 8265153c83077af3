// The derivative of a point that one has: from anywhere, found by any means.
//
//     z = implicit_function(F, z, options, θ...)       the same z, as a function of θ with 0 = F(θ..., z)
//
// F are conditions that hold at z: equations, the stationarity of what was made least, a KKT system. Whoever found z, a solver of
// another library, a table, a formula, the derivative is that of the implicit function theorem: dz = -(∂F/∂z)⁻¹ ∂F/∂θ dθ.
#pragma once

#include "dini/implicit/fixed_point.hpp"

namespace dini {

namespace detail {
/// The method that takes z0 as it is, where its Newton correction is within accept·‖z0‖.
Solver given_point(double accept);
}  // namespace detail

/// z itself, differentiable in params and in all that F captures, in every order; not in the z that is given. As many conditions as
/// unknowns, in any tree. SolveError, as options.on_failure says, where z does not meet them: its Newton correction exceeds
/// options.accept·‖z‖, or it has no derivative. Of the options `solver`, `tolerance`, `max_steps` and `history` are of no account.
template <class F, class Z, class... P>
tree_t<Z> implicit_function(const F& conditions, const Z& z, RootOptions options, const P&... params) {
  options.solver = detail::given_point(options.accept);
  return detail::solve_tree<Kind::root>("implicit_function", conditions, z, options, params...).value;
}
template <class F, class Z> tree_t<Z> implicit_function(const F& conditions, const Z& z) {
  return implicit_function(conditions, z, RootOptions{});
}

}  // namespace dini
