// Groups of elementwise equations as one loop over blocks.
#include <unordered_map>
#include <unordered_set>

#include "dini/exec/plan_build.hpp"
#include "dini/exec/steps.hpp"

namespace dini::exec {

void PlanBuilder::lower_fused(Level& l, Block& block, const Group& group, int number) {
  FusedData* data = own(std::make_unique<FusedData>());
  data->size = static_cast<std::size_t>(group.size);
  ++clock_;
  // Which variables somebody else reads, under any of their shapes.
  std::unordered_map<int, int> root;
  std::unordered_set<int> outside;
  auto root_of = [&](int v) {
    const auto at = root.find(v);
    return at == root.end() ? v : at->second;
  };
  for (int k : group.equations) {
    const Equation& e = l.p.equations[k];
    const int v = e.outputs[0];
    const auto from = e.op == known().reshape ? root.find(e.inputs[0]) : root.end();
    const int its = from == root.end() ? v : from->second;
    root.emplace(v, its);
    if (l.last[v] > number) outside.insert(its);
  }
  std::unordered_map<int, int> operand;
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
    if (const auto known_one = operand.find(v); known_one != operand.end()) return known_one->second;
    FusedData::Operand o;
    o.item = static_cast<std::uint8_t>(item_size(l.p.variables[v].dtype));
    const Equation* made = l.definition[v];
    if (const auto r = made ? repeats(l.p, *made) : std::nullopt) {
      o.kind = r->length == 1 ? FusedData::Operand::splat : FusedData::Operand::repeated;
      o.slot = l.slot[made->inputs[0]];
      o.length = static_cast<std::size_t>(r->length), o.inner = static_cast<std::size_t>(r->inner);
      o.offset = scratch_blocks++ * scratch_block;  // its own: a splat is filled before the first block
    } else {
      o.slot = l.slot[v];
    }
    touch(o.slot);
    return operand[v] = add_operand(o);
  };
  std::unordered_map<int, int> last_call;  // by root
  for (int k : group.equations) {
    for (int v : l.p.equations[k].inputs) last_call[root_of(v)] = k;
  }
  for (int k : group.equations) {
    const Equation& e = l.p.equations[k];
    const int v = e.outputs[0];
    if (e.op == known().reshape) {
      operand[v] = read(e.inputs[0]);
      if (outside.count(root_of(v))) bind(l, v, l.slot[root_of(v)]);
      continue;
    }
    FusedData::Call call;
    call.name = e.op->name.c_str();
    call.count = static_cast<std::uint8_t>(e.inputs.size());
    for (std::size_t j = 0; j < e.inputs.size(); ++j) call.in[j] = static_cast<std::uint8_t>(read(e.inputs[j]));
    if (is_full_sum(l.p, e)) {
      FusedData::Sum sum;
      sum.of = e.op == &sum_product_op() ? FusedData::Sum::products
               : e.op == known().norm2   ? FusedData::Sum::norm
                                         : FusedData::Sum::elements;
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
      if (outside.count(v)) {
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
      const auto last = last_call.find(u);
      if (last == last_call.end() || last->second != k || o.kind != FusedData::Operand::scratch) continue;
      free_blocks.push_back(o.offset);
      last_call.erase(last);  // once, where it stands twice
    }
    if (!outside.count(v) && !last_call.count(v) && call.function &&
        data->operands[call.out].kind == FusedData::Operand::scratch) {
      free_blocks.push_back(data->operands[call.out].offset);  // nobody reads it
    }
  }
  const int scratch = add_slot(Slot::temporary, scratch_blocks * scratch_block);
  touch(scratch);
  data->scratch = scratch;
  data->scratch_bytes = scratch_blocks * scratch_block;
  block.steps.push_back(fused_step(*data));
}

}  // namespace dini::exec
