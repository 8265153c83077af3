// Control flow on traced values: cond, switch_case, while_loop, fori_loop, scan, and loop, which solvers are written with.
//
// Where a condition can be read (eagerly, under jvp, vjp, grad), cond and loop take the branch or the steps on the host, so
// derivatives are those of the path taken. while_loop and scan are always one operation. Reverse mode goes through scan and
// fori_loop, which have a fixed number of steps, and not through while_loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "dini/transforms/callable.hpp"

namespace dini {

namespace detail {

struct WatchOpaque;  // dini/ops/watched.hpp
using WatchRef = std::shared_ptr<const WatchOpaque>;

// Branches as ops: the outputs of branches[index], index clamped. All have the same outputs' shapes and dtypes. `function` is
// the name in messages.
Leaves switch_leaves(const char* function, const Array& index, const std::vector<ErasedFunction>& branches,
                     const Leaves& operands);
/// Whether a scalar is not 0. ShapeError when it is no scalar.
Array truth(const Array& condition);
Leaves while_leaves(const std::function<Array(const Leaves&)>& condition, const ErasedFunction& body,
                    const Leaves& init, const WatchRef& watch = {});
/// body: [carry..., x...] -> [carry..., y...].
Leaves scan_leaves(const ErasedFunction& body, const Leaves& init, const Leaves& xs, std::int64_t length, bool reverse);
Leaves loop_leaves(const std::function<Array(const Leaves&)>& condition, const ErasedFunction& body, Leaves state,
                   std::int64_t at_most, const WatchRef& watch = {});
std::int64_t scan_length(const Leaves& xs, std::optional<std::int64_t> length);

// f applied to a tree, as a function of leaves; remembers the result's tree in `prototype`.
template <class F, class T, class Out>
ErasedFunction erase_tree(const F& f, const T& like, std::optional<Out>& prototype) {
  return [&f, like, &prototype](const Leaves& leaves) {
    Out out = as_tree(f(unflatten(like, leaves)));
    Leaves result = flatten(out);
    prototype = std::move(out);
    return result;
  };
}

// Whether a body that is called with `A...` gives the state that it goes on from; static_asserts where not.
template <class S, class Body, class... A> constexpr bool check_step() {
  if constexpr (check_tree<S>() && check_plain_call<Body, A...>()) {
    using R = tree_t<std::invoke_result_t<const Body&, const A&...>>;
    constexpr bool alike = std::is_convertible_v<R, S>;
    static_assert(alike, "a loop's body must return a state of the type that it is given: arrays in the same tree");
    return alike;
  } else {
    return false;
  }
}
template <class S, class Condition, class Body> constexpr bool check_loop() {
  if constexpr (check_step<S, Body, S>() && check_plain_call<Condition, S>()) {
    constexpr bool scalar = std::is_constructible_v<Array, std::invoke_result_t<const Condition&, const S&>>;
    static_assert(scalar, "a loop's condition must return a scalar Array, or a bool");
    return scalar;
  } else {
    return false;
  }
}
template <class F, class C, class X> constexpr bool check_scan() {
  if constexpr (check_tree<C>() && check_tree<X>() && check_plain_call<F, tree_t<C>, tree_t<X>>()) {
    using Step = std::remove_cvref_t<std::invoke_result_t<const F&, const tree_t<C>&, const tree_t<X>&>>;
    constexpr bool pair = is_pair<Step>();
    static_assert(pair, "scan: f(carry, x) must return a std::pair of the next carry and y, which may be `none`");
    return pair;
  } else {
    return false;
  }
}

template <class F, class... T> constexpr bool check_branch() {
  if constexpr ((check_tree<T>() && ...))
    return check_plain_call<F, tree_t<T>...>();
  else
    return false;
}

// `each(use)` calls use(f) for every branch; the value is like the first's.
template <class First, class Each, class... T>
auto switch_trees(const char* function, const Array& index, const Each& each, const T&... operands) {
  using Args = std::tuple<tree_t<T>...>;
  using Out = tree_t<std::invoke_result_t<const First&, const tree_t<T>&...>>;
  const Args arguments{as_tree(operands)...};
  std::optional<Out> prototype;
  std::vector<ErasedFunction> erased;
  each([&](const auto& f) {
    erased.push_back([&](const Leaves& leaves) {
      Out out = as_tree(std::apply(f, unflatten(arguments, leaves)));
      Leaves result = flatten(out);
      prototype = std::move(out);
      return result;
    });
  });
  Leaves out = switch_leaves(function, index, erased, flatten(arguments));
  return unflatten(*prototype, out);
}

}  // namespace detail

/// index-th of the branches, index clamped to those there are; all take the operands and return alike trees. ValueError when
/// there are none.
template <class... F, class... T>
auto switch_case(const Array& index, const std::tuple<F...>& branches, const T&... operands) {
  if constexpr ((detail::check_branch<F, T...>() && ...))
    return detail::switch_trees<std::tuple_element_t<0, std::tuple<F...>>>(
        "switch_case", index, [&](auto use) { std::apply([&](const F&... f) { (use(f), ...); }, branches); },
        operands...);
}
template <class F, class... T>
auto switch_case(const Array& index, const std::vector<F>& branches, const T&... operands) {
  if constexpr (detail::check_branch<F, T...>())
    return detail::switch_trees<F>(
        "switch_case", index,
        [&](auto use) {
          for (const F& f : branches) use(f);
        },
        operands...);
}

/// on_true(operands...) where the scalar condition is not 0, on_false(operands...) otherwise.
template <class F, class G, class... T>
auto cond(const Array& condition, const F& on_true, const G& on_false, const T&... operands) {
  if constexpr (detail::check_branch<F, T...>() && detail::check_branch<G, T...>())
    return detail::switch_trees<F>(
        "cond", detail::truth(condition), [&](auto use) { use(on_false), use(on_true); }, operands...);
}
template <Tree T>
auto cond(const Array& condition, OverloadedFunction on_true, OverloadedFunction on_false, const T& operand) {
  return cond<UnaryFunction, UnaryFunction>(condition, on_true, on_false, operand);
}

/// body applied while condition(state) holds. One operation. Differentiable in forward mode only.
/// TraceError in reverse mode. ShapeError when the body changes the state's shapes or dtypes; where the state starts as a C++
/// number it gets the dtype that the body gives it.
template <class T, class C, class B> tree_t<T> while_loop(const C& condition, const B& body, const T& init) {
  using S = tree_t<T>;
  const S like = detail::as_tree(init);
  if constexpr (detail::check_loop<S, C, B>()) {
    std::optional<S> prototype = like;
    detail::Leaves out =
        detail::while_leaves([&](const detail::Leaves& s) { return Array(condition(unflatten(like, s))); },
                             detail::erase_tree<B, S, S>(body, like, prototype), flatten(like));
    return unflatten(like, out);
  } else {
    return like;
  }
}

/// while_loop for solvers, at most `at_most` steps: where the condition can be read it runs on the host, step by step, so
/// that both modes of differentiation go through it. With a `watch` its token and its deadline end the loop at any time: in
/// the middle of a step with the state that the step began with.
template <class T, class C, class B>
tree_t<T> loop(const C& condition, const B& body, const T& init, std::int64_t at_most,
               const detail::WatchRef& watch = {}) {
  using S = tree_t<T>;
  const S like = detail::as_tree(init);
  if constexpr (detail::check_loop<S, C, B>()) {
    std::optional<S> prototype = like;
    detail::Leaves out =
        detail::loop_leaves([&](const detail::Leaves& s) { return Array(condition(unflatten(like, s))); },
                            detail::erase_tree<B, S, S>(body, like, prototype), flatten(like), at_most, watch);
    return unflatten(like, out);
  } else {
    return like;
  }
}

/// (carry, x) -> (carry, y) over the leading axis of xs: the last carry and the stacked ys. With `reverse` from the end.
/// xs may be `none` where `length` is given. ShapeError when f changes the carry's shapes or dtypes; where the carry starts as a
/// C++ number it gets the dtype that f gives it.
template <class C, class X, class F>
auto scan(const F& f, const C& init, const X& xs, std::optional<std::int64_t> length = {}, bool reverse = false) {
  if constexpr (detail::check_scan<F, C, X>()) {
    using Carry = tree_t<C>;
    using Step = std::remove_cvref_t<std::invoke_result_t<const F&, const Carry&, const tree_t<X>&>>;
    using Y = tree_t<std::tuple_element_t<1, Step>>;
    const Carry carry = detail::as_tree(init);
    const tree_t<X> like = detail::as_tree(xs);
    using detail::Leaves;
    const Leaves xs_leaves = flatten(like);
    const std::size_t n = flatten(carry).size();
    std::optional<Y> y;
    auto body = [&](const Leaves& in) {
      Step step =
          f(unflatten(carry, Leaves(in.begin(), in.begin() + n)), unflatten(like, Leaves(in.begin() + n, in.end())));
      if (structure(std::get<0>(step)) != structure(carry)) {
        throw ShapeError("scan: the carry went in as " + structure(carry) + " and came out as " +
                         structure(std::get<0>(step)));
      }
      Leaves out = flatten(std::get<0>(step)), ys = flatten(std::get<1>(step));
      out.insert(out.end(), ys.begin(), ys.end());
      y = detail::as_tree(std::get<1>(std::move(step)));
      return out;
    };
    const Leaves out =
        detail::scan_leaves(body, flatten(carry), xs_leaves, detail::scan_length(xs_leaves, length), reverse);
    return std::pair<Carry, Y>(unflatten(carry, Leaves(out.begin(), out.begin() + n)),
                               unflatten(*y, Leaves(out.begin() + n, out.end())));
  }
}

/// body(k, state) for k = first, ..., last - 1. A fixed number of steps: both modes of differentiation go through it.
template <class T, class B> tree_t<T> fori_loop(std::int64_t first, std::int64_t last, const B& body, const T& init) {
  using S = tree_t<T>;
  const S like = detail::as_tree(init);
  if constexpr (detail::check_step<S, B, Array, S>()) {
    auto step = [&](const std::tuple<Array, S>& state, const None&) {
      const auto& [k, s] = state;
      return std::pair(std::tuple<Array, S>(k + 1, detail::as_tree(body(k, s))), none);
    };
    auto [state, ys] = scan(step, std::tuple<Array, S>(array(first), like), none, last > first ? last - first : 0);
    return std::get<1>(state);
  } else {
    return like;
  }
}

}  // namespace dini
