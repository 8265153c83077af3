// Optima and roots with bounds and constraints.
//
//     minimize(E, z0, subject_to(Bounds{l, u}, Equal{h}, AtMost{g}), options, θ...)
//         z = argmin E(θ..., z) with l ≤ z ≤ u, h(θ..., z) = 0, g(θ..., z) ≤ 0
//     least_squares(r, z0, subject_to(...), options, θ...)
//     root(F, z0, Bounds{l, u}, options, θ...)
//         l ≤ z ≤ u with F_j = 0, or F_j ≥ 0 where z_j = l_j, or F_j ≤ 0 where z_j = u_j: the variational inequality of a box
//
// What is found, its multipliers and the objective are differentiable in every θ, in the bounds and in all that the functions
// capture, in every order, by the implicit function theorem on the conditions of optimality with the active constraints held:
//
//     ∇E + Hᵀν + Gᵀλ - μ_l + μ_u = 0,   h = 0,   λ_i = 0 or g_i = 0,   μ_j = 0 or z_j = its bound
//
// Where a constraint is active with a multiplier of 0 the solution has two derivatives, one for each side; options.ties says which.
// Where active rows depend on one another the multipliers and the derivative are those of minimum norm (docs/optimization.md).
#pragma once

#include <tuple>
#include <type_traits>

#include "dini/implicit/optimum.hpp"

namespace dini {

/// lower ≤ z ≤ upper, entry by entry: trees like z, or one number for all. ∓∞ is no bound. Where both are equal z is fixed.
template <class L, class U> struct Bounds {
  L lower;
  U upper;
};
template <class L, class U> Bounds(L, U) -> Bounds<L, U>;
/// h(θ..., z) = 0: a tree of any shape.
template <class H> struct Equal { H h; };
template <class H> Equal(H) -> Equal<H>;
/// g(θ..., z) ≤ 0: a tree of any shape.
template <class G> struct AtMost { G g; };
template <class G> AtMost(G) -> AtMost<G>;

/// Constraints of a problem: each kind at most once, in any order.
template <class... C> struct Constraints { std::tuple<C...> of; };
template <class... C> Constraints<C...> subject_to(const C&... constraints) { return {{constraints...}}; }

namespace detail {

template <class C> struct ConstraintKind { static constexpr int value = -1; };
template <class L, class U> struct ConstraintKind<Bounds<L, U>> { static constexpr int value = 0; };
template <class H> struct ConstraintKind<Equal<H>> { static constexpr int value = 1; };
template <class G> struct ConstraintKind<AtMost<G>> { static constexpr int value = 2; };

/// The constraint of a kind, or a nullptr.
template <int kind, class... C> auto constraint_of(const Constraints<C...>& c) {
  constexpr int found = ((ConstraintKind<C>::value == kind ? 1 : 0) + ... + 0);
  static_assert(found <= 1, "subject_to takes each of Bounds, Equal and AtMost once: join rows in a tuple");
  constexpr bool known = ((ConstraintKind<C>::value >= 0) && ...);
  static_assert(known, "subject_to takes Bounds{lower, upper}, Equal{h} and AtMost{g}");
  if constexpr (found == 0) {
    return nullptr;
  } else {
    constexpr int at = [] {
      int k = 0, out = 0;
      ((ConstraintKind<C>::value == kind ? out = k++ : k++), ...);
      return out;
    }();
    return std::get<at>(c.of);
  }
}

/// The values of rows(params..., z), a tree.
template <class Rows, class Z, class... P> struct RowsOf { using type = NoRows; };
template <class H, class Z, class... P> struct RowsOf<Equal<H>, Z, P...> {
  using type = tree_t<std::invoke_result_t<const H&, const tree_t<P>&..., const tree_t<Z>&>>;
};
template <class G, class Z, class... P> struct RowsOf<AtMost<G>, Z, P...> {
  using type = tree_t<std::invoke_result_t<const G&, const tree_t<P>&..., const tree_t<Z>&>>;
};

template <class H> const H& function_of(const Equal<H>& c) { return c.h; }
template <class G> const G& function_of(const AtMost<G>& c) { return c.g; }

template <Kind kind, class F, class Start, class... C, class... P>
auto solve_constrained(const char* name, const F& f, const Start& start, const Constraints<C...>& constraints,
                       const FixedPointOptions& options, const P&... params) {
  constexpr bool resumes = is_optimum<Start> && sizeof...(C) > 0;
  using Z = point_of_start_t<Start>;
  using ZT = tree_t<Z>;
  const auto bounds = constraint_of<0>(constraints);
  const auto equal = constraint_of<1>(constraints);
  const auto at_most = constraint_of<2>(constraints);
  using H = typename RowsOf<std::remove_cvref_t<decltype(equal)>, Z, P...>::type;
  using G = typename RowsOf<std::remove_cvref_t<decltype(at_most)>, Z, P...>::type;
  using Found = std::conditional_t<kind == Kind::root, Solution<ZT>, Optimum<ZT, H, G>>;
  if constexpr (!check_tree_call<F, P..., Z>()) {
    return Found{};
  } else {
    const TreeCall<Z, P...> call(point_of_start(start), params...);
    const FixedPointOptions own = resumes ? resumed(options) : options;
    SolveRequest request{name,
                         kind,
                         [&](const Leaves& in) { return flatten(call(f, in)); },
                         flatten(call.start),
                         flatten(call.like),
                         structure(call.start),
                         own};
    if constexpr (resumes) {
      request.with_multipliers = true;
      request.start_equal = flatten(start.duals.equal);
      request.start_at_most = flatten(start.duals.at_most);
    }
    H like_h{};
    G like_g{};
    if constexpr (!std::is_null_pointer_v<std::remove_cvref_t<decltype(bounds)>>) {
      request.lower = flatten(as_tree(bounds.lower));
      request.upper = flatten(as_tree(bounds.upper));
    }
    if constexpr (!std::is_null_pointer_v<std::remove_cvref_t<decltype(equal)>>)
      request.equal = [&](const Leaves& in) { return flatten(like_h = call(function_of(equal), in)); };
    if constexpr (!std::is_null_pointer_v<std::remove_cvref_t<decltype(at_most)>>)
      request.at_most = [&](const Leaves& in) { return flatten(like_g = call(function_of(at_most), in)); };
    const SolvedLeaves s = solve_leaves(request);
    const Solution<ZT> solution = solution_of(call.start, request, s);
    if constexpr (kind == Kind::root) {
      return solution;
    } else {
      Leaves at = s.z;
      at.insert(at.end(), request.theta.begin(), request.theta.end());
      const Leaves values = flatten(call(f, at));
      const Array objective = kind == Kind::least_squares ? half_square(values) : values[0];
      return optimum_of(solution, objective, s.constrained, like_h, like_g);
    }
  }
}

}  // namespace detail

/// z with E(params..., z) least near z0 among those that keep to the constraints. The functions' last argument is z. z0 may be an Optimum
/// of the same constraints, of other data: its value and its active set, corrected in a few steps, are tried first, and `solver()` is
/// "start" where that is the solution; no derivative flows from it. ShapeError where E is no scalar, or a bound or the start does not fit;
/// ValueError for a solver that takes no such constraints; SolveError when the solve fails
/// (`infeasible`, `unbounded`, ...), as options.on_failure says.
template <class E, class Z, class... C, class... P>
auto minimize(const E& e, const Z& z0, const Constraints<C...>& constraints, const MinimizeOptions& options,
              const P&... params) {
  return detail::solve_constrained<Kind::minimize>("minimize", e, z0, constraints, options, params...);
}
template <class E, class Z, class... C> auto minimize(const E& e, const Z& z0, const Constraints<C...>& constraints) {
  return minimize(e, z0, constraints, MinimizeOptions{});
}

/// z with ½‖r(params..., z)‖² least near z0 among those that keep to the constraints.
template <class R, class Z, class... C, class... P>
auto least_squares(const R& r, const Z& z0, const Constraints<C...>& constraints, const LeastSquaresOptions& options,
                   const P&... params) {
  auto solve = [&](const auto& residuals) {
    return detail::solve_constrained<Kind::least_squares>("least_squares", residuals, z0, constraints, options,
                                                          params...);
  };
  if constexpr (detail::takes<R, P..., Z>)
    return solve(detail::robust(r, options.loss));
  else
    return solve(r);
}
template <class R, class Z, class... C>
auto least_squares(const R& r, const Z& z0, const Constraints<C...>& constraints) {
  return least_squares(r, z0, constraints, LeastSquaresOptions{});
}

/// z between its bounds with F_j(params..., z) = 0, or F_j ≥ 0 at the lower bound, or F_j ≤ 0 at the upper.
template <class F, class Z, class L, class U, class... P>
auto root(const F& f, const Z& z0, const Bounds<L, U>& bounds, const RootOptions& options, const P&... params) {
  return detail::solve_constrained<Kind::root>("root", f, z0, subject_to(bounds), options, params...);
}
template <class F, class Z, class L, class U> auto root(const F& f, const Z& z0, const Bounds<L, U>& bounds) {
  return root(f, z0, bounds, RootOptions{});
}

}  // namespace dini
