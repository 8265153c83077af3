// An index expression, understood: what a(...) and a.at(...) do to an array of one shape.
//
//     a --slice, reverse--> picked --reshape--> basic --take along some axes--> result
//
// `basic` has an axis for each slice, newaxis and index array, in the order of the expression, without those of integers.
#pragma once

#include <vector>

#include "dini/core/index.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini::indexing {

struct IndexPlan {
  // Picked: a[start:stop:step], step > 0, then these axes reversed.
  detail::Ints start, stop, step;
  Axes reversed;
  Shape source, picked, basic;
  bool whole = true;  // picked is a itself
  // Index arrays (int64, not negative where that can be seen) and the axes of `basic` they are for.
  std::vector<Array> arrays;
  Axes axes;
  // All index arrays' common shape, and where its axes stand in the result.
  Shape index_shape;
  int place = 0;
  Shape result;
  bool unique = false;  // no element is picked twice
};

/// ShapeError, DtypeError for an expression that does not fit, in the name of `function`.
IndexPlan plan_index(const Shape& shape, const std::vector<IndexItem>& items, const char* function);

/// The index with negative ones counted from the end. ShapeError where it can be read and is out of range.
Array wrapped_index(const Array& index, std::int64_t length, int axis, const char* function);

}  // namespace dini::indexing
