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
}  // namespace detail

/// f over one more axis in every argument that is mapped. ShapeError when the axes' lengths differ (lists all of them), or
/// nothing is mapped. Reading a value on the host in f is a TraceError.
template <class F> auto vmap(F f, VmapAxes axes = {}) {
  return [f = std::move(f),
          axes = std::move(axes)](const auto&... x) -> detail::result_of_t<F, std::remove_cvref_t<decltype(x)>...> {
    detail::Call<F, std::make_index_sequence<sizeof...(x)>, std::remove_cvref_t<decltype(x)>...> call(f, x...);
    const std::vector<std::size_t> counts{flatten(x).size()...};
    const detail::Leaves out = detail::vmap_leaves(call.erased(), call.leaves(), counts, axes);
    return call.output(out);
  };
}
inline auto vmap(OverloadedFunction f, VmapAxes axes = {}) { return vmap<UnaryFunction>(f, std::move(axes)); }

}  // namespace dini
