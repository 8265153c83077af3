// Loop invariants: what a loop's body or condition computes from captured values and constants alone is computed once,
// before the loop, as is what lanes have in common. Carries that the body returns as they came become captured values first.
#include <algorithm>

#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/trace/groups.hpp"
#include "dini/trace/split.hpp"

namespace dini::exec {

namespace hoist {

// Moves what a Program of e computes from captured inputs alone, whose variables outside are given, out of it. What is left
// takes other captured inputs behind its first `inputs`; their variables outside.
std::vector<int> move_out(Rewriter& outer, Equation& e, const char* parameter, std::size_t inputs,
                          const std::vector<int>& captured) {
  const Program& inner = program_of(e, parameter);
  std::vector<bool> late(inner.inputs.size(), false);
  std::fill_n(late.begin(), inputs, true);
  const detail::SplitProgram parts =
      detail::split_program(inner, late, {.stays = detail::stays_in_loop, .own_constants = 0});
  e.params.set(parameter, parts.late);
  return outer.splice(*parts.early, captured);
}

void loop(Rewriter& r, Equation e) {
  r.rename(e);
  const bool is_scan = kind_of(*e.op) == Kind::scan;
  std::size_t carry = e.params.integer("carry");
  const std::size_t other =
      e.params.integer(is_scan ? "xs" : "cond_captured");  // inputs between carries and captured ones
  Program& body = program_of(e, "body");
  Program* cond = is_scan ? nullptr : &program_of(e, "cond");
  // From move_out on there are others in their place.

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

  detail::Groups in;
  in.next(carry);
  const detail::Group xs = in.next(is_scan ? other : 0), of_cond = in.next(cond_captured),
                      of_body = in.next(e.inputs.size() - in.size());
  const std::vector<int> for_body = move_out(r, e, "body", xs.end(), of_body.of(e.inputs));
  std::vector<int> inputs(e.inputs.begin(), e.inputs.begin() + xs.end());
  if (cond) {
    const std::vector<int> for_cond = move_out(r, e, "cond", carry, of_cond.of(e.inputs));
    inputs.insert(inputs.end(), for_cond.begin(), for_cond.end());
    e.params.set("cond_captured", static_cast<std::int64_t>(for_cond.size()));
  }
  inputs.insert(inputs.end(), for_body.begin(), for_body.end());
  e.inputs = std::move(inputs);
  e.params.set("carry", static_cast<std::int64_t>(carry));
  r.keep(std::move(e));
}

// What is the same in all lanes is computed once before them.
void lanes(Rewriter& r, Equation e) {
  r.rename(e);
  detail::Groups in;
  const detail::Group mapped = in.next(e.params.integer("mapped")), shared = in.next(e.inputs.size() - mapped.size);
  const std::vector<int> kept = move_out(r, e, "program", mapped.size, shared.of(e.inputs));
  e.inputs = detail::joined({mapped.of(e.inputs), kept});
  r.keep(std::move(e));
}

}  // namespace hoist

void hoist_invariant(Program& p) {
  Rewriter r(p);
  for (Equation& e : r.take_equations()) {
    const Kind kind = kind_of(*e.op);
    if (kind == Kind::while_loop || kind == Kind::scan)
      hoist::loop(r, std::move(e));
    else if (kind == Kind::lanes)
      hoist::lanes(r, std::move(e));
    else
      r.keep(std::move(e));
  }
  r.finish();
}

}  // namespace dini::exec
