#include "dini/transforms/ravel_tree.hpp"

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"

namespace dini::detail {

std::vector<Aval> ravel_avals(const Leaves& leaves) {
  std::vector<Aval> out;
  for (const Array& a : leaves) out.push_back({a.shape(), a.dtype(), false});
  return out;
}

Array ravel_leaves(const Leaves& leaves) {
  if (leaves.empty()) return zeros({0});
  Leaves flat;
  for (const Array& a : leaves) flat.push_back(ravel(a.weak() ? astype(a, a.dtype()) : a));
  return flat.size() == 1 ? flat[0] : concatenate(flat);
}

Leaves unravel_leaves(const Array& vector, const std::vector<Aval>& avals) {
  std::int64_t total = 0;
  for (const Aval& a : avals) total += a.shape.size();
  if (vector.shape() != Shape{total}) {
    throw ShapeError("unravel: got shape " + vector.shape().str() + ", expected " + Shape{total}.str());
  }
  Leaves out;
  std::int64_t before = 0;
  for (const Aval& a : avals) {
    const std::int64_t n = a.shape.size();
    const Array piece = n == total ? vector : vector(slice(before, before + n));
    out.push_back(astype(reshape(piece, a.shape), a.dtype));
    before += n;
  }
  return out;
}

}  // namespace dini::detail
