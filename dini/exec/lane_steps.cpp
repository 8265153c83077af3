#include "dini/exec/lane_steps.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "dini/exec/rewrite.hpp"
#include "dini/exec/subroutine.hpp"

namespace dini::exec {

namespace lane_steps {

std::size_t bytes_of(const Aval& a) { return static_cast<std::size_t>(a.shape.size()) * item_size(a.dtype); }

std::uint32_t slot_of(const Plan& plan, const OutputSource& from) {
  switch (from.kind) {
    case Slot::input: return static_cast<std::uint32_t>(from.index);
    case Slot::constant: return plan.constants[static_cast<std::size_t>(from.index)].first;
    default: return plan.allocated[static_cast<std::size_t>(from.index)].first;
  }
}

void add_to(const LanesData::Sum& sum, char* total, const char* part) {
  const void* operands[] = {total, part};
  sum.add(operands, total, sum.elements);
}

// The lanes of one block by number, in memory that nobody else uses meanwhile; the block's sums are left there. Whatever runs blocks at
// the same time gives each its own memory, and adds their sums in the order of the blocks.
void run_block_of_lanes(const LanesData& d, void** v, char* memory, std::int64_t block, const RunContext& context) {
  void** slots = reinterpret_cast<void**>(memory);
  const std::int64_t first = block * detail::lanes_in_block, last = std::min(d.size, first + detail::lanes_in_block);
  const auto lane_of = [&](const LanesData::Part& p, std::int64_t lane) {
    return static_cast<char*>(v[p.outer]) + static_cast<std::size_t>(lane) * p.bytes;
  };
  for (std::int64_t lane = first; lane < last; ++lane) {
    context.poll_turn();
    for (const LanesData::Part& p : d.mapped) slots[p.inner] = lane_of(p, lane);
    for (const LanesData::Part& p : d.made) slots[p.inner] = lane_of(p, lane);
    for (const LanesData::Sum& s : d.sums) {
      if (s.made) slots[s.inner] = memory + (lane == first ? s.block : s.lane);
    }
    run_block(d.plan->main, slots, context);
    for (const LanesData::Part& p : d.copied) {
      if (p.bytes) std::memcpy(lane_of(p, lane), slots[p.inner], p.bytes);
    }
    for (const LanesData::Sum& s : d.sums) {
      char* to = memory + s.block;
      if (lane > first)
        add_to(s, to, static_cast<const char*>(slots[s.inner]));
      else if (!s.made && s.bytes)
        std::memcpy(to, slots[s.inner], s.bytes);
    }
  }
}

void run(const Step& step, void** v, const RunContext& context) {
  const LanesData& d = *static_cast<const LanesData*>(step.data);
  char* memory = static_cast<char*>(v[d.memory]);
  void** slots = reinterpret_cast<void**>(memory);
  fill_table(*d.plan, slots, memory + d.arrays);
  for (const LanesData::Part& p : d.shared) slots[p.inner] = v[p.outer];
  const std::int64_t blocks = (d.size + detail::lanes_in_block - 1) / detail::lanes_in_block;
  for (std::int64_t block = 0; block < blocks; ++block) {
    run_block_of_lanes(d, v, memory, block, context);
    for (const LanesData::Sum& s : d.sums) {
      char *total = static_cast<char*>(v[s.outer]), *part = memory + s.block;
      if (block > 0)
        add_to(s, total, part);
      else if (s.bytes)
        std::memcpy(total, part, s.bytes);
    }
  }
  if (blocks > 0) return;
  for (const LanesData::Sum& s : d.sums) std::memset(v[s.outer], 0, s.bytes);
}

}  // namespace lane_steps

void lay_out(LanesData& d, const detail::LaneParts& parts, const std::vector<std::uint32_t>& in,
             const std::vector<std::uint32_t>& out) {
  using namespace lane_steps;
  const Plan& plan = *d.plan;
  const auto rounded = [](std::size_t n) { return (n + 63) / 64 * 64; };
  d.size = parts.size;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const LanesData::Part p{in[k], static_cast<std::uint32_t>(k), bytes_of(plan.input_avals[k])};
    (parts.mapped.has(k) ? d.mapped : d.shared).push_back(p);
  }
  d.arrays = table_bytes(plan);
  d.memory_bytes = d.arrays + rounded(plan.workspace_bytes);
  // The first output that is a certain array of the lane's own is made in its place; all others are copies.
  std::vector<bool> taken(plan.slots.size(), false);
  for (std::size_t k = 0; k < out.size(); ++k) {
    const OutputSource& from = plan.outputs[k];
    const LanesData::Part p{out[k], slot_of(plan, from), bytes_of(from.aval)};
    const bool made = from.kind == Slot::output && !taken[p.inner];
    taken[p.inner] = true;
    if (parts.stacked.has(k)) {
      (made ? d.made : d.copied).push_back(p);
      continue;
    }
    LanesData::Sum s{p, made, lane_sum_kernel(from.aval), static_cast<std::size_t>(from.aval.shape.size()), 0, 0};
    s.lane = d.memory_bytes;
    s.block = s.lane + rounded(p.bytes);
    d.memory_bytes = s.block + rounded(p.bytes);
    d.sums.push_back(s);
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
  return out + "\n" + print(plan->main, indent);
}

}  // namespace dini::exec
