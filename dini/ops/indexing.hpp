// Picking elements: what stands behind a(...) and a.at(...) (core/index.hpp), and NumPy's functions of that kind.
//
// Negative indices count from the end. An index that is out of range is a ShapeError with the index, the axis and its
// length where it can be read. Of a traced one, as in JAX, a(...) and take pick the nearest end of the axis, and a.at(...)
// drops the update: neither the array nor a slope notices it.
//
// Derivatives of a.at(i): `set` passes the slope to the value that was written last, `add` to all, `min` and `max` in
// equal shares to all that attain the result (the old element among them), `multiply` to all by the product rule (of
// first order also where factors are zero; second derivatives where an index stands twice and two of its factors are
// zero are not given).
#pragma once

#include <optional>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/core/choice.hpp"
#include "dini/core/index.hpp"

namespace dini {

/// Elements at `indices` (integers of any shape) of the flattened array, or along an axis: indices' axes take its place.
Array take(const Array& a, const Array& indices);
Array take(const Array& a, const Array& indices, int axis);
/// result[.., i, ..] = a[.., indices[.., i, ..], ..]; the other axes broadcast. With argsort it sorts.
Array take_along_axis(const Array& a, const Array& indices, int axis = -1);

/// Where `values` would be put into the ascending vector `sorted` to keep it so: "left" (or false) before equal ones, "right"
/// (true) after them. int64; not differentiable.
Array searchsorted(const Array& sorted, const Array& values, const detail::Choice& side = "left");
/// Coordinates (one array an axis) of positions in the flattened array of a shape.
std::vector<Array> unravel_index(const Array& indices, const Shape& shape);

/// Rows and columns of the elements on and below (tril), above (triu) the k-th diagonal of an n×m matrix (m = n unless
/// given), int64: a(i[0], i[1]).
std::vector<Array> tril_indices(std::int64_t n, std::int64_t k = 0, std::optional<std::int64_t> m = {});
std::vector<Array> triu_indices(std::int64_t n, std::int64_t k = 0, std::optional<std::int64_t> m = {});

/// Zeros below (triu) or above (tril) the k-th diagonal of the last two axes.
Array triu(const Array& a, int k = 0);
Array tril(const Array& a, int k = 0);
/// The k-th diagonal of a matrix; of a vector the matrix that has it there.
Array diag(const Array& a, int k = 0);
/// The k-th diagonal in two axes, as the last axis.
Array diagonal(const Array& a, int k = 0, int axis1 = 0, int axis2 = 1);
/// Its sum.
Array trace(const Array& a, int k = 0, int axis1 = 0, int axis2 = 1);

}  // namespace dini
