// What an equation of the op `lanes` consists of: {program, size, mapped, stacked}, of one lane's Program, and {tile} where lanes are
// computed in tiles.
//
//     [mapped inputs..., shared inputs...] -> [stacked outputs..., summed outputs...]
//
// A mapped input has a leading axis, of which each lane has its own part. A stacked output has it, too; a summed one is the sum of
// what the lanes give: of the lanes of a block by number first, of those sums in order then, so that it does not depend on who runs
// which.
#pragma once

#include <algorithm>

#include "dini/trace/groups.hpp"
#include "dini/trace/program.hpp"

namespace dini::detail {

struct LaneParts {
  ProgramRef program;
  std::int64_t size;
  Group mapped, shared, stacked, summed;
  std::int64_t tile = 1;  // so many are computed side by side

  /// How many lanes are a block, one thread's work at a time: by the sizes alone. A few dozen blocks at least, so that threads end at
  /// about the same time, and no more than leave room for the sums of all. Tiles are whole.
  std::int64_t lanes_of_block() const {
    constexpr std::int64_t fewest_blocks = 32, most_lanes = 1024, most_bytes = std::int64_t(1) << 25;
    std::int64_t bytes = 1;
    for (const Aval& a : summed.of(program->output_avals()))
      bytes += a.shape.size() * static_cast<std::int64_t>(item_size(a.dtype));
    const std::int64_t lanes = std::clamp<std::int64_t>((size + fewest_blocks - 1) / fewest_blocks, 1, most_lanes);
    const std::int64_t blocks = std::max<std::int64_t>(1, most_bytes / bytes);
    return (std::max(lanes, (size + blocks - 1) / blocks) + tile - 1) / tile * tile;
  }
};

inline LaneParts lane_parts(const Params& params) {
  LaneParts parts{params.program("program"), params.integer("size"), {}, {}, {}, {}};
  Groups in, out;
  parts.mapped = in.next(static_cast<std::size_t>(params.integer("mapped")));
  parts.shared = in.next(parts.program->inputs.size() - parts.mapped.size);
  parts.stacked = out.next(static_cast<std::size_t>(params.integer("stacked")));
  parts.summed = out.next(parts.program->outputs.size() - parts.stacked.size);
  if (params.has("tile")) parts.tile = params.integer("tile");
  return parts;
}

}  // namespace dini::detail
