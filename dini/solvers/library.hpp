// The library's solvers, by the names that problem files use.
#pragma once

#include "dini/core/option_table.hpp"
#include "dini/solvers/solver.hpp"

namespace dini {

/// All solvers, in the order in which "auto" tries those that it tries.
const std::vector<MethodInfo<Solver>>& library_solvers();

}  // namespace dini
