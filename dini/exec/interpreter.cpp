#include "dini/exec/interpreter.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dini/core/cancel.hpp"
#include "dini/core/arithmetic.hpp"
#include "dini/exec/lane_steps.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/ops/watched.hpp"
#include "dini/trace/internal.hpp"

namespace dini::exec {

namespace {

using Arrays = std::span<const Array>;

Leaves joined(Arrays a, Arrays b) {
  Leaves out(a.begin(), a.end());
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

Leaves interpret_cond(const Params& params, Arrays in) {
  const auto& branches = params.get<std::vector<ProgramRef>>("branches");
  const std::int64_t last = static_cast<std::int64_t>(branches.size()) - 1;
  return interpret(*branches[std::clamp<std::int64_t>(in[0].item<std::int64_t>(), 0, last)], in.subspan(1));
}

Leaves interpret_while(const Params& params, Arrays in) {
  const auto carry = static_cast<std::size_t>(params.integer("carry"));
  const auto captured = static_cast<std::size_t>(params.integer("cond_captured"));
  const Arrays for_condition = in.subspan(carry, captured), for_body = in.subspan(carry + captured);
  Leaves state(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(carry));
  detail::run_watched(detail::watch_of(params), [&] {
    while (interpret(*params.program("cond"), joined(state, for_condition))[0].item<bool>()) {
      state = interpret(*params.program("body"), joined(state, for_body));
    }
  });
  return state;
}

// A place in a leading axis.
Array slice_of(const Array& a, const Aval& one, std::int64_t at) {
  const std::size_t bytes = static_cast<std::size_t>(one.shape.size()) * item_size(one.dtype);
  void* p;
  Array out = allocate(one, &p);
  if (bytes) std::memcpy(p, static_cast<const char*>(a.raw()) + static_cast<std::size_t>(at) * bytes, bytes);
  return out;
}

Leaves interpret_scan(const Params& params, Arrays in) {
  const Program& body = *params.program("body");
  const auto carry = static_cast<std::size_t>(params.integer("carry"));
  const auto xs = static_cast<std::size_t>(params.integer("xs"));
  const std::int64_t length = params.integer("length");
  const std::vector<Aval> in_avals = body.input_avals(), out_avals = body.output_avals();
  Leaves state(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(carry)), stacked;
  std::vector<char*> memory;
  for (std::size_t k = carry; k < out_avals.size(); ++k) {
    void* p;
    stacked.push_back(allocate({prepend(length, out_avals[k].shape), out_avals[k].dtype, out_avals[k].weak}, &p));
    memory.push_back(static_cast<char*>(p));
  }
  for (std::int64_t step = 0; step < length; ++step) {
    const std::int64_t at = params.flag("reverse") ? length - 1 - step : step;
    Leaves arguments = state;
    for (std::size_t k = 0; k < xs; ++k) arguments.push_back(slice_of(in[carry + k], in_avals[carry + k], at));
    arguments.insert(arguments.end(), in.begin() + static_cast<std::ptrdiff_t>(carry + xs), in.end());
    Leaves out = interpret(body, arguments);
    state.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(carry));
    for (std::size_t k = carry; k < out.size(); ++k) {
      const std::size_t bytes = static_cast<std::size_t>(out[k].size()) * item_size(out[k].dtype());
      if (bytes) std::memcpy(memory[k - carry] + static_cast<std::size_t>(at) * bytes, out[k].raw(), bytes);
    }
  }
  return joined(state, stacked);
}

Leaves interpret_lanes(const Params& params, Arrays in) {
  const detail::LaneParts s = detail::lane_parts(params);
  const std::vector<Aval> in_avals = s.program->input_avals(), out_avals = s.program->output_avals();
  Leaves out, block(out_avals.size());
  std::vector<char*> memory;
  for (std::size_t k = 0; k < out_avals.size(); ++k) {
    Aval a = out_avals[k];
    if (s.stacked.has(k)) a.shape = prepend(s.size, a.shape);
    void* p;
    out.push_back(allocate(a, &p));
    memory.push_back(static_cast<char*>(p));
    if (s.summed.has(k)) std::memset(p, 0, static_cast<std::size_t>(a.shape.size()) * item_size(a.dtype));
  }
  const auto sum = [&](std::size_t k, const Array& a, const Array& b) {
    void* p;
    Array total = allocate(out_avals[k], &p);
    const void* operands[] = {a.raw(), b.raw()};
    lane_sum_kernel(out_avals[k])(operands, p, static_cast<std::size_t>(total.size()));
    return total;
  };
  for (std::int64_t lane = 0; lane < s.size; ++lane) {
    Leaves arguments(in.begin(), in.end());
    for (std::size_t k = 0; k < s.mapped.size; ++k) arguments[k] = slice_of(in[k], in_avals[k], lane);
    const Leaves made = interpret(*s.program, arguments);
    const std::int64_t in_block = lane % detail::lanes_in_block;
    const bool ends = in_block + 1 == detail::lanes_in_block || lane + 1 == s.size;
    for (std::size_t k = 0; k < made.size(); ++k) {
      const std::size_t bytes = static_cast<std::size_t>(made[k].size()) * item_size(made[k].dtype());
      if (s.stacked.has(k)) {
        if (bytes) std::memcpy(memory[k] + static_cast<std::size_t>(lane) * bytes, made[k].raw(), bytes);
        continue;
      }
      block[k] = in_block == 0 ? made[k] : sum(k, block[k], made[k]);
      if (ends) out[k] = lane < detail::lanes_in_block ? block[k] : sum(k, out[k], block[k]);
    }
  }
  return out;
}

Leaves interpret_equation(const Op& op, Arrays in, const Params& params) {
  detail::poll_cancel();
  if (op.kernel) return call_kernel(op, in, params);
  std::vector<Aval> avals;
  for (const Array& a : in) avals.push_back(a.aval());
  switch (kind_of(op)) {
    case Kind::cond: return interpret_cond(params, in);
    case Kind::while_loop: return interpret_while(params, in);
    case Kind::scan: return interpret_scan(params, in);
    case Kind::lanes: return interpret_lanes(params, in);
    case Kind::callback: return call_host(op, params, Leaves(in.begin(), in.end()), op.infer(avals, params));
    case Kind::late:
    case Kind::subroutine:
    case Kind::inlined: return interpret(*op.inlined(params, avals), in);
    case Kind::kernel:
    case Kind::none: break;
  }
  throw_not_runnable(op);
}

class Interpreter final : public Executable {
 public:
  explicit Interpreter(const Program& p) : program_(p), avals_(p.input_avals()) {}
  Leaves run(Arrays inputs) const override {
    check_inputs(inputs, avals_);
    return interpret(program_, inputs);
  }
  std::string str() const override { return program_.str(); }

 private:
  Program program_;
  std::vector<Aval> avals_;
};

}  // namespace

Leaves call_kernel(const Op& op, Arrays inputs, const Params& params) {
  std::vector<Aval> avals;
  std::vector<const void*> in;
  avals.reserve(inputs.size());
  in.reserve(inputs.size());
  for (const Array& a : inputs) {
    avals.push_back(a.aval());
    in.push_back(a.raw());
  }
  const std::vector<Aval> wanted = op.infer(avals, params);
  Leaves out;
  std::vector<void*> memory;
  out.reserve(wanted.size());
  for (const Aval& aval : wanted) {
    void* p;
    out.push_back(allocate(aval, &p));
    memory.push_back(p);
  }
  const DefaultArithmetic arithmetic;
  op.kernel({params, in, memory, avals, wanted});
  return out;
}

Leaves call_host(const Op& op, const Params& params, const Leaves& inputs, std::span<const Aval> wanted) {
  const auto& function = static_cast<const HostFunction&>(*params.get<OpaqueRef>("function"));
  TraceScope untraced(nullptr);
  const DefaultArithmetic arithmetic;
  Leaves out = function.call(inputs);
  if (out.size() != wanted.size()) {
    throw ShapeError(op.name + " " + function.name() + ": returned " + std::to_string(out.size()) + " arrays, wanted " +
                     std::to_string(wanted.size()));
  }
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!out[k].concrete()) throw TraceError(op.name + " " + function.name() + ": returned a value that is no data");
    if (out[k].dtype() != wanted[k].dtype) {
      throw DtypeError(op.name + " " + function.name() + ": returned " + out[k].aval().str() + ", wanted " +
                       wanted[k].str());
    }
    if (out[k].shape() != wanted[k].shape) {
      throw ShapeError(op.name + " " + function.name() + ": returned " + out[k].aval().str() + ", wanted " +
                       wanted[k].str());
    }
  }
  return out;
}

void throw_not_runnable(const Op& op) {
  throw TraceError(op.no_jvp.empty() ? op.name + ": this operation cannot be run" : op.no_jvp);
}

void check_inputs(Arrays inputs, std::span<const Aval> wanted) {
  if (inputs.size() != wanted.size()) {
    throw ShapeError("Executable::run: " + std::to_string(inputs.size()) + " inputs, wanted " +
                     std::to_string(wanted.size()));
  }
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Array& a = inputs[k];
    if (!a.concrete()) throw TraceError("Executable::run: input " + std::to_string(k) + " is no data");
    if (a.aval().dtype != wanted[k].dtype || a.aval().shape != wanted[k].shape) {
      const std::string what =
          "Executable::run: input " + std::to_string(k) + " is " + a.aval().str() + ", wanted " + wanted[k].str();
      if (a.aval().dtype != wanted[k].dtype) throw DtypeError(what);
      throw ShapeError(what);
    }
  }
}

Leaves interpret(const Program& program, Arrays inputs) {
  // A value is dropped after its last use.
  std::vector<int> last(program.variables.size(), -1);
  const int n = static_cast<int>(program.equations.size());
  for (int k = 0; k < n; ++k) {
    for (int v : program.equations[static_cast<std::size_t>(k)].inputs) last[static_cast<std::size_t>(v)] = k;
  }
  for (int v : program.outputs) last[static_cast<std::size_t>(v)] = n;
  Leaves values(program.variables.size());
  auto value = [&](int v) -> Array& { return values[static_cast<std::size_t>(v)]; };
  for (std::size_t k = 0; k < inputs.size(); ++k) value(program.inputs[k]) = inputs[k];
  for (const auto& [v, a] : program.constants) value(v) = a;
  Leaves arguments;
  for (int k = 0; k < n; ++k) {
    const Equation& e = program.equations[static_cast<std::size_t>(k)];
    arguments.clear();
    for (int v : e.inputs) arguments.push_back(value(v));
    Leaves results = interpret_equation(*e.op, arguments, e.params);
    for (std::size_t j = 0; j < results.size(); ++j) value(e.outputs[j]) = std::move(results[j]);
    for (int v : e.inputs) {
      if (last[static_cast<std::size_t>(v)] == k) value(v) = Array();
    }
  }
  Leaves out;
  for (int v : program.outputs) {
    const Aval& aval = program.variables[static_cast<std::size_t>(v)];
    const Array& a = value(v);
    out.push_back(a.aval() == aval ? a : with_aval(a, aval));
  }
  return out;
}

std::shared_ptr<const Executable> make_interpreter(const Program& program) {
  return std::make_shared<Interpreter>(program);
}

}  // namespace dini::exec
