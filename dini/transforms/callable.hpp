// From a callable on trees to a function of leaves, and back.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "dini/core/tree.hpp"
#include "dini/transforms/check_call.hpp"
#include "dini/transforms/jvp.hpp"

namespace dini {

/// Arguments counted from 0, or from the end by negative numbers: grad<0, -1>(f).
template <int... I> struct argnums {};

namespace detail {

template <bool Trees, class T> argument_t<Trees, T> as_argument(const T& t) {
  if constexpr (std::is_same_v<argument_t<Trees, T>, T>)
    return t;
  else
    return as_tree(t);
}

/// What f returns, as it is and with Arrays for the numbers in it.
template <class F, class... A>
using raw_result_t = std::remove_cvref_t<std::invoke_result_t<const F&, const argument_t<takes_trees<F, A...>, A>&...>>;
template <class F, class... A> using result_of_t = tree_t<raw_result_t<F, A...>>;

/// The positions that Argnums... names among N arguments, in that order.
template <std::size_t N, int... Argnums> constexpr auto positions() {
  static_assert(((Argnums < static_cast<int>(N) && Argnums >= -static_cast<int>(N)) && ...),
                "an argument's number is out of range: the function is called with fewer arguments");
  return std::index_sequence<static_cast<std::size_t>(Argnums < 0 ? Argnums + static_cast<int>(N) : Argnums)...>{};
}

// For a function that wraps F: what a call is that F cannot take.
template <class F, class... A> Refused refuse_call() {
  static_cast<void>(check_call<F, A...>());
  return {};
}

/// What a function was called with: fixed arguments, and those at `Positions`, whose leaves vary.
template <class F, class Positions, class... A> class Call;
template <class F, std::size_t... P, class... A> class Call<F, std::index_sequence<P...>, A...> {
 public:
  static constexpr bool trees = takes_trees<F, A...>;
  using Arguments = std::tuple<argument_t<trees, A>...>;
  using Out = result_of_t<F, A...>;
  using Selected = std::tuple<std::tuple_element_t<P, Arguments>...>;

  Call(const F& f, const A&... a) : f_(f), arguments_(as_argument<trees>(a)...) {}

  Selected selected() const { return Selected(std::get<P>(arguments_)...); }
  Leaves leaves() const {
    if constexpr (selected_trees)
      return flatten(selected());
    else
      return {};
  }

  /// f's leaves for these leaves of the selected arguments. Keeps the result's tree.
  Leaves operator()(const Leaves& leaves) {
    if constexpr (selected_trees && check_tree<Out>()) {
      const Selected chosen = unflatten(selected(), leaves);
      Arguments all = arguments_;
      put(all, chosen, std::make_index_sequence<sizeof...(P)>{});
      Out out = as_tree(std::apply(f_, all));
      Leaves result = flatten(out);
      prototype_ = std::move(out);
      return result;
    } else {
      return {};
    }
  }
  ErasedFunction erased() {
    return [this](const Leaves& leaves) { return (*this)(leaves); };
  }
  const Out& prototype() const { return *prototype_; }
  Out output(const Leaves& leaves) const { return unflatten(*prototype_, leaves); }

 private:
  static constexpr bool selected_trees = (check_tree<std::tuple_element_t<P, Arguments>>() && ...);
  template <std::size_t... K> static void put(Arguments& all, const Selected& chosen, std::index_sequence<K...>) {
    ((std::get<P>(all) = std::get<K>(chosen)), ...);
  }
  const F& f_;
  Arguments arguments_;
  std::optional<Out> prototype_;
};

/// use(call), the call being that of f with x, or where x is a std::tuple of f's arguments with those.
template <class F, class X, class Use> auto with_arguments(const F& f, const X& x, const Use& use) {
  if constexpr (is_tuple<X>::value && !takes<F, X>) {
    return std::apply(
        [&]<class... A>(const A&... a) {
          Call<F, std::make_index_sequence<sizeof...(A)>, A...> call(f, a...);
          return use(call);
        },
        x);
  } else {
    Call<F, std::index_sequence<0>, X> call(f, x);
    return use(call);
  }
}

/// One selected argument stands for itself, several for a tuple.
template <class Tuple> auto unwrap_single(Tuple t) {
  if constexpr (std::tuple_size_v<Tuple> == 1)
    return std::get<0>(std::move(t));
  else
    return t;
}

/// Which leaves have derivatives: the floating ones.
std::vector<bool> floating_leaves(const Leaves& leaves);
/// ValueError, with the place, for an array that was never assigned.
void require_assigned(const Leaves& leaves, const char* function, const char* what = "arguments");
/// DtypeError unless all leaves are floating.
void require_floating(const Leaves& leaves, const char* function);
/// DtypeError where there are leaves of which none is floating.
void require_some_floating(const Leaves& leaves, const char* function);
/// ShapeError or DtypeError unless the leaves have the wanted shapes and dtypes (weak ones are converted).
Leaves match_leaves(const Leaves& given, const std::vector<Aval>& wanted, const char* function, const char* what);
void match_structure(const std::string& given, const std::string& wanted, const char* function, const char* what);
std::vector<Aval> avals_of_leaves(const Leaves& leaves);

}  // namespace detail

using UnaryFunction = Array (*)(const Array&);

// What lets `grad(sin)`, `vmap(exp)` name a function of one array that is overloaded. A class, so that no lambda is tried as
// one: of a lambda with `auto` parameters that would compile its body for an Array.
struct OverloadedFunction {
  OverloadedFunction(UnaryFunction f) : f_(f) {}
  operator UnaryFunction() const { return f_; }

 private:
  UnaryFunction f_;
};

}  // namespace dini
