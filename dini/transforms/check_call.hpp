// Whether a function can be called with arguments, and a sentence that says what to write where it cannot: one static_assert
// instead of what the compiler finds deep within.
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>

#include "dini/core/tree.hpp"

namespace dini::detail {

// What a call of a transformed function returns that cannot be made: its instantiation is an error, asking is not.
struct Refused {};

template <class F, class... A> constexpr bool can_call() {
  if constexpr (std::is_invocable_v<F, A...>)
    return !std::is_same_v<std::invoke_result_t<F, A...>, Refused>;
  else
    return false;
}

/// Whether f takes Arrays in the places of all numbers. Where it does not it may take a tree as it was given, numbers in it,
/// which serves for what is not traced: axes in a std::vector<int>.
template <class F, class... A> inline constexpr bool takes_trees = can_call<const F&, const tree_t<A>&...>();
template <bool Trees, class T>
using argument_t = std::conditional_t<Trees || std::is_arithmetic_v<T>, tree_t<T>, std::remove_cvref_t<T>>;

/// Whether f may be called with these arguments; what wraps f asks, so that whoever asks the wrapper is answered.
template <class F, class... A>
inline constexpr bool takes = can_call<const F&, const argument_t<takes_trees<F, A...>, A>&...>();
template <class F, class... A>
concept Takes = takes<F, A...>;

// The number of arguments of a function that has one; -1 of a generic lambda.
template <class F> struct Arity { static constexpr int value = -1; };
template <class F>
requires requires { &F::operator(); }
struct Arity<F> : Arity<decltype(&F::operator())> {};
template <class R, class... A> struct Arity<R (*)(A...)> { static constexpr int value = sizeof...(A); };
template <class R, class... A> struct Arity<R(A...)> { static constexpr int value = sizeof...(A); };
template <class R, class C, class... A> struct Arity<R (C::*)(A...)> { static constexpr int value = sizeof...(A); };
template <class R, class C, class... A> struct Arity<R (C::*)(A...) const> {
  static constexpr int value = sizeof...(A);
};
template <class R, class C, class... A> struct Arity<R (C::*)(A...) const noexcept> {
  static constexpr int value = sizeof...(A);
};

/// Whether a type is a tree, with what its tree() has to be. A static_assert where it is not.
template <class T> constexpr bool check_tree() {
  using U = std::remove_cvref_t<T>;
  if constexpr (!is_tree<U>()) {
    static_assert(
        never<T>,
        "an argument or result is no tree: give its struct a line auto tree() { return std::tie(W, b); }. Trees "
        "are arrays, numbers, such structs, and tuples, pairs, vectors, std::arrays and string-keyed maps of them");
    return false;
  } else if constexpr (HasTreeMember<U> || HasTreeFunction<U>) {
    return check_members<U>();
  } else {
    return true;
  }
}

template <class F, class... A> constexpr bool check_call();

/// Whether f(a...) can be called, as const, and returns something, for arguments of just these types. A static_assert where not.
template <class F, class... A> constexpr bool check_plain_call() {
  using Function = std::remove_cvref_t<F>;
  if constexpr (can_call<const Function&, const A&...>()) {
    using R = std::invoke_result_t<const Function&, const A&...>;
    static_assert(!std::is_void_v<R>, "the function returns nothing: it must return an Array, or a tree of them");
    if constexpr (std::is_void_v<R>)
      return false;
    else
      return check_tree<R>();
  } else if constexpr (requires { typename Function::Wrapped; }) {
    return check_call<typename Function::Wrapped, A...>();
  } else if constexpr (can_call<Function&, const A&...>()) {
    static_assert(
        never<F>,
        "the function changes what it holds: it is called as const, so that a lambda must not be mutable, nor "
        "operator() without const. Pass what changes as an argument, and return it");
    return false;
  } else if constexpr (Arity<Function>::value >= 0 && Arity<Function>::value != sizeof...(A)) {
    static_assert(Arity<Function>::value == sizeof...(A),
                  "the function takes another number of arguments than it is called with");
    return false;
  } else {
    static_assert(
        never<F>,
        "the function cannot be called with these arguments. It gets an Array for each array or C++ number, and a "
        "tree as it is: its parameters are const Array&, const Params&, or auto");
    return false;
  }
}

/// The same for a call with arguments of these types, of which the numbers become Arrays.
template <class F, class... A> constexpr bool check_call() {
  if constexpr (takes_trees<F, A...>)
    return check_plain_call<F, tree_t<A>...>();
  else if constexpr (takes<F, A...>)
    return check_plain_call<F, argument_t<false, A>...>();
  else
    return check_plain_call<F, tree_t<A>...>();
}
/// And all arguments are trees.
template <class F, class... A> constexpr bool check_tree_call() {
  if constexpr ((check_tree<A>() && ...))
    return check_call<F, A...>();
  else
    return false;
}
/// And those at `Positions` are.
template <class F, class Positions, class... A> constexpr bool check_selected_call() {
  return [&]<std::size_t... P>(std::index_sequence<P...>) {
    if constexpr ((check_tree<std::tuple_element_t<P, std::tuple<A...>>>() && ...))
      return check_call<F, A...>();
    else
      return false;
  }
  (Positions());
}
// Of a call with a tuple of arguments.
template <class F, class Tuple> struct TupleCall { static constexpr bool ok = check_tree_call<F, Tuple>(); };
template <class F, class... A> struct TupleCall<F, std::tuple<A...>> {
  static constexpr bool ok = check_tree_call<F, A...>();
};
template <class F, class A, class B> struct TupleCall<F, std::pair<A, B>> {
  static constexpr bool ok = check_tree_call<F, A, B>();
};
/// Whether f can be called with x, or with x as a std::tuple of its arguments; a static_assert where not.
template <class F, class X> constexpr bool check_arguments() {
  if constexpr (is_tuple<X>::value && !takes<F, X>)
    return TupleCall<F, X>::ok;
  else
    return check_tree_call<F, X>();
}

}  // namespace dini::detail
