// The plan of a tile: 64 lanes side by side through all of a lane's Program.
//
// A value of e elements is e rows of 64 numbers, so that a step is one vector operation on a short array in the nearest cache, whatever
// the shapes in a lane are. What all lanes share keeps its own layout, and is computed once, before the first tile. The word `live` has
// a bit for each lane that somebody waits for: a loop goes on while any of them does, and a branch is run where any of them takes it.
// The other lanes are computed along with them, and nobody reads what they get; a lane that leaves a loop has its values written to
// the loop's results at that moment, so that the body has no selections.
//
// What has no kernel for tiles is run lane by lane in the middle of them, for the live lanes alone, by the plan of that one equation.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dini/exec/plan.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/ops/kernels/lane.hpp"

namespace dini::exec {

inline constexpr std::size_t tile_lanes = kernels::tile_lanes;

using kernels::LaneRun;
using kernels::LaneStep;
inline const RunContext& context_of(const LaneRun& run) { return *static_cast<const RunContext*>(run.context); }
using LaneBlock = std::vector<LaneStep>;

inline void run_lane_block(const LaneBlock& block, LaneRun& run) {
  for (const LaneStep& s : block) s.run(s, run);
}
std::string print(const LaneBlock& block, const std::string& indent);

/// Where an input comes from, or an output.
struct LaneValue {
  std::uint32_t slot = 0;
  bool lane = false;  // rows; else what all lanes share
  bool used = false;
  /// Of an output that is summed over lanes, and is the product a bᵀ of two vectors of each: a is in `slot`, b in the other. Such a sum
  /// is a product of matrices.
  std::uint32_t other = 0;
  std::size_t rows = 0, columns = 0;  // 0: it is not
};

struct LanePlan {
  std::vector<Slot> slots;
  std::vector<std::pair<std::uint32_t, Array>> constants;
  std::vector<LaneValue> inputs, outputs;
  Block shared;    // once, before the first tile
  LaneBlock main;  // for each tile
  std::vector<std::unique_ptr<StepData>> data;
  std::size_t workspace_bytes = 0;
  std::string str(const std::string& indent) const;
};

/// Lays out a private copy of a lane's Program; `lane` are the inputs that each lane has its own of, `summed` the outputs that are
/// summed over lanes.
std::unique_ptr<const LanePlan> make_lane_plan(const Program& program, const std::vector<bool>& lane,
                                               const std::vector<bool>& summed);

// ---- Steps ------------------------------------------------------------------------------------------------------------

/// Where a step of three outputs has the slot of the last, in place of a fourth operand's.
inline constexpr std::size_t third_output = 3;

/// The step of an op that has a kernel for tiles, without its slots. Operands that are `lane` are rows; the step says of which others
/// it takes the layout of their own, in place of rows that are all the same.
struct LaneKernel {
  LaneStep step;
  std::array<bool, 4> takes_shared = {};
  std::size_t in_place = 0;  // it may write over one of the first so many operands, if that has the output's size
  /// Where operand 0 is shared: what is made of it before the first tile, in so many bytes, to be taken in its place.
  Step prepare{nullptr};
  std::size_t prepared_bytes = 0;
};
class LaneData {
 public:
  explicit LaneData(std::vector<std::unique_ptr<StepData>>& all) : all_(all) {}
  template <class T> T* own(std::unique_ptr<T> data) {
    T* raw = data.get();
    all_.push_back(std::move(data));
    return raw;
  }

 private:
  std::vector<std::unique_ptr<StepData>>& all_;
};
LaneKernel lane_kernel(const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                       const std::vector<bool>& lane, LaneData& data);

/// out = in, so many rows.
LaneStep copy_rows_step(std::size_t bytes);
/// Rows of what all lanes share: a step of LanePlan::shared.
Step spread_step(const Aval& aval);

struct LaneWhileData final : StepData {
  struct Leaving {
    std::uint32_t carry = 0, result = 0;
    std::size_t rows = 0, item = 0;
  };
  LaneBlock cond, body;
  std::uint32_t condition = 0;
  std::vector<Leaving> leaving;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> exchanged;  // at the end of a turn
  std::string str(const std::string& indent) const override;
};
LaneStep lane_while_step(const LaneWhileData& data);

struct LaneCondData final : StepData {
  using Result = LaneWhileData::Leaving;
  std::vector<LaneBlock> branches;
  std::vector<std::vector<Result>> results;  // of each branch
  std::uint32_t index = 0;
  std::string str(const std::string& indent) const override;
};
LaneStep lane_cond_step(const LaneCondData& data);

/// One equation for the live lanes, one after the other.
struct LaneByLaneData final : StepData {
  struct Operand {
    std::uint32_t outer = 0, inner = 0;  // the tile's slot, the lane's slot
    std::size_t offset = 0;              // of the lane's own array in the workspace, but for what is shared
    std::size_t elements = 0, item = 0;
    bool shared = false;
  };
  std::unique_ptr<const Plan> plan;
  std::vector<Operand> in, out;
  std::uint32_t workspace = 0;
  std::size_t arrays = 0, bytes = 0;  // where the plan's workspace begins, and the whole
  std::string str(const std::string& indent) const override;
};
/// A Program of one equation of another.
std::unique_ptr<Program> single_equation(const Program& p, const Equation& e);
/// The data of an equation's step, without the outer slots.
std::unique_ptr<LaneByLaneData> lane_by_lane(const Program& p, const Equation& e, const std::vector<bool>& lane);
LaneStep lane_by_lane_step(const LaneByLaneData& data, const char* name);

}  // namespace dini::exec
