// Derivatives by a rule of the user's.
#pragma once

#include <mutex>

#include "dini/transforms/callable.hpp"

namespace dini {

/// Positions of arguments that are not differentiated and may be anything: functions, solvers, numbers.
template <int... I> struct nondiff_argnums {};

namespace detail {

// What shapes and dtypes a function with a rule was seen to return, for which arguments. Kept from call to call, so that the
// function is looked at once for each kind of arguments, and not whenever a derivative is taken.
class KnownOutputs {
 public:
  /// ShapeError, in the name of `what`, unless `given` are outputs like those of `function` for these inputs.
  void check(const ErasedFunction& function, const Leaves& inputs, const Leaves& given, const char* what);

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::vector<Aval>, std::vector<Aval>>> seen_;
};

// The rule on leaves. `run_forward` gives the outputs and the residuals, `pull` one cotangent an input (undefined: none)
// from the residuals and the outputs' cotangents.
struct CustomVjpRule final : Opaque {
  std::string name() const override { return "custom_vjp"; }
  ErasedFunction primal;
  std::function<std::pair<Leaves, Leaves>(const Leaves&)> run_forward;
  std::function<Leaves(const Leaves& residuals, const Leaves& cotangents)> pull;
  std::size_t inputs = 0;
};
Leaves custom_vjp_call(CustomVjpRule rule, std::shared_ptr<KnownOutputs> known, const Leaves& inputs);

struct CustomJvpRule final : Opaque {
  std::string name() const override { return "custom_jvp"; }
  ErasedFunction primal;
  std::function<std::pair<Leaves, Leaves>(const Leaves& primals, const Leaves& tangents)> rule;
};
Leaves custom_jvp_call(CustomJvpRule rule, std::shared_ptr<KnownOutputs> known, const Leaves& inputs);

[[noreturn]] void throw_rule_arity(const char* what, std::size_t got, std::size_t wanted);
Leaves check_rule_leaves(const Leaves& given, const std::vector<Aval>& wanted, std::size_t argument, const char* what);

template <std::size_t I, int... N> constexpr bool is_nondiff() { return ((static_cast<int>(I) == N) || ...); }

// The sequence of 0..N-1 split into those that are not differentiated and the others.
template <class Seq, int... N> struct Split;
template <std::size_t... I, int... N> struct Split<std::index_sequence<I...>, N...> {
  template <std::size_t J, bool Nondiff>
  using pick = std::conditional_t<is_nondiff<J, N...>() == Nondiff, std::index_sequence<J>, std::index_sequence<>>;
  template <class... S> struct concat { using type = std::index_sequence<>; };
  template <std::size_t... A> struct concat<std::index_sequence<A...>> { using type = std::index_sequence<A...>; };
  template <std::size_t... A, std::size_t... B, class... R>
  struct concat<std::index_sequence<A...>, std::index_sequence<B...>, R...>
      : concat<std::index_sequence<A..., B...>, R...> {};
  using fixed = typename concat<pick<I, true>...>::type;
  using differentiable = typename concat<pick<I, false>...>::type;
};

template <class T, bool Keep> struct ArgumentType { using type = tree_t<T>; };
template <class T> struct ArgumentType<T, true> { using type = T; };
template <bool Keep, class T> typename ArgumentType<T, Keep>::type stored_argument(const T& t) {
  if constexpr (Keep)
    return t;
  else
    return as_tree(t);
}

template <class F, class Tuple> struct can_apply;
template <class F, class... T> struct can_apply<F, std::tuple<T...>> : std::is_invocable<const F&, T&...> {};

// A namespace of its own: were these in detail, argument-dependent lookup for jvp(grad(f), x, v) would look there.
namespace functions {
template <class Nondiff, class Primal, class Fwd, class Bwd> class CustomVjp;
template <int... N, class Primal, class Fwd, class Bwd> class CustomVjp<nondiff_argnums<N...>, Primal, Fwd, Bwd> {
 public:
  CustomVjp(Primal primal, Fwd fwd, Bwd bwd) : primal_(std::move(primal)), fwd_(std::move(fwd)), bwd_(std::move(bwd)) {}

  template <class... A, std::size_t... I>
  static auto result_type(std::index_sequence<I...>)
      -> std::invoke_result_t<const Primal&, typename ArgumentType<A, is_nondiff<I, N...>()>::type&...>;

  template <class... A, std::size_t... I> static constexpr bool takes_these(std::index_sequence<I...>) {
    return can_call<const Primal&, typename ArgumentType<A, is_nondiff<I, N...>()>::type&...>();
  }
  template <class... A>
  static constexpr bool takes_arguments = takes_these<A...>(std::make_index_sequence<sizeof...(A)>{});

  // The type comes from the primal alone: fwd may call this function, whose type would be asked for before it is known.
  template <class... A>
  requires takes_arguments<A...>
  auto operator()(const A&... a) const
      -> tree_t<decltype(result_type<A...>(std::make_index_sequence<sizeof...(A)>{}))> {
    return call(std::make_index_sequence<sizeof...(A)>{}, a...);
  }
  template <class... A>
  requires(!takes_arguments<A...>) Refused operator()(const A&...) const {
    return refuse(std::type_identity<std::tuple<A...>>(), std::make_index_sequence<sizeof...(A)>{});
  }

 private:
  template <class... A, std::size_t... I>
  static Refused refuse(std::type_identity<std::tuple<A...>>, std::index_sequence<I...>) {
    static_cast<void>(check_plain_call<Primal, typename ArgumentType<A, is_nondiff<I, N...>()>::type...>());
    return {};
  }
  template <std::size_t... I, class... A> auto call(std::index_sequence<I...> all, const A&... a) const {
    using S = Split<decltype(all), N...>;
    using Stored = std::tuple<typename ArgumentType<A, is_nondiff<I, N...>()>::type...>;
    return call_split(Stored(stored_argument<is_nondiff<I, N...>()>(a)...), typename S::fixed{},
                      typename S::differentiable{});
  }

  template <class Stored, std::size_t... Fixed, std::size_t... Diff>
  auto call_split(const Stored& stored, std::index_sequence<Fixed...>, std::index_sequence<Diff...>) const {
    using Out = tree_t<decltype(std::apply(primal_, stored))>;
    using Args = std::tuple<std::tuple_element_t<Diff, Stored>...>;
    const Args like(std::get<Diff>(stored)...);
    auto out_like = std::make_shared<std::optional<Out>>();
    auto with = [stored, like](const Leaves& leaves) {
      Stored full = stored;
      Args args = unflatten(like, leaves);
      std::tie(std::get<Diff>(full)...) = std::move(args);
      return full;
    };
    CustomVjpRule rule;
    const Leaves leaves = flatten(like);
    rule.inputs = leaves.size();
    rule.primal = [primal = primal_, with, out_like](const Leaves& in) {
      Out out = as_tree(std::apply(primal, with(in)));
      Leaves result = flatten(out);
      *out_like = std::move(out);
      return result;
    };
    static_assert(
        can_apply<Fwd, Stored>::value ||
            can_apply<Fwd, decltype(std::tuple_cat(std::tuple<CustomVjp>(*this), stored))>::value,
        "custom_vjp: fwd must take the arguments of the function, or the function itself and then those; it is "
        "called as const, so that a lambda must not be mutable");
    // fwd may take the layer itself first, so that it can call it.
    auto forward = [self = *this, with](const Leaves& in) {
      auto full = with(in);
      if constexpr (can_apply<Fwd, Stored>::value)
        return std::apply(self.fwd_, full);
      else
        return std::apply(self.fwd_, std::tuple_cat(std::tuple(self), full));
    };
    using Both = std::remove_cvref_t<decltype(forward(leaves))>;
    static_assert(is_pair<Both>(), "custom_vjp: fwd must return (value, residuals)");
    using Residuals = std::remove_cvref_t<std::tuple_element_t<1, Both>>;
    auto residuals_like = std::make_shared<std::optional<Residuals>>();
    rule.run_forward = [forward, residuals_like, out_like](const Leaves& in) {
      Both both = forward(in);
      Out out = as_tree(std::get<0>(both));
      std::pair<Leaves, Leaves> result(flatten(out), flatten(std::get<1>(both)));
      *out_like = std::move(out);
      *residuals_like = std::get<1>(std::move(both));
      return result;
    };
    rule.pull = [bwd = bwd_, residuals_like, out_like, like, stored](const Leaves& residuals,
                                                                     const Leaves& cotangents) {
      static_assert(
          std::is_invocable_v<const Bwd&, const std::tuple_element_t<Fixed, Stored>&..., Residuals, Out>,
          "custom_vjp: bwd must take the arguments that are not differentiated, the residuals that fwd returns, "
          "and the cotangent of the value; it is called as const, so that a lambda must not be mutable");
      auto sent =
          bwd(std::get<Fixed>(stored)..., unflatten(**residuals_like, residuals), unflatten(**out_like, cotangents));
      using Sent = decltype(sent);
      constexpr std::size_t wanted = sizeof...(Diff);
      Leaves out;
      if constexpr (is_tuple<Sent>::value && (wanted > 1 || !is_tuple<std::tuple_element_t<0, Args>>::value)) {
        if constexpr (std::tuple_size_v<Sent> != wanted) {
          throw_rule_arity("custom_vjp: bwd", std::tuple_size_v<Sent>, wanted);
        } else {
          [&]<std::size_t... K>(std::index_sequence<K...>) {
            (append_cotangent(std::get<K>(sent), std::get<K>(like), K, out), ...);
          }
          (std::make_index_sequence<wanted>{});
        }
      } else {
        if constexpr (wanted != 1)
          throw_rule_arity("custom_vjp: bwd", 1, wanted);
        else
          append_cotangent(sent, std::get<0>(like), 0, out);
      }
      return out;
    };
    const Leaves result = custom_vjp_call(std::move(rule), known_, leaves);
    return unflatten(**out_like, result);
  }

  template <class C, class T>
  static void append_cotangent(const C& c, const T& like, std::size_t argument, Leaves& out) {
    std::vector<Aval> wanted = avals_of_leaves(flatten(like));
    if constexpr (std::is_same_v<C, None>) {
      out.resize(out.size() + wanted.size());
    } else {
      const Leaves checked = check_rule_leaves(flatten(c), wanted, argument, "custom_vjp: bwd");
      out.insert(out.end(), checked.begin(), checked.end());
    }
  }

  Primal primal_;
  Fwd fwd_;
  Bwd bwd_;
  std::shared_ptr<KnownOutputs> known_ = std::make_shared<KnownOutputs>();
};

template <class F, class R> class CustomJvp {
 public:
  using Wrapped = F;
  CustomJvp(F f, R rule) : f_(std::move(f)), rule_(std::move(rule)) {}
  template <class... A>
  requires(!Takes<F, A...>) Refused operator()(const A&...) const { return refuse_call<F, A...>(); }
  template <class... A>
  requires Takes<F, A...>
  auto operator()(const A&... a) const {
    using Args = std::tuple<tree_t<A>...>;
    using Out = result_of_t<F, A...>;
    const Args like(as_tree(a)...);
    auto out_like = std::make_shared<std::optional<Out>>();
    CustomJvpRule rule;
    rule.primal = [f = f_, like, out_like](const Leaves& in) {
      Out out = as_tree(std::apply(f, unflatten(like, in)));
      Leaves result = flatten(out);
      *out_like = std::move(out);
      return result;
    };
    rule.rule = [r = rule_, like, out_like](const Leaves& primals, const Leaves& tangents) {
      auto both = [&] {
        if constexpr (sizeof...(A) == 1 && requires { r(std::get<0>(like), std::get<0>(like)); }) {
          return r(std::get<0>(unflatten(like, primals)), std::get<0>(unflatten(like, tangents)));
        } else {
          static_assert(
              std::is_invocable_v<const R&, const Args&, const Args&>,
              "custom_jvp: the rule must take the arguments and their tangents: two arrays or trees where the "
              "function has one argument, two std::tuples where it has several");
          return r(unflatten(like, primals), unflatten(like, tangents));
        }
      }();
      Out value = as_tree(std::get<0>(both)), tangent = as_tree(std::get<1>(both));
      *out_like = value;
      const Leaves out = flatten(value);
      require_assigned(out, "custom_jvp: the rule", "value");
      return std::pair(out,
                       check_rule_leaves(flatten(tangent), avals_of_leaves(out), 0, "custom_jvp: the rule's tangent"));
    };
    const Leaves result = custom_jvp_call(std::move(rule), known_, flatten(like));
    return unflatten(**out_like, result);
  }

 private:
  F f_;
  R rule_;
  std::shared_ptr<KnownOutputs> known_ = std::make_shared<KnownOutputs>();
};
}  // namespace functions
using functions::CustomJvp;
using functions::CustomVjp;

}  // namespace detail

/// `primal` with the reverse-mode derivative that fwd and bwd give:
///     fwd(args...) -> (value, residuals)         or fwd(layer, args...), `layer` being this very function
///     bwd(nondiff..., residuals, cotangent) -> a cotangent for each differentiable argument (a tuple when several;
///                                              `none` for zero)
/// fwd runs only where a derivative is taken; both are differentiated in turn for higher orders. Owns copies of the
/// callables. Forward mode through it is a TraceError: use custom_jvp. A wrong number or shape of cotangents is an error
/// that names the argument, and so is a value of fwd unlike primal's.
template <class Nondiff = nondiff_argnums<>, class Primal, class Fwd, class Bwd>
auto custom_vjp(Primal primal, Fwd fwd, Bwd bwd) {
  return detail::CustomVjp<Nondiff, Primal, Fwd, Bwd>(std::move(primal), std::move(fwd), std::move(bwd));
}

/// `f` with the derivative that rule(primals, tangents) -> (value, tangent) gives. For one argument primals and tangents are
/// that argument and its tangent, for several tuples of them. Must be linear in the tangents. Reverse mode and higher orders follow.
template <class F, class R> auto custom_jvp(F f, R rule) {
  return detail::CustomJvp<F, R>(std::move(f), std::move(rule));
}

}  // namespace dini
