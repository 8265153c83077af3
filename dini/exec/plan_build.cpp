// From a Program to a plan: slots for its variables, steps for its equations.
#include <algorithm>
#include <limits>

#include "dini/exec/fuse.hpp"
#include "dini/exec/interpreter.hpp"
#include "dini/exec/plan.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/exec/steps.hpp"

namespace dini::exec {

namespace {

constexpr int no_level = -1;

std::size_t bytes_of(const Aval& a) { return static_cast<std::size_t>(a.shape.size()) * item_size(a.dtype); }

// One Program on its way into a block.
struct Level {
  Level(const Program& program, int number)
      : p(program),
        id(number),
        groups(group_equations(program)),
        slot(program.variables.size(), -1),
        target(program.variables.size(), -1),
        last(program.variables.size(), -1) {
    for (std::size_t k = 0; k < p.equations.size(); ++k) {
      for (int v : p.equations[k].inputs) last[v] = std::max(last[v], groups.group_of[k]);
    }
    // Fused groups read the number behind a splat, not the splat.
    for (const Equation& e : p.equations) {
      if (is_splat(p, e)) last[e.inputs[0]] = std::max(last[e.inputs[0]], last[e.outputs[0]]);
    }
    for (int v : p.outputs) last[v] = std::numeric_limits<int>::max();
  }
  const Program& p;
  int id;
  Grouping groups;
  std::vector<int> slot;    // of each variable
  std::vector<int> target;  // where a variable is wanted
  std::vector<int> last;    // the last group that reads it
};

class Builder {
 public:
  explicit Builder(Plan& plan) : plan_(plan) {}
  void build(Program& p, const std::vector<Aval>& outputs);

 private:
  // Slots.
  int add_slot(Slot::Kind kind, std::size_t bytes, int level = no_level);
  int result(Level& l, int v);                         // a place for a variable that a step makes
  void bind(Level& l, int v, int slot);                // the variable is what that slot holds
  bool dying(const Level& l, int v, int group) const;  // whether this group may write over it
  void touch(int slot);
  Step& emit(Block& block, Step step, std::initializer_list<int> slots);

  // Programs and equations.
  void inputs_and_constants(Level& l, const std::vector<int>& inputs);
  void want(Level& l, int v, int slot);
  void lower(Level& l, Block& block);
  void lower_equation(Level& l, Block& block, const Equation& e, int group);
  void lower_kernel(Level& l, Block& block, const Equation& e, int group);
  void lower_fused(Level& l, Block& block, const Group& group, int number);
  void lower_while(Level& l, Block& block, const Equation& e, int group);
  void lower_scan(Level& l, Block& block, const Equation& e, int group);
  void lower_cond(Level& l, Block& block, const Equation& e);
  void lower_callback(Level& l, Block& block, const Equation& e);

  // Loops.
  std::vector<int> enter_carries(Level& l, Block& block, const Equation& e, std::size_t carry, int group);
  std::vector<std::uint32_t> rotation(Level& body, Block& block, const std::vector<int>& carries);
  void leave_loop(Level& l, const Equation& e, const std::vector<int>& carries, int start);

  template <class T> T* own(std::unique_ptr<T> data) {
    T* raw = data.get();
    plan_.data.push_back(std::move(data));
    return raw;
  }

  Plan& plan_;
  int clock_ = 0, levels_ = 0;
  std::vector<int> owner_;     // by slot: the level whose steps may write over it
  std::vector<int> last_use_;  // by slot: the last group of that level that reads any variable in it
};

int Builder::add_slot(Slot::Kind kind, std::size_t bytes, int level) {
  Slot s;
  s.kind = kind;
  s.bytes = bytes;
  plan_.slots.push_back(s);
  owner_.push_back(level);
  last_use_.push_back(-1);
  return static_cast<int>(plan_.slots.size()) - 1;
}

void Builder::bind(Level& l, int v, int slot) {
  l.slot[v] = slot;
  if (owner_[slot] == l.id) last_use_[slot] = std::max(last_use_[slot], l.last[v]);
}

int Builder::result(Level& l, int v) {
  const int slot = l.target[v] >= 0 ? l.target[v] : add_slot(Slot::temporary, bytes_of(l.p.variables[v]), l.id);
  bind(l, v, slot);
  return slot;
}

bool Builder::dying(const Level& l, int v, int group) const {
  const int s = l.slot[v];
  return owner_[s] == l.id && last_use_[s] <= group;
}

void Builder::touch(int slot) {
  Slot& s = plan_.slots[slot];
  if (s.first < 0) s.first = clock_;
  s.last = clock_;
}

Step& Builder::emit(Block& block, Step step, std::initializer_list<int> slots) {
  ++clock_;
  for (int s : slots) touch(s);
  block.steps.push_back(step);
  return block.steps.back();
}

// ---- Programs --------------------------------------------------------------------------------------------------------

void Builder::inputs_and_constants(Level& l, const std::vector<int>& inputs) {
  for (std::size_t k = 0; k < inputs.size(); ++k) bind(l, l.p.inputs[k], inputs[k]);
  for (const auto& [v, a] : l.p.constants) {
    const int slot = add_slot(Slot::constant, bytes_of(a.aval()));
    plan_.constants.emplace_back(slot, a);
    bind(l, v, slot);
  }
}

// Asks for a variable to be made in a certain slot, or for what it is another shape of.
void Builder::want(Level& l, int v, int slot) {
  if (l.slot[v] >= 0 || l.target[v] >= 0) return;
  l.target[v] = slot;
  for (const Equation& e : l.p.equations) {
    if (e.op == known().reshape && e.outputs[0] == v) return want(l, e.inputs[0], slot);
  }
}

void Builder::lower(Level& l, Block& block) {
  for (std::size_t g = 0; g < l.groups.groups.size(); ++g) {
    const Group& group = l.groups.groups[g];
    if (group.fused)
      lower_fused(l, block, group, static_cast<int>(g));
    else
      lower_equation(l, block, l.p.equations[group.equations[0]], static_cast<int>(g));
  }
}

void Builder::lower_equation(Level& l, Block& block, const Equation& e, int group) {
  switch (kind_of(*e.op)) {
    case Kind::kernel:
      if (!l.groups.only_splat[static_cast<std::size_t>(&e - l.p.equations.data())]) lower_kernel(l, block, e, group);
      return;
    case Kind::while_loop: return lower_while(l, block, e, group);
    case Kind::scan: return lower_scan(l, block, e, group);
    case Kind::cond: return lower_cond(l, block, e);
    case Kind::callback: return lower_callback(l, block, e);
    default: throw_not_runnable(*e.op);
  }
}

// ---- Kernels ---------------------------------------------------------------------------------------------------------

void Builder::lower_kernel(Level& l, Block& block, const Equation& e, int group) {
  std::vector<Aval> in, out;
  for (int v : e.inputs) in.push_back(l.p.variables[v]);
  for (int v : e.outputs) out.push_back(l.p.variables[v]);
  if (e.op == known().reshape) return bind(l, e.outputs[0], l.slot[e.inputs[0]]);

  const bool single = e.outputs.size() == 1;
  const bool elementwise = single && e.op->element;
  Step step{nullptr};
  if (elementwise && out[0].shape.size() == 1) step = scalar_step(*e.op, in, out[0]);
  if (!step.run && elementwise) step = element_step(*e.op, in, out[0]);
  if (!step.run && single && is_splat(l.p, e)) step = fill_step(out[0]);
  if (!step.run && single && !in.empty()) step = dense_step(*e.op, e.params, in, out[0]);
  if (e.op == known().dot_general) {
    if (auto product = product_of(e.params, in)) step = product_step(*own(std::move(product)), out[0].dtype);
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
  if (step.run) {
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

// ---- Fused loops -----------------------------------------------------------------------------------------------------

void Builder::lower_fused(Level& l, Block& block, const Group& group, int number) {
  FusedData* data = own(std::make_unique<FusedData>());
  data->size = static_cast<std::size_t>(group.size);
  ++clock_;
  // Which variables somebody else reads, under any of their shapes.
  std::vector<int> root(l.p.variables.size(), -1);
  std::vector<bool> outside(l.p.variables.size(), false);
  for (int k : group.equations) {
    const Equation& e = l.p.equations[k];
    const int v = e.outputs[0];
    root[v] = e.op == known().reshape && root[e.inputs[0]] >= 0 ? root[e.inputs[0]] : v;
    if (l.last[v] > number) outside[root[v]] = true;
  }
  std::vector<int> operand(l.p.variables.size(), -1);
  std::vector<const Equation*> splats(l.p.variables.size(), nullptr);
  for (const Equation& e : l.p.equations) {
    if (is_splat(l.p, e)) splats[e.outputs[0]] = &e;
  }
  auto add_operand = [&](FusedData::Operand o) {
    data->operands.push_back(o);
    return static_cast<int>(data->operands.size()) - 1;
  };
  // Scratch: blocks that are free again after the last call that reads them.
  constexpr std::size_t scratch_block = FusedData::block * 8 + 128;  // not all at one place modulo the page
  std::size_t scratch_blocks = 0;
  std::vector<std::size_t> free_blocks;
  auto take_block = [&] {
    if (free_blocks.empty()) return scratch_blocks++ * scratch_block;
    const std::size_t b = free_blocks.back();
    free_blocks.pop_back();
    return b;
  };
  auto read = [&](int v) {
    if (operand[v] >= 0) return operand[v];
    FusedData::Operand o;
    o.item = static_cast<std::uint8_t>(item_size(l.p.variables[v].dtype));
    if (splats[v]) {
      o.kind = FusedData::Operand::splat;
      o.slot = l.slot[splats[v]->inputs[0]];
      o.offset = scratch_blocks++ * scratch_block;  // filled before the first block: nobody's before
    } else {
      o.slot = l.slot[v];
    }
    touch(o.slot);
    return operand[v] = add_operand(o);
  };
  std::vector<int> last_call(l.p.variables.size(), -1);  // by root
  auto root_of = [&](int v) { return root[v] >= 0 ? root[v] : v; };
  for (int k : group.equations) {
    for (int v : l.p.equations[k].inputs) last_call[root_of(v)] = k;
  }
  for (int k : group.equations) {
    const Equation& e = l.p.equations[k];
    const int v = e.outputs[0];
    if (e.op == known().reshape) {
      operand[v] = read(e.inputs[0]);
      if (outside[root[v]]) bind(l, v, l.slot[root[v]]);
      continue;
    }
    FusedData::Call call;
    call.name = e.op->name.c_str();
    call.count = static_cast<std::uint8_t>(e.inputs.size());
    for (std::size_t j = 0; j < e.inputs.size(); ++j) call.in[j] = static_cast<std::uint8_t>(read(e.inputs[j]));
    if (is_full_sum(l.p, e)) {
      FusedData::Sum sum;
      sum.product = e.op == &sum_product_op();
      sum.dtype = l.p.variables[v].dtype;
      sum.a = call.in[0], sum.b = call.in[1];
      const int slot = result(l, v);
      sum.slot = slot;
      touch(slot);
      data->sums.push_back(sum);
    } else {
      std::vector<Aval> in;
      for (int u : e.inputs) in.push_back(l.p.variables[u]);
      call.function = e.op->element(in, l.p.variables[v]);
      FusedData::Operand o;
      o.item = static_cast<std::uint8_t>(item_size(l.p.variables[v].dtype));
      if (outside[v]) {
        const int slot = result(l, v);
        o.slot = slot;
        touch(slot);
      } else {
        o.kind = FusedData::Operand::scratch;
        o.offset = take_block();
      }
      operand[v] = add_operand(o);
      call.out = static_cast<std::uint8_t>(operand[v]);
    }
    data->calls.push_back(call);
    for (std::size_t j = 0; j < e.inputs.size(); ++j) {
      const int u = root_of(e.inputs[j]);
      const FusedData::Operand& o = data->operands[operand[e.inputs[j]]];
      if (last_call[u] != k || o.kind != FusedData::Operand::scratch) continue;
      free_blocks.push_back(o.offset);
      last_call[u] = -1;  // once, where it stands twice
    }
    if (!outside[v] && last_call[v] < 0 && call.function &&
        data->operands[call.out].kind == FusedData::Operand::scratch) {
      free_blocks.push_back(data->operands[call.out].offset);  // nobody reads it
    }
  }
  const int scratch = add_slot(Slot::temporary, scratch_blocks * scratch_block);
  touch(scratch);
  data->scratch = scratch;
  block.steps.push_back(fused_step(*data));
}

// ---- Control ---------------------------------------------------------------------------------------------------------

std::vector<int> Builder::enter_carries(Level& l, Block& block, const Equation& e, std::size_t carry, int group) {
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
std::vector<std::uint32_t> Builder::rotation(Level& body, Block& block, const std::vector<int>& carries) {
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

void Builder::leave_loop(Level& l, const Equation& e, const std::vector<int>& carries, int start) {
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

void Builder::lower_while(Level& l, Block& block, const Equation& e, int group) {
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

  Level body(program_of(e, "body"), ++levels_);
  for (int c : carries) owner_[c] = body.id, last_use_[c] = -1;
  inputs_and_constants(body, inputs(carry + captured, e.inputs.size() - carry - captured));
  lower(body, data->body);
  data->cycles = rotation(body, data->body, carries);
  leave_loop(l, e, carries, start);
  for (std::size_t k = carry; k < e.inputs.size(); ++k) touch(l.slot[e.inputs[k]]);
  block.steps.push_back(while_step(*data));
}

void Builder::lower_scan(Level& l, Block& block, const Equation& e, int group) {
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

void Builder::lower_cond(Level& l, Block& block, const Equation& e) {
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

void Builder::lower_callback(Level& l, Block& block, const Equation& e) {
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

// ---- The whole -------------------------------------------------------------------------------------------------------

void Builder::build(Program& p, const std::vector<Aval>& outputs) {
  plan_.input_avals = p.input_avals();
  std::vector<int> inputs;
  for (const Aval& a : plan_.input_avals) inputs.push_back(add_slot(Slot::input, bytes_of(a)));
  Level l(p, ++levels_);
  inputs_and_constants(l, inputs);
  // An output that is neither an input nor a constant is made in a fresh array; one that stands twice, once.
  std::vector<int> place(p.outputs.size(), -1);
  for (std::size_t k = 0; k < p.outputs.size(); ++k) {
    const int v = p.outputs[k];
    if (l.slot[v] >= 0) continue;
    const auto first =
        std::find(p.outputs.begin(), p.outputs.begin() + static_cast<std::ptrdiff_t>(k), v) - p.outputs.begin();
    if (first < static_cast<std::ptrdiff_t>(k)) {
      place[k] = place[first];
      continue;
    }
    place[k] = add_slot(Slot::output, bytes_of(outputs[k]));
    want(l, v, place[k]);
  }
  lower(l, plan_.main);
  auto index_in = [&](const auto& list, int slot) {
    std::size_t k = 0;
    while (k < list.size() && static_cast<int>(list[k].first) != slot) ++k;
    return static_cast<int>(k);
  };
  auto allocated = [&](int slot, const Aval& aval) {
    const int k = index_in(plan_.allocated, slot);
    if (k == static_cast<int>(plan_.allocated.size())) plan_.allocated.emplace_back(slot, aval);
    return k;
  };
  for (std::size_t k = 0; k < p.outputs.size(); ++k) {
    const int from = l.slot[p.outputs[k]];
    const Slot::Kind kind = plan_.slots[from].kind;
    OutputSource source{kind, 0, outputs[k]};
    if (kind == Slot::input) {
      source.index = from;
    } else if (kind == Slot::constant) {
      source.index = index_in(plan_.constants, from);
    } else if (kind == Slot::output) {
      source.index = allocated(from, outputs[k]);
    } else {
      Step& step = emit(plan_.main, copy_step(plan_.slots[from].bytes), {from, place[k]});
      step.a = from, step.d = place[k];
      source.kind = Slot::output;
      source.index = allocated(place[k], outputs[k]);
    }
    for (const OutputSource& o : plan_.outputs) {
      plan_.shares = plan_.shares || (source.kind == Slot::output && o.kind == Slot::output && o.index == source.index);
    }
    plan_.outputs.push_back(source);
  }
}

}  // namespace

std::unique_ptr<const Plan> make_plan(Program& program, const std::vector<Aval>& outputs) {
  auto plan = std::make_unique<Plan>();
  Builder(*plan).build(program, outputs);
  assign_memory(*plan);
  return plan;
}

}  // namespace dini::exec
