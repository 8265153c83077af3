// The sorting ops by name, for rules and passes.
#pragma once

#include "dini/ops/internal.hpp"

namespace dini {

const Op& sort_op();     // {axis: int64}
const Op& argsort_op();  // {axis: int64}; int64

}  // namespace dini
