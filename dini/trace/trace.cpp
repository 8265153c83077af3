#include "dini/trace/trace.hpp"

#include <algorithm>

#include "dini/core/cancel.hpp"
#include "dini/core/readback.hpp"
#include "dini/trace/internal.hpp"
#include "dini/trace/run.hpp"
#include "dini/trace/split.hpp"

namespace dini {

namespace {
thread_local TraceRef current;  // null: ops are run
const char this_copy = 0;       // by its address
}  // namespace

Trace::Trace(std::shared_ptr<Trace> parent) : parent_(std::move(parent)), copy_(&this_copy) {}
bool Trace::of_this_copy() const { return copy_ == &this_copy; }

const TraceRef& detail::current_trace() { return current; }

TraceScope::TraceScope(TraceRef trace) : before_(std::move(current)) { current = std::move(trace); }
TraceScope::~TraceScope() { current = std::move(before_); }

bool detail::anything_abstract() {
  for (const Trace* t = current.get(); t; t = t->parent().get()) {
    if (t->abstract()) return true;
  }
  return false;
}

void detail::check_not_leaked(const Trace* trace, const Array& a, const char* op) {
  if (!a.defined()) throw ValueError(std::string(op) + ": an array that was never assigned");
  if (a.concrete()) return;
  const Trace* owner = static_cast<detail::Tracer*>(a.node())->trace.get();
  for (const Trace* t = trace; t; t = t->parent().get()) {
    if ((t == owner || t->reads(*owner)) && owner->alive()) return;
  }
  if (!owner->of_this_copy()) {
    throw TraceError(std::string(op) + ": a value traced by " + owner->kind() + " (" + a.aval().str() +
                     ") of another copy of Dini. Two shared objects of this process contain the library, and one calls "
                     "inline functions of the other: compile both with -fvisibility=hidden, or link both with a shared "
                     "Dini");
  }
  throw LeakError(std::string(op) + ": a value traced by " + owner->kind() + " (" + a.aval().str() +
                  ") is used outside that transformation");
}

Leaves emit(const Op& op, const Leaves& inputs, const Params& params) {
  detail::poll_cancel();
  if (current) {
    const TraceRef trace = current;  // the rules change what is current
    return trace->process(op, inputs, params);
  }
  for (const Array& a : inputs) check_not_leaked(nullptr, a, op.name.c_str());
  if (op.direct) return op.direct(params, inputs);
  if (detail::watch_nonfinite) [[unlikely]]
    return detail::run_op_watched(op, inputs, params);
  return detail::run_op(op, inputs, params);
}

bool is_readable(const Array& a) {
  const Array* at = &a;
  while (at->defined() && !at->concrete()) {
    at = static_cast<detail::Tracer*>(at->node())->primal();
    if (!at) return false;
  }
  return at->defined();
}

namespace detail {

const Array* readable(const Tracer& tracer) {
  const Trace* trace = tracer.trace.get();
  if (!trace->alive()) {
    throw LeakError("reading a value traced by " + trace->kind() + " (" + tracer.aval.str() +
                    ") after that transformation has ended");
  }
  if (const Array* primal = tracer.primal()) return primal;
  const std::string origin = trace->origin(tracer);
  throw HostReadError(
      "a value " + tracer.aval.str() + (origin.empty() ? "" : ", the result of " + origin + ",") +
      " was read on the host, but under " + trace->kind() +
      " it is abstract: it stands for all values that the traced function may be called with. Use "
      "where(condition, a, b) to choose between values, cond to choose between computations, while_loop "
      "or fori_loop to repeat one." +
      (trace->from_constants(tracer) ? " It does not depend on the arguments: within eager(...) it is computed at once."
                                     : ""));
}

void check_number_leaf(const Array& leaf) {
  if (!leaf.defined() || leaf.concrete()) return;
  const Trace& trace = *static_cast<Tracer*>(leaf.node())->trace;
  const std::string message = "a value traced by " + trace.kind() + " (" + leaf.aval().str() +
                              ") cannot be written into a C++ number of a tree, which would lose its derivative; make "
                              "the member an Array";
  if (trace.abstract()) throw HostReadError(message);
  throw TraceError(message);
}

}  // namespace detail

// ---- StagingTrace ----------------------------------------------------------------------------------------------------

int StagingTrace::new_variable(const Aval& aval) {
  program_->variables.push_back(aval);
  return static_cast<int>(program_->variables.size()) - 1;
}

Array StagingTrace::input(const Aval& aval) {
  const int v = new_variable(aval);
  program_->inputs.push_back(v);
  return Array(detail::Ref<detail::Node>(new StagedTracer(aval, shared_from_this(), v)));
}

int StagingTrace::variable_of(const Array& a, const char* op) {
  if (!a.defined()) throw ValueError(std::string(op) + ": an array that was never assigned");
  if (owns(a)) return static_cast<StagedTracer*>(a.node())->variable;
  const auto [place, fresh] = known_.try_emplace(a.node(), -1);
  if (!fresh) return place->second;
  if (!a.concrete()) {
    try {
      check_not_leaked(parent().get(), a, op);
    } catch (...) {
      known_.erase(a.node());
      throw;
    }
  }
  const int v = new_variable(a.aval());
  place->second = v;
  kept_.push_back(a);
  if (a.concrete() && (keep_constants_ || (a.weak() && a.ndim() == 0))) {
    program_->constants.emplace_back(v, a);
  } else {
    captured_.push_back(a);
    captured_variables_.push_back(v);
  }
  return v;
}

Leaves StagingTrace::record(const Op& op, const Leaves& inputs, const Params& params) {
  if (!alive()) {
    throw TraceError(op.name + ": a value traced by " + kind() + " is used after that transformation has ended");
  }
  if (op.prepare) {
    if (auto [closed, all] = op.prepare(params, inputs); closed.items().size() != params.items().size()) {
      return record(op, all, closed);
    }
  }
  Equation e;
  e.op = &op;
  e.params = params;
  std::vector<Aval> avals;
  avals.reserve(inputs.size());
  for (const Array& a : inputs) {
    e.inputs.push_back(variable_of(a, op.name.c_str()));
    avals.push_back(a.aval());
  }
  Leaves out;
  for (const Aval& aval : op.infer(avals, params)) {
    const int v = new_variable(aval);
    e.outputs.push_back(v);
    out.push_back(Array(detail::Ref<detail::Node>(new StagedTracer(aval, shared_from_this(), v))));
  }
  program_->equations.push_back(std::move(e));
  return out;
}

Leaves StagingTrace::process(const Op& op, const Leaves& inputs, const Params& params) {
  return record(op, inputs, params);
}

std::string StagingTrace::origin(const detail::Tracer& value) const {
  const int variable = static_cast<const StagedTracer&>(value).variable;
  for (const Equation& e : program_->equations) {
    if (std::find(e.outputs.begin(), e.outputs.end(), variable) != e.outputs.end()) return e.op->name;
  }
  return "";
}

bool StagingTrace::from_constants(const detail::Tracer& value) const {
  std::vector<bool> depends(program_->variables.size(), false);
  for (int v : program_->inputs) depends[static_cast<std::size_t>(v)] = true;
  for (std::size_t k = 0; k < captured_.size(); ++k)
    depends[static_cast<std::size_t>(captured_variables_[k])] = !captured_[k].concrete();
  depends = detail::dependents(*program_, std::move(depends));
  return !depends[static_cast<std::size_t>(static_cast<const StagedTracer&>(value).variable)];
}

Staged StagingTrace::finish_program(const Leaves& outputs) {
  const std::string what = kind() + ": the result";
  for (const Array& a : outputs) program_->outputs.push_back(variable_of(a, what.c_str()));
  program_->inputs.insert(program_->inputs.end(), captured_variables_.begin(), captured_variables_.end());
  finish();
  Staged staged{program_, captured_};
  program_ = std::make_shared<Program>();
#ifndef NDEBUG
  staged.program->check();
#endif
  return staged;
}

static Staged record_into(const std::shared_ptr<StagingTrace>& trace, const std::function<Leaves(const Leaves&)>& f,
                          const std::vector<Aval>& inputs) {
  FinishScope finish(trace);
  Leaves arguments;
  for (const Aval& aval : inputs) arguments.push_back(trace->input(aval));
  Leaves outputs;
  {
    TraceScope scope(trace);
    outputs = f(arguments);
  }
  return trace->finish_program(outputs);
}

ProgramRef detail::stage_closed(const std::function<Leaves(const Leaves&)>& f, const std::vector<Aval>& inputs,
                                const char* purpose) {
  auto trace = std::make_shared<StagingTrace>(nullptr, purpose);
  trace->keep_constants();
  return record_into(trace, f, inputs).program;
}

Staged detail::stage(const std::function<Leaves(const Leaves&)>& f, const std::vector<Aval>& inputs,
                     const char* purpose) {
  return record_into(std::make_shared<StagingTrace>(current_trace(), purpose), f, inputs);
}

}  // namespace dini
