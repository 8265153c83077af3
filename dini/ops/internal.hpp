// For the library's own files, never for a public header: what is in dini::detail, so that users may give such names to
// things of their own under `using namespace dini`, as names of dini. See also dini/trace/internal.hpp.
#pragma once

#include "dini/core/choice.hpp"
#include "dini/core/shape.hpp"
#include "dini/ops/op.hpp"

namespace dini {

using detail::BatchCall;
using detail::Batched;
using detail::Choice;
using detail::Control;
using detail::ElementKernel;
using detail::HostFunction;
using detail::JvpCall;
using detail::Kernel;
using detail::KernelCall;
using detail::Leaves;
using detail::Lengths;
using detail::LinearizeCall;
using detail::Linearized;
using detail::Op;
using detail::Opaque;
using detail::OpaqueRef;
using detail::Operands;
using detail::Params;
using detail::Program;
using detail::ProgramRef;
using detail::Rounding;
using detail::Sample;
using detail::to_ints;
using detail::TransposeCall;

}  // namespace dini
