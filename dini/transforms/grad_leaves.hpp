// What grad.hpp needs on leaves.
#pragma once

#include "dini/transforms/jvp.hpp"

namespace dini::detail {

enum class Mode;

struct VjpData {
  LinearMap map;
  const char* function;  // in messages
  std::vector<Aval> inputs, outputs;
  Leaves pull(const Leaves& cotangents) const;  // checked, zeros put in
  Leaves push(const Leaves& tangents) const;
};
std::shared_ptr<const VjpData> make_vjp(const ErasedFunction& f, const Leaves& primals, const char* function = "vjp");
ErasedFunction make_transpose(const ErasedFunction& f, const Leaves& like);

/// Values and tangents, zeros put in.
std::pair<Leaves, Leaves> jvp_values(const ErasedFunction& f, const Leaves& primals, const Leaves& tangents);

struct ValueAndGradient {
  Array value;
  Leaves gradient;
};
ValueAndGradient grad_leaves(const ErasedFunction& f, const Leaves& primals);

/// ∂(output i)/∂(input j), of shape output.shape + input.shape.
std::vector<Leaves> jacobian_leaves(const ErasedFunction& f, const Leaves& primals, Mode mode);

/// The value of a tracer of the current trace, for auxiliary results: what the enclosing level sees.
Array strip_innermost(const Array& a);

}  // namespace dini::detail
