// The op `lanes` in a plan: the plan of one lane, run on pointers into the batch.
//
// It has a table of pointers and a workspace of its own, which are a piece of the caller's workspace and serve one lane after the
// other, so that a lane allocates nothing. Lanes go in blocks by number; a block is the work of one thread, in memory of its own. Which
// lanes are a block depends on the op alone, and sums are added block by block, so that nothing depends on the threads.
#pragma once

#include "dini/exec/plan.hpp"
#include "dini/ops/op.hpp"
#include "dini/trace/lane_parts.hpp"

namespace dini::exec {

struct LanesData final : StepData {
  struct Part {
    std::uint32_t outer = 0, inner = 0;  // the caller's slot, the lane's slot
    std::size_t bytes = 0;               // of one lane
  };
  /// A sum over lanes.
  struct Sum : Part {
    bool made = false;            // in its place, where that is the lane's to give
    ElementKernel add = nullptr;  // of so many elements
    std::size_t elements = 0;
    std::size_t lane = 0,
                block = 0;  // where one lane's summand is, in the memory of a thread; and a block's sum, among its sums
  };
  std::shared_ptr<const Plan> plan;
  std::int64_t size = 0;
  std::vector<Part> mapped, shared;
  std::vector<Part> made, copied;  // stacked outputs: made in their place, or copies of something else
  std::vector<Sum> sums;
  std::int64_t block = 0;    // lanes that one thread runs one after the other
  std::size_t arrays = 0;    // where the lane's workspace begins, in the memory of a thread
  std::uint32_t memory = 0;  // of the calling thread, and then one block's sums
  std::size_t memory_bytes = 0, sum_bytes = 0;
  std::string str(const std::string& indent) const override;
};

/// Lays out the block's memory; `parts` are what the op's parameters say.
void lay_out(LanesData& data, const detail::LaneParts& parts, const std::vector<std::uint32_t>& in,
             const std::vector<std::uint32_t>& out);

Step lanes_step(const LanesData& data);

/// total += part, as the executor and the interpreter add the sums of lanes and blocks.
ElementKernel lane_sum_kernel(const Aval& aval);

}  // namespace dini::exec
