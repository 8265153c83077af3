// Dead code: equations, and within control ops the carries, stacked outputs, operands and captured values that nobody
// needs.
#include <algorithm>

#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"

namespace dini::exec {

namespace dead {

// Which variables are needed for the outputs k with wanted[k], and for effects.
std::vector<bool> needed(const Program& p, const std::vector<bool>& wanted) {
  std::vector<bool> live(p.variables.size(), false);
  for (std::size_t k = 0; k < p.outputs.size(); ++k) {
    if (wanted[k]) live[p.outputs[k]] = true;
  }
  for (auto e = p.equations.rbegin(); e != p.equations.rend(); ++e) {
    const bool wants = std::any_of(e->outputs.begin(), e->outputs.end(), [&](int v) { return live[v]; });
    if (!wants && !is_effectful(p, *e)) continue;
    for (int v : e->inputs) live[v] = true;
  }
  return live;
}

template <class T> void keep_only(std::vector<T>& items, const std::vector<bool>& keep, std::size_t first = 0) {
  std::size_t to = first;
  for (std::size_t k = 0; k < keep.size(); ++k) {
    if (keep[k]) items[to++] = items[first + k];
  }
  items.erase(items.begin() + to, items.begin() + first + keep.size());
}

std::vector<bool> inputs_needed(const Program& p, std::size_t first, std::size_t count) {
  const std::vector<bool> live = needed(p, std::vector<bool>(p.outputs.size(), true));
  std::vector<bool> out(count);
  for (std::size_t k = 0; k < count; ++k) {
    const int v = p.inputs[first + k];
    out[k] = live[v];
  }
  return out;
}

void set_integer(Equation& e, const char* name, std::size_t value) {
  e.params.set(name, static_cast<std::int64_t>(value));
}

// The carries that the wanted results, the condition and effects need, closed under the body's dependences.
std::vector<bool> carries_needed(const Program& body, std::vector<bool> wanted, std::size_t carry) {
  while (true) {
    const std::vector<bool> live = needed(body, wanted);
    bool changed = false;
    for (std::size_t k = 0; k < carry; ++k) {
      if (!wanted[k] && live[body.inputs[k]]) wanted[k] = changed = true;
    }
    if (!changed) return wanted;
  }
}

void prune_while(Equation& e, const std::vector<bool>& live) {
  Program &cond = program_of(e, "cond"), &body = program_of(e, "body");
  std::size_t carry = e.params.integer("carry"), cond_captured = e.params.integer("cond_captured");
  remove_dead(cond);
  const std::vector<bool> for_cond = inputs_needed(cond, 0, carry);
  std::vector<bool> wanted(carry);
  for (std::size_t k = 0; k < carry; ++k) wanted[k] = live[e.outputs[k]] || for_cond[k];
  wanted = carries_needed(body, wanted, carry);
  keep_only(body.outputs, wanted);
  keep_only(body.inputs, wanted);
  keep_only(cond.inputs, wanted);
  keep_only(e.inputs, wanted);
  keep_only(e.outputs, wanted);
  carry = e.outputs.size();
  remove_dead(body);
  const std::vector<bool> keep_cond = inputs_needed(cond, carry, cond_captured);
  const std::vector<bool> keep_body = inputs_needed(body, carry, body.inputs.size() - carry);
  keep_only(e.inputs, keep_body, carry + cond_captured);
  keep_only(e.inputs, keep_cond, carry);
  keep_only(cond.inputs, keep_cond, carry);
  keep_only(body.inputs, keep_body, carry);
  set_integer(e, "carry", carry);
  set_integer(e, "cond_captured", cond.inputs.size() - carry);
}

void prune_scan(Equation& e, const std::vector<bool>& live) {
  Program& body = program_of(e, "body");
  const std::size_t carry = e.params.integer("carry"), xs = e.params.integer("xs");
  std::vector<bool> wanted(e.outputs.size());
  for (std::size_t k = 0; k < wanted.size(); ++k) wanted[k] = live[e.outputs[k]];
  wanted = carries_needed(body, wanted, carry);
  const std::vector<bool> carries(wanted.begin(), wanted.begin() + carry);
  keep_only(body.outputs, wanted);
  keep_only(e.outputs, wanted);
  keep_only(body.inputs, carries);
  keep_only(e.inputs, carries);
  const std::size_t left = std::count(carries.begin(), carries.end(), true);
  remove_dead(body);
  const std::vector<bool> keep = inputs_needed(body, left, body.inputs.size() - left);
  const std::size_t xs_left = std::count(keep.begin(), keep.begin() + xs, true);
  keep_only(body.inputs, keep, left);
  keep_only(e.inputs, keep, left);
  set_integer(e, "carry", left);
  set_integer(e, "xs", xs_left);
}

void prune_cond(Equation& e, const std::vector<bool>& live) {
  std::vector<bool> wanted(e.outputs.size());
  for (std::size_t k = 0; k < wanted.size(); ++k) wanted[k] = live[e.outputs[k]];
  std::vector<bool> operands(e.inputs.size() - 1, false);
  for (Program* branch : programs_of(e)) {
    keep_only(branch->outputs, wanted);
    remove_dead(*branch);
    const std::vector<bool> used = inputs_needed(*branch, 0, operands.size());
    for (std::size_t k = 0; k < used.size(); ++k) operands[k] = operands[k] || used[k];
  }
  keep_only(e.outputs, wanted);
  keep_only(e.inputs, operands, 1);
  for (Program* branch : programs_of(e)) keep_only(branch->inputs, operands);
}

void prune_lanes(Equation& e, const std::vector<bool>& live) {
  Program& lane = program_of(e, "program");
  const std::size_t mapped = e.params.integer("mapped"), stacked = e.params.integer("stacked");
  std::vector<bool> wanted(e.outputs.size());
  for (std::size_t k = 0; k < wanted.size(); ++k) wanted[k] = live[e.outputs[k]];
  keep_only(lane.outputs, wanted);
  keep_only(e.outputs, wanted);
  remove_dead(lane);
  const std::vector<bool> keep = inputs_needed(lane, 0, lane.inputs.size());
  keep_only(lane.inputs, keep);
  keep_only(e.inputs, keep);
  set_integer(e, "mapped", std::count(keep.begin(), keep.begin() + mapped, true));
  set_integer(e, "stacked", std::count(wanted.begin(), wanted.begin() + stacked, true));
}

}  // namespace dead

void remove_dead(Program& p) {
  std::vector<bool> live(p.variables.size(), false);
  for (int v : p.outputs) live[v] = true;
  std::vector<bool> keep(p.equations.size(), true);
  for (std::size_t k = p.equations.size(); k-- > 0;) {
    Equation& e = p.equations[k];
    const bool wanted = std::any_of(e.outputs.begin(), e.outputs.end(), [&](int v) { return live[v]; });
    if (!wanted && !is_effectful(p, e)) {
      keep[k] = false;
      continue;
    }
    switch (kind_of(*e.op)) {
      case Kind::while_loop: dead::prune_while(e, live); break;
      case Kind::scan: dead::prune_scan(e, live); break;
      case Kind::cond: dead::prune_cond(e, live); break;
      case Kind::lanes: dead::prune_lanes(e, live); break;
      default: break;
    }
    for (int v : e.inputs) live[v] = true;
  }
  std::size_t to = 0;
  for (std::size_t k = 0; k < keep.size(); ++k) {
    if (!keep[k]) continue;
    if (to != k) p.equations[to] = std::move(p.equations[k]);
    ++to;
  }
  p.equations.resize(to);
  std::erase_if(p.constants, [&](const auto& c) { return !live[c.first]; });
}

}  // namespace dini::exec
