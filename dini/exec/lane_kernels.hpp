// Choosers of a tile's steps, between the files that have them.
#pragma once

#include "dini/exec/lane_plan.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::exec::lane_kernels {

/// Products, LU factors and what is solved with them.
bool choose_matrices(LaneKernel& k, const Equation& e, std::span<const Aval> in, const std::vector<bool>& lane,
                     LaneData& data);

}  // namespace dini::exec::lane_kernels
