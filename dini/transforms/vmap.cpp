#include "dini/transforms/vmap.hpp"

#include "dini/ops/shaping.hpp"
#include "dini/transforms/batch.hpp"

namespace dini::detail {

// One axis for each leaf, from one for all, one for each argument, or one for each leaf.
static std::vector<std::optional<int>> leaf_axes(const VmapAxes& axes, const std::vector<std::size_t>& counts) {
  std::size_t total = 0;
  for (std::size_t n : counts) total += n;
  if (axes.in.size() == 1) return std::vector<std::optional<int>>(total, axes.in[0]);
  if (axes.in.size() == counts.size()) {
    std::vector<std::optional<int>> out;
    for (std::size_t k = 0; k < counts.size(); ++k) out.insert(out.end(), counts[k], axes.in[k]);
    return out;
  }
  if (axes.in.size() == total) return axes.in;
  throw ShapeError("vmap: in_axes has " + std::to_string(axes.in.size()) + " entries for " +
                   std::to_string(counts.size()) + " arguments of " + std::to_string(total) + " arrays");
}

Leaves vmap_leaves(const ErasedFunction& f, const Leaves& inputs, const std::vector<std::size_t>& counts,
                   const VmapAxes& axes) {
  require_assigned(inputs, "vmap");
  const std::vector<std::optional<int>> in = leaf_axes(axes, counts);
  Leaves values = inputs;
  std::vector<bool> batched;
  std::int64_t size = -1;
  bool differ = false;
  std::string sizes;
  for (std::size_t k = 0; k < values.size(); ++k) {
    batched.push_back(in[k].has_value());
    sizes += (k ? ", " : "") + std::string("array ") + std::to_string(k) + ": ";
    if (!in[k]) {
      sizes += "not mapped";
      continue;
    }
    if (values[k].ndim() == 0)
      throw ShapeError("vmap: array " + std::to_string(k) + " is a scalar, which has no axis to map");
    const int axis = normalize_axis(*in[k], values[k].ndim(), "vmap");
    const std::int64_t n = values[k].shape()[axis];
    sizes += "axis " + std::to_string(axis) + " of " + values[k].shape().str() + " has length " + std::to_string(n);
    differ |= size >= 0 && n != size;
    size = n;
    if (axis != 0) values[k] = moveaxis(values[k], axis, 0);
  }
  if (size < 0) throw ShapeError("vmap: no argument is mapped");
  if (differ) throw ShapeError("vmap: the mapped axes have different lengths (" + sizes + ")");
  const ErasedFunction checked = [&](const Leaves& one) {
    Leaves result = f(one);
    require_assigned(result, "vmap", "function's value");
    return result;
  };
  Leaves out = vmap(checked, values, batched, size, true).out;
  if (axes.out.size() != 1 && axes.out.size() != out.size()) {
    throw ShapeError("vmap: out_axes has " + std::to_string(axes.out.size()) + " entries for " +
                     std::to_string(out.size()) + " arrays");
  }
  for (std::size_t k = 0; k < out.size(); ++k) {
    const int axis = normalize_axis(axes.out.size() == 1 ? axes.out[0] : axes.out[k], out[k].ndim(), "vmap");
    if (axis != 0) out[k] = moveaxis(out[k], 0, axis);
  }
  return out;
}

}  // namespace dini::detail
