// The one thing that core/ must ask of traces: what a traced value's elements are when a program reads them.
#pragma once

#include "dini/core/array.hpp"

namespace dini::detail {

/// The array that stands for a tracer when it is read on the host; TraceError where there is none or the tracer has
/// outlived its transformation. Defined in trace/trace.cpp.
const Array* readable(const Tracer& tracer);

}  // namespace dini::detail
