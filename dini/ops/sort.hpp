// Sorting along an axis. Stable; NaN stands last, as in NumPy.
#pragma once

#include <tuple>

#include "dini/core/array.hpp"

namespace dini {

/// The elements in ascending order, or in descending, NaN first. Its derivative permutes.
Array sort(const Array& a, int axis = -1, bool descending = false);
/// The order (int64) that sorts: take_along_axis(a, argsort(a)) is sort(a). Equal ones stay in their order, also descending.
Array argsort(const Array& a, int axis = -1, bool descending = false);

struct TopK {
  Array values, indices;
  auto tree() { return std::tie(values, indices); }
};
/// The k largest elements along the last axis, largest first, and where they are (int64), as jax.lax.top_k. NaN is the largest.
/// ShapeError where there are fewer.
TopK top_k(const Array& a, std::int64_t k);

}  // namespace dini
