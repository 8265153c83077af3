// Refusing arrays that no memory could hold before anything is made for them.
#pragma once

#include "dini/core/array.hpp"

namespace dini::detail {

/// ShapeError, in the name of `function`, for an array of 10¹² bytes or more.
void check_size(const Aval& aval, const char* function);

}  // namespace dini::detail
