// Shapes: rearranging, joining and repeating arrays, with NumPy's names and meanings. All are linear and work for every
// dtype. Axes may be negative. ShapeErrors name the function and the shapes.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

/// One axis or several.
class AxisList {
 public:
  template <std::integral I>
  requires(!std::same_as<I, bool>) AxisList(I axis) : axes_{static_cast<int>(axis)} {}
  AxisList(std::initializer_list<int> axes) : axes_(axes) {}
  AxisList(const Axes& axes) : axes_(axes) {}
  const Axes& axes() const { return axes_; }

 private:
  Axes axes_;
};

/// The same elements, row-major, in another shape; shares memory where it can. ShapeError when the sizes differ.
Array reshape(const Array& a, const detail::Lengths& lengths);
/// All elements in one axis.
Array ravel(const Array& a);
/// NumPy's broadcast to a shape. ShapeError when it does not fit.
Array broadcast_to(const Array& a, const detail::Lengths& shape);
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
/// The matrix with these matrices (vectors are rows) along its diagonal, and zeros elsewhere.
Array block_diag(const std::vector<Array>& arrays);
/// Equal parts along an axis (ShapeError when they are not), or parts between these indices: split(a, {2}) is a[:2], a[2:].
std::vector<Array> split(const Array& a, const std::vector<std::int64_t>& indices, int axis = 0);
namespace detail {
std::vector<Array> split_evenly(const Array& a, std::int64_t sections, int axis);
}
// A template, so that {2} can only mean indices.
template <std::integral I> std::vector<Array> split(const Array& a, I sections, int axis = 0) {
  return detail::split_evenly(a, static_cast<std::int64_t>(sections), axis);
}

/// Order reversed along all axes, or these.
Array flip(const Array& a);
Array flip(const Array& a, const AxisList& axes);
/// Elements shifted cyclically, of the flattened array, along an axis, or along axes by a shift each.
Array roll(const Array& a, std::int64_t shift);
Array roll(const Array& a, std::int64_t shift, int axis);
Array roll(const Array& a, const std::vector<std::int64_t>& shifts, const Axes& axes);
/// The array repeated as a whole, repetitions[i] times along axis i from the back as NumPy's.
Array tile(const Array& a, const detail::Lengths& repetitions);
/// Each element repeated, of the flattened array or along an axis. With an array of counts (integers, one for each element of
/// the axis) element i counts[i] times; the counts have to be known (TraceError), since the shape follows from them.
Array repeat(const Array& a, std::int64_t repeats);
Array repeat(const Array& a, std::int64_t repeats, int axis);
Array repeat(const Array& a, const Array& counts);
Array repeat(const Array& a, const Array& counts, int axis);

/// How much to add around an array: n everywhere, {before, after} of every axis, or {{before, after}, ...} axis by axis.
class PadWidths {
 public:
  using Pair = std::pair<std::int64_t, std::int64_t>;
  template <std::integral I> PadWidths(I n) : pairs_{{static_cast<std::int64_t>(n), static_cast<std::int64_t>(n)}} {}
  PadWidths(std::initializer_list<Pair> pairs) : pairs_(pairs) {}
  PadWidths(const std::vector<Pair>& pairs) : pairs_(pairs) {}
  template <std::integral I, std::integral J>
  PadWidths(I before, J after) : pairs_{{static_cast<std::int64_t>(before), static_cast<std::int64_t>(after)}} {}
  /// One pair for each of ndim axes. ShapeError, in the name of pad, where there are others or a width is negative.
  std::vector<Pair> resolve(const Shape& shape) const;

 private:
  std::vector<Pair> pairs_;
};
namespace detail {
Array pad_by_mode(const Array& a, const PadWidths& widths, const std::string& mode);
}
/// Filled up with a constant, or by mode: "constant" (0), "edge" (the outermost element), "reflect" (mirrored at it),
/// "symmetric" (mirrored beside it) or "wrap". ValueError for others, ShapeError where nothing is there to repeat.
Array pad(const Array& a, const PadWidths& widths, const Array& value = 0.0);
template <std::convertible_to<std::string> S> Array pad(const Array& a, const PadWidths& widths, const S& mode) {
  return detail::pad_by_mode(a, widths, mode);
}

}  // namespace dini
