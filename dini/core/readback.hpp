// What core/ must ask of traces: what a traced value's elements are when a program reads them, and who traces it.
#pragma once

#include "dini/core/array.hpp"

namespace dini::detail {

/// The array that stands for a tracer when it is read on the host; TraceError where there is none or the tracer has
/// outlived its transformation. Defined in trace/trace.cpp.
const Array* readable(const Tracer& tracer);

/// TraceError for a traced leaf that would be written into a C++ number, where its derivative would be lost.
void check_number_leaf(const Array& leaf);

}  // namespace dini::detail
