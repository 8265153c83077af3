#include "dini/ops/shaping.hpp"

#include <algorithm>
#include <string>

#include "dini/core/size.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini {

using detail::Ints;

namespace shaping {

// All with one dtype. ShapeError where there is none.
Leaves same_dtype(const std::vector<Array>& arrays, const char* function) {
  if (arrays.empty()) throw ShapeError(std::string(function) + ": needs at least one array");
  Leaves out(arrays.begin(), arrays.end());
  for (const Array& a : out) detail::check_defined(a, function);
  const Dtype dtype = common_dtype(out).dtype;
  for (Array& a : out) a = detail::as_operand(a, dtype);
  return out;
}

Array part(const Array& a, int axis, std::int64_t start, std::int64_t stop) {
  Ints from(static_cast<std::size_t>(a.ndim()), 0), to = a.shape().vector(), step(from.size(), 1);
  from[static_cast<std::size_t>(axis)] = start;
  to[static_cast<std::size_t>(axis)] = std::max(start, stop);
  return detail::emit_slice(a, from, to, step);
}

Shape ones_in_front(const Shape& shape, int ndim) {
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(std::max(0, ndim - shape.ndim())), 1);
  lengths.insert(lengths.end(), shape.begin(), shape.end());
  return lengths;
}

}  // namespace shaping

Array reshape(const Array& a, const Lengths& lengths) {
  detail::check_defined(a, "reshape");
  std::vector<std::int64_t> shape = lengths.values();
  const auto misfit = [&] { return ShapeError("reshape: " + a.shape().str() + " does not fit into " + lengths.str()); };
  std::int64_t* open = nullptr;
  std::int64_t known = 1;
  for (std::int64_t& n : shape) {
    if (n == -1 && open) throw ShapeError("reshape: more than one -1 in " + lengths.str());
    if (n == -1)
      open = &n;
    else if (n < 0 || (n > 0 && known > a.size() && a.size() > 0))
      throw misfit();
    else
      known *= n;
  }
  if (open) {
    if (known == 0 || a.size() % known != 0) throw misfit();
    *open = a.size() / known;
  }
  const Shape result(shape);
  if (result.size() != a.size()) throw misfit();
  return detail::emit_reshape(a, result);
}

Array ravel(const Array& a) {
  detail::check_defined(a, "ravel");
  return detail::emit_reshape(a, Shape{a.size()});
}

Array broadcast_to(const Array& a, const Lengths& shape) {
  detail::check_defined(a, "broadcast_to");
  return detail::as_shape(a, shape.shape("broadcast_to"), "broadcast_to");
}

std::vector<Array> broadcast_arrays(const std::vector<Array>& arrays) {
  Shape shape;
  for (const Array& a : arrays) {
    detail::check_defined(a, "broadcast_arrays");
    shape = broadcast_shapes(shape, a.shape(), "broadcast_arrays");
  }
  std::vector<Array> out;
  for (const Array& a : arrays) out.push_back(detail::as_shape(a, shape, "broadcast_arrays"));
  return out;
}

Array expand_dims(const Array& a, const AxisList& axes) {
  detail::check_defined(a, "expand_dims");
  const int ndim = a.ndim() + static_cast<int>(axes.axes().size());
  const Axes fresh = normalize_axes(axes.axes(), ndim, "expand_dims");
  std::vector<std::int64_t> lengths;
  for (int k = 0, from = 0; k < ndim; ++k) {
    const bool is_new = std::find(fresh.begin(), fresh.end(), k) != fresh.end();
    lengths.push_back(is_new ? 1 : a.shape()[from++]);
  }
  return detail::emit_reshape(a, lengths);
}

Array squeeze(const Array& a) {
  detail::check_defined(a, "squeeze");
  std::vector<std::int64_t> lengths;
  for (std::int64_t n : a.shape().vector()) {
    if (n != 1) lengths.push_back(n);
  }
  return detail::emit_reshape(a, lengths);
}

Array squeeze(const Array& a, const AxisList& axes) {
  detail::check_defined(a, "squeeze");
  const Axes gone = normalize_axes(axes.axes(), a.ndim(), "squeeze");
  std::vector<std::int64_t> lengths;
  for (int k = 0; k < a.ndim(); ++k) {
    if (std::find(gone.begin(), gone.end(), k) == gone.end())
      lengths.push_back(a.shape()[k]);
    else if (a.shape()[k] != 1) {
      throw ShapeError("squeeze: axis " + std::to_string(k) + " of " + a.shape().str() + " does not have length 1");
    }
  }
  return detail::emit_reshape(a, lengths);
}

Array atleast_1d(const Array& a) {
  detail::check_defined(a, "atleast_1d");
  return detail::emit_reshape(a, shaping::ones_in_front(a.shape(), 1));
}
Array atleast_2d(const Array& a) {
  detail::check_defined(a, "atleast_2d");
  return detail::emit_reshape(a, shaping::ones_in_front(a.shape(), 2));
}
Array atleast_3d(const Array& a) {
  const Array b = atleast_2d(a);
  if (b.ndim() > 2) return b;
  // NumPy puts a vector's elements, and a matrix' two axes, before the last new axis.
  return detail::emit_reshape(b, Shape{b.shape()[0], b.shape()[1], 1});
}

Array transpose(const Array& a) {
  detail::check_defined(a, "transpose");
  Axes axes = axes_from(0, a.ndim());
  std::reverse(axes.begin(), axes.end());
  return detail::emit_transpose(a, axes);
}

Array transpose(const Array& a, const Axes& axes) {
  detail::check_defined(a, "transpose");
  if (static_cast<int>(axes.size()) != a.ndim()) {
    throw ShapeError("transpose: " + std::to_string(axes.size()) + " axes are given for an array of shape " +
                     a.shape().str());
  }
  return detail::emit_transpose(a, normalize_axes(axes, a.ndim(), "transpose"));
}

Array Array::T() const { return transpose(*this); }

Array moveaxis(const Array& a, const AxisList& from, const AxisList& to) {
  detail::check_defined(a, "moveaxis");
  const Axes source = normalize_axes(from.axes(), a.ndim(), "moveaxis");
  const Axes target = normalize_axes(to.axes(), a.ndim(), "moveaxis");
  if (source.size() != target.size()) {
    throw ShapeError("moveaxis: " + std::to_string(source.size()) + " axes cannot go to " +
                     std::to_string(target.size()) + " places");
  }
  Axes order(static_cast<std::size_t>(a.ndim()), -1);
  for (std::size_t k = 0; k < source.size(); ++k) order[static_cast<std::size_t>(target[k])] = source[k];
  int next = 0;
  for (int& axis : order) {
    if (axis >= 0) continue;
    while (std::find(source.begin(), source.end(), next) != source.end()) ++next;
    axis = next++;
  }
  return detail::emit_transpose(a, order);
}

Array swapaxes(const Array& a, int axis1, int axis2) {
  detail::check_defined(a, "swapaxes");
  Axes axes = axes_from(0, a.ndim());
  std::swap(axes[static_cast<std::size_t>(normalize_axis(axis1, a.ndim(), "swapaxes"))],
            axes[static_cast<std::size_t>(normalize_axis(axis2, a.ndim(), "swapaxes"))]);
  return detail::emit_transpose(a, axes);
}

namespace shaping {

Array joined(const std::vector<Array>& arrays, int axis, const char* function) {
  const Leaves parts = same_dtype(arrays, function);
  const Shape first = parts[0].shape();
  if (first.ndim() == 0) throw ShapeError(std::string(function) + ": scalars cannot be joined; use stack");
  axis = normalize_axis(axis, first.ndim(), function);
  for (const Array& a : parts) {
    if (a.ndim() != first.ndim() || a.shape().erased(axis) != first.erased(axis)) {
      throw ShapeError(std::string(function) + ": shapes " + first.str() + " and " + a.shape().str() +
                       " differ in another axis than " + std::to_string(axis));
    }
  }
  return detail::emit_concatenate(parts, axis);
}

Array stacked(const std::vector<Array>& arrays, int axis, const char* function) {
  Leaves parts = same_dtype(arrays, function);
  const Shape shape = parts[0].shape();
  axis = normalize_axis(axis, shape.ndim() + 1, function);
  for (Array& a : parts) {
    if (a.shape() != shape) {
      throw ShapeError(std::string(function) + ": shapes differ: " + shape.str() + " and " + a.shape().str());
    }
    a = detail::emit_reshape(a, shape.inserted(axis, 1));
  }
  return detail::emit_concatenate(parts, axis);
}

}  // namespace shaping

Array concatenate(const std::vector<Array>& arrays, int axis) { return shaping::joined(arrays, axis, "concatenate"); }
Array stack(const std::vector<Array>& arrays, int axis) { return shaping::stacked(arrays, axis, "stack"); }

Array vstack(const std::vector<Array>& arrays) {
  std::vector<Array> rows;
  for (const Array& a : arrays) rows.push_back(atleast_2d(a));
  return shaping::joined(rows, 0, "vstack");
}

Array hstack(const std::vector<Array>& arrays) {
  std::vector<Array> parts;
  for (const Array& a : arrays) parts.push_back(atleast_1d(a));
  return shaping::joined(parts, !parts.empty() && parts[0].ndim() == 1 ? 0 : 1, "hstack");
}

Array column_stack(const std::vector<Array>& arrays) {
  std::vector<Array> columns;
  for (const Array& a : arrays) columns.push_back(a.ndim() < 2 ? detail::emit_reshape(a, Shape{a.size(), 1}) : a);
  return shaping::joined(columns, 1, "column_stack");
}

Array block(const std::vector<std::vector<Array>>& rows) {
  std::vector<Array> lines;
  int ndim = 2;
  for (const auto& row : rows) {
    for (const Array& a : row) {
      detail::check_defined(a, "block");
      ndim = std::max(ndim, a.ndim());
    }
  }
  for (const auto& row : rows) {
    std::vector<Array> parts;
    for (const Array& a : row) parts.push_back(detail::emit_reshape(a, shaping::ones_in_front(a.shape(), ndim)));
    lines.push_back(shaping::joined(parts, -1, "block"));
  }
  return shaping::joined(lines, -2, "block");
}

Array block_diag(const std::vector<Array>& arrays) {
  std::vector<Array> rows;
  std::int64_t width = 0, before = 0;
  for (const Array& a : arrays) {
    rows.push_back(atleast_2d(a));
    if (rows.back().ndim() != 2) throw ShapeError("block_diag: wants matrices, got shape " + a.shape().str());
    width += rows.back().shape()[1];
  }
  for (Array& row : rows) {
    const std::int64_t mine = row.shape()[1];
    row = pad(row, {{0, 0}, {before, width - before - mine}});
    before += mine;
  }
  return shaping::joined(rows, 0, "block_diag");
}

std::vector<Array> detail::split_evenly(const Array& a, std::int64_t sections, int axis) {
  detail::check_defined(a, "split");
  axis = normalize_axis(axis, a.ndim(), "split");
  const std::int64_t n = a.shape()[axis];
  if (sections < 1 || n % sections != 0) {
    throw ShapeError("split: axis " + std::to_string(axis) + " of " + a.shape().str() + " cannot be split into " +
                     std::to_string(sections) + " equal parts");
  }
  std::vector<Array> out;
  for (std::int64_t k = 0; k < sections; ++k)
    out.push_back(shaping::part(a, axis, k * (n / sections), (k + 1) * (n / sections)));
  return out;
}

std::vector<Array> split(const Array& a, const std::vector<std::int64_t>& indices, int axis) {
  detail::check_defined(a, "split");
  axis = normalize_axis(axis, a.ndim(), "split");
  const std::int64_t n = a.shape()[axis];
  std::vector<Array> out;
  std::int64_t start = 0;
  for (std::size_t k = 0; k <= indices.size(); ++k) {
    std::int64_t stop = k < indices.size() ? indices[k] : n;
    if (stop < 0) stop += n;
    stop = std::clamp<std::int64_t>(stop, 0, n);
    out.push_back(shaping::part(a, axis, start, stop));
    start = stop;
  }
  return out;
}

Array flip(const Array& a) {
  detail::check_defined(a, "flip");
  return detail::emit_reverse(a, axes_from(0, a.ndim()));
}
Array flip(const Array& a, const AxisList& axes) {
  detail::check_defined(a, "flip");
  return detail::emit_reverse(a, normalize_axes(axes.axes(), a.ndim(), "flip"));
}

Array roll(const Array& a, const std::vector<std::int64_t>& shifts, const Axes& axes) {
  if (shifts.size() != axes.size()) {
    throw ShapeError("roll: " + std::to_string(shifts.size()) + " shifts for " + std::to_string(axes.size()) + " axes");
  }
  Array out = a;
  for (std::size_t k = 0; k < axes.size(); ++k) out = roll(out, shifts[k], axes[k]);
  return out;
}

Array roll(const Array& a, std::int64_t shift) { return detail::emit_reshape(roll(ravel(a), shift, 0), a.shape()); }

Array roll(const Array& a, std::int64_t shift, int axis) {
  detail::check_defined(a, "roll");
  axis = normalize_axis(axis, a.ndim(), "roll");
  const std::int64_t n = a.shape()[axis];
  const std::int64_t by = n == 0 ? 0 : ((shift % n) + n) % n;
  if (by == 0) return a;
  return detail::emit_concatenate({shaping::part(a, axis, n - by, n), shaping::part(a, axis, 0, n - by)}, axis);
}

Array tile(const Array& a, const Lengths& repetitions) {
  detail::check_defined(a, "tile");
  std::vector<std::int64_t> reps = repetitions.values();
  for (std::int64_t r : reps) {
    if (r < 0) throw ShapeError("tile: negative number of repetitions: " + std::to_string(r));
  }
  const int ndim = std::max(a.ndim(), static_cast<int>(reps.size()));
  reps.insert(reps.begin(), static_cast<std::size_t>(ndim) - reps.size(), 1);
  const Shape shape = shaping::ones_in_front(a.shape(), ndim);
  std::vector<std::int64_t> kept, wide, result;
  Axes axes;
  for (int k = 0; k < ndim; ++k) {
    const std::int64_t r = reps[static_cast<std::size_t>(k)];
    if (r != 1) wide.push_back(r);
    axes.push_back(static_cast<int>(wide.size()));
    kept.push_back(shape[k]);
    wide.push_back(shape[k]);
    result.push_back(r * shape[k]);
  }
  return detail::emit_reshape(detail::emit_broadcast(detail::emit_reshape(a, kept), wide, axes), result);
}

Array repeat(const Array& a, std::int64_t repeats) { return repeat(ravel(a), repeats, 0); }

Array repeat(const Array& a, std::int64_t repeats, int axis) {
  detail::check_defined(a, "repeat");
  axis = normalize_axis(axis, a.ndim(), "repeat");
  if (repeats < 0) throw ShapeError("repeat: negative number of repeats: " + std::to_string(repeats));
  Axes axes = axes_from(0, a.ndim() + 1);
  axes.erase(axes.begin() + axis + 1);
  Shape shape = a.shape();
  const Array wide = detail::emit_broadcast(a, shape.inserted(axis + 1, repeats), axes);
  shape.set(axis, shape[axis] * repeats);
  return detail::emit_reshape(wide, shape);
}

Array repeat(const Array& a, const Array& counts) { return repeat(ravel(a), counts, 0); }

Array repeat(const Array& a, const Array& counts, int axis) {
  detail::check_defined(a, "repeat");
  detail::check_defined(counts, "repeat");
  axis = normalize_axis(axis, a.ndim(), "repeat");
  if (!is_integer(counts.dtype())) {
    throw DtypeError("repeat: the counts must be integers, not " + counts.aval().str());
  }
  if (!is_readable(counts)) {
    throw TraceError("repeat: the counts " + counts.aval().str() + " are traced, so the result's shape is not known");
  }
  const std::int64_t n = a.shape()[axis];
  const Ints each = detail::as_shape(counts, Shape{n}, "repeat").to_vector<std::int64_t>();
  Shape length{0};
  for (std::int64_t times : each) {
    if (times < 0) throw ShapeError("repeat: negative number of repeats: " + std::to_string(times));
    detail::check_size({Shape{times}, Dtype::int64, false}, "repeat");
    length.set(0, length[0] + times);
    detail::check_size({length, Dtype::int64, false}, "repeat");
  }
  Ints from;
  for (std::int64_t i = 0; i < n; ++i)
    from.insert(from.end(), static_cast<std::size_t>(each[static_cast<std::size_t>(i)]), i);
  return take(a, detail::sample_integers(from, length), axis);
}

std::vector<PadWidths::Pair> PadWidths::resolve(const Shape& shape) const {
  const auto n = static_cast<std::size_t>(shape.ndim());
  if (pairs_.size() != n && pairs_.size() != 1) {
    throw ShapeError("pad: " + std::to_string(pairs_.size()) + " pairs of widths for an array of shape " + shape.str());
  }
  for (const auto& [before, after] : pairs_) {
    if (before < 0 || after < 0) throw ShapeError("pad: negative width");
  }
  return pairs_.size() == n ? pairs_ : std::vector<Pair>(n, pairs_[0]);
}

Array pad(const Array& a, const PadWidths& widths, const Array& value) {
  detail::check_defined(a, "pad");
  detail::check_defined(value, "pad");
  if (value.ndim() != 0) throw ShapeError("pad: the value must be a scalar, not " + value.shape().str());
  Ints low, high;
  for (const auto& [before, after] : widths.resolve(a.shape())) {
    low.push_back(before);
    high.push_back(after);
  }
  return detail::emit_pad(a, detail::as_operand(value, a.dtype()), low, high, Ints(low.size(), 0));
}

namespace shaping {

// Which element of an axis of length n stands at place i of the padded axis, where i < 0 is before it.
std::int64_t padded_from(const std::string& mode, std::int64_t i, std::int64_t n) {
  if (mode == "edge") return std::clamp<std::int64_t>(i, 0, n - 1);
  const auto within = [i](std::int64_t period) { return (i % period + period) % period; };
  if (mode == "wrap") return within(n);
  if (mode == "symmetric") return std::min(within(2 * n), 2 * n - 1 - within(2 * n));
  if (n == 1) return 0;
  return std::min(within(2 * n - 2), 2 * n - 2 - within(2 * n - 2));  // reflect
}

}  // namespace shaping

Array detail::pad_by_mode(const Array& a, const PadWidths& widths, const std::string& mode) {
  detail::check_defined(a, "pad");
  if (mode == "constant") return pad(a, widths);
  if (mode != "edge" && mode != "wrap" && mode != "symmetric" && mode != "reflect") {
    throw ValueError("pad: \"" + mode + "\" is none of \"constant\", \"edge\", \"reflect\", \"symmetric\", \"wrap\"");
  }
  Array out = a;
  int axis = 0;
  for (const auto& [before, after] : widths.resolve(a.shape())) {
    const std::int64_t n = a.shape()[axis];
    if (before + after > 0) {
      if (n == 0)
        throw ShapeError("pad: axis " + std::to_string(axis) + " of " + a.shape().str() + " has nothing to repeat");
      for (std::int64_t width : {before, after}) detail::check_size({Shape{width}, Dtype::int64, false}, "pad");
      detail::check_size({Shape{before + n + after}, Dtype::int64, false}, "pad");
      Ints from;
      for (std::int64_t i = -before; i < n + after; ++i) from.push_back(shaping::padded_from(mode, i, n));
      out = take(out, detail::sample_integers(from, Shape{static_cast<std::int64_t>(from.size())}), axis);
    }
    ++axis;
  }
  return out;
}

}  // namespace dini
