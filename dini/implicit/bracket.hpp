// Roots in brackets, element by element.
//
//     root(F, Bracket{a, b}, options, θ...)     0 = F(θ..., z), z between a and b
//
// F maps arrays of a shape to arrays of that shape, element k depending on z_k alone, and has different signs at a and b: then there
// is a root between them, if F is continuous, and it is found from anywhere, whatever F is like.
#pragma once

#include <utility>

#include "dini/implicit/fixed_point.hpp"

namespace dini {

/// Two ends, in either order: numbers, arrays or trees of them, broadcast against each other, which may be traced. An end may be
/// infinite.
template <class T> struct Bracket { T lower, upper; };
template <class A, class B> Bracket(const A&, const B&) -> Bracket<tree_t<A>>;

namespace detail {

/// The ends' leaves, broadcast against each other and to the values of f, [z leaves, θ leaves...] -> [leaves], where they are scalars.
/// No derivative passes through them.
std::pair<Leaves, Leaves> ends_of_bracket(const Leaves& lower, const Leaves& upper, const ErasedFunction& f,
                                          const Leaves& theta);
/// Side by side in one array, as the solver has z.
Array side_by_side(const Leaves& leaves);
/// With what is known of elementwise equations: their Jacobian is a diagonal.
RootOptions for_elementwise(RootOptions options);

}  // namespace detail

/// z with 0 = F(params..., z) between the ends of the bracket, for each element by itself; F's value is a tree of arrays like z.
/// Numbers for ends serve for all elements of F's value. The bracket has no influence on the derivative, which is that of any
/// root. Where F has the same sign at both ends, or is NaN at one, the status is `bracket`; an end with F = 0 is the root; a jump
/// or a pole is none, and `stagnated`. The solve has converged when all elements have (under vmap every lane has a status of its
/// own). ShapeError, DtypeError when F's value is not like z; SolveError when the solve fails, as options.on_failure says; the
/// derivative's is `breakdown` where an element of F depends on another one of z. Solvers: Chandrupatla (the default), ITP,
/// Bisection.
template <class F, class T, class... P>
auto root(const F& f, const Bracket<T>& bracket, const RootOptions& options, const P&... params) {
  using Z = tree_t<T>;
  if constexpr (!detail::check_tree_call<F, P..., Z>()) {
    return Solution<Z>{};
  } else {
    using detail::Leaves;
    const Z like = detail::as_tree(bracket.lower);
    const std::tuple<tree_t<P>...> thetas(detail::as_tree(params)...);
    auto erased = [&](const Leaves& in) {
      const auto middle = in.begin() + static_cast<std::ptrdiff_t>(flatten(like).size());
      auto p = unflatten(thetas, Leaves(middle, in.end()));
      const Z z = unflatten(like, Leaves(in.begin(), middle));
      return flatten(detail::as_tree(std::apply([&](const auto&... a) { return f(a..., z); }, p)));
    };
    const auto ends =
        detail::ends_of_bracket(flatten(like), flatten(detail::as_tree(bracket.upper)), erased, flatten(thetas));
    // To the solve the bracket is a parameter on which the equation does not depend.
    auto of_all = [&f](const Array&, const Array&, const auto&... rest) { return f(rest...); };
    return detail::solve_tree<Kind::bracketed_root>("root", of_all, unflatten(like, ends.first),
                                                    detail::for_elementwise(options), detail::side_by_side(ends.first),
                                                    detail::side_by_side(ends.second), params...);
  }
}
template <class F, class T> auto root(const F& f, const Bracket<T>& bracket) { return root(f, bracket, RootOptions{}); }

}  // namespace dini
