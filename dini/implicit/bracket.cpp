#include "dini/implicit/bracket.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/trace.hpp"

namespace dini::detail {

namespace {

// The shapes of f's values; none where it reads values.
std::vector<Shape> shapes_of_values(const ErasedFunction& f, const Leaves& z, const Leaves& theta) {
  std::vector<Aval> avals;
  for (const Array& a : z) avals.push_back(a.aval());
  for (const Array& a : theta) avals.push_back(a.aval());
  std::vector<Shape> out;
  try {
    for (const Aval& a : stage(f, avals, "root").program->output_avals()) out.push_back(a.shape);
  } catch (const HostReadError&) {}
  return out;
}

}  // namespace

std::pair<Leaves, Leaves> ends_of_bracket(const Leaves& lower, const Leaves& upper, const ErasedFunction& f,
                                          const Leaves& theta) {
  if (lower.size() != upper.size()) {
    throw ShapeError("root: the lower end of the bracket has " + std::to_string(lower.size()) +
                     " arrays, its upper end " + std::to_string(upper.size()));
  }
  Leaves low, high;
  bool scalars = false;
  for (std::size_t k = 0; k < lower.size(); ++k) {
    Array a = lower[k], b = upper[k];
    for (const Array& end : {a, b}) check_defined(end, "root: the bracket");
    promote_operands(a, b, "root: the bracket", true);
    low.push_back(stop_gradient(astype(a, a.dtype())));
    high.push_back(stop_gradient(astype(b, b.dtype())));
    scalars = scalars || a.ndim() == 0;
  }
  if (!scalars) return {low, high};
  const std::vector<Shape> shapes = shapes_of_values(f, low, theta);
  for (std::size_t k = 0; k < low.size() && shapes.size() == low.size(); ++k) {
    if (low[k].ndim() > 0) continue;
    low[k] = broadcast_to(low[k], shapes[k]);
    high[k] = broadcast_to(high[k], shapes[k]);
  }
  return {low, high};
}

Array side_by_side(const Leaves& leaves) {
  Leaves flat;
  const Dtype dtype = leaves.empty() ? Dtype::float64 : common_dtype(leaves).dtype;
  for (const Array& a : leaves) flat.push_back(ravel(astype(a, dtype)));
  return flat.empty() ? zeros({0}, dtype) : concatenate(flat);
}

RootOptions for_elementwise(RootOptions options) {
  if (!options.adjoint.automatic()) return options;
  // It looks whether A is one.
  options.adjoint = Diagonal{};
  options.structure.diagonal = true;
  return options;
}

}  // namespace dini::detail
