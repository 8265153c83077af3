// Derivatives of functions: jvp, vjp, linearize, grad, value_and_grad, jacobian, jacfwd, jacrev, hessian, hvp.
//
// For f: x -> y with Jacobian J = ∂y/∂x at x:
//     jvp        dy = J dx                 forward mode
//     vjp        x̄ = Jᵀȳ                   reverse mode
//     grad       ∂f/∂x of a scalar f       one pullback of 1
//     jacobian   J of shape y.shape + x.shape
//     hessian    ∂²f/∂x²
// Arguments and results are trees; C++ numbers are arrays. Integer leaves have no derivative.
#pragma once

#include <memory>

#include "dini/ops/elementwise.hpp"
#include "dini/transforms/callable.hpp"
#include "dini/transforms/grad_leaves.hpp"

namespace dini {

/// Trees, so that they may be returned under jit and vmap.
template <class Out> struct Jvp {
  Out value, tangent;
  auto tree() { return std::tie(value, tangent); }
};
template <class Out, class Aux> struct JvpAux {
  Out value, tangent;
  Aux auxiliary;
  auto tree() { return std::tie(value, tangent, auxiliary); }
};

namespace detail {
template <class Pair> struct Auxiliary {
  static_assert(is_pair<Pair>(), "has_aux: f must return a pair (value, auxiliary)");
  using type = std::remove_cvref_t<std::tuple_element_t<1, Pair>>;
};
template <class F, class... A> using auxiliary_t = typename Auxiliary<raw_result_t<F, A...>>::type;

// f's value; the auxiliary, as the innermost trace's values, goes to `aux`.
template <class F, class Aux> auto without_aux(const F& f, std::optional<Aux>& aux) {
  return [&](const auto&... a)
             -> std::remove_cvref_t<std::tuple_element_t<0, result_of_t<F, std::remove_cvref_t<decltype(a)>...>>> {
    auto both = f(a...);
    Leaves leaves = flatten(std::get<1>(both));
    for (Array& leaf : leaves) leaf = strip_innermost(leaf);
    aux = unflatten(std::get<1>(both), leaves);
    return as_tree(std::get<0>(both));
  };
}
}  // namespace detail

/// y = f(x) and dy = J dx. For f of several arguments x and dx are std::tuples of them. ShapeError, DtypeError when dx does
/// not have the structure, shapes and dtypes of x; DtypeError when nothing in x is floating. Where something is, integers
/// have the tangent zero, whatever dx has in their places.
template <class F, class X, class DX> auto jvp(const F& f, const X& x, const DX& dx) {
  if constexpr (detail::check_tree<DX>() && detail::check_arguments<F, X>()) {
    return detail::with_arguments(f, x, [&](auto& call) {
      using Out = typename std::remove_cvref_t<decltype(call)>::Out;
      const detail::Leaves primals = call.leaves();
      detail::match_structure(structure(dx), structure(x), "jvp", "tangents");
      detail::require_some_floating(primals, "jvp");
      const detail::Leaves tangents =
          detail::match_leaves(flatten(dx), detail::avals_of_leaves(primals), "jvp", "tangent");
      auto [values, results] = detail::jvp_values(call.erased(), primals, tangents);
      return Jvp<Out>{call.output(values), call.output(results)};
    });
  }
}
template <Tree X, Tree DX> auto jvp(OverloadedFunction f, const X& x, const DX& dx) {
  return jvp<UnaryFunction>(f, x, dx);
}

/// The same for f that returns a pair (value, auxiliary): the auxiliary is not differentiated.
template <class F, class X, class DX> auto jvp_has_aux(const F& f, const X& x, const DX& dx) {
  auto run = [&]<class Aux>(std::optional<Aux> aux) {
    auto [value, tangent] = jvp(detail::without_aux(f, aux), x, dx);
    return JvpAux<decltype(value), Aux>{value, tangent, *aux};
  };
  if constexpr (detail::is_tuple<X>::value && !detail::takes<F, X>) {
    return std::apply(
        [&](const auto&... a) {
          return run(std::optional<detail::auxiliary_t<F, std::remove_cvref_t<decltype(a)>...>>());
        },
        x);
  } else {
    return run(std::optional<detail::auxiliary_t<F, X>>());
  }
}

/// The linear map of cotangents ȳ to the arguments' cotangents Jᵀȳ: one tree for one argument, a tuple for several. Owns
/// what it needs; may be called any number of times.
template <class Out, class In> class Pullback {
 public:
  Pullback(std::shared_ptr<const detail::VjpData> data, Out out, In in)
      : data_(std::move(data)), out_(std::move(out)), in_(std::move(in)) {}
  /// ShapeError, DtypeError unless `cotangent` has the structure, shapes and dtypes of the value.
  auto operator()(const Out& cotangent) const {
    detail::match_structure(structure(cotangent), structure(out_), "vjp", "cotangents");
    return detail::unwrap_single(unflatten(in_, data_->pull(flatten(cotangent))));
  }

 private:
  std::shared_ptr<const detail::VjpData> data_;
  Out out_;
  In in_;
};

template <class Out, class In> struct Vjp {
  Out value;
  Pullback<Out, In> pullback;
};
template <class Out, class In, class Aux> struct VjpAux {
  Out value;
  Pullback<Out, In> pullback;
  Aux auxiliary;
};

/// y = f(x...) and the pullback ȳ -> Jᵀȳ. f is run once, here.
template <class F, class... X> auto vjp(const F& f, const X&... x) {
  if constexpr (detail::check_tree_call<F, X...>()) {
    detail::Call<F, std::make_index_sequence<sizeof...(X)>, X...> call(f, x...);
    using C = decltype(call);
    auto data = detail::make_vjp(call.erased(), call.leaves());
    auto value = call.output(data->map.out);
    return Vjp<typename C::Out, typename C::Selected>{value, {data, value, call.selected()}};
  }
}
template <Tree X> auto vjp(OverloadedFunction f, const X& x) { return vjp<UnaryFunction>(f, x); }

/// The same for f that returns a pair (value, auxiliary): the auxiliary is not differentiated.
template <class F, class... X> auto vjp_has_aux(const F& f, const X&... x) {
  using Aux = detail::auxiliary_t<F, X...>;
  std::optional<Aux> aux;
  auto [value, pullback] = vjp(detail::without_aux(f, aux), x...);
  return VjpAux<decltype(value), typename detail::Call<F, std::make_index_sequence<sizeof...(X)>, X...>::Selected, Aux>{
      value, pullback, *aux};
}

/// y = f(x), and the map dx -> J dx, f being run once. For f of several arguments x and dx are std::tuples of them.
template <class F, class X> auto linearize(const F& f, const X& x) {
  if constexpr (detail::check_arguments<F, X>()) {
    return detail::with_arguments(f, x, [&](auto& call) {
      detail::require_some_floating(call.leaves(), "linearize");
      auto data = detail::make_vjp(call.erased(), call.leaves(), "linearize");
      auto value = call.output(data->map.out);
      auto push = [data, value, like = structure(x)](const tree_t<X>& dx) {
        detail::match_structure(structure(dx), like, "linearize", "tangents");
        return unflatten(value, data->push(flatten(dx)));
      };
      return std::pair(value, push);
    });
  }
}
template <Tree X> auto linearize(OverloadedFunction f, const X& x) { return linearize<UnaryFunction>(f, x); }

/// For f linear in x, of the shapes of `like`: the map ȳ -> Jᵀȳ, without running f on numbers. For f of several arguments,
/// linear in all of them together, `like` and Jᵀȳ are std::tuples of them. TraceError, which names the operation, where f is not linear.
template <class F, class X> auto linear_transpose(const F& f, const X& like) {
  if constexpr (detail::check_arguments<F, X>()) {
    return detail::with_arguments(f, like, [&](auto& call) {
      auto transposed = detail::make_transpose(call.erased(), call.leaves());
      return [transposed, like = detail::as_tree(like)](const Tree auto& y) {
        return unflatten(like, transposed(flatten(y)));
      };
    });
  }
}
template <Tree X> auto linear_transpose(OverloadedFunction f, const X& like) {
  return linear_transpose<UnaryFunction>(f, like);
}

namespace detail {
// A namespace of its own: were these in detail, argument-dependent lookup for jvp(grad(f), x, v) would look there.
namespace functions {
template <class F, int... Argnums> class Grad {
 public:
  using Wrapped = F;
  explicit Grad(F f) : f_(std::move(f)) {}
  template <class... A>
  requires Takes<F, A...>
  auto operator()(const A&... a) const { return value_and_grad(a...).second; }
  template <class... A>
  requires(!Takes<F, A...>) Refused operator()(const A&...) const { return refuse_call<F, A...>(); }
  template <class... A> auto value_and_grad(const A&... a) const {
    using P = decltype(positions<sizeof...(A), Argnums...>());
    if constexpr (check_selected_call<F, P, A...>()) {
      Call<F, P, A...> call(f_, a...);
      auto [value, gradient] = grad_leaves(call.erased(), call.leaves());
      return std::pair(call.output({value}), unwrap_single(unflatten(call.selected(), gradient)));
    } else {
      return std::pair(Refused(), Refused());
    }
  }

 private:
  F f_;
};
template <class F, int... Argnums> auto make_grad(F f) {
  if constexpr (sizeof...(Argnums) == 0)
    return Grad<F, 0>(std::move(f));
  else
    return Grad<F, Argnums...>(std::move(f));
}
template <class F, int... Argnums> auto split_aux(const F& f) {
  return [f](const auto&... a) {
    std::optional<auxiliary_t<F, std::remove_cvref_t<decltype(a)>...>> aux;
    const auto first = without_aux(f, aux);
    auto [value, gradient] = make_grad<std::remove_cvref_t<decltype(first)>, Argnums...>(first).value_and_grad(a...);
    return std::pair(std::pair(value, *aux), gradient);
  };
}
}  // namespace functions
using functions::make_grad;
using functions::split_aux;
}  // namespace detail

/// ∂f/∂x for f with a scalar value: grad(f)(x, ...) differentiates by the first argument, grad<0, -1>(f) by those named (a
/// tuple of gradients when there are several). ShapeError when the value is not a scalar, DtypeError for integer arguments.
template <int... Argnums, class F> auto grad(F f) { return detail::make_grad<F, Argnums...>(std::move(f)); }
inline auto grad(OverloadedFunction f) { return detail::make_grad<UnaryFunction>(f); }

/// The pair (f(x), ∂f/∂x), f being run once.
template <int... Argnums, class F> auto value_and_grad(F f) {
  return [g = detail::make_grad<F, Argnums...>(std::move(f))](const auto&... a) { return g.value_and_grad(a...); };
}
inline auto value_and_grad(OverloadedFunction f) {
  return [g = detail::make_grad<UnaryFunction>(f)](const auto&... a) { return g.value_and_grad(a...); };
}

/// For f that returns (value, auxiliary): ((value, auxiliary), gradient), and (gradient, auxiliary).
template <int... Argnums, class F> auto value_and_grad_has_aux(F f) { return detail::split_aux<F, Argnums...>(f); }
template <int... Argnums, class F> auto grad_has_aux(F f) {
  return [g = detail::split_aux<F, Argnums...>(f)](const auto&... a) {
    auto all = g(a...);
    return std::pair(std::move(all.second), std::move(all.first.second));
  };
}

namespace detail {
enum class Mode { automatic, forward, reverse };
namespace functions {
template <class F, Mode M, int... Argnums> class Jacobian {
 public:
  using Wrapped = F;
  explicit Jacobian(F f) : f_(std::move(f)) {}
  template <class... A>
  requires(!Takes<F, A...>) Refused operator()(const A&...) const { return refuse_call<F, A...>(); }
  template <class... A>
  requires Takes<F, A...>
  auto operator()(const A&... a) const {
    Call<F, decltype(positions<sizeof...(A), Argnums...>()), A...> call(f_, a...);
    using In = decltype(unwrap_single(call.selected()));
    const std::vector<Leaves> rows = jacobian_leaves(call.erased(), call.leaves(), M);  // [output][input]
    if constexpr (std::is_same_v<In, Array>) {
      Leaves first;
      for (const Leaves& row : rows) first.push_back(row.at(0));
      return call.output(first);
    } else {
      std::size_t next = 0;
      return rebuild(call.prototype(), [&]<class Leaf>(const Leaf&) {
        static_assert(
            std::is_same_v<Leaf, Array>,
            "jacobian: of a struct by a tree has no type of its own; return a tuple, or take it by one array");
        return unwrap_single(unflatten(call.selected(), rows.at(next++)));
      });
    }
  }

 private:
  F f_;
};
template <Mode M, int... Argnums, class F> auto make_jacobian(F f) {
  if constexpr (sizeof...(Argnums) == 0)
    return Jacobian<F, M, 0>(std::move(f));
  else
    return Jacobian<F, M, Argnums...>(std::move(f));
}
template <Mode M, int... Argnums, class F> auto jacobian_and_aux(F f) {
  return [f = std::move(f)](const auto&... a) {
    std::optional<auxiliary_t<F, std::remove_cvref_t<decltype(a)>...>> aux;
    auto jacobian = make_jacobian<M, Argnums...>(without_aux(f, aux))(a...);
    return std::pair(std::move(jacobian), *aux);
  };
}
}  // namespace functions
using functions::jacobian_and_aux;
using functions::make_jacobian;
}  // namespace detail

/// J = ∂f/∂x, of shape f(x).shape + x.shape, by the first argument, or by those numbered: jacobian<0, 1>(f), a tuple. jacfwd
/// costs one jvp for each element of x, jacrev one pullback for each element of f(x), all at once; jacobian takes the
/// cheaper. By a tree, a tree of Jacobians, in the place of each array of f's value.
template <int... Argnums, class F> auto jacobian(F f) {
  return detail::make_jacobian<detail::Mode::automatic, Argnums...>(std::move(f));
}
template <int... Argnums, class F> auto jacfwd(F f) {
  return detail::make_jacobian<detail::Mode::forward, Argnums...>(std::move(f));
}
template <int... Argnums, class F> auto jacrev(F f) {
  return detail::make_jacobian<detail::Mode::reverse, Argnums...>(std::move(f));
}
inline auto jacobian(OverloadedFunction f) { return jacobian<0>(f); }
inline auto jacfwd(OverloadedFunction f) { return jacfwd<0>(f); }
inline auto jacrev(OverloadedFunction f) { return jacrev<0>(f); }

/// For f that returns (value, auxiliary): (Jacobian, auxiliary).
template <int... Argnums, class F> auto jacfwd_has_aux(F f) {
  return detail::jacobian_and_aux<detail::Mode::forward, Argnums...>(std::move(f));
}
template <int... Argnums, class F> auto jacrev_has_aux(F f) {
  return detail::jacobian_and_aux<detail::Mode::reverse, Argnums...>(std::move(f));
}

/// ∂²f/∂x² of a scalar f, of shape x.shape + x.shape: forward over reverse. By several arguments, hessian<0, 1>(f), a tuple
/// for each argument of those by each.
template <int... Argnums, class F> auto hessian(F f) { return jacfwd<Argnums...>(grad<Argnums...>(std::move(f))); }
inline auto hessian(OverloadedFunction f) { return jacfwd<0>(grad(f)); }

/// (∂²f/∂x²) v without forming the Hessian: forward over reverse. For f of several arguments x and v are std::tuples of them,
/// and so is the product.
template <class F, class X, class V> auto hvp(const F& f, const X& x, const V& v) {
  if constexpr (!detail::check_arguments<F, X>()) {
    return;
  } else if constexpr (detail::is_tuple<X>::value && !detail::takes<F, X>) {
    return [&]<int... I>(std::integer_sequence<int, I...>) { return jvp(grad<I...>(f), x, v).tangent; }
    (std::make_integer_sequence<int, static_cast<int>(std::tuple_size_v<X>)>{});
  } else {
    return jvp(grad(f), x, v).tangent;
  }
}

/// A tree of constants to every derivative: stop_gradient of each array.
template <Tree T>
requires(!std::is_convertible_v<const T&, Array>) tree_t<T> stop_gradient(const T& tree) {
  return tree_map([](const Array& a) { return stop_gradient(a); }, tree);
}

}  // namespace dini
