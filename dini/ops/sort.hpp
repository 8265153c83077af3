// Sorting along an axis. Stable; NaN stands last, as in NumPy.
#pragma once

#include "dini/core/array.hpp"

namespace dini {

/// The elements in ascending order. Its derivative permutes.
Array sort(const Array& a, int axis = -1);
/// The order (int64) that sorts: take_along_axis(a, argsort(a)) is sort(a).
Array argsort(const Array& a, int axis = -1);

}  // namespace dini
