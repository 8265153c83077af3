// Loops within what only some lanes of a batch do.
//
// A batch's loop goes on while any lane does, and a batch runs all branches that a lane takes. A lane that has finished, or takes
// another branch, computes on beside the others, and nobody reads what it gets. But a loop within must not wait for it: the line
// search of a lane at its solution cannot succeed, and goes to its last trial at every step of all others. So loops within end
// where no lane is left that is there.
#pragma once

#include "dini/transforms/derive.hpp"

namespace dini::detail {

/// Whether a Program has a loop; with `lengthy`, one that may take more than a few turns.
bool has_loops(const Program& p, bool lengthy = false);
/// Of an equation of that Program.
bool has_loops(const Program& p, const Equation& e, bool lengthy = false);

/// The Program with one more input, `there`, a truth value: without it, it need not compute anything. Its loops that lanes end by
/// themselves, `batched` being the inputs that have lanes, end at once where that is false.
ProgramRef guarded(const ProgramRef& p, const std::vector<bool>& batched);

}  // namespace dini::detail
