// Chains: what is over in nanoseconds (arithmetic on numbers, copies, elementwise kernels on short arrays) as links of one
// step. A link is half as long as a step, and arithmetic on numbers is done where it stands, without a call.
#pragma once

#include "dini/exec/plan.hpp"

namespace dini::exec {

struct ChainData final : StepData {
  struct Link {
    std::uint32_t code = 0;  // the step's
    std::uint32_t a = 0, b = 0, c = 0, d = 0;
    std::size_t n = 0;
    void (*function)() = nullptr;
  };
  std::vector<Link> links;
  std::vector<const char*> names;
  /// All links in one line.
  std::string line() const;
};

/// What writes into memory of the plan's own, whose every array has a cache line's end to itself, writes whole registers. To be done when
/// all blocks and the kinds of all slots are there.
void write_whole_registers(Plan& plan);

/// Makes each run of steps that have a code one step. To be done once for every block, when all of its steps are there.
void join_chains(Block& block, std::vector<std::unique_ptr<StepData>>& owned);

}  // namespace dini::exec
