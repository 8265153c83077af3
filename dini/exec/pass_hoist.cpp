// Loop invariants: what a loop's body or condition computes from captured values and constants alone is computed once,
// before the loop. Carries that the body returns as they came become captured values first.
#include <algorithm>
#include <unordered_map>

#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"

namespace dini::exec {

namespace hoist {

// Worth less than the memory traffic of its result when that is large, so not worth a place outside a loop of its own.
bool cheap(const Program& p, const Equation& e) {
  const KnownOps& ops = known();
  if (p.variables[e.outputs[0]].shape.size() <= 1024) return false;
  return e.op == ops.iota || (e.op == ops.broadcast && p.variables[e.inputs[0]].shape.size() == 1);
}

// Moves invariant equations of `inner` into `outer`'s new list. `outside` gives, for inner's captured inputs, the outer
// variables; new captured inputs are appended to inner's inputs, their outer variables to `added`.
void move_out(Rewriter& outer, Program& inner, std::vector<int> outside, std::vector<int>& added) {
  std::vector<bool> invariant(inner.variables.size(), false);
  std::vector<const Array*> constant(inner.variables.size(), nullptr);
  for (std::size_t v = 0; v < outside.size(); ++v) invariant[v] = outside[v] >= 0;
  for (const auto& [v, a] : inner.constants) invariant[v] = true, constant[v] = &a;

  std::vector<Equation> left;
  std::vector<Equation> kept_cheap;
  std::unordered_map<int, const Equation*> cheap_definition;
  kept_cheap.reserve(inner.equations.size());
  auto bring = [&](auto&& self, int v) -> int {  // the outer variable for an invariant inner one
    if (outside[v] >= 0) return outside[v];
    if (constant[v]) return outside[v] = outer.constant(*constant[v]);
    const Equation* e = cheap_definition.at(v);
    std::vector<int> inputs;
    for (int u : e->inputs) inputs.push_back(self(self, u));
    return outside[v] = outer.emit(*e->op, inputs, e->params);
  };
  std::vector<bool> moved(inner.variables.size(), false);
  for (Equation& e : inner.equations) {
    const Kind kind = kind_of(*e.op);
    const bool can = !e.outputs.empty() && kind != Kind::while_loop && !is_effectful(inner, e) &&
                     std::all_of(e.inputs.begin(), e.inputs.end(), [&](int v) { return invariant[v]; });
    if (!can) {
      left.push_back(std::move(e));
      continue;
    }
    for (int v : e.outputs) invariant[v] = true;
    if (cheap(inner, e)) {
      kept_cheap.push_back(e);
      cheap_definition[e.outputs[0]] = &kept_cheap.back();
      left.push_back(std::move(e));
      continue;
    }
    Equation out{e.op, std::move(e.params), {}, {}};
    for (int v : e.inputs) out.inputs.push_back(bring(bring, v));
    for (int v : e.outputs) {
      outside[v] = outer.add(inner.variables[v]);
      out.outputs.push_back(outside[v]);
      moved[v] = true;
    }
    outer.keep(std::move(out));
  }
  inner.equations = std::move(left);
  // Those that the rest of the Program still reads come back as captured values.
  std::vector<bool> used(inner.variables.size(), false);
  for (const Equation& e : inner.equations) {
    for (int v : e.inputs) used[v] = true;
  }
  for (int v : inner.outputs) used[v] = true;
  for (std::size_t v = 0; v < moved.size(); ++v) {
    if (!moved[v] || !used[v]) continue;
    inner.inputs.push_back(static_cast<int>(v));
    added.push_back(outside[v]);
  }
}

void loop(Rewriter& r, Equation e) {
  r.rename(e);
  const bool is_scan = kind_of(*e.op) == Kind::scan;
  std::size_t carry = e.params.integer("carry");
  const std::size_t other =
      e.params.integer(is_scan ? "xs" : "cond_captured");  // inputs between carries and captured ones
  Program& body = program_of(e, "body");
  Program* cond = is_scan ? nullptr : &program_of(e, "cond");

  // Carries that never change. The condition takes them from its end, where its captured inputs are.
  std::size_t cond_captured = is_scan ? 0 : other;
  for (std::size_t k = carry; k-- > 0;) {
    if (body.outputs[k] != body.inputs[k]) continue;
    const int value = e.inputs[k];
    r.replace(e.outputs[k], value);
    body.inputs.push_back(body.inputs[k]);
    body.inputs.erase(body.inputs.begin() + k);
    body.outputs.erase(body.outputs.begin() + k);
    e.outputs.erase(e.outputs.begin() + k);
    e.inputs.push_back(value);
    if (cond) {
      cond->inputs.push_back(cond->inputs[k]);
      cond->inputs.erase(cond->inputs.begin() + k);
      e.inputs.insert(e.inputs.begin() + carry + cond_captured, value);
      ++cond_captured;
    }
    e.inputs.erase(e.inputs.begin() + k);
    --carry;
  }

  const std::size_t between = is_scan ? other : cond_captured;
  std::vector<int> added;
  std::vector<int> outside(body.variables.size(), -1);
  const std::size_t first = is_scan ? carry + between : carry;  // the first captured input of the body
  for (std::size_t k = first; k < body.inputs.size(); ++k) {
    outside[body.inputs[k]] = e.inputs[carry + between + (k - first)];
  }
  move_out(r, body, std::move(outside), added);
  e.inputs.insert(e.inputs.end(), added.begin(), added.end());
  if (cond) {
    added.clear();
    outside.assign(cond->variables.size(), -1);
    for (std::size_t k = 0; k < cond_captured; ++k) outside[cond->inputs[carry + k]] = e.inputs[carry + k];
    move_out(r, *cond, std::move(outside), added);
    e.inputs.insert(e.inputs.begin() + carry + cond_captured, added.begin(), added.end());
    e.params.set("cond_captured", static_cast<std::int64_t>(cond_captured + added.size()));
  }
  e.params.set("carry", static_cast<std::int64_t>(carry));
  r.keep(std::move(e));
}

}  // namespace hoist

void hoist_invariant(Program& p) {
  Rewriter r(p);
  for (Equation& e : r.take_equations()) {
    const Kind kind = kind_of(*e.op);
    if (kind == Kind::while_loop || kind == Kind::scan)
      hoist::loop(r, std::move(e));
    else
      r.keep(std::move(e));
  }
  r.finish();
}

}  // namespace dini::exec
