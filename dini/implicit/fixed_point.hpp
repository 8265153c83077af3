// Fixed points and roots as functions of what their equations contain.
//
//     fixed_point(f, z0, options, θ...)    z = f(θ..., z)
//     root(F, z0, options, θ...)           0 = F(θ..., z)
//     fixed_point_layer(solver, f, params, x)     the layer z = f(params, x, z), z from zeros like x
//
// z and every θ may be a tree. Solutions are differentiable in every θ and in all that the function captures, by the implicit
// function theorem (implicit/solve.hpp): the start and the solver's path have no part in it. Everything works under jit, vmap
// and differentiation of any order.
#pragma once

#include <optional>

#include "dini/core/watch.hpp"
#include "dini/implicit/solve.hpp"
#include "dini/transforms/callable.hpp"

namespace dini {

struct FixedPointOptions {
  /// None: several, one after the other, until one converges (`dini solvers` and docs/solving.md list them).
  Solver solver = {};
  /// None: as accurate as the dtype allows (docs/solving.md). A number: on ‖F‖, absolute and relative to the first.
  Tolerance tolerance = {};
  /// -1: the solver's default.
  std::int64_t max_steps = -1;
  /// How the linear system of the derivative is solved. None: chosen by cost.
  Adjoint adjoint = {};
  /// What a solve that fails does, and a derivative that fails.
  OnFailure on_failure = OnFailure::raise;
  /// Keep this many residual norms, from that of z0 on.
  std::int64_t history = 0;
  /// False: f is called with values at each step, so that it may read them, instead of being traced.
  bool stage = true;
  /// With OnFailure::best: derivatives even of a solve that failed, and even where they are not what they should be (a singular
  /// point, a linear solve that failed).
  bool derivative_anyway = false;
  /// A user's solver returns no status: its z is refused where the Newton correction exceeds accept·‖z‖.
  double accept = 1e-2;
  /// What is known of ∂F/∂z: {.symmetric = true}, .positive_definite, .diagonal. Of a fixed point, of I - ∂f/∂z.
  MatrixStructure structure = {};
  /// A monitor that is called each step, a token and a deadline that end the solve as `cancelled`, with the best point so far.
  Watch watch = {};
  /// With bounds or constraints: what the derivative is at a tie.
  Ties ties = Ties::average;
  /// With bounds or constraints: the size of a multiplier or of the distance to a bound, beside the sizes of what it is made of, up to
  /// which it counts as 0. 0: eps^(2/3).
  double strict = 0;
};
using RootOptions = FixedPointOptions;

/// What a solve found. Lanes, under vmap, have their own status, steps and norms.
template <class Z> struct Solution {
  Z value;
  Status status;
  Array steps, evaluations;
  Array residual_norm;   // ‖F(value)‖
  Array error_estimate;  // the largest error of a component beside its size, rounding included (docs/solving.md)
  Array history;         // residual norms, NaN beyond the last step
  Array method;          // which of `methods` it was that found it
  std::vector<std::string> methods;
  auto tree() { return std::tie(value, status, steps, evaluations, residual_norm, error_estimate, history, method); }
  /// The name of the solver that found it; of lanes, that of the first.
  std::string solver() const { return methods.at(static_cast<std::size_t>(method.to_vector<std::int64_t>().at(0))); }
};

namespace detail {

/// leaves: [z leaves, θ leaves...] -> f's leaves, like z's.
struct SolveRequest {
  const char* function;
  Kind kind;
  ErasedFunction f;
  Leaves z0, theta;
  std::string z_structure;
  const FixedPointOptions& options;
  Leaves lower = {}, upper = {};            // like z0, or one array for all, or none
  ErasedFunction equal = {}, at_most = {};  // [z leaves, θ leaves...] -> leaves, or none
  /// Of a start with multipliers those, in leaves like the values of equal and at_most, and options.solver as `resumed` has it.
  bool with_multipliers = false;
  Leaves start_equal = {}, start_at_most = {};
};
/// The options of a solve that begins with multipliers: its solver tries first whether their active set is the right one.
FixedPointOptions resumed(FixedPointOptions options);
Array zeros_for_layer(const Array& a);
/// What a solve with constraints gives beside, in leaves like z's and like the values of equal and at_most.
struct ConstrainedLeaves {
  Leaves lower, upper, equal, at_most;
  Array active, weakly_active, dependent;
  Leaves certificate_lower, certificate_upper, certificate_equal, certificate_at_most, ray;
};
struct SolvedLeaves {
  Leaves z;
  Outcome outcome;
  ConstrainedLeaves constrained;
};
SolvedLeaves solve_leaves(const SolveRequest& request);
Restriction restriction_of(const SolveRequest& request);

/// A user's functions of (params..., z) as functions of leaves: [z leaves, θ leaves...] -> a tree.
template <class Z, class... P> struct TreeCall {
  using Start = tree_t<Z>;
  using Thetas = std::tuple<tree_t<P>...>;
  Start start;
  Thetas like;
  std::ptrdiff_t n;

  TreeCall(const Z& z0, const P&... params)
      : start(as_tree(z0)), like(as_tree(params)...), n(static_cast<std::ptrdiff_t>(flatten(start).size())) {}
  template <class F> auto operator()(const F& f, const Leaves& in) const {
    const Thetas p = unflatten(like, Leaves(in.begin() + n, in.end()));
    const Start z = unflatten(start, Leaves(in.begin(), in.begin() + n));
    return as_tree(std::apply([&](const auto&... a) { return f(a..., z); }, p));
  }
};

/// A request's solution, z in a tree like this one.
template <class Z> Solution<Z> solution_of(const Z& like, const SolveRequest& request, const SolvedLeaves& s) {
  const Outcome& o = s.outcome;
  return {unflatten(like, s.z),
          {o.status},
          o.steps,
          o.evaluations,
          o.residual_norm,
          o.error_estimate,
          o.history,
          o.method,
          request.options.solver.method()->methods(request.kind, restriction_of(request))};
}

template <Kind kind, class F, class Z, class... P>
auto solve_tree(const char* name, const F& f, const Z& z0, const FixedPointOptions& options, const P&... params) {
  using ZT = tree_t<Z>;
  if constexpr (!check_tree_call<F, P..., Z>()) {
    return Solution<ZT>{};
  } else {
    const TreeCall<Z, P...> call(z0, params...);
    const std::string wanted = structure(call.start);
    auto erased = [&](const Leaves& in) {
      const auto value = call(f, in);
      if (kind == Kind::fixed_point || kind == Kind::bracketed_root)
        match_structure(structure(value), wanted, name, "values of f");
      return flatten(value);
    };
    const SolveRequest request{name, kind, erased, flatten(call.start), flatten(call.like), wanted, options};
    return solution_of(call.start, request, solve_leaves(request));
  }
}

}  // namespace detail

/// z with z = f(params..., z), from z0; f's last argument is z, and its value is a tree like z. ShapeError, DtypeError when it
/// is not; SolveError when the solve fails, as options.on_failure says.
template <class F, class Z, class... P>
auto fixed_point(const F& f, const Z& z0, const FixedPointOptions& options, const P&... params) {
  return detail::solve_tree<Kind::fixed_point>("fixed_point", f, z0, options, params...);
}
template <class F, class Z> auto fixed_point(const F& f, const Z& z0) {
  return detail::solve_tree<Kind::fixed_point>("fixed_point", f, z0, FixedPointOptions{});
}

/// z with 0 = f(params..., z), from z0; as many equations as unknowns, in any tree.
template <class F, class Z, class... P>
auto root(const F& f, const Z& z0, const RootOptions& options, const P&... params) {
  return detail::solve_tree<Kind::root>("root", f, z0, options, params...);
}
template <class F, class Z> auto root(const F& f, const Z& z0) {
  return detail::solve_tree<Kind::root>("root", f, z0, FixedPointOptions{});
}

/// The layer z = f(params, x, z): its value, from z_init or zeros like x. The solver may be any callable (f, z) -> z. Of the
/// options, `solver` is the one given first.
template <class F, Tree P, Tree X>
tree_t<X> fixed_point_layer(const Solver& solver, const F& f, const P& params, const X& x,
                            FixedPointOptions options = {}) {
  options.solver = solver;
  const tree_t<X> like = detail::as_tree(x);
  return fixed_point(f, tree_map([](const Array& a) { return detail::zeros_for_layer(a); }, like), options, params, x)
      .value;
}
template <class F, Tree P, Tree X, Tree Z>
tree_t<Z> fixed_point_layer(const Solver& solver, const F& f, const P& params, const X& x, const Z& z_init,
                            FixedPointOptions options = {}) {
  options.solver = solver;
  return fixed_point(f, z_init, options, params, x).value;
}

}  // namespace dini
