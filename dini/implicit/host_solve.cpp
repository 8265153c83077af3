#include "dini/implicit/host_solve.hpp"

#include "dini/ops/elementwise.hpp"
#include "dini/transforms/control_ops.hpp"

namespace dini::detail::implicit {

Leaves HostSolve::call(const Leaves& inputs) const {
  const Leaves theta = rest(inputs, 1);
  TraceScope scope(std::make_shared<ValueTrace>());
  const ProgramRef program = map;
  auto f = [program, theta](const Array& z) {
    return emit_one(call_op(), join({z}, theta), {{"program", program}, {"name", std::string("f")}});
  };
  Array z = settings.method->solve(problem_of(f, settings.kind, settings.structure), inputs[0], settings.stop).z;
  while (z.defined() && !z.concrete()) z = *static_cast<Tracer*>(z.node())->primal();
  if (!z.defined() || z.shape() != inputs[0].shape()) {
    throw ShapeError("solver: returned " + (z.defined() ? "shape " + z.shape().str() : std::string("nothing")) +
                     " for z of shape " + inputs[0].shape().str());
  }
  return {astype(z, inputs[0].dtype())};
}

}  // namespace dini::detail::implicit
