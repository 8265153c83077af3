#include "dini/exec/plan_build.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/exec/chain.hpp"
#include "dini/exec/interpreter.hpp"
#include "dini/exec/moves.hpp"
#include "dini/exec/steps.hpp"

namespace dini::exec {

Level::Level(const Program& program, int number)
    : p(program),
      id(number),
      groups(group_equations(program)),
      slot(program.variables.size(), -1),
      target(program.variables.size(), -1),
      last(program.variables.size(), -1),
      definition(program.variables.size(), nullptr) {
  for (const Equation& e : p.equations) {
    for (int v : e.outputs) definition[v] = &e;
  }
  for (std::size_t k = 0; k < p.equations.size(); ++k) {
    for (int v : p.equations[k].inputs) last[v] = std::max(last[v], groups.group_of[k]);
  }
  // Fused groups read what is behind a repetition, not the repetition.
  for (const Equation& e : p.equations) {
    if (repeats(p, e)) last[e.inputs[0]] = std::max(last[e.inputs[0]], last[e.outputs[0]]);
  }
  for (int v : p.outputs) last[v] = std::numeric_limits<int>::max();
}

int PlanBuilder::add_slot(Slot::Kind kind, std::size_t bytes, int level) {
  Slot s;
  s.kind = kind;
  s.bytes = bytes;
  plan_.slots.push_back(s);
  owner_.push_back(level);
  last_use_.push_back(-1);
  return static_cast<int>(plan_.slots.size()) - 1;
}

void PlanBuilder::bind(Level& l, int v, int slot) {
  l.slot[v] = slot;
  if (owner_[slot] == l.id) last_use_[slot] = std::max(last_use_[slot], l.last[v]);
}

int PlanBuilder::result(Level& l, int v) {
  const int slot = l.target[v] >= 0 ? l.target[v] : add_slot(Slot::temporary, bytes_of(l.p.variables[v]), l.id);
  bind(l, v, slot);
  return slot;
}

bool PlanBuilder::dying(const Level& l, int v, int group) const {
  const int s = l.slot[v];
  return owner_[s] == l.id && last_use_[s] <= group;
}

void PlanBuilder::touch(int slot) {
  Slot& s = plan_.slots[slot];
  if (s.first < 0) s.first = clock_;
  if (s.last != clock_) touched_.push_back(slot);
  s.last = clock_;
}

Step& PlanBuilder::emit(Block& block, Step step, std::initializer_list<int> slots) {
  ++clock_;
  for (int s : slots) touch(s);
  block.steps.push_back(step);
  return block.steps.back();
}

// ---- Programs --------------------------------------------------------------------------------------------------------

void PlanBuilder::inputs_and_constants(Level& l, const std::vector<int>& inputs) {
  for (std::size_t k = 0; k < inputs.size(); ++k) bind(l, l.p.inputs[k], inputs[k]);
  for (const auto& [v, a] : l.p.constants) {
    const int slot = add_slot(Slot::constant, bytes_of(a.aval()));
    plan_.constants.emplace_back(slot, a);
    bind(l, v, slot);
  }
}

// Asks for a variable to be made in a certain slot, or for what it is another shape of.
void PlanBuilder::want(Level& l, int v, int slot) {
  if (l.slot[v] >= 0 || l.target[v] >= 0) return;
  l.target[v] = slot;
  const Equation* e = l.definition[v];
  if (e && e->op == known().reshape) want(l, e->inputs[0], slot);
}

// About how long a group takes, in elements of elementwise operations: kernels of matrices are of order n³ in their n² elements.
// Nothing for loops and branches, which look by themselves.
double PlanBuilder::work_of(const Level& l, const Group& group) {
  double work = 0;
  for (int k : group.equations) {
    const Equation& e = l.p.equations[static_cast<std::size_t>(k)];
    if (kind_of(*e.op) != Kind::kernel) continue;
    double elements = 1, product = 1;
    const auto count = [&](int v) {
      const double size = static_cast<double>(l.p.variables[v].shape.size());
      elements += size;
      product *= size;
    };
    for (int v : e.inputs) count(v);
    for (int v : e.outputs) count(v);
    // A product's multiplications, for √(mk·kn·mn) = mkn.
    if (e.op == known().dot_general)
      work += std::max(elements, std::sqrt(product));
    else
      work += e.op->element ? elements : elements * std::sqrt(elements);
  }
  return work;
}

void PlanBuilder::lower(Level& l, Block& block) {
  constexpr double long_work = 1 << 18;  // a hundred microseconds, as a rule
  double since = 0;                      // the last look at whether to end
  for (std::size_t g = 0; g < l.groups.groups.size(); ++g) {
    const Group& group = l.groups.groups[g];
    const double work = work_of(l, group);
    if (since + work >= long_work) {
      emit(block, poll_step(), {});
      since = 0;
    }
    since += work;
    if (group.fused)
      lower_fused(l, block, group, static_cast<int>(g));
    else
      lower_equation(l, block, l.p.equations[group.equations[0]], static_cast<int>(g));
  }
}

void PlanBuilder::lower_equation(Level& l, Block& block, const Equation& e, int group) {
  switch (kind_of(*e.op)) {
    case Kind::kernel:
      if (!l.groups.only_repeats[static_cast<std::size_t>(&e - l.p.equations.data())]) lower_kernel(l, block, e, group);
      return;
    case Kind::while_loop: return lower_while(l, block, e, group);
    case Kind::scan: return lower_scan(l, block, e, group);
    case Kind::cond: return lower_cond(l, block, e, group);
    case Kind::callback: return lower_callback(l, block, e);
    case Kind::subroutine: return lower_subroutine(l, block, e);
    case Kind::late: return lower_late_call(l, block, e);
    case Kind::lanes: return lower_lanes(l, block, e);
    default: throw_not_runnable(*e.op);
  }
}

// ---- Kernels ---------------------------------------------------------------------------------------------------------

void PlanBuilder::lower_kernel(Level& l, Block& block, const Equation& e, int group) {
  std::vector<Aval> in, out;
  for (int v : e.inputs) in.push_back(l.p.variables[v]);
  for (int v : e.outputs) out.push_back(l.p.variables[v]);
  if (e.op == known().reshape) return bind(l, e.outputs[0], l.slot[e.inputs[0]]);

  const bool single = e.outputs.size() == 1;
  const bool elementwise = single && e.op->element;
  Step step{nullptr};
  if (elementwise) step = element_step(*e.op, in, out[0]);
  if (!step.code && single && is_splat(l.p, e)) step = fill_step(out[0]);
  if (e.op == &choose_op()) step = choose_step(out[0]);
  if (!step.code && single && !in.empty()) step = dense_step(*e.op, e.params, in, out[0]);
  if (!step.run && !step.code && single && !in.empty()) {
    std::unique_ptr<StepData> data;
    step = reduction_step(*e.op, e.params, in[0], out[0], data);
    if (data) own(std::move(data));
  }
  if (e.op == known().dot_general) {
    if (auto product = product_of(e.params, in)) step = product_step(*own(std::move(product)), out[0].dtype);
  }

  if (!step.run && !step.code && single && !in.empty()) {
    std::unique_ptr<MovesData> moves;
    step = moves_step(*e.op, e.params, in, out[0], moves);
    if (moves) {
      emit(block, step, {});
      MovesData* data = own(std::move(moves));
      for (int v : e.inputs) {
        data->in.push_back(l.slot[v]);
        touch(l.slot[v]);
      }
      data->out = result(l, e.outputs[0]);
      return touch(data->out);
    }
  }

  // Over a dying operand where the op may; elementwise ones may over any.
  int over = -1;
  if (single && l.target[e.outputs[0]] < 0 && (elementwise || e.op->in_place)) {
    for (std::size_t k = 0; k < (elementwise ? in.size() : 1) && over < 0; ++k) {
      if (in[k].dtype == out[0].dtype && in[k].shape.size() == out[0].shape.size() && dying(l, e.inputs[k], group)) {
        over = l.slot[e.inputs[k]];
      }
    }
  }
  if (step.run || step.code) {
    const int n = static_cast<int>(in.size());
    const int a = n > 0 ? l.slot[e.inputs[0]] : 0, b = n > 1 ? l.slot[e.inputs[1]] : a,
              c = n > 2 ? l.slot[e.inputs[2]] : a;
    int d = over;
    if (d >= 0)
      bind(l, e.outputs[0], d);
    else
      d = result(l, e.outputs[0]);
    step.a = a, step.b = b, step.c = c, step.d = d;
    if (n > 0)
      emit(block, step, {a, b, c, d});
    else
      emit(block, step, {d});
    return;
  }
  KernelData* data = own(std::make_unique<KernelData>());
  data->params = e.params;
  data->kernel = e.op->kernel;
  data->in_avals = in;
  data->out_avals = out;
  step = kernel_step(*data);
  step.name = e.op->name.c_str();
  emit(block, step, {});
  for (int v : e.inputs) {
    data->in.push_back(l.slot[v]);
    touch(l.slot[v]);
  }
  for (int v : e.outputs) {
    int d = over;
    if (d >= 0)
      bind(l, v, d);
    else
      d = result(l, v);
    data->out.push_back(d);
    touch(d);
  }
}

// ---- The whole -------------------------------------------------------------------------------------------------------

void PlanBuilder::build(Program& p, const std::vector<Aval>& outputs) {
  plan_.input_avals = p.input_avals();
  std::vector<int> inputs;
  for (const Aval& a : plan_.input_avals) inputs.push_back(add_slot(Slot::input, bytes_of(a)));
  Level l(p, ++levels_);
  inputs_and_constants(l, inputs);
  // An output that is neither an input nor a constant is made in a fresh array; one that stands twice, once.
  std::vector<int> place(p.variables.size(), -1);
  for (std::size_t k = 0; k < p.outputs.size(); ++k) {
    const int v = p.outputs[k];
    if (l.slot[v] >= 0 || place[v] >= 0) continue;
    place[v] = add_slot(Slot::output, bytes_of(outputs[k]));
    want(l, v, place[v]);
  }
  lower(l, plan_.main);
  std::vector<int> index(plan_.slots.size(), -1);  // of a slot among the constants, or the allocated arrays
  for (std::size_t k = 0; k < plan_.constants.size(); ++k) index[plan_.constants[k].first] = static_cast<int>(k);
  auto allocated = [&](int slot, const Aval& aval) {
    plan_.shares = plan_.shares || index[slot] >= 0;
    if (index[slot] < 0) {
      index[slot] = static_cast<int>(plan_.allocated.size());
      plan_.allocated.emplace_back(slot, aval);
    }
    return index[slot];
  };
  for (std::size_t k = 0; k < p.outputs.size(); ++k) {
    const int from = l.slot[p.outputs[k]], to = place[p.outputs[k]];
    const Slot::Kind kind = plan_.slots[from].kind;
    OutputSource source{kind, 0, outputs[k]};
    if (kind == Slot::input) {
      source.index = from;
    } else if (kind == Slot::constant) {
      source.index = index[from];
    } else if (kind == Slot::output) {
      source.index = allocated(from, outputs[k]);
    } else {
      Step& step = emit(plan_.main, copy_step(plan_.slots[from].bytes), {from, to});
      step.a = from, step.d = to;
      source.kind = Slot::output;
      source.index = allocated(to, outputs[k]);
    }
    plan_.outputs.push_back(source);
  }
  join_chains(plan_.main, plan_.data);
}

std::unique_ptr<const Plan> make_plan(Program& program, const std::vector<Aval>& outputs) {
  auto plan = std::make_unique<Plan>();
  PlanBuilder(*plan).build(program, outputs);
  write_whole_registers(*plan);
  plan->workspace_bytes = assign_memory(plan->slots);
  return plan;
}

}  // namespace dini::exec
