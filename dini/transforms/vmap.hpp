// vmap: a function of single examples as a function of batches.
//
//     vmap(f)(x)[i] = f(x[i]),  all at once
#pragma once

#include <optional>
#include <vector>

#include "dini/transforms/callable.hpp"

namespace dini {

/// Stands for "not mapped" in in_axes: the argument is the same for all examples.
inline constexpr std::optional<int> not_mapped = std::nullopt;

/// Which axis is mapped. `in` is one for all arguments, or one for each argument or each leaf of all arguments, in order;
/// `out` alike for the result. Negative axes count from the end.
struct VmapAxes {
  std::vector<std::optional<int>> in = {0};
  std::vector<int> out = {0};
};

namespace detail {
Leaves vmap_leaves(const ErasedFunction& f, const Leaves& inputs, const std::vector<std::size_t>& leaves_of_arguments,
                   const VmapAxes& axes);

// A namespace of its own: were these in detail, argument-dependent lookup for jvp(vmap(f), x, v) would look there.
namespace functions {
template <class F> class Vmap {
 public:
  using Wrapped = F;
  Vmap(F f, VmapAxes axes) : f_(std::move(f)), axes_(std::move(axes)) {}
  template <class... A>
  requires Takes<F, A...> result_of_t<F, A...>
  operator()(const A&... a) const {
    if constexpr (check_tree_call<F, A...>()) {
      Call<F, std::make_index_sequence<sizeof...(A)>, A...> call(f_, a...);
      const std::vector<std::size_t> counts{flatten(a).size()...};
      const Leaves out = vmap_leaves(call.erased(), call.leaves(), counts, axes_);
      return call.output(out);
    }
  }
  template <class... A>
  requires(!Takes<F, A...>) Refused operator()(const A&...) const { return refuse_call<F, A...>(); }

 private:
  F f_;
  VmapAxes axes_;
};
}  // namespace functions
}  // namespace detail

/// f over one more axis in every argument that is mapped. ShapeError when the axes' lengths differ (lists all of them), or
/// nothing is mapped. Reading a value on the host in f is a TraceError.
template <class F> auto vmap(F f, VmapAxes axes = {}) {
  return detail::functions::Vmap<F>(std::move(f), std::move(axes));
}
inline auto vmap(OverloadedFunction f, VmapAxes axes = {}) { return vmap<UnaryFunction>(f, std::move(axes)); }

}  // namespace dini
