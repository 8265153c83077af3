#include "dini/trace/split.hpp"

#include <algorithm>
#include <stdexcept>

#include "dini/ops/create_ops.hpp"
#include "dini/ops/shaping_ops.hpp"

namespace dini::detail {

namespace splitting {

using Mask = std::vector<bool>;

bool any_marked(const std::vector<int>& variables, const Mask& marks) {
  return std::any_of(variables.begin(), variables.end(), [&](int v) { return marks[v]; });
}
void mark(const std::vector<int>& variables, Mask& marks) {
  for (int v : variables) marks[v] = true;
}

// The equations that `outputs` need, `inputs` being given, and those marked in `also`.
ProgramRef part_of(const Program& p, const std::vector<int>& inputs, const std::vector<int>& outputs,
                   const Mask& also) {
  Mask given(p.variables.size(), false), wanted(p.variables.size(), false), taken(p.equations.size(), false);
  mark(inputs, given);
  mark(outputs, wanted);
  for (std::size_t k = p.equations.size(); k-- > 0;) {
    const Equation& e = p.equations[k];
    taken[k] =
        also[k] || std::any_of(e.outputs.begin(), e.outputs.end(), [&](int v) { return wanted[v] && !given[v]; });
    if (taken[k]) mark(e.inputs, wanted);
  }
  auto made = std::make_shared<Program>();
  std::vector<int> place(p.variables.size(), -1);
  auto define = [&](int v) {
    made->variables.push_back(p.variables[v]);
    return place[v] = static_cast<int>(made->variables.size()) - 1;
  };
  auto read = [&](const std::vector<int>& variables) {
    std::vector<int> out;
    out.reserve(variables.size());
    for (int v : variables) {
      if (place[v] < 0) throw std::logic_error("program_part: an output depends on an input that is not given");
      out.push_back(place[v]);
    }
    return out;
  };
  for (int v : inputs) made->inputs.push_back(define(v));
  for (const auto& [v, a] : p.constants) {
    if (wanted[v] && !given[v]) made->constants.emplace_back(define(v), a);
  }
  for (std::size_t k = 0; k < p.equations.size(); ++k) {
    if (!taken[k]) continue;
    const Equation& e = p.equations[k];
    Equation copy{e.op, e.params, read(e.inputs), {}};
    for (int v : e.outputs) {
      // What is given keeps its place; the equation is there for its other results.
      if (given[v]) {
        made->variables.push_back(p.variables[v]);
        copy.outputs.push_back(static_cast<int>(made->variables.size()) - 1);
      } else {
        copy.outputs.push_back(define(v));
      }
    }
    made->equations.push_back(std::move(copy));
  }
  made->outputs = read(outputs);
  return made;
}

// 0, 1, 2, ..., or one number repeated.
bool is_pattern(const Program& p, const Equation& e) {
  return e.op == &iota_op() || (e.op == &broadcast_op() && p.variables[e.inputs[0]].shape.size() == 1);
}

// Worth less than the memory traffic of its result when that is large, so not worth a place outside a loop of its own.
bool cheap(const Program& p, const Equation& e) {
  return is_pattern(p, e) && p.variables[e.outputs[0]].shape.size() > 1024;
}

bool own_constant(const Program& p, const Equation& e, const SplitRule& rule) {
  if (!e.op->kernel || e.op->effectful) return false;
  if (is_pattern(p, e) || e.op == &eye_op()) return rule.own_constants > 0;
  return std::all_of(e.outputs.begin(), e.outputs.end(),
                     [&](int v) { return p.variables[v].shape.size() <= rule.own_constants; });
}

}  // namespace splitting

SplitProgram split_program(const Program& p, const std::vector<bool>& late_inputs, const SplitRule& rule) {
  using namespace splitting;
  const std::size_t variables = p.variables.size(), equations = p.equations.size();
  // What is late, and what each part makes of constants for itself.
  Mask is_late(variables, false), constant(variables, false), late(equations, false), repeated(equations, false);
  Mask read(variables, false);  // by the late part
  mark(p.outputs, read);
  for (std::size_t k = 0; k < p.inputs.size(); ++k) is_late[p.inputs[k]] = late_inputs[k];
  for (const auto& [v, a] : p.constants) constant[v] = true;
  for (std::size_t k = 0; k < equations; ++k) {
    const Equation& e = p.equations[k];
    late[k] = any_marked(e.inputs, is_late) || (rule.stays && rule.stays(p, e));
    if (late[k]) {
      mark(e.outputs, is_late);
      continue;
    }
    // An output has to be there as an array, so that nothing is gained by making it anew.
    if (any_marked(e.outputs, read)) continue;
    const bool own =
        own_constant(p, e, rule) && std::all_of(e.inputs.begin(), e.inputs.end(), [&](int v) { return constant[v]; });
    if (own) mark(e.outputs, constant);
    repeated[k] = own || cheap(p, e);
  }
  const Mask is_output = read;
  Mask early_effect(equations, false), late_effect(equations, false);
  for (std::size_t k = equations; k-- > 0;) {
    const Equation& e = p.equations[k];
    const bool wanted = any_marked(e.outputs, read);
    if (!late[k]) {
      early_effect[k] = is_effectful(p, e);
      if (wanted && repeated[k]) mark(e.inputs, read);
      continue;
    }
    late_effect[k] = !wanted && is_effectful(p, e);
    if (wanted || late_effect[k]) mark(e.inputs, read);
  }
  std::vector<int> first, kept, later;
  for (std::size_t k = 0; k < p.inputs.size(); ++k) {
    const int v = p.inputs[k];
    (late_inputs[k] ? later : first).push_back(v);
    if (!late_inputs[k] && read[v]) kept.push_back(v);
  }
  for (const auto& [v, a] : p.constants) {
    if (is_output[v]) kept.push_back(v);
  }
  for (std::size_t k = 0; k < equations; ++k) {
    if (late[k] || repeated[k]) continue;
    for (int v : p.equations[k].outputs) {
      if (read[v]) kept.push_back(v);
    }
  }
  later.insert(later.end(), kept.begin(), kept.end());
  return {part_of(p, first, kept, early_effect), part_of(p, later, p.outputs, late_effect)};
}

std::vector<bool> dependents(const Program& p, std::vector<bool> marks) {
  for (const Equation& e : p.equations) {
    if (splitting::any_marked(e.inputs, marks)) splitting::mark(e.outputs, marks);
  }
  return marks;
}

std::vector<bool> dependents_of_inputs(const Program& p, const std::vector<bool>& inputs) {
  std::vector<bool> marks(p.variables.size(), false);
  for (std::size_t k = 0; k < p.inputs.size(); ++k) marks[static_cast<std::size_t>(p.inputs[k])] = inputs[k];
  return dependents(p, std::move(marks));
}

bool stays_in_loop(const Program& p, const Equation& e) {
  if (e.op->control == Control::while_loop || e.op->effectful) return true;
  for (const ProgramRef& inner : programs_in(p, e)) {
    auto within = [&inner] {
      return std::any_of(inner->equations.begin(), inner->equations.end(),
                         [&](const Equation& f) { return stays_in_loop(*inner, f); });
    };
    // What many equations stand for is looked through once.
    if (e.op->inlined ? *inner->cached<bool>("stays in loops", [&] { return std::make_shared<bool>(within()); })
                      : within()) {
      return true;
    }
  }
  return false;
}

ProgramRef program_part(const Program& p, const std::vector<int>& inputs, const std::vector<int>& outputs) {
  return splitting::part_of(p, inputs, outputs, std::vector<bool>(p.equations.size(), false));
}

}  // namespace dini::detail
