// What an equation of the op `lanes` consists of: {program, size, mapped, stacked}, of one lane's Program.
//
//     [mapped inputs..., shared inputs...] -> [stacked outputs..., summed outputs...]
//
// A mapped input has a leading axis, of which each lane has its own part. A stacked output has it, too; a summed one is the sum of
// what the lanes give: of so many lanes by number first, of those sums in order then, so that it does not depend on who runs which.
#pragma once

#include "dini/trace/groups.hpp"
#include "dini/trace/program.hpp"

namespace dini::detail {

inline constexpr std::int64_t lanes_in_block = 1024;

struct LaneParts {
  ProgramRef program;
  std::int64_t size;
  Group mapped, shared, stacked, summed;
};

inline LaneParts lane_parts(const Params& params) {
  LaneParts parts{params.program("program"), params.integer("size"), {}, {}, {}, {}};
  Groups in, out;
  parts.mapped = in.next(static_cast<std::size_t>(params.integer("mapped")));
  parts.shared = in.next(parts.program->inputs.size() - parts.mapped.size);
  parts.stacked = out.next(static_cast<std::size_t>(params.integer("stacked")));
  parts.summed = out.next(parts.program->outputs.size() - parts.stacked.size);
  return parts;
}

}  // namespace dini::detail
