#include "dini/exec/lane_steps.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "dini/core/pool.hpp"
#include "dini/exec/plan_build.hpp"
#include "dini/exec/subroutine.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::exec {

namespace lane_steps {

void add_to(const LanesData::Sum& sum, char* total, const char* part) {
  const void* operands[] = {total, part};
  sum.add(operands, total, sum.elements);
}

// The lanes of one block by number. Nobody else uses the memory meanwhile, nor the block's sums.
void run_block_of_lanes(const LanesData& d, void** v, char* memory, char* sums, std::int64_t block,
                        const RunContext& context) {
  void** slots = reinterpret_cast<void**>(memory);
  fill_table(*d.plan, slots, memory + d.arrays);
  for (const LanesData::Part& p : d.shared) slots[p.inner] = v[p.outer];
  const std::int64_t first = block * d.lanes_of_block, last = std::min(d.size, first + d.lanes_of_block);
  const auto lane_of = [&](const LanesData::Part& p, std::int64_t lane) {
    return static_cast<char*>(v[p.outer]) + static_cast<std::size_t>(lane) * p.bytes;
  };
  for (std::int64_t lane = first; lane < last; ++lane) {
    context.poll_turn();
    for (const LanesData::Part& p : d.mapped) slots[p.inner] = lane_of(p, lane);
    for (const LanesData::Part& p : d.made) slots[p.inner] = lane_of(p, lane);
    for (const LanesData::Sum& s : d.sums) {
      if (s.made) slots[s.inner] = lane == first ? sums + s.block : memory + s.lane;
    }
    run_block(d.plan->main, slots, context);
    for (const LanesData::Part& p : d.copied) {
      if (p.bytes) std::memcpy(lane_of(p, lane), slots[p.inner], p.bytes);
    }
    for (const LanesData::Sum& s : d.sums) {
      char* to = sums + s.block;
      if (lane > first)
        add_to(s, to, static_cast<const char*>(slots[s.inner]));
      else if (!s.made && s.bytes)
        std::memcpy(to, slots[s.inner], s.bytes);
    }
  }
}

void run(const Step& step, void** v, const RunContext& context) {
  const LanesData& d = *static_cast<const LanesData*>(step.data);
  char* all_sums = static_cast<char*>(v[d.block_sums]);
  const auto sums_of = [&](std::size_t block) { return all_sums + block * d.sums_bytes; };
  const auto blocks = static_cast<std::size_t>(d.blocks);
  const auto run_one = d.tiles ? run_block_of_tiles : run_block_of_lanes;
  detail::for_pieces(blocks, [&](std::size_t block) {
    kernels::Scratch<char> memory(d.memory_bytes);
    run_one(d, v, memory.data(), sums_of(block), static_cast<std::int64_t>(block), context);
  });
  for (const LanesData::Sum& s : d.sums) {
    if (blocks == 0) std::memset(v[s.outer], 0, s.bytes);
    if (blocks > 0 && s.bytes) std::memcpy(v[s.outer], sums_of(0) + s.block, s.bytes);
    for (std::size_t block = 1; block < blocks; ++block)
      add_to(s, static_cast<char*>(v[s.outer]), sums_of(block) + s.block);
  }
}

}  // namespace lane_steps

void lay_out(LanesData& d, const detail::LaneParts& parts, const std::vector<std::uint32_t>& in,
             const std::vector<std::uint32_t>& out) {
  using namespace lane_steps;
  const auto rounded = [](std::size_t n) { return (n + 63) / 64 * 64; };
  d.size = parts.size;
  d.lanes_of_block = parts.lanes_of_block();
  d.blocks = (d.size + d.lanes_of_block - 1) / d.lanes_of_block;
  const auto add_sum = [&](LanesData::Part p, bool made, const Aval& a) -> LanesData::Sum& {
    LanesData::Sum s{p, made, lane_sum_kernel(a), static_cast<std::size_t>(a.shape.size()), a.dtype, 0, 0, {}};
    s.lane = d.memory_bytes, s.block = d.sums_bytes;
    d.memory_bytes += rounded(p.bytes);
    d.sums_bytes += rounded(p.bytes);
    return d.sums.emplace_back(s);
  };
  if (d.tiles) {
    const std::vector<Aval> in_avals = parts.program->input_avals(), out_avals = parts.program->output_avals();
    d.arrays = rounded(d.tiles->slots.size() * sizeof(void*));
    d.memory_bytes = d.arrays + rounded(d.tiles->workspace_bytes);
    for (std::size_t k = 0; k < in.size(); ++k) {
      const LaneValue& value = d.tiles->inputs[k];
      if (value.used)
        (value.lane ? d.mapped : d.shared)
            .push_back({in[k], value.slot, bytes_of(in_avals[k]), item_size(in_avals[k].dtype)});
    }
    for (std::size_t k = 0; k < out.size(); ++k) {
      const LanesData::Part p{out[k], d.tiles->outputs[k].slot, bytes_of(out_avals[k]), item_size(out_avals[k].dtype)};
      if (parts.stacked.has(k))
        d.copied.push_back(p);
      else
        add_sum(p, false, out_avals[k]).product = d.tiles->outputs[k];
    }
    return;
  }
  const Plan& plan = *d.plan;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const LanesData::Part p{in[k], static_cast<std::uint32_t>(k), bytes_of(plan.input_avals[k]), 1};
    (parts.mapped.has(k) ? d.mapped : d.shared).push_back(p);
  }
  d.arrays = table_bytes(plan);
  d.memory_bytes = d.arrays + rounded(plan.workspace_bytes);
  // The first output that is a certain array of the lane's own is made in its place; all others are copies.
  std::vector<bool> taken(plan.slots.size(), false);
  for (std::size_t k = 0; k < out.size(); ++k) {
    const OutputSource& from = plan.outputs[k];
    const LanesData::Part p{out[k], slot_of(plan, from), bytes_of(from.aval), 1};
    const bool made = from.kind == Slot::output && !taken[p.inner];
    taken[p.inner] = true;
    if (parts.stacked.has(k)) {
      (made ? d.made : d.copied).push_back(p);
      continue;
    }
    add_sum(p, made, from.aval);
  }
}

ElementKernel lane_sum_kernel(const Aval& aval) {
  const Aval both[] = {aval, aval};
  return known().add->element(std::span<const Aval>(both), aval);
}

Step lanes_step(const LanesData& data) {
  Step s{lane_steps::run};
  s.data = &data;
  s.name = "lanes";
  return s;
}

std::string LanesData::str(const std::string& indent) const {
  std::string out = indent + std::to_string(size) + " lanes";
  const auto list = [&](const char* what, const auto& parts) {
    if (!parts.empty()) out += what;
    for (const Part& p : parts) out += " " + std::to_string(p.outer) + ":" + std::to_string(p.inner);
  };
  list(", each its own", mapped);
  list(", all", shared);
  list(", making", made);
  list(", copying", copied);
  list(", adding", sums);
  return out + "\n" + (tiles ? tiles->str(indent) : print(plan->main, indent));
}

}  // namespace dini::exec
