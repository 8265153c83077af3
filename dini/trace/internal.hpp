// As dini/ops/internal.hpp, with the names of traces and Programs.
#pragma once

#include "dini/ops/internal.hpp"
#include "dini/trace/program.hpp"
#include "dini/trace/trace.hpp"

namespace dini {

using detail::anything_abstract;
using detail::check_not_leaked;
using detail::current_trace;
using detail::Equation;
using detail::evaluate;
using detail::FinishScope;
using detail::HostReadError;
using detail::is_effectful;
using detail::LeakError;
using detail::programs_in;
using detail::stage;
using detail::stage_closed;
using detail::Staged;
using detail::StagedTracer;
using detail::StagingTrace;
using detail::Trace;
using detail::TraceRef;
using detail::TraceScope;
using detail::uniform_number;

}  // namespace dini
