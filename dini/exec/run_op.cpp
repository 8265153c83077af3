#include "dini/trace/run.hpp"

#include "dini/exec/interpreter.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/exec/shared.hpp"

namespace dini::detail {

Leaves run_op(const Op& op, const Leaves& inputs, const Params& params) {
  if (op.kernel) return exec::call_kernel(op, inputs, params);
  std::vector<Aval> avals;
  for (const Array& a : inputs) avals.push_back(a.aval());
  switch (exec::kind_of(op)) {
    case exec::Kind::none: exec::throw_not_runnable(op);
    case exec::Kind::inlined: return run_program(*op.inlined(params, avals), inputs);
    case exec::Kind::callback: return exec::call_host(op, params, inputs, op.infer(avals, params));
    default: break;
  }
  // As a Program of one equation.
  Program program;
  Equation e{&op, params, {}, {}};
  for (const Aval& aval : avals) e.inputs.push_back(exec::add_variable(program, aval));
  for (const Aval& aval : op.infer(avals, params)) e.outputs.push_back(exec::add_variable(program, aval));
  program.inputs = e.inputs;
  program.outputs = e.outputs;
  program.equations.push_back(std::move(e));
  return exec::shared_executable(program)->run(inputs);
}

}  // namespace dini::detail
