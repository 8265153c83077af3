#include "dini/trace/run.hpp"

#include "dini/exec/interpreter.hpp"

namespace dini {

namespace detail {

Leaves run_op(const Op& op, const Leaves& inputs, const Params& params) {
  if (op.kernel) return exec::call_kernel(op, inputs, params);
  Program program;
  Equation e{&op, params, {}, {}};
  std::vector<Aval> avals;
  for (const Array& a : inputs) {
    e.inputs.push_back(static_cast<int>(program.variables.size()));
    avals.push_back(a.aval());
    program.variables.push_back(a.aval());
  }
  program.inputs = e.inputs;
  for (const Aval& aval : op.infer(avals, params)) {
    e.outputs.push_back(static_cast<int>(program.variables.size()));
    program.variables.push_back(aval);
  }
  program.outputs = e.outputs;
  program.equations.push_back(std::move(e));
  return exec::interpret(program, inputs);
}

}  // namespace detail

std::shared_ptr<const Executable> Executable::compile(const Program& program, CompileOptions) {
  return exec::make_interpreter(program);
}

namespace {
struct KeptExecutable {
  std::shared_ptr<const Executable> executable;
};
}  // namespace

Leaves run_program(const Program& program, std::span<const Array> inputs) {
  const auto kept = program.cached<KeptExecutable>(
      "executable", [&] { return std::make_shared<KeptExecutable>(KeptExecutable{Executable::compile(program)}); });
  return kept->executable->run(inputs);
}

}  // namespace dini
