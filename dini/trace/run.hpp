// What emit does when no trace is current: the executor's part of it.
#pragma once

#include "dini/ops/op.hpp"

namespace dini::detail {

/// Runs an op on concrete arrays. Defined in exec/run_op.cpp.
Leaves run_op(const Op& op, const Leaves& inputs, const Params& params);

}  // namespace dini::detail
