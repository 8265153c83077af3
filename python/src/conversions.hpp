// From what Python has to arrays and numbers, beside what common.hpp declares.
#pragma once

#include "common.hpp"

namespace pydini {

inline constexpr Dtype dtypes[] = {Dtype::bool_, Dtype::int32, Dtype::int64, Dtype::float32, Dtype::float64};

[[noreturn]] void no_such_dtype(const std::string& got, const char* what);

nb::object numpy();
bool has(nb::handle h, const char* attribute);

/// An array in the memory of something with a buffer, which it keeps; a copy where that cannot be, or a ValueError.
Array shared_memory(nb::handle given, bool must);

}  // namespace pydini
