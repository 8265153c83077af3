#include "dini/exec/lane_steps.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "dini/core/arithmetic.hpp"
#include "dini/core/pool.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/exec/steps.hpp"
#include "dini/exec/subroutine.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

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

void prepare(const LanesData& d, void** v, char* memory) {
  void** slots = reinterpret_cast<void**>(memory);
  fill_table(*d.plan, slots, memory + d.arrays);
  for (const LanesData::Part& p : d.shared) slots[p.inner] = v[p.outer];
}

// The lanes of one block, in memory that nobody else uses meanwhile; the block's sums are left in `sums`.
void run_block_of_lanes(const LanesData& d, void** v, char* memory, char* sums, std::int64_t block,
                        const RunContext& context) {
  void** slots = reinterpret_cast<void**>(memory);
  const std::int64_t first = block * d.block, last = std::min(d.size, first + d.block);
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
      if (lane > first)
        add_to(s, sums + s.block, static_cast<const char*>(slots[s.inner]));
      else if (!s.made && s.bytes)
        std::memcpy(sums + s.block, slots[s.inner], s.bytes);
    }
  }
}

void add_block(const LanesData& d, void** v, const char* sums, std::int64_t block) {
  for (const LanesData::Sum& s : d.sums) {
    char* total = static_cast<char*>(v[s.outer]);
    if (block > 0)
      add_to(s, total, sums + s.block);
    else if (s.bytes)
      std::memcpy(total, sums + s.block, s.bytes);
  }
}

void run(const Step& step, void** v, const RunContext& context) {
  const LanesData& d = *static_cast<const LanesData*>(step.data);
  const std::int64_t blocks = (d.size + d.block - 1) / d.block;
  if (blocks < 2) {
    char *memory = static_cast<char*>(v[d.memory]), *sums = memory + d.memory_bytes;
    prepare(d, v, memory);
    if (blocks == 1) run_block_of_lanes(d, v, memory, sums, 0, context);
    for (const LanesData::Sum& s : d.sums) {
      if (blocks == 0) std::memset(sums + s.block, 0, s.bytes);
    }
    add_block(d, v, sums, 0);
    return;
  }
  const auto pieces = static_cast<std::size_t>(blocks);
  kernels::Scratch<char> sums(pieces * d.sum_bytes);
  const auto sums_of = [&](std::size_t k) { return sums.data() + k * d.sum_bytes; };
  detail::for_pieces(pieces, [&](std::size_t k) {
    kernels::Scratch<char> memory(d.memory_bytes);
    const DefaultArithmetic arithmetic;
    prepare(d, v, memory.data());
    run_block_of_lanes(d, v, memory.data(), sums_of(k), static_cast<std::int64_t>(k), context);
  });
  for (std::size_t k = 0; k < pieces; ++k) add_block(d, v, sums_of(k), static_cast<std::int64_t>(k));
}

bool loops(const Block& block) {
  for (const Step& s : block.steps) {
    if (s.data && dynamic_cast<const WhileData*>(static_cast<const StepData*>(s.data))) return true;
  }
  return false;
}

// What has sums has blocks of a fixed length. Without any the lanes may be divided as finely as pays: lanes with loops take long.
std::int64_t block_of(const LanesData& d) {
  constexpr std::int64_t most = detail::lanes_in_block, pieces = 64;
  if (!d.sums.empty() || !loops(d.plan->main)) return most;
  return std::clamp<std::int64_t>((d.size + pieces - 1) / pieces, 1, most);
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
    s.block = d.sum_bytes;
    d.memory_bytes += rounded(p.bytes);
    d.sum_bytes += rounded(p.bytes);
    d.sums.push_back(s);
  }
  d.block = block_of(d);
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
