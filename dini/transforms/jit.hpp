// jit: a function traced once for each kind of arguments, then run by the executor.
//
// Members of structs outside of their trees (an exponent, a name) are part of what is compiled: where one differs f is traced anew.
//
// What f captures is fixed when it is traced, C++ numbers and concrete arrays alike: a later change of a captured variable is
// not seen. Pass as an argument whatever may change. check_captures(f, arguments...) traces f again and tells whether its
// Program is still the one that jit runs.
#pragma once

#include <any>
#include <memory>
#include <typeinfo>

#include "dini/transforms/callable.hpp"
#include "dini/transforms/static_key.hpp"

namespace dini {

namespace detail {

// The Programs of one jit object, by the types of the arguments. Of a function that is called with ever new shapes those
// used last are kept.
class JitCache {
 public:
  explicit JitCache(std::string name) : name_(std::move(name)) {}
  struct Entry {
    Staged staged;
    std::any prototype;  // the result's tree
  };
  /// The outputs, from the entry for these arguments, made if it is not there.
  Leaves call(const ErasedFunction& f, const Leaves& leaves, const std::string& key, std::shared_ptr<const Entry>& used,
              const std::function<std::any()>& prototype);
  /// Whether tracing f again gives the Program and the captured values that are kept for these arguments.
  bool still_valid(const ErasedFunction& f, const Leaves& leaves, const std::string& key) const;

 private:
  struct Key {
    std::vector<Aval> avals;
    std::string rest;
  };
  struct Arguments {  // a Key that is only looked for
    const Leaves& leaves;
    const std::string& rest;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
    std::size_t operator()(const Arguments& key) const;
  };
  struct Equal {
    bool operator()(const Key& a, const Key& b) const;
    bool operator()(const Key& a, const Arguments& b) const;
  };
  std::string name_;
  mutable LruCache<Key, const Entry, Hash, Equal> entries_{256};
};

// A namespace of its own: were these in detail, argument-dependent lookup for jvp(grad(f), x, v) would look there.
namespace functions {
template <class F> class Jit {
 public:
  using Wrapped = F;
  Jit(F f, std::string name)
      : f_(std::make_shared<const F>(std::move(f))), cache_(std::make_shared<JitCache>(std::move(name))) {}
  template <class... A>
  requires Takes<F, A...>
  auto operator()(const A&... a) const {
    if constexpr (check_tree_call<F, A...>()) {
      Call<F, std::make_index_sequence<sizeof...(A)>, A...> call(*f_, a...);
      using Out = typename decltype(call)::Out;
      std::shared_ptr<const JitCache::Entry> used;
      const Leaves out = cache_->call(call.erased(), call.leaves(), key_of<A...>(a...), used,
                                      [&] { return std::any(call.prototype()); });
      if constexpr (std::is_same_v<Out, Array>)
        return out[0];
      else
        return unflatten(std::any_cast<const Out&>(used->prototype), out);
    }
  }
  template <class... A>
  requires(!Takes<F, A...>) Refused operator()(const A&...) const { return refuse_call<F, A...>(); }
  template <class... A> bool check_captures(const A&... a) const {
    Call<F, std::make_index_sequence<sizeof...(A)>, A...> call(*f_, a...);
    return cache_->still_valid(call.erased(), call.leaves(), key_of<A...>(a...));
  }

 private:
  template <class... A> static std::string key_of(const A&... a) {
    if constexpr ((std::is_same_v<tree_t<A>, Array> && ...)) {
      return {};  // the arrays' types say it all
    } else {
      // The types too: two structs may have one structure, and results of two types.
      std::string key = typeid(std::tuple<tree_t<A>...>).name();
      ((append_text(structure(a), key), append_statics(a, key)), ...);
      return key;
    }
  }
  std::shared_ptr<const F> f_;
  std::shared_ptr<JitCache> cache_;
};
}  // namespace functions
using functions::Jit;

}  // namespace detail

/// f compiled: traced for every new combination of shapes, dtypes, weakness, tree structure and what structs have beside their
/// trees (transforms/static_key.hpp), then run natively; the 256 combinations used last are kept. Values are abstract while f is
/// traced: reading one on the host is a TraceError that says what to use instead.
template <class F> auto jit(F f) { return detail::Jit<F>(std::move(f), "jit"); }
inline auto jit(OverloadedFunction f) { return detail::Jit<UnaryFunction>(f, "jit"); }

/// Traces the function of a jit object again for these arguments: false when what it captured has changed since, so that
/// the compiled function no longer is the function.
template <class F, class... A> bool check_captures(const detail::Jit<F>& f, const A&... a) {
  return f.check_captures(a...);
}

/// The Program of f for arguments like these, as text or to be looked at: what was traced, before any pass.
template <class F, class... A> detail::Staged make_program(const F& f, const A&... a) {
  if constexpr (detail::check_tree_call<F, A...>()) {
    detail::Call<F, std::make_index_sequence<sizeof...(A)>, A...> call(f, a...);
    const detail::Leaves leaves = call.leaves();
    detail::require_assigned(leaves, "make_program");
    return detail::stage(call.erased(), detail::avals_of_leaves(leaves), "make_program");
  } else {
    return {};
  }
}
template <class A> detail::Staged make_program(OverloadedFunction f, const A& a) {
  return make_program<UnaryFunction>(f, a);
}

/// The shape and dtype of what f returns for arguments like these, without computing it: f's value with an Aval in the place
/// of each array.
template <class F, class... A> auto eval_shape(const F& f, const A&... a) {
  if constexpr (detail::check_tree_call<F, A...>()) {
    detail::Call<F, std::make_index_sequence<sizeof...(A)>, A...> call(f, a...);
    const detail::Leaves leaves = call.leaves();
    detail::require_assigned(leaves, "eval_shape");
    detail::stage(call.erased(), detail::avals_of_leaves(leaves), "eval_shape");
    return detail::rebuild(call.prototype(), []<class Leaf>(const Leaf& leaf) {
      static_assert(std::is_same_v<Leaf, Array>, "eval_shape: of a struct has no type of its own; return a tuple");
      return leaf.aval();
    });
  }
}
template <class A> auto eval_shape(OverloadedFunction f, const A& a) { return eval_shape<UnaryFunction>(f, a); }

}  // namespace dini
