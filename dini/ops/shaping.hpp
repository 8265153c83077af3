// Shapes: rearranging, joining and repeating arrays, with NumPy's names and meanings. All are linear and work for every
// dtype. Axes may be negative. ShapeErrors name the function and the shapes.
#pragma once

#include <concepts>
#include <initializer_list>
#include <utility>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

/// Axis lengths of which one may be -1: what is left.
class Lengths {
 public:
  Lengths() = default;
  template <std::integral I> Lengths(I length) : values_{static_cast<std::int64_t>(length)} {}
  Lengths(std::initializer_list<std::int64_t> lengths) : values_(lengths) {}
  Lengths(const std::vector<std::int64_t>& lengths) : values_(lengths) {}
  Lengths(const Shape& shape) : values_(shape.begin(), shape.end()) {}
  const std::vector<std::int64_t>& values() const { return values_; }

 private:
  std::vector<std::int64_t> values_;
};

/// One axis or several.
class AxisList {
 public:
  AxisList(int axis) : axes_{axis} {}
  AxisList(std::initializer_list<int> axes) : axes_(axes) {}
  AxisList(const Axes& axes) : axes_(axes) {}
  const Axes& axes() const { return axes_; }

 private:
  Axes axes_;
};

/// The same elements, row-major, in another shape; shares memory where it can. ShapeError when the sizes differ.
Array reshape(const Array& a, const Lengths& lengths);
/// All elements in one axis.
Array ravel(const Array& a);
/// NumPy's broadcast to a shape. ShapeError when it does not fit.
Array broadcast_to(const Array& a, const Shape& shape);
/// All arrays broadcast to their common shape.
std::vector<Array> broadcast_arrays(const std::vector<Array>& arrays);
/// New axes of length 1, at these places of the result.
Array expand_dims(const Array& a, const AxisList& axes);
/// Without the axes of length 1: all, or these (ShapeError when one is longer).
Array squeeze(const Array& a);
Array squeeze(const Array& a, const AxisList& axes);
/// At least this many axes, new ones where NumPy puts them.
Array atleast_1d(const Array& a);
Array atleast_2d(const Array& a);
Array atleast_3d(const Array& a);

/// Axes reversed, or in this order: axis i of the result is axis axes[i].
Array transpose(const Array& a);
Array transpose(const Array& a, const Axes& axes);
Array moveaxis(const Array& a, const AxisList& from, const AxisList& to);
Array swapaxes(const Array& a, int axis1, int axis2);

/// Arrays joined along an axis that they have, or along a new one. Dtypes are promoted. ShapeError when the other axes
/// differ.
Array concatenate(const std::vector<Array>& arrays, int axis = 0);
Array stack(const std::vector<Array>& arrays, int axis = 0);
Array vstack(const std::vector<Array>& arrays);
Array hstack(const std::vector<Array>& arrays);
Array column_stack(const std::vector<Array>& arrays);
/// A matrix from rows of blocks: block({{A, B}, {C, D}}); numbers and vectors count as 1×1 and 1×n, as in NumPy.
Array block(const std::vector<std::vector<Array>>& rows);
/// Equal parts along an axis (ShapeError when they are not), or parts between these indices.
std::vector<Array> split(const Array& a, int sections, int axis = 0);
std::vector<Array> split(const Array& a, const std::vector<std::int64_t>& indices, int axis = 0);

/// Order reversed along all axes, or these.
Array flip(const Array& a);
Array flip(const Array& a, const AxisList& axes);
/// Elements shifted cyclically, of the flattened array or along an axis.
Array roll(const Array& a, std::int64_t shift);
Array roll(const Array& a, std::int64_t shift, int axis);
/// The array repeated as a whole, repetitions[i] times along axis i from the back as NumPy's.
Array tile(const Array& a, const Lengths& repetitions);
/// Each element repeated, of the flattened array or along an axis.
Array repeat(const Array& a, std::int64_t repeats);
Array repeat(const Array& a, std::int64_t repeats, int axis);
/// Filled up with a constant: widths[i] = {before, after} of axis i; one pair stands for all axes.
Array pad(const Array& a, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths, const Array& value = 0.0);

}  // namespace dini
