// jit with static arguments: values that are part of what is compiled, not of what it is run on.
//
//     auto layer = [](const Array& x, const std::string& activation) { return activation == "relu" ? relu(x) : tanh(x); };
//     auto fast = jit(layer, static_argnums<1>{});
//     fast(x, "relu");  fast(x, "tanh");     // two Programs, in each of which the string is fixed
//
// A static argument is anything that can be copied and compared with ==: strings, enumerators, bools and sizes that decide
// shapes or branches, structs of options. f gets it as it was given (a string literal as std::string) and may read it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dini/transforms/jit.hpp"

namespace dini {

/// Positions of arguments that jit does not trace, counted from 0, or from the end by negative numbers.
template <int... I> struct static_argnums {};

namespace detail::functions {

template <class T> struct StaticType { using type = T; };
template <std::size_t N> struct StaticType<char[N]> { using type = std::string; };
template <> struct StaticType<const char*> { using type = std::string; };

// Position j among N arguments is one of I...
template <std::size_t J, std::size_t N, int... I> constexpr bool is_static() {
  return ((J == static_cast<std::size_t>(I < 0 ? I + static_cast<int>(N) : I)) || ...);
}

template <class F, int... I> class StaticJit {
 public:
  explicit StaticJit(F f) : kept_(std::make_shared<Kept>(std::move(f))) {}

  template <class... A> auto operator()(const A&... a) const {
    constexpr std::size_t n = sizeof...(A);
    static_assert(((I < static_cast<int>(n) && I >= -static_cast<int>(n)) && ...),
                  "static_argnums: an argument's number is out of range");
    return call<typename StaticType<A>::type...>(std::make_index_sequence<n>{}, a...);
  }

 private:
  struct Entry {
    virtual ~Entry() = default;
  };
  // f with its static arguments, a function of the others.
  template <class... T> class Bound {
   public:
    using Statics = std::tuple<T...>;  // None in the places of the others
    Bound(std::shared_ptr<const F> f, Statics s) : f_(std::move(f)), statics_(std::move(s)) {}
    template <class... A> auto operator()(const A&... a) const {
      return apply(std::tuple<const A&...>(a...), std::make_index_sequence<sizeof...(T)>{});
    }
    const Statics& statics() const { return statics_; }

   private:
    template <class Given, std::size_t... J> auto apply(const Given& given, std::index_sequence<J...>) const {
      return (*f_)(pick<J>(given)...);
    }
    // The number of arguments before J that are not static.
    template <std::size_t J, std::size_t... K> static constexpr std::size_t before(std::index_sequence<K...>) {
      return (std::size_t{0} + ... + (is_static<K, sizeof...(T), I...>() ? 0 : 1));
    }
    template <std::size_t J, class Given> const auto& pick(const Given& given) const {
      if constexpr (is_static<J, sizeof...(T), I...>())
        return std::get<J>(statics_);
      else
        return std::get<before<J>(std::make_index_sequence<J>{})>(given);
    }
    std::shared_ptr<const F> f_;
    Statics statics_;
  };
  template <class... T> struct Typed final : Entry {
    Typed(std::shared_ptr<const F> f, std::tuple<T...> s) : bound(f, s), function(bound, "jit") {}
    Bound<T...> bound;
    Jit<Bound<T...>> function;
  };
  struct Kept {
    explicit Kept(F f) : function(std::make_shared<const F>(std::move(f))) {}
    std::shared_ptr<const F> function;
    std::mutex mutex;
    std::vector<std::shared_ptr<Entry>> entries;
  };

  template <class T, bool Static> using slot_t = std::conditional_t<Static, T, None>;
  template <bool Static, class T, class A> static slot_t<T, Static> slot(const A& a) {
    if constexpr (Static)
      return T(a);
    else
      return none;
  }
  template <class S> static bool equal(const S& x, const S& y) {
    return [&]<std::size_t... J>(std::index_sequence<J...>) {
      return (equal_slot(std::get<J>(x), std::get<J>(y)) && ...);
    }
    (std::make_index_sequence<std::tuple_size_v<S>>{});
  }
  template <class T> static bool equal_slot(const T& x, const T& y) {
    if constexpr (std::is_same_v<T, None>) {
      return true;
    } else {
      static_assert(
          requires { static_cast<bool>(x == y); }, "jit: a static argument must be comparable with ==");
      return static_cast<bool>(x == y);
    }
  }

  template <class... T, std::size_t... J, class... A> auto call(std::index_sequence<J...>, const A&... a) const {
    constexpr std::size_t n = sizeof...(A);
    using Mine = Typed<slot_t<T, is_static<J, n, I...>()>...>;
    const std::tuple<slot_t<T, is_static<J, n, I...>()>...> statics(slot<is_static<J, n, I...>(), T>(a)...);
    std::shared_ptr<Mine> mine;
    {
      std::lock_guard lock(kept_->mutex);
      for (const auto& e : kept_->entries) {
        auto candidate = std::dynamic_pointer_cast<Mine>(e);
        if (candidate && equal(candidate->bound.statics(), statics)) mine = candidate;
      }
      if (!mine) {
        mine = std::make_shared<Mine>(kept_->function, statics);
        kept_->entries.push_back(mine);
      }
    }
    return std::apply([&](const auto&... dynamic) { return mine->function(dynamic...); },
                      std::tuple_cat(reference<is_static<J, n, I...>()>(a)...));
  }
  template <bool Static, class A> static auto reference(const A& a) {
    if constexpr (Static)
      return std::tuple<>();
    else
      return std::tuple<const A&>(a);
  }

  std::shared_ptr<Kept> kept_;
};

}  // namespace detail::functions

/// f compiled, once for each combination of its static arguments' values and of the other arguments' types. The static ones
/// are kept for as long as the compiled function. A comparison that is never true (NaN) compiles every time.
template <class F, int... I> auto jit(F f, static_argnums<I...>) {
  return detail::functions::StaticJit<F, I...>(std::move(f));
}

}  // namespace dini
