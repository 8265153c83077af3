#include "dini/transforms/jvp.hpp"

#include <stdexcept>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

Array JvpTrace::pair(const Array& value, const Array& tangent) {
  if (!tangent.defined()) return value;
  return Array(Ref<Node>(new JvpTracer(value, tangent, shared_from_this())));
}

bool JvpTrace::recording() const {
  for (const Trace* t = parent().get(); t; t = t->parent().get()) {
    if (dynamic_cast<const TangentTrace*>(t)) return true;
  }
  return false;
}

Array JvpTrace::value_of(const Array& a) const { return owns(a) ? static_cast<JvpTracer*>(a.node())->value : a; }
Array JvpTrace::tangent_of(const Array& a) const {
  return owns(a) ? static_cast<JvpTracer*>(a.node())->tangent : Array();
}

Leaves JvpTrace::process(const Op& op, const Leaves& inputs, const Params& params) {
  if (!alive())
    throw TraceError(op.name + ": a value traced by " + kind_ + " is used after that transformation has ended");
  Leaves values, tangents;
  bool any = false;
  for (const Array& a : inputs) {
    values.push_back(value_of(a));
    tangents.push_back(tangent_of(a));
    any |= tangents.back().defined();
  }
  const bool forward = !linearizing();
  Leaves out, out_tangents;
  if (!any || !op.differentiable) {
    TraceScope scope(parent());
    return emit(op, values, params);
  }
  if (forward && !recording() && !op.no_jvp.empty() && !op.joint && !op.jvp) throw TraceError(op.no_jvp);
  // Within the recording of a linear map, values and tangents must stay apart: an op that computes both at once from a
  // recorded tangent would make its values part of the record.
  if (op.joint && ((forward && !recording()) || op.joint_when_linearized)) {
    TraceScope scope(tangent_context());
    std::tie(out, out_tangents) = op.joint({params, values, {}, tangents});
  } else if (op.linearize) {
    LinearizeCall call{params, values, {}};
    for (const Array& t : tangents) call.active.push_back(t.defined());
    Linearized linear;
    {
      TraceScope scope(parent());
      linear = op.linearize(call);
    }
    out = std::move(linear.out);
    TraceScope scope(tangent_context());
    out_tangents = linear.apply(tangents);
  } else {
    {
      TraceScope scope(parent());
      out = emit(op, values, params);
    }
    TraceScope scope(tangent_context());
    if (op.joint) {
      out_tangents = op.joint({params, values, {}, tangents}).second;
    } else if (op.jvp) {
      out_tangents = op.jvp({params, values, out, tangents});
    } else {
      throw TraceError(op.name + ": has no derivative");
    }
  }
  if (out.size() != out_tangents.size())
    throw std::logic_error(op.name + ": its jvp rule gives a wrong number of tangents");
  for (std::size_t k = 0; k < out.size(); ++k) {
    const Array& t = out_tangents[k];
    if (!t.defined()) continue;
    if (t.shape() != out[k].shape() || t.dtype() != out[k].dtype()) {
      throw std::logic_error(op.name + ": its jvp rule gives " + t.aval().str() + " for " + out[k].aval().str());
    }
    // A tangent that depends on none of those recorded is that of a constant, whatever rule wrote it down.
    if (forward || tangent_context_->owns(t)) out[k] = pair(out[k], t);
  }
  return out;
}

Leaves TangentTrace::process(const Op& op, const Leaves& inputs, const Params& params) {
  for (const Array& a : inputs) {
    if (owns(a)) return record(op, inputs, params);
  }
  TraceScope scope(parent());
  return emit(op, inputs, params);
}

JvpResult jvp(const ErasedFunction& f, const Leaves& primals, const Leaves& tangents) {
  auto trace = std::make_shared<JvpTrace>(current_trace(), nullptr, "jvp");
  FinishScope finish(trace);
  Leaves arguments;
  for (std::size_t k = 0; k < primals.size(); ++k) arguments.push_back(trace->pair(primals[k], tangents[k]));
  JvpResult result;
  {
    TraceScope scope(trace);
    result.out = f(arguments);
  }
  for (Array& a : result.out) {
    result.tangents.push_back(trace->tangent_of(a));
    a = trace->value_of(a);
  }
  return result;
}

LinearMap linearize(const ErasedFunction& f, const Leaves& primals, const std::vector<bool>& active, const char* kind) {
  auto tangent_trace = std::make_shared<TangentTrace>(current_trace());
  auto trace = std::make_shared<JvpTrace>(current_trace(), tangent_trace, kind);
  FinishScope finish(trace), finish_tangent(tangent_trace);
  LinearMap map;
  map.active = active;
  Leaves arguments;
  for (std::size_t k = 0; k < primals.size(); ++k) {
    const Aval& a = primals[k].aval();
    arguments.push_back(active[k] ? trace->pair(primals[k], tangent_trace->input({a.shape, a.dtype, false}))
                                  : primals[k]);
  }
  {
    TraceScope scope(trace);
    map.out = f(arguments);
  }
  Leaves tangents;
  for (Array& a : map.out) {
    const Array t = trace->tangent_of(a);
    map.out_active.push_back(t.defined());
    if (t.defined()) tangents.push_back(t);
    a = trace->value_of(a);
  }
  Staged staged = tangent_trace->finish_program(tangents);
  map.program = staged.program;
  map.captured = std::move(staged.captured);
  return map;
}

Leaves LinearMap::apply(const Leaves& tangents) const {
  Leaves inputs = tangents;
  inputs.insert(inputs.end(), captured.begin(), captured.end());
  const Leaves results = evaluate(*program, inputs);
  Leaves all;
  std::size_t next = 0;
  for (bool a : out_active) all.push_back(a ? results[next++] : Array());
  return all;
}

Leaves LinearMap::transpose(const Leaves& cotangents) const {
  Leaves wanted;
  for (std::size_t k = 0; k < out_active.size(); ++k) {
    if (out_active[k]) wanted.push_back(cotangents[k]);
  }
  const std::size_t linear = program->inputs.size() - captured.size();
  Leaves inputs(linear);
  inputs.insert(inputs.end(), captured.begin(), captured.end());
  try {
    Leaves out = backward(*program, inputs, wanted);
    out.resize(linear);
    return out;
  } catch (const NotLinearError& e) {  // the library's own rules are linear
    throw TraceError("custom_jvp: the rule is not linear in the tangents (" + e.op + ")");
  }
}

// The cotangents that an equation sends. Of an op that is not linear in all its undefined operands together the rule meets
// one of them as a factor; ops that call a user's code or hold Programs are left to those.
static Leaves transposed(const Op& op, const TransposeCall& call) {
  if (!op.transpose) {
    if (!op.no_transpose.empty()) throw TraceError(op.no_transpose);
    throw NotLinearError(op.name);
  }
  if ((!op.kernel && !op.element) || op.effectful) return op.transpose(call);
  try {
    return op.transpose(call);
  } catch (const ValueError&) { throw NotLinearError(op.name); } catch (const std::logic_error&) {
    throw NotLinearError(op.name);
  }
}

Leaves backward(const Program& program, const Leaves& inputs, const Leaves& cotangents) {
  const std::size_t n = program.variables.size();
  Leaves values(n), gradient(n);  // known values; cotangents gathered so far
  std::vector<char> is_linear(n, 0);
  for (std::size_t k = 0; k < program.inputs.size(); ++k) {
    if (inputs[k].defined())
      values[program.inputs[k]] = inputs[k];
    else
      is_linear[program.inputs[k]] = 1;
  }
  for (const auto& [v, a] : program.constants) values[v] = a;

  // What does not depend on the linear inputs is evaluated forwards (there is none of it in a recorded tangent Program).
  std::vector<char> skip(program.equations.size(), 0);
  for (std::size_t k = 0; k < program.equations.size(); ++k) {
    const Equation& e = program.equations[k];
    bool depends = false;
    for (int v : e.inputs) depends |= is_linear[v] != 0;
    if (depends) {
      for (int v : e.outputs) is_linear[v] = 1;
      continue;
    }
    skip[k] = 1;
    Leaves arguments;
    for (int v : e.inputs) arguments.push_back(values[v]);
    Leaves results = emit(*e.op, arguments, e.params);
    for (std::size_t j = 0; j < results.size(); ++j) values[e.outputs[j]] = results[j];
  }
  for (std::size_t k = 0; k < program.outputs.size(); ++k) {
    const int v = program.outputs[k];
    if (is_linear[v]) gradient[v] = add_symbolic(gradient[v], cotangents[k]);
  }
  for (std::size_t k = program.equations.size(); k-- > 0;) {
    if (skip[k]) continue;
    const Equation& e = program.equations[k];
    Leaves received;
    bool any = false;
    for (int v : e.outputs) {
      received.push_back(gradient[v]);
      any |= gradient[v].defined();
      gradient[v] = Array();
    }
    if (!any) continue;
    Leaves arguments;
    std::vector<Aval> avals;
    for (int v : e.inputs) {
      arguments.push_back(is_linear[v] ? Array() : values[v]);
      avals.push_back(program.variables[v]);
    }
    const Leaves sent = transposed(*e.op, {e.params, arguments, avals, received});
    for (std::size_t j = 0; j < e.inputs.size(); ++j) {
      const int v = e.inputs[j];
      if (!is_linear[v] || !sent.at(j).defined()) continue;
      if (sent[j].shape() != avals[j].shape || sent[j].dtype() != avals[j].dtype) {
        throw std::logic_error(e.op->name + ": its transpose rule gives " + sent[j].aval().str() + " for " +
                               avals[j].str());
      }
      gradient[v] = add_symbolic(gradient[v], sent[j]);
    }
  }
  Leaves out;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    out.push_back(inputs[k].defined() ? Array() : gradient[program.inputs[k]]);
  return out;
}

Array instantiate(const Array& a, const Aval& aval) { return a.defined() ? a : zeros(aval.shape, aval.dtype); }

Array add_symbolic(const Array& a, const Array& b) {
  if (!a.defined()) return b;
  if (!b.defined()) return a;
  return a + b;
}

}  // namespace dini::detail
