// lanes: an op that runs a Program lane by lane, so that a lane that has ended stops.
//
// A batched Program computes all lanes at once: its loops go on while any lane does, what is finished within them takes part in
// inner loops, and of branches all are run. Where each has its own number of steps the op has the advantage. It runs lanes one by one,
// or in tiles of some side by side. Its rules are those of a call, of the Program within: the cotangent of an operand that lanes share is
// an output that is summed over them, and under another vmap the Program within is batched.
#pragma once

#include <optional>

#include "dini/transforms/derive.hpp"

namespace dini::detail {

const Op& lanes_op();  // dini/trace/lane_parts.hpp

/// A Program over lanes, by the op: what no mapped input has to do with is emitted once, without the axis, and outputs that are of
/// that kind do not have it. Those in `summed` are summed over lanes, and do not have it either. For Programs without effects. Lanes
/// are run one by one, or, with another `tile` than 1, so many side by side.
Batched emit_lanes(const ProgramRef& p, const Leaves& in, const std::vector<bool>& mapped, std::int64_t size,
                   const std::vector<bool>& summed = {}, std::int64_t tile = 1);

/// What is known of a Program that is to run in lanes.
struct LaneRule {
  /// The inputs in which it is linear: what does not depend on them is no output of an equation that does, and so is known where the
  /// Program is transposed.
  std::vector<bool> linear = {};
  /// No tiles, whose sums are in another order than those of a lane alone: for what has verdicts at the edge of rounding.
  bool one_by_one = false;
  /// Up to so many rows and columns matrices of lanes are side by side in a tile; those that are factorised up to 16 in any case.
  std::int64_t largest_matrix = 16;
};

/// A Program over lanes in the way that is best for its shapes, if that is another than to compute them all together: one by one, or
/// some at a time. Only for Programs with loops that lanes end by themselves, without effects, which a batch has to have in its order,
/// and without check_status, which is to see all lanes.
std::optional<Batched> by_lanes(const ProgramRef& p, const Leaves& in, const std::vector<bool>& mapped,
                                std::int64_t size, const LaneRule& rule = {});

/// As batch_program, by lanes where that is better. What a Program has of check_status then comes after all lanes.
BatchProgram lanes_program(const ProgramRef& p, const std::vector<bool>& mapped, std::int64_t size,
                           const std::vector<bool>& want = {}, const LaneRule& rule = {});

/// The Program of a batch that an equation of the op stands for.
ProgramRef batch_of_lanes(const Params& params);

/// An equation as a Program.
ProgramRef alone(const Op& op, const Params& params, const std::vector<Aval>& in);

}  // namespace dini::detail
