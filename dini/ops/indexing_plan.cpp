#include "dini/ops/indexing_plan.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "dini/ops/elementwise.hpp"

namespace dini::indexing {

namespace {

ShapeError index_out_of_range(const char* function, std::int64_t index, int axis, std::int64_t length) {
  return ShapeError(std::string(function) + ": index " + std::to_string(index) + " is out of range for axis " +
                    std::to_string(axis) + " with length " + std::to_string(length));
}

// The coordinates of a mask's true elements, one array an axis.
std::vector<Array> mask_indices(const Array& mask) {
  const auto values = mask.data<bool>();
  const Shape shape = mask.shape();
  std::vector<std::vector<std::int64_t>> found(static_cast<std::size_t>(shape.ndim()));
  std::size_t next = 0;
  detail::for_each_index(shape, [&](const detail::Ints& index) {
    if (!values[next++]) return;
    for (std::size_t k = 0; k < index.size(); ++k) found[k].push_back(index[k]);
  });
  std::vector<Array> out;
  for (const auto& v : found) out.push_back(detail::sample_integers(v, Shape{static_cast<std::int64_t>(v.size())}));
  return out;
}

struct AxisSlice {
  std::int64_t start, stop, step;  // step > 0
  bool reversed;
};

// Python's slice.indices, and a negative step turned into a positive one and a reversal.
AxisSlice resolve(const Slice& s, std::int64_t n, const char* function) {
  if (s.step == 0) throw ShapeError(std::string(function) + ": a slice with step 0");
  const bool back = s.step < 0;
  const std::int64_t low = back ? -1 : 0, high = back ? n - 1 : n;
  const auto bound = [&](std::optional<std::int64_t> given, std::int64_t missing) {
    if (!given) return missing;
    return std::clamp(*given < 0 ? *given + n : *given, low, high);
  };
  const std::int64_t start = bound(s.start, back ? high : low), stop = bound(s.stop, back ? low : high);
  // A step beyond the end is as good as one to it, and can be reckoned with.
  const std::int64_t most = std::max<std::int64_t>(n, 1), given = std::clamp(s.step, -most, most);
  if (!back) return {start, std::max(start, stop), given, false};
  const std::int64_t step = -given;
  if (start <= stop) return {0, 0, step, false};
  const std::int64_t count = (start - stop + step - 1) / step;
  return {start - (count - 1) * step, start + 1, step, true};
}

}  // namespace

Array wrapped_index(const Array& index, std::int64_t length, int axis, const char* function) {
  if (!is_integer(index.dtype())) {
    throw DtypeError(std::string(function) + ": an index array must be of integers or bool, not " + index.aval().str());
  }
  bool negative = true;
  if (is_readable(index)) {
    negative = false;
    for (std::int64_t i : index.to_vector<std::int64_t>()) {
      if (i < -length || i >= length) throw index_out_of_range(function, i, axis, length);
      negative = negative || i < 0;
    }
  } else if (length == 0 && index.size() > 0) {
    throw ShapeError(std::string(function) + ": axis " + std::to_string(axis) +
                     " with length 0 has no elements to pick");
  }
  if (index.concrete()) {
    std::vector<std::int64_t> values = index.to_vector<std::int64_t>();
    if (!negative && index.dtype() == Dtype::int64) return index;
    for (std::int64_t& i : values) i += i < 0 ? length : 0;
    return detail::sample_integers(values, index.shape());
  }
  const Array wide = astype(index, Dtype::int64);
  return negative ? where(wide < 0, wide + Array(length), wide) : wide;
}

IndexPlan plan_index(const Shape& shape, const std::vector<IndexItem>& given, const char* function) {
  // Masks become index arrays; the ellipsis, or what is missing at the end, full slices.
  std::vector<IndexItem> items;
  std::vector<std::int64_t> mask_lengths;  // of the items that come from a mask: the axis' length there; else -1
  std::ptrdiff_t dots = -1;
  int used = 0;
  std::int64_t mask_count = -1;
  for (const IndexItem& item : given) {
    if (item.kind == IndexItem::Kind::ellipsis) {
      if (dots >= 0) throw ShapeError(std::string(function) + ": more than one ellipsis");
      dots = static_cast<std::ptrdiff_t>(items.size());
      continue;
    }
    if (item.kind == IndexItem::Kind::array) {
      detail::check_defined(item.array, function);
      if (item.array.dtype() == Dtype::bool_) {
        const Shape mask = item.array.shape();
        if (!is_readable(item.array)) {
          throw TraceError(std::string(function) + ": a mask " + item.array.aval().str() +
                           " is traced, so the result's shape is not known: use where(mask, a, b)");
        }
        if (mask.ndim() == 0) throw ShapeError(std::string(function) + ": a mask must have at least one axis");
        const std::vector<Array> parts = mask_indices(item.array);
        mask_count = parts[0].size();
        items.insert(items.end(), parts.begin(), parts.end());
        mask_lengths.insert(mask_lengths.end(), mask.begin(), mask.end());
        used += mask.ndim();
        continue;
      }
    }
    used += item.kind == IndexItem::Kind::newaxis ? 0 : 1;
    items.push_back(item);
    mask_lengths.push_back(-1);
  }
  if (used > shape.ndim()) {
    throw ShapeError(std::string(function) + ": " + std::to_string(used) + " indices for an array of shape " +
                     shape.str());
  }
  if (dots < 0) dots = static_cast<std::ptrdiff_t>(items.size());
  const auto missing = static_cast<std::size_t>(shape.ndim() - used);
  items.insert(items.begin() + dots, missing, IndexItem(Slice{}));
  mask_lengths.insert(mask_lengths.begin() + dots, missing, -1);

  IndexPlan p;
  p.source = shape;
  const bool advanced =
      std::any_of(items.begin(), items.end(), [](const IndexItem& i) { return i.kind == IndexItem::Kind::array; });
  std::vector<std::int64_t> picked, basic;
  int axis = 0, first = -1, last = -1, arrays_in_a_row = 0, before_first = 0, position = 0;
  for (const IndexItem& item : items) {
    const std::int64_t n = axis < shape.ndim() ? shape[axis] : 0;
    const bool counts = advanced && (item.kind == IndexItem::Kind::array || item.kind == IndexItem::Kind::integer);
    if (counts) {
      if (first < 0) first = position;
      last = position;
      ++arrays_in_a_row;
    }
    ++position;
    if (item.kind == IndexItem::Kind::newaxis) {
      basic.push_back(1);
      before_first += first < 0 ? 1 : 0;
      continue;
    }
    if (item.kind == IndexItem::Kind::integer) {
      if (item.integer < -n || item.integer >= n) throw index_out_of_range(function, item.integer, axis, n);
      const std::int64_t i = item.integer < 0 ? item.integer + n : item.integer;
      p.start.push_back(i);
      p.stop.push_back(i + 1);
      p.step.push_back(1);
      picked.push_back(1);
      p.whole = false;
    } else if (item.kind == IndexItem::Kind::slice) {
      const AxisSlice s = resolve(item.slice, n, function);
      p.start.push_back(s.start);
      p.stop.push_back(s.stop);
      p.step.push_back(s.step);
      if (s.reversed) p.reversed.push_back(axis);
      const std::int64_t length = (s.stop - s.start + s.step - 1) / s.step;
      p.whole = p.whole && length == n && !s.reversed;
      picked.push_back(length);
      basic.push_back(length);
      before_first += first < 0 ? 1 : 0;
    } else {
      p.start.push_back(0);
      p.stop.push_back(n);
      p.step.push_back(1);
      picked.push_back(n);
      p.axes.push_back(static_cast<int>(basic.size()));
      basic.push_back(n);
      const std::int64_t mask_length = mask_lengths[static_cast<std::size_t>(position - 1)];
      if (mask_length >= 0 && mask_length != n) {
        throw ShapeError(std::string(function) + ": a mask has length " + std::to_string(mask_length) + " along axis " +
                         std::to_string(axis) + " of an array of shape " + shape.str());
      }
      p.arrays.push_back(wrapped_index(item.array, n, axis, function));
      p.index_shape = broadcast_shapes(p.index_shape, item.array.shape(), function);
    }
    ++axis;
  }
  p.picked = picked;
  p.basic = basic;
  for (Array& a : p.arrays) a = detail::as_shape(a, p.index_shape, function);
  // NumPy: the arrays' axes stand where the arrays stood if these (and integers) stood side by side, else in front.
  p.place = arrays_in_a_row == last - first + 1 ? before_first : 0;
  std::vector<std::int64_t> result;
  for (int k = 0; k < p.basic.ndim(); ++k) {
    if (std::find(p.axes.begin(), p.axes.end(), k) == p.axes.end()) result.push_back(p.basic[k]);
  }
  const auto taken = p.index_shape.vector();
  if (advanced) result.insert(result.begin() + p.place, taken.begin(), taken.end());
  p.result = result;
  // A mask picks each element once, unless its indices are repeated against another array's.
  p.unique = p.index_shape.size() <= 1 || p.index_shape == Shape{std::max<std::int64_t>(mask_count, 0)};
  return p;
}

}  // namespace dini::indexing
