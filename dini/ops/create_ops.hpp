// The ops that make arrays from parameters alone.
#pragma once

#include "dini/ops/internal.hpp"

namespace dini {

const Op& iota_op();  // {shape: Shape, dtype: Dtype, axis: int64}: 0, 1, 2, ... along the axis
const Op& eye_op();   // {rows, columns, offset: int64, dtype: Dtype}

}  // namespace dini
