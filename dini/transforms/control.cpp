// The control flow that users call, on leaves: what becomes one of the ops that hold Programs.
#include "dini/transforms/control.hpp"

#include <algorithm>
#include <unordered_map>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/watched.hpp"
#include "dini/transforms/callable.hpp"
#include "dini/transforms/control_parts.hpp"
#include "dini/transforms/ends_by_itself.hpp"
#include "dini/transforms/host.hpp"
#include "dini/transforms/host_map.hpp"
#include "dini/transforms/lanes.hpp"
#include "dini/transforms/watch_op.hpp"

namespace dini {

namespace detail {

static std::string list(const std::vector<Aval>& avals) {
  std::string s;
  for (const Aval& a : avals) s += (s.empty() ? "" : ", ") + a.str();
  return "[" + s + "]";
}

static bool same_types(const std::vector<Aval>& a, const std::vector<Aval>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k].shape != b[k].shape || a[k].dtype != b[k].dtype) return false;
  }
  return true;
}

Array truth(const Array& condition) {
  check_defined(condition, "cond");
  if (condition.ndim() != 0) throw ShapeError("cond: the condition must be a scalar, and is " + condition.aval().str());
  return condition.dtype() == Dtype::bool_ ? condition : condition != 0;
}

// A state that enters as a C++ number or weak array must keep its type from step to step.
static Leaves strong(const Leaves& leaves) {
  Leaves out;
  for (const Array& a : leaves) out.push_back(a.weak() ? astype(a, a.dtype()) : a);
  return out;
}

// A body of a loop, traced for a state that keeps its dtypes: a C++ number to start with gets the dtype that the body gives it,
// where that is no narrower kind. `start` is the state first, [state..., others...] what the body takes.
static Staged stage_body(const ErasedFunction& given, Leaves& start, const std::vector<Aval>& others,
                         const char* function) {
  const ErasedFunction body = [&](const Leaves& s) {
    Leaves out = given(s);
    require_assigned(out, function, "body's value");
    return out;
  };
  const auto staged = [&](const ErasedFunction& f, const Leaves& state) {
    std::vector<Aval> avals = avals_of_leaves(state);
    avals.insert(avals.end(), others.begin(), others.end());
    return stage(f, avals, function);
  };
  const auto kind = [](Dtype d) { return is_floating(d) ? 2 : is_integer(d) ? 1 : 0; };
  // Each turn makes at least one number strong.
  while (std::any_of(start.begin(), start.end(), [](const Array& a) { return a.weak(); })) {
    const std::vector<Aval> out = staged(body, start).program->output_avals();
    bool changed = false;
    for (std::size_t k = 0; k < start.size() && k < out.size(); ++k) {
      if (!start[k].weak() || (out[k].weak && out[k].dtype == start[k].dtype())) continue;
      if (kind(start[k].dtype()) > kind(out[k].dtype)) continue;
      start[k] = astype(start[k], out[k].dtype);
      changed = true;
    }
    if (!changed) break;
  }
  start = strong(start);
  return staged([&](const Leaves& s) { return strong(body(s)); }, start);
}

// Traces of several functions share their operands; each gets the captured values of the others as inputs it ignores.
static control::Programs unify_captured(const std::vector<Staged>& staged, std::size_t operands, Leaves& captured) {
  std::unordered_map<const Node*, std::size_t> place;
  for (const Staged& s : staged) {
    for (const Array& a : s.captured) {
      if (place.try_emplace(a.node(), captured.size()).second) captured.push_back(a);
    }
  }
  control::Programs out;
  for (const Staged& s : staged) {
    auto program = std::make_shared<Program>(*s.program);
    std::vector<int>& inputs = program->inputs;
    const std::vector<int> own(inputs.begin() + static_cast<std::ptrdiff_t>(operands), inputs.end());
    inputs.resize(operands);
    inputs.resize(operands + captured.size(), -1);
    for (std::size_t k = 0; k < own.size(); ++k) inputs[operands + place.at(s.captured[k].node())] = own[k];
    for (std::size_t k = 0; k < captured.size(); ++k) {
      if (inputs[operands + k] >= 0) continue;
      inputs[operands + k] = static_cast<int>(program->variables.size());
      program->variables.push_back(captured[k].aval());
    }
    out.push_back(std::move(program));
  }
  return out;
}

Leaves switch_leaves(const char* function, const Array& index, const std::vector<ErasedFunction>& branches,
                     const Leaves& operands) {
  const std::string who = std::string(function) + ": ";
  check_defined(index, function);
  require_assigned(operands, function, "operands");
  if (branches.empty()) throw ValueError(who + "there are no branches");
  if (index.ndim() != 0 || is_floating(index.dtype())) {
    throw ShapeError(who + "the index must be a boolean or integer scalar, and is " + index.aval().str());
  }
  const std::int64_t last = static_cast<std::int64_t>(branches.size()) - 1;
  if (is_readable(index)) {
    const std::int64_t k = std::clamp<std::int64_t>(index.item<std::int64_t>(), 0, last);
    return branches[static_cast<std::size_t>(k)](operands);
  }
  std::vector<Staged> staged;
  for (const ErasedFunction& f : branches) staged.push_back(stage(f, avals_of_leaves(operands), function));
  for (const Staged& s : staged) {
    if (!same_types(s.program->output_avals(), staged[0].program->output_avals())) {
      throw ShapeError(who + "the branches return " + list(staged[0].program->output_avals()) + " and " +
                       list(s.program->output_avals()));
    }
  }
  Leaves captured;
  const control::Programs programs = unify_captured(staged, operands.size(), captured);
  const Array clamped = clip(astype(index, Dtype::int64), Array(0), Array(last));
  return emit(cond_op(), control::join(control::join({clamped}, operands), captured), {{"branches", programs}});
}

static Leaves emit_while(const std::function<Array(const Leaves&)>& condition, const ErasedFunction& body,
                         const Leaves& init, const WatchRef& watch, std::int64_t at_most) {
  require_assigned(init, "while_loop", "state");
  Leaves start = init;
  const Staged b = stage_body(body, start, {}, "while_loop");
  const std::vector<Aval> avals = avals_of_leaves(start);
  const Staged c = stage([&](const Leaves& s) { return Leaves{condition(s)}; }, avals, "while_loop");
  const std::vector<Aval> answer = c.program->output_avals();
  if (answer[0].shape.ndim() != 0 || answer[0].dtype != Dtype::bool_) {
    throw ShapeError("while_loop: the condition must be a boolean scalar, and is " + answer[0].str());
  }
  if (!same_types(avals, b.program->output_avals())) {
    throw ShapeError("while_loop: the state went in as " + list(avals) + " and came out of the body as " +
                     list(b.program->output_avals()));
  }
  return emit(while_op(), control::join(control::join(start, c.captured), b.captured),
              control::while_params(c.program, b.program, start.size(), c.captured.size(), OpaqueRef(watch), at_most));
}

Leaves while_leaves(const std::function<Array(const Leaves&)>& condition, const ErasedFunction& body,
                    const Leaves& init, const WatchRef& watch) {
  return emit_while(condition, body, init, watch, 0);
}

Leaves loop_leaves(const std::function<Array(const Leaves&)>& condition, const ErasedFunction& body, Leaves state,
                   std::int64_t at_most, const WatchRef& watch) {
  const Array first = condition(state);
  if (is_readable(first)) {
    for (std::int64_t k = 0; k < at_most; ++k) {
      if (!(k == 0 ? first : condition(state)).item<bool>()) break;
      Leaves next;
      if (!run_watched(watch ? &watch->watch : nullptr, [&] { next = body(state); })) break;
      state = std::move(next);
    }
    return state;
  }
  if (at_most == ends_by_itself) return while_leaves(condition, body, state, watch);
  state.push_back(array(std::int64_t{0}));
  auto inner = [](const Leaves& s) { return control::part(s, 0, s.size() - 1); };
  Leaves out =
      emit_while([&](const Leaves& s) { return (s.back() < at_most) & condition(inner(s)); },
                 [&](const Leaves& s) { return control::join(body(inner(s)), {s.back() + 1}); }, state, watch, at_most);
  out.pop_back();
  return out;
}

std::int64_t scan_length(const Leaves& xs, std::optional<std::int64_t> length) {
  require_assigned(xs, "scan", "xs");
  for (const Array& x : xs) {
    if (x.ndim() == 0) throw ShapeError("scan: xs has a scalar, which has no axis to go along");
    if (!length) length = x.shape()[0];
    if (x.shape()[0] != *length) {
      throw ShapeError("scan: " + std::to_string(*length) + " steps, but an x has shape " + x.shape().str());
    }
  }
  if (!length || *length < 0) throw ShapeError("scan: needs xs or a length of 0 or more");
  return *length;
}

Leaves scan_leaves(const ErasedFunction& body, const Leaves& init, const Leaves& xs, std::int64_t length,
                   bool reverse) {
  require_assigned(init, "scan", "carry");
  Leaves start = init;
  std::vector<Aval> each;
  for (const Array& x : xs) each.push_back({x.shape().erased(0), x.dtype(), x.weak()});
  const Staged b = stage_body(body, start, each, "scan");
  std::vector<Aval> out = b.program->output_avals();
  out.resize(start.size());
  if (!same_types(avals_of_leaves(start), out)) {
    throw ShapeError("scan: the carry went in as " + list(avals_of_leaves(start)) + " and came out of the body as " +
                     list(out));
  }
  return emit(scan_op(), control::join(control::join(start, xs), b.captured),
              control::scan_params(b.program, length, start.size(), xs.size(), reverse));
}

}  // namespace detail

OpList control_ops() {
  static const Op* const list[] = {&detail::call_op(),     &detail::late_call_op(), &detail::cond_op(),
                                   &detail::while_op(),    &detail::scan_op(),      &detail::lanes_op(),
                                   &detail::callback_op(), &detail::host_op(),      &detail::watch_op()};
  return list;
}

}  // namespace dini
