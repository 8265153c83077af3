// Loops, branches and calls to the host: carries that change places, slices of what a scan goes along.
#include <algorithm>
#include <limits>

#include "dini/exec/lane_steps.hpp"
#include "dini/exec/plan_build.hpp"
#include "dini/exec/steps.hpp"
#include "dini/exec/subroutine.hpp"

namespace dini::exec {

std::vector<int> PlanBuilder::enter_carries(Level& l, Block& block, const Equation& e, std::size_t carry, int group) {
  std::vector<int> carries;
  for (std::size_t k = 0; k < carry; ++k) {
    const int v = e.inputs[k], init = l.slot[v];
    // An array that nobody else needs becomes the carry itself.
    bool only = dying(l, v, group);
    for (std::size_t j = 0; j < e.inputs.size(); ++j) only = only && (j == k || l.slot[e.inputs[j]] != init);
    if (only) {
      carries.push_back(init);
      continue;
    }
    const std::size_t bytes = bytes_of(l.p.variables[v]);
    const int slot = add_slot(Slot::temporary, bytes);
    Step& step = emit(block, copy_step(bytes), {init, slot});
    step.a = init, step.d = slot;
    carries.push_back(slot);
  }
  return carries;
}

// The cycles in which pointers move at the end of a turn. Where the body's result is no array of the carry's own (a
// captured one, or the result of another carry too), it is copied.
std::vector<std::uint32_t> PlanBuilder::rotation(Level& body, Block& block, const std::vector<int>& carries) {
  std::vector<int> source(plan_.slots.size(), -1);  // of a carry's slot
  std::vector<bool> is_carry(plan_.slots.size(), false), used(plan_.slots.size(), false);
  for (int c : carries) is_carry[c] = true;
  for (std::size_t k = 0; k < carries.size(); ++k) {
    const int from = body.slot[body.p.outputs[k]];
    if (!used[from] && (is_carry[from] || owner_[from] == body.id)) {
      used[from] = true;
      source[carries[k]] = from;
      continue;
    }
    const std::size_t bytes = bytes_of(body.p.variables[body.p.outputs[k]]);
    const int copy = add_slot(Slot::temporary, bytes, body.id);
    Step& step = emit(block, copy_step(bytes), {from, copy});
    step.a = from, step.d = copy;
    source.push_back(-1);
    is_carry.push_back(false);
    used.push_back(true);
    source[carries[k]] = copy;
  }
  std::vector<std::uint32_t> cycles;
  auto follow = [&](int start) {
    if (source[start] < 0 || source[start] == start) return;
    const std::size_t length = cycles.size();
    cycles.push_back(0);
    for (int s = start; s >= 0;) {
      cycles.push_back(s);
      ++cycles[length];
      plan_.slots[s].kind = Slot::dedicated;
      const int next = source[s];
      source[s] = -1;
      s = next == start ? -1 : next;
    }
  };
  for (int c : carries) {
    if (!used[c]) follow(c);  // the beginning of a chain that ends at a result of the body
  }
  for (int c : carries) follow(c);  // closed cycles
  return cycles;
}

void PlanBuilder::leave_loop(Level& l, const Equation& e, const std::vector<int>& carries, int start) {
  ++clock_;
  for (int c : carries) touch(c);
  // What the loop reads has to last until its end.
  for (Slot& s : plan_.slots) {
    if (s.first >= 0 && s.first <= start && s.last > start) s.last = clock_;
  }
  for (std::size_t k = 0; k < carries.size(); ++k) {
    owner_[carries[k]] = l.id;
    bind(l, e.outputs[k], carries[k]);
  }
}

void PlanBuilder::lower_while(Level& l, Block& block, const Equation& e, int group) {
  const std::size_t carry = e.params.integer("carry"), captured = e.params.integer("cond_captured");
  const std::vector<int> carries = enter_carries(l, block, e, carry, group);
  const int start = ++clock_;
  for (int c : carries) touch(c);
  WhileData* data = own(std::make_unique<WhileData>());
  auto inputs = [&](std::size_t first, std::size_t count) {
    std::vector<int> slots = carries;
    for (std::size_t k = first; k < first + count; ++k) slots.push_back(l.slot[e.inputs[k]]);
    return slots;
  };

  for (int c : carries) owner_[c] = no_level;
  Level cond(program_of(e, "cond"), ++levels_);
  inputs_and_constants(cond, inputs(carry, captured));
  lower(cond, data->cond);
  data->condition = cond.slot[cond.p.outputs[0]];
  ++clock_;
  touch(data->condition);

  if (e.params.has("watch")) data->watch = e.params.get<OpaqueRef>("watch");
  Level body(program_of(e, "body"), ++levels_);
  // A turn that may be ended in its middle must not write over the carries.
  const int last_use = data->watch ? std::numeric_limits<int>::max() : -1;
  for (int c : carries) owner_[c] = body.id, last_use_[c] = last_use;
  inputs_and_constants(body, inputs(carry + captured, e.inputs.size() - carry - captured));
  lower(body, data->body);
  data->cycles = rotation(body, data->body, carries);
  if (data->watch) {
    for (int c : carries) last_use_[c] = -1;
  }
  leave_loop(l, e, carries, start);
  for (std::size_t k = carry; k < e.inputs.size(); ++k) touch(l.slot[e.inputs[k]]);
  block.steps.push_back(while_step(*data));
}

void PlanBuilder::lower_scan(Level& l, Block& block, const Equation& e, int group) {
  const std::size_t carry = e.params.integer("carry"), xs = e.params.integer("xs");
  const std::vector<int> carries = enter_carries(l, block, e, carry, group);
  ScanData* data = own(std::make_unique<ScanData>());
  data->length = e.params.integer("length");
  data->reverse = e.params.flag("reverse");
  Level body(program_of(e, "body"), ++levels_);
  std::vector<int> inputs = carries;
  auto slice = [&](int array, const Aval& aval) {
    const int s = add_slot(Slot::dynamic, bytes_of(aval));
    data->slices.push_back({static_cast<std::uint32_t>(array), static_cast<std::uint32_t>(s), bytes_of(aval)});
    return s;
  };
  for (std::size_t k = carry; k < carry + xs; ++k)
    inputs.push_back(slice(l.slot[e.inputs[k]], body.p.variables[body.p.inputs[k]]));
  for (std::size_t k = carry + xs; k < e.inputs.size(); ++k) inputs.push_back(l.slot[e.inputs[k]]);
  std::vector<int> stacked, ys;
  for (std::size_t k = carry; k < e.outputs.size(); ++k) {
    stacked.push_back(result(l, e.outputs[k]));
    ys.push_back(slice(stacked.back(), body.p.variables[body.p.outputs[k]]));
  }
  const int start = ++clock_;
  for (int c : carries) touch(c);
  for (int s : stacked) touch(s);

  for (int c : carries) owner_[c] = body.id, last_use_[c] = -1;
  inputs_and_constants(body, inputs);
  const auto first_y = body.p.outputs.begin() + static_cast<std::ptrdiff_t>(carry);
  for (std::size_t k = 0; k < ys.size(); ++k) {
    const int v = body.p.outputs[carry + k];
    if (std::find(body.p.outputs.begin(), first_y, v) == first_y) want(body, v, ys[k]);
  }
  lower(body, data->body);
  for (std::size_t k = 0; k < ys.size(); ++k) {
    const int from = body.slot[body.p.outputs[carry + k]];
    if (from == ys[k]) continue;
    Step& step = emit(data->body, copy_step(plan_.slots[ys[k]].bytes), {from, ys[k]});
    step.a = from, step.d = ys[k];
  }
  data->cycles = rotation(body, data->body, carries);
  leave_loop(l, e, carries, start);
  for (int s : stacked) touch(s);
  for (int v : e.inputs) touch(l.slot[v]);
  block.steps.push_back(scan_step(*data));
}

void PlanBuilder::lower_cond(Level& l, Block& block, const Equation& e) {
  CondData* data = own(std::make_unique<CondData>());
  data->index = l.slot[e.inputs[0]];
  ++clock_;
  touch(data->index);
  std::vector<int> inputs, results;
  for (std::size_t k = 1; k < e.inputs.size(); ++k) inputs.push_back(l.slot[e.inputs[k]]);
  for (int v : e.outputs) {
    results.push_back(result(l, v));
    touch(results.back());
  }
  const std::vector<Program*> branches = programs_of(e);
  data->branches.resize(branches.size());
  for (std::size_t j = 0; j < branches.size(); ++j) {
    Block& to = data->branches[j];
    Level branch(*branches[j], ++levels_);
    inputs_and_constants(branch, inputs);
    for (std::size_t k = 0; k < results.size(); ++k) want(branch, branch.p.outputs[k], results[k]);
    lower(branch, to);
    for (std::size_t k = 0; k < results.size(); ++k) {
      const int from = branch.slot[branch.p.outputs[k]];
      if (from == results[k]) continue;
      Step& step = emit(to, copy_step(plan_.slots[results[k]].bytes), {from, results[k]});
      step.a = from, step.d = results[k];
    }
  }
  ++clock_;
  for (int s : inputs) touch(s);
  for (int s : results) touch(s);
  block.steps.push_back(cond_step(*data));
}

void PlanBuilder::lower_subroutine(Level& l, Block& block, const Equation& e) {
  auto* data = own(std::make_unique<SubroutineData>(subroutine_plan(e.params.program("program"))));
  const int workspace = add_slot(Slot::temporary, data->workspace_bytes());
  data->workspace = workspace;
  emit(block, subroutine_step(*data), {workspace});
  bind_call(l, *data, e);
}

void PlanBuilder::lower_late_call(Level& l, Block& block, const Equation& e) {
  auto* data = own(std::make_unique<LateCallData>(detail::late_program(e.params)));
  emit(block, late_call_step(*data), {});
  bind_call(l, *data, e);
}

void PlanBuilder::lower_lanes(Level& l, Block& block, const Equation& e) {
  auto* data = own(std::make_unique<LanesData>());
  Program& lane = program_of(e, "program");
  data->plan = make_plan(lane, lane.output_avals());
  emit(block, lanes_step(*data), {});
  CallSlots slots;
  bind_call(l, slots, e);
  lay_out(*data, detail::lane_parts(e.params), slots.in, slots.out);
  const int memory = add_slot(Slot::temporary, data->memory_bytes + data->sum_bytes);
  data->memory = static_cast<std::uint32_t>(memory);
  touch(memory);
}

void PlanBuilder::bind_call(Level& l, CallSlots& slots, const Equation& e) {
  for (int v : e.inputs) {
    slots.in.push_back(l.slot[v]);
    touch(l.slot[v]);
  }
  for (int v : e.outputs) {
    const int slot = result(l, v);
    slots.out.push_back(slot);
    touch(slot);
  }
}

void PlanBuilder::lower_callback(Level& l, Block& block, const Equation& e) {
  CallbackData* data = own(std::make_unique<CallbackData>());
  data->op = e.op;
  data->params = e.params;
  emit(block, callback_step(*data), {});
  for (int v : e.inputs) {
    data->in_avals.push_back(l.p.variables[v]);
    data->in.push_back(l.slot[v]);
    touch(l.slot[v]);
  }
  for (int v : e.outputs) {
    data->out_avals.push_back(l.p.variables[v]);
    data->out.push_back(result(l, v));
    touch(static_cast<int>(data->out.back()));
  }
}

}  // namespace dini::exec
