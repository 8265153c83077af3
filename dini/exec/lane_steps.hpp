// The op `lanes` in a plan: the plan of one lane, run on pointers into the batch, or that of a tile of them (lane_plan.hpp).
//
// It has a table of pointers and a workspace of its own, which serve one lane after the other, so that a lane allocates nothing. Lanes
// go in blocks by number, which all threads share out; a block is the work of one, in memory of its own.
#pragma once

#include "dini/exec/lane_plan.hpp"
#include "dini/exec/plan.hpp"
#include "dini/ops/op.hpp"
#include "dini/trace/lane_parts.hpp"

namespace dini::exec {

struct LanesData final : StepData {
  struct Part {
    std::uint32_t outer = 0, inner = 0;  // the caller's slot, the lane's slot
    std::size_t bytes = 0, item = 1;     // of one lane, of an element
  };
  /// A sum over lanes.
  struct Sum : Part {
    bool made = false;            // in its place, where that is the lane's to give
    ElementKernel add = nullptr;  // of so many elements
    std::size_t elements = 0;
    Dtype dtype = Dtype::float64;
    std::size_t lane = 0;   // where one lane's summand is, in the block's memory
    std::size_t block = 0;  // and the block's sum, among those of the block
    LaneValue product;      // of a tile
  };
  std::shared_ptr<const Plan> plan;       // of one lane,
  std::unique_ptr<const LanePlan> tiles;  // or of a tile
  std::int64_t size = 0, lanes_of_block = 1, blocks = 0;
  std::vector<Part> mapped, shared;
  std::vector<Part> made, copied;  // stacked outputs: made in their place, or copies of something else
  std::vector<Sum> sums;
  std::size_t arrays = 0;        // where the lane's workspace begins, in the block's memory
  std::size_t memory_bytes = 0;  // of that
  std::size_t sums_bytes = 0;    // of one block's sums
  std::uint32_t block_sums = 0;  // the slot of all blocks' sums
  std::string str(const std::string& indent) const override;
};

/// Lays out a block's memory and sums; `parts` are what the op's parameters say.
void lay_out(LanesData& data, const detail::LaneParts& parts, const std::vector<std::uint32_t>& in,
             const std::vector<std::uint32_t>& out);

Step lanes_step(const LanesData& data);

/// The lanes of one block by number, tile by tile. Nobody else uses the memory meanwhile, nor the block's sums.
void run_block_of_tiles(const LanesData& data, void** v, char* memory, char* sums, std::int64_t block,
                        const RunContext& context);

/// total += part, as the executor and the interpreter add the sums of lanes and blocks.
ElementKernel lane_sum_kernel(const Aval& aval);

}  // namespace dini::exec
