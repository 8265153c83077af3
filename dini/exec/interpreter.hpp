// Running a Program an op at a time, each into fresh arrays: what the planned way is compared with, and what an op
// outside any Program is run by.
#pragma once

#include <memory>
#include <span>

#include "dini/exec/executable.hpp"

namespace dini::exec {

/// What an op with a kernel computes.
Leaves call_kernel(const Op& op, std::span<const Array> inputs, const Params& params);

/// What a callback returns, checked against `wanted`.
Leaves call_host(const Op& op, const Params& params, const Leaves& inputs, std::span<const Aval> wanted);

/// The error for an op that can be neither run nor replaced by a Program.
[[noreturn]] void throw_not_runnable(const Op& op);

/// ShapeError or DtypeError unless the inputs are concrete and of the wanted shapes and dtypes.
void check_inputs(std::span<const Array> inputs, std::span<const Aval> wanted);

Leaves interpret(const Program& program, std::span<const Array> inputs);

std::shared_ptr<const Executable> make_interpreter(const Program& program);

}  // namespace dini::exec
