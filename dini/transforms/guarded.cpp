#include "dini/transforms/guarded.hpp"

#include <algorithm>

#include "dini/ops/elementwise.hpp"
#include "dini/transforms/control_parts.hpp"

namespace dini::detail {

namespace guarding {

using control::Mask;

// Which carries have lanes, or come to have them.
Mask carries_with_lanes(const control::WhileParts& w, const Mask& inputs) {
  Mask carry = w.carry.of(inputs);
  for (;;) {
    const Mask next =
        control::either(carry, control::dependent_outputs(*w.body, joined({carry, w.for_body.of(inputs)})));
    if (next == carry) return carry;
    carry = next;
  }
}

std::vector<Aval> with_truth(std::vector<Aval> avals, std::size_t at) {
  avals.insert(avals.begin() + static_cast<std::ptrdiff_t>(at), Aval{Shape{}, Dtype::bool_, false});
  return avals;
}

Leaves emit_guarded(const Program& p, const Equation& e, const Leaves& in, const Mask& lanes, const Array& there) {
  Params params = e.params;
  if (!has_loops(p, e)) return emit(*e.op, in, params);
  const Leaves with = joined({in, {there}});
  if (e.op->control == Control::while_loop) {
    const control::WhileParts w = control::parts_of_while(params);
    const Mask carry = carries_with_lanes(w, lanes);
    if (!control::dependent_outputs(*w.condition, joined({carry, w.for_condition.of(lanes)}))[0]) {
      params.set("body", guarded(w.body, joined({carry, w.for_body.of(lanes)})));
      return emit(while_op(), with, params);
    }
    params.set("cond", stage_closed(
                           [&](Leaves all) {
                             const Array still_there = all.back();
                             all.pop_back();
                             return Leaves{evaluate(*w.condition, all)[0] & still_there};
                           },
                           with_truth(w.condition->input_avals(), w.condition->inputs.size()), "while_loop"));
    params.set("cond_captured", static_cast<std::int64_t>(w.for_condition.size + 1));
    return emit(while_op(), joined({w.carry.of(in), w.for_condition.of(in), {there}, w.for_body.of(in)}), params);
  }
  if (e.op->control == Control::cond) {
    control::Programs branches = params.get<control::Programs>("branches");
    for (ProgramRef& b : branches) b = guarded(b, Mask(lanes.begin() + 1, lanes.end()));
    params.set("branches", branches);
    return emit(cond_op(), with, params);
  }
  if (e.op->control == Control::scan) {
    // Its carries may come to have lanes in any step.
    params.set("body", guarded(params.program("body"), Mask(in.size(), true)));
    return emit(scan_op(), with, params);
  }
  if (e.op == &call_op()) {
    params.set("program", guarded(params.program("program"), lanes));
    return emit(call_op(), with, params);
  }
  return emit(*e.op, in, params);  // what has rules of its own keeps them
}

}  // namespace guarding

bool has_loops(const Program& p, bool lengthy) {
  return *p.cached<bool>(lengthy ? "long loops" : "loops", [&] {
    return std::make_shared<bool>(std::any_of(p.equations.begin(), p.equations.end(),
                                              [&](const Equation& e) { return has_loops(p, e, lengthy); }));
  });
}

bool has_loops(const Program& p, const Equation& e, bool lengthy) {
  constexpr std::int64_t few = 8;
  if (e.op->control == Control::while_loop) {
    if (!lengthy || !e.params.has("at_most") || e.params.integer("at_most") > few) return true;
  }
  const std::vector<ProgramRef> within = programs_in(p, e);
  return std::any_of(within.begin(), within.end(), [&](const ProgramRef& inner) { return has_loops(*inner, lengthy); });
}

ProgramRef guarded(const ProgramRef& p, const std::vector<bool>& batched) {
  return p->cached<const Program>(derived_key("guarded", batched), [&] {
    return stage_closed(
        [&](const Leaves& in) {
          const std::vector<bool> lanes = dependents_of_inputs(*p, batched);
          Leaves values(p->variables.size());
          const auto at = [&](int v) -> Array& { return values[static_cast<std::size_t>(v)]; };
          for (std::size_t k = 0; k < p->inputs.size(); ++k) at(p->inputs[k]) = in[k];
          for (const auto& [v, a] : p->constants) at(v) = a;
          for (const Equation& e : p->equations) {
            Leaves arguments;
            for (int v : e.inputs) arguments.push_back(at(v));
            const Leaves made =
                guarding::emit_guarded(*p, e, arguments, control::of_variables(e.inputs, lanes), in.back());
            for (std::size_t k = 0; k < made.size(); ++k) at(e.outputs[k]) = made[k];
          }
          Leaves out;
          for (int v : p->outputs) out.push_back(at(v));
          return out;
        },
        guarding::with_truth(p->input_avals(), p->inputs.size()), "vmap");
  });
}

}  // namespace dini::detail
