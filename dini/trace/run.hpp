// What emit does when no trace is current: the executor's part of it.
#pragma once

#include <memory>

#include "dini/ops/internal.hpp"

namespace dini {
class Executable;
}

namespace dini::detail {

class Program;

/// Runs an op on concrete arrays. Defined in exec/run_op.cpp.
Leaves run_op(const Op& op, const Leaves& inputs, const Params& params);

/// A Program ready to run; it is made once, and kept with the Program. Defined in exec/executable.cpp.
std::shared_ptr<const Executable> ready_to_run(const Program& program);
Leaves run_ready(const Executable& executable, const Leaves& inputs);

/// Whether results are looked at on this thread, for NaNs (1) or infinities as well (2), and run_op with that. Defined in
/// transforms/debug_nans.cpp.
extern constinit thread_local int watch_nonfinite;
Leaves run_op_watched(const Op& op, const Leaves& inputs, const Params& params);

}  // namespace dini::detail
