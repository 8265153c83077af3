// Loops, branches and calls to the host: carries that change places, slices of what a scan goes along.
#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "dini/exec/chain.hpp"
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

// The cycles in which pointers move at the end of a turn, or of a branch, for the carries to be the body's results. Where a result
// is no array of the body's own (a captured one, or the result of another carry too), it is copied.
std::vector<std::uint32_t> PlanBuilder::rotation(const Level& body, Block& block, const std::vector<int>& carries,
                                                 const std::vector<int>& results) {
  std::unordered_map<int, int> source;  // of a carry's slot
  const std::unordered_set<int> are_carries(carries.begin(), carries.end());
  std::unordered_set<int> used;
  for (std::size_t k = 0; k < carries.size(); ++k) {
    const int from = body.slot[results[k]];
    if ((are_carries.count(from) || owner_[from] == body.id) && used.insert(from).second) {
      source[carries[k]] = from;
      continue;
    }
    const std::size_t bytes = bytes_of(body.p.variables[results[k]]);
    const int copy = add_slot(Slot::temporary, bytes, body.id);
    Step& step = emit(block, copy_step(bytes), {from, copy});
    step.a = from, step.d = copy;
    source[carries[k]] = copy;
  }
  std::vector<std::uint32_t> cycles;
  auto follow = [&](int start) {
    const auto at = source.find(start);
    if (at == source.end() || at->second == start) return;
    const std::size_t length = cycles.size();
    cycles.push_back(0);
    for (int s = start; s >= 0;) {
      cycles.push_back(s);
      ++cycles[length];
      plan_.slots[s].kind = Slot::dedicated;
      const auto next = source.find(s);
      s = next == source.end() || next->second == start ? -1 : next->second;
      if (next != source.end()) source.erase(next);
    }
  };
  for (int c : carries) {
    if (!used.count(c)) follow(c);  // the beginning of a chain that ends at a result of the body
  }
  for (int c : carries) follow(c);  // closed cycles
  return cycles;
}

void PlanBuilder::leave_loop(Level& l, const Equation& e, const std::vector<int>& carries, LoopStart start) {
  ++clock_;
  for (int c : carries) touch(c);
  // What the loop reads has to last until its end.
  for (std::size_t k = start.touched; k < touched_.size(); ++k) {
    Slot& s = plan_.slots[static_cast<std::size_t>(touched_[k])];
    if (s.first <= start.clock) s.last = clock_;
  }
  for (std::size_t k = 0; k < carries.size(); ++k) {
    owner_[carries[k]] = l.id;
    last_use_[carries[k]] = -1;  // the body's groups are no longer of account
    bind(l, e.outputs[k], carries[k]);
  }
}

void PlanBuilder::lower_while(Level& l, Block& block, const Equation& e, int group) {
  const std::size_t carry = e.params.integer("carry"), captured = e.params.integer("cond_captured");
  const std::vector<int> carries = enter_carries(l, block, e, carry, group);
  const LoopStart start{++clock_, touched_.size()};
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
  data->cycles = rotation(body, data->body, carries, body.p.outputs);
  leave_loop(l, e, carries, start);
  for (std::size_t k = carry; k < e.inputs.size(); ++k) touch(l.slot[e.inputs[k]]);
  join_chains(data->cond, plan_.data);
  join_chains(data->body, plan_.data);
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
  const LoopStart start{++clock_, touched_.size()};
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
  data->cycles = rotation(body, data->body, carries, body.p.outputs);
  leave_loop(l, e, carries, start);
  for (int s : stacked) touch(s);
  for (int v : e.inputs) touch(l.slot[v]);
  join_chains(data->body, plan_.data);
  block.steps.push_back(scan_step(*data));
}

// The slot of an operand that nobody else needs and that a branch gives as this output; -1: there is none.
int PlanBuilder::passed_on(const Level& l, const Equation& e, std::size_t output, int group) const {
  if (l.target[e.outputs[output]] >= 0) return -1;
  for (const Program* branch : programs_of(e)) {
    const auto at = std::find(branch->inputs.begin(), branch->inputs.end(), branch->outputs[output]);
    if (at == branch->inputs.end()) continue;
    const int v = e.inputs[static_cast<std::size_t>(at - branch->inputs.begin()) + 1];
    if (dying(l, v, group)) return l.slot[v];
  }
  return -1;
}

void PlanBuilder::lower_cond(Level& l, Block& block, const Equation& e, int group) {
  CondData* data = own(std::make_unique<CondData>());
  data->index = l.slot[e.inputs[0]];
  ++clock_;
  touch(data->index);
  std::vector<int> inputs, results;
  for (std::size_t k = 1; k < e.inputs.size(); ++k) inputs.push_back(l.slot[e.inputs[k]]);
  // What a branch passes on stays where it is; branches that give something else exchange pointers.
  std::vector<bool> in_place(e.outputs.size(), false);
  for (std::size_t k = 0; k < e.outputs.size(); ++k) {
    const int place = passed_on(l, e, k, group);
    if (place >= 0 && std::find(results.begin(), results.end(), place) == results.end()) {
      in_place[k] = true;
      results.push_back(place);
    } else {
      results.push_back(-1);
    }
  }
  std::vector<int> kept;
  for (std::size_t k = 0; k < results.size(); ++k) {
    if (in_place[k])
      kept.push_back(results[k]);
    else
      results[k] = result(l, e.outputs[k]);
    touch(results[k]);
  }
  const std::vector<Program*> branches = programs_of(e);
  data->branches.resize(branches.size());
  data->cycles.resize(branches.size());
  for (std::size_t j = 0; j < branches.size(); ++j) {
    Block& to = data->branches[j];
    Level branch(*branches[j], ++levels_);
    inputs_and_constants(branch, inputs);
    for (std::size_t k = 0; k < results.size(); ++k) {
      if (!in_place[k]) want(branch, branch.p.outputs[k], results[k]);
    }
    lower(branch, to);
    std::vector<int> of_kept;
    for (std::size_t k = 0; k < results.size(); ++k) {
      const int v = branch.p.outputs[k], from = branch.slot[v];
      if (in_place[k]) of_kept.push_back(v);
      if (in_place[k] || from == results[k]) continue;
      Step& step = emit(to, copy_step(plan_.slots[results[k]].bytes), {from, results[k]});
      step.a = from, step.d = results[k];
    }
    data->cycles[j] = rotation(branch, to, kept, of_kept);
    join_chains(to, plan_.data);
  }
  ++clock_;
  for (int s : inputs) touch(s);
  for (int s : results) touch(s);
  for (std::size_t k = 0; k < results.size(); ++k) {
    if (in_place[k]) bind(l, e.outputs[k], results[k]);
  }
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
  const detail::LaneParts parts = detail::lane_parts(e.params);
  if (parts.tile > 1) {
    std::vector<bool> mapped(parts.mapped.size, true);
    mapped.resize(lane.inputs.size(), false);
    std::vector<bool> summed(parts.stacked.size, false);
    summed.resize(lane.outputs.size(), true);
    data->tiles = make_lane_plan(lane, mapped, summed);
  } else {
    data->plan = make_plan(lane, lane.output_avals());
  }
  emit(block, lanes_step(*data), {});
  CallSlots slots;
  bind_call(l, slots, e);
  lay_out(*data, parts, slots.in, slots.out);
  const int sums = add_slot(Slot::temporary, static_cast<std::size_t>(data->blocks) * data->sums_bytes);
  data->block_sums = static_cast<std::uint32_t>(sums);
  touch(sums);
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
