#include "dini/ops/indexing.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "dini/core/size.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing_ops.hpp"
#include "dini/ops/indexing_plan.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini {

using detail::Ints;

namespace indexing {

Array pick_basic(const Array& a, const IndexPlan& p) {
  return detail::emit_reshape(detail::emit_reverse(detail::emit_slice(a, p.start, p.stop, p.step), p.reversed),
                              p.basic);
}

// The taken axes of `basic` in front and as one.
struct Rows {
  Axes order;     // of basic: taken axes, then the others
  Shape others;   // lengths of the others
  Shape flat;     // rows, others...
  Array indices;  // of rows
};

// Where one of several traced indices is out of range, they must not become another row's: clamped to pick, all out of range
// (-1) to update.
Rows rows_of(const IndexPlan& p, bool clamp) {
  Rows r;
  r.order = p.axes;
  std::int64_t rows = 1;
  for (int k : p.axes) rows *= p.basic[k];
  for (int k = 0; k < p.basic.ndim(); ++k) {
    if (std::find(p.axes.begin(), p.axes.end(), k) != p.axes.end()) continue;
    r.order.push_back(k);
    r.others.append(p.basic[k]);
  }
  r.flat = prepend(rows, r.others);
  Array inside;
  for (std::size_t k = 0; k < p.arrays.size(); ++k) {
    const std::int64_t n = p.basic[p.axes[k]];
    Array i = p.arrays[k];
    if (p.arrays.size() > 1 && !is_readable(i)) {
      if (clamp) {
        i = clamped(i, n);
      } else {
        const Array here = in_range(i, n);
        inside = inside.defined() ? logical_and(inside, here) : here;
      }
    }
    r.indices = k == 0 ? i : r.indices * Array(n) + i;
  }
  if (inside.defined()) r.indices = where(inside, r.indices, detail::literal(-1, r.indices));
  return r;
}

Array to_rows(const Array& basic, const Rows& r) {
  return detail::emit_reshape(detail::emit_transpose(basic, r.order), r.flat);
}

Array from_rows(const Array& flat, const Rows& r, const IndexPlan& p) {
  Shape moved;
  Axes back(r.order.size());
  for (std::size_t k = 0; k < r.order.size(); ++k) {
    moved.append(p.basic[r.order[k]]);
    back[static_cast<std::size_t>(r.order[k])] = static_cast<int>(k);
  }
  return detail::emit_transpose(detail::emit_reshape(flat, moved), back);
}

// The result's axes with those of the index arrays in front, or back again.
Axes index_axes_in_front(const IndexPlan& p) {
  Axes axes = axes_from(p.place, p.place + p.index_shape.ndim());
  for (int k = 0; k < p.result.ndim(); ++k) {
    if (k < p.place || k >= p.place + p.index_shape.ndim()) axes.push_back(k);
  }
  return axes;
}
Axes inverted(const Axes& axes) {
  Axes out(axes.size());
  for (std::size_t k = 0; k < axes.size(); ++k) out[static_cast<std::size_t>(axes[k])] = static_cast<int>(k);
  return out;
}

enum class Update { set, add, multiply, min, max };
constexpr const char* update_names[] = {"set", "add", "multiply", "min", "max"};

// What changes nothing: the value to fill up with.
Array neutral(Update update, const Array& like) {
  const bool lowest = update == Update::max;
  if (update == Update::multiply) return detail::literal(1, like);
  if (update == Update::set || update == Update::add) return detail::literal(0, like);
  if (is_floating(like.dtype())) {
    const double inf = std::numeric_limits<double>::infinity();
    return detail::literal(lowest ? -inf : inf, like);
  }
  if (like.dtype() == Dtype::bool_) return detail::literal(lowest ? 0 : 1, like);
  std::int64_t bound = lowest ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  if (like.dtype() == Dtype::int32) {
    bound = lowest ? std::numeric_limits<std::int32_t>::min() : std::numeric_limits<std::int32_t>::max();
  }
  return detail::as_operand(Array(bound), like.dtype());
}

// How the elements of `picked` lie in the source, as a pad.
struct Place {
  Ints low, high, interior;
};
Place place_of(const IndexPlan& p) {
  Place out;
  for (int k = 0; k < p.source.ndim(); ++k) {
    const auto i = static_cast<std::size_t>(k);
    const std::int64_t n = p.picked[k];
    out.interior.push_back(p.step[i] - 1);
    out.low.push_back(n > 0 ? p.start[i] : 0);
    out.high.push_back(p.source[k] - out.low[i] - (n > 0 ? (n - 1) * p.step[i] + 1 : 0));
  }
  return out;
}

// a with the picked elements set to, or combined with, values of the shape of `basic`.
Array update_basic(const Array& a, const IndexPlan& p, Update update, const Array& values) {
  const Array v = detail::emit_reverse(detail::emit_reshape(values, p.picked), p.reversed);
  if (update == Update::set && p.picked == p.source) return astype(v, a.dtype());
  if (p.picked.size() == 0) return a;
  // Whole rows are written, or added, in place.
  const bool row = p.source.ndim() > 0 && p.picked[0] == 1 && p.source[0] > 1 &&
                   p.picked.sub(1, p.picked.ndim()) == p.source.sub(1, p.source.ndim());
  if (row) {
    return detail::emit_scatter(update_names[static_cast<int>(update)], a, array(p.start[0]),
                                detail::emit_reshape(v, p.source.sub(1, p.source.ndim())), true);
  }
  const Place at = place_of(p);
  const Array wide = detail::emit_pad(v, neutral(update, a), at.low, at.high, at.interior);
  switch (update) {
    case Update::add: return a.dtype() == Dtype::bool_ ? logical_or(a, wide) : a + wide;
    case Update::multiply: return a.dtype() == Dtype::bool_ ? logical_and(a, wide) : a * wide;
    default: break;
  }
  const Array mask =
      detail::emit_pad(detail::emit_broadcast(array(true), p.picked, {}), array(false), at.low, at.high, at.interior);
  // Elements that are not picked keep their slope, also infinite ones.
  return where(mask, update == Update::min ? minimum(a, wide) : update == Update::max ? maximum(a, wide) : wide, a);
}

Array update_index(const Array& a, const std::vector<IndexItem>& items, Update update, const Array& values,
                   const char* function) {
  detail::check_defined(a, function);
  detail::check_defined(values, function);
  const IndexPlan p = plan_index(a.shape(), items, function);
  Array v = values;
  if (v.dtype() != a.dtype()) v = detail::is_literal(v) ? detail::as_operand(v, a.dtype()) : astype(v, a.dtype());
  v = detail::as_shape(v, p.result, function);
  if (p.arrays.empty()) return update_basic(a, p, update, v);
  const Rows r = rows_of(p, false);
  const Array basic = p.whole ? detail::emit_reshape(a, p.basic) : pick_basic(a, p);
  const Array updates = detail::emit_transpose(v, index_axes_in_front(p));
  const Array rows =
      detail::emit_scatter(update_names[static_cast<int>(update)], to_rows(basic, r), r.indices, updates, p.unique);
  const Array changed = from_rows(rows, r, p);
  return p.whole ? detail::emit_reshape(changed, a.shape()) : update_basic(a, p, Update::set, changed);
}

}  // namespace indexing

namespace indexing {
Array get(const Array& a, const std::vector<IndexItem>& items, const char* function) {
  detail::check_defined(a, function);
  const IndexPlan p = plan_index(a.shape(), items, function);
  const Array basic = pick_basic(a, p);
  if (p.arrays.empty()) return basic;
  const Rows r = rows_of(p, true);
  return detail::emit_transpose(detail::emit_take(to_rows(basic, r), r.indices), inverted(index_axes_in_front(p)));
}
}  // namespace indexing

Array Array::index(const std::vector<IndexItem>& items) const { return indexing::get(*this, items, "index"); }

Array IndexUpdate::get() const { return indexing::get(array_, items_, "index"); }
Array IndexUpdate::set(const Array& values) const {
  return indexing::update_index(array_, items_, indexing::Update::set, values, "at().set");
}
Array IndexUpdate::add(const Array& values) const {
  return indexing::update_index(array_, items_, indexing::Update::add, values, "at().add");
}
Array IndexUpdate::multiply(const Array& values) const {
  return indexing::update_index(array_, items_, indexing::Update::multiply, values, "at().multiply");
}
// What each element is divided by, or raised to: the product of its values, and 1 where there are none.
Array IndexUpdate::divide(const Array& values) const {
  return array_ / indexing::update_index(ones_like(array_), items_, indexing::Update::multiply, values, "at().divide");
}
Array IndexUpdate::power(const Array& values) const {
  return dini::power(
      array_, indexing::update_index(ones_like(array_), items_, indexing::Update::multiply, values, "at().power"));
}
Array IndexUpdate::min(const Array& values) const {
  return indexing::update_index(array_, items_, indexing::Update::min, values, "at().min");
}
Array IndexUpdate::max(const Array& values) const {
  return indexing::update_index(array_, items_, indexing::Update::max, values, "at().max");
}

Array take(const Array& a, const Array& indices) { return take(ravel(a), indices, 0); }

Array take(const Array& a, const Array& indices, int axis) {
  detail::check_defined(a, "take");
  detail::check_defined(indices, "take");
  axis = normalize_axis(axis, a.ndim(), "take");
  const Array i = indexing::wrapped_index(indices, a.shape()[axis], axis, "take");
  const Array taken = detail::emit_take(detail::emit_moved(a, axis, 0), i);
  // [I..., rest...]: the indices' axes go to where the axis was.
  Axes order;
  for (int k = 0; k < axis; ++k) order.push_back(i.ndim() + k);
  for (int k = 0; k < i.ndim(); ++k) order.push_back(k);
  for (int k = i.ndim() + axis; k < taken.ndim(); ++k) order.push_back(k);
  return detail::emit_transpose(taken, order);
}

Array take_along_axis(const Array& a, const Array& indices, int axis) {
  detail::check_defined(a, "take_along_axis");
  detail::check_defined(indices, "take_along_axis");
  if (a.ndim() != indices.ndim()) {
    throw ShapeError("take_along_axis: " + a.shape().str() + " and indices of shape " + indices.shape().str() +
                     " have different numbers of axes");
  }
  axis = normalize_axis(axis, a.ndim(), "take_along_axis");
  const std::int64_t n = a.shape()[axis], m = indices.shape()[axis];
  const Shape others = broadcast_shapes(a.shape().erased(axis), indices.shape().erased(axis), "take_along_axis");
  const Array values = detail::as_shape(a, others.inserted(axis, n), "take_along_axis");
  Array i = detail::as_shape(indexing::wrapped_index(indices, n, axis, "take_along_axis"), others.inserted(axis, m),
                             "take_along_axis");
  // Traced indices are kept within their own row.
  if (a.ndim() > 1 && !is_readable(i)) i = indexing::clamped(i, n);
  return detail::emit_take_along(values, i, axis);
}

Array detail::emit_take_along(const Array& a, const Array& indices, int axis) {
  const int last = a.ndim() - 1;
  const Array values = emit_moved(a, axis, last), i = emit_moved(indices, axis, last);
  if (last == 0) return emit_take(values, i);
  const Shape others = a.shape().erased(axis);
  const std::int64_t n = a.shape()[axis], m = indices.shape()[axis];
  const Array rows = emit_reshape(arange(others.size()) * Array(n), Shape{others.size(), 1});
  const Array flat = emit_reshape(i, Shape{others.size(), m}) + rows;
  const Array taken = emit_take(ravel(values), flat);
  return emit_moved(emit_reshape(taken, i.shape()), last, axis);
}

Array searchsorted(const Array& sorted, const Array& values, const Choice& side) {
  const bool right = side.resolve("searchsorted", "left", "right");
  detail::check_defined(sorted, "searchsorted");
  detail::check_defined(values, "searchsorted");
  if (sorted.ndim() != 1) throw ShapeError("searchsorted: wants a vector to search in, not " + sorted.shape().str());
  const Dtype dtype = common_dtype({sorted, values}).dtype;
  const Array found =
      emit_one(searchsorted_op(), {detail::as_operand(sorted, dtype), ravel(detail::as_operand(values, dtype))},
               {{"right", right}});
  return detail::emit_reshape(found, values.shape());
}

std::vector<Array> unravel_index(const Array& indices, const Shape& shape) {
  detail::check_defined(indices, "unravel_index");
  Array rest = indexing::wrapped_index(indices, shape.size(), 0, "unravel_index");
  std::vector<Array> out(static_cast<std::size_t>(shape.ndim()));
  for (int k = shape.ndim() - 1; k >= 0; --k) {
    const Array n(shape[k]);
    out[static_cast<std::size_t>(k)] = k == 0 ? rest : mod(rest, n);
    rest = floor_divide(rest, n);
  }
  return out;
}

namespace indexing {

// Whether column - row >= k for each place of a matrix.
Array above_diagonal(const Shape& shape, std::int64_t k) {
  const std::int64_t m = shape.at(-2), n = shape.at(-1);
  const Array mask = reshape(arange(n), Shape{1, n}) - reshape(arange(m), Shape{m, 1}) >= Array(k);
  return detail::emit_broadcast(mask, shape, {shape.ndim() - 2, shape.ndim() - 1});
}

void check_matrix(const Array& a, const char* function) {
  detail::check_defined(a, function);
  if (a.ndim() < 2) throw ShapeError(std::string(function) + ": wants at least two axes, got shape " + a.shape().str());
}

}  // namespace indexing

namespace indexing {

std::vector<Array> triangle(std::int64_t n, std::int64_t m, std::int64_t k, bool lower, const char* function) {
  const Shape shape = Lengths{n, m}.shape(function);
  k = std::clamp(k, -n - 1, m);
  // The columns of row i that belong to it; refused before anything is counted where they could not be held.
  const auto first = [&](std::int64_t i) { return lower ? 0 : std::clamp<std::int64_t>(i + k, 0, m); };
  const auto last = [&](std::int64_t i) { return lower ? std::clamp<std::int64_t>(i + k + 1, 0, m) : m; };
  detail::check_size({shape, Dtype::bool_, false}, function);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < n; ++i) count += last(i) - first(i);
  void *rows, *columns;
  std::vector<Array> out{allocate({Shape{count}, Dtype::int64, false}, &rows),
                         allocate({Shape{count}, Dtype::int64, false}, &columns)};
  auto *row = static_cast<std::int64_t*>(rows), *column = static_cast<std::int64_t*>(columns);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = first(i); j < last(i); ++j) {
      *row++ = i;
      *column++ = j;
    }
  }
  return out;
}

}  // namespace indexing

std::vector<Array> tril_indices(std::int64_t n, std::int64_t k, std::optional<std::int64_t> m) {
  return indexing::triangle(n, m.value_or(n), k, true, "tril_indices");
}
std::vector<Array> triu_indices(std::int64_t n, std::int64_t k, std::optional<std::int64_t> m) {
  return indexing::triangle(n, m.value_or(n), k, false, "triu_indices");
}

Array triu(const Array& a, int k) {
  indexing::check_matrix(a, "triu");
  return where(indexing::above_diagonal(a.shape(), k), a, detail::literal(0, a));
}
Array tril(const Array& a, int k) {
  indexing::check_matrix(a, "tril");
  return where(indexing::above_diagonal(a.shape(), k + 1), detail::literal(0, a), a);
}

Array diagonal(const Array& a, int k, int axis1, int axis2) {
  indexing::check_matrix(a, "diagonal");
  const Axes two = normalize_axes({axis1, axis2}, a.ndim(), "diagonal");
  Axes order;
  for (int d = 0; d < a.ndim(); ++d) {
    if (d != two[0] && d != two[1]) order.push_back(d);
  }
  order.insert(order.end(), two.begin(), two.end());
  const Array b = detail::emit_transpose(a, order);
  const Shape shape = b.shape(), rest = shape.sub(0, shape.ndim() - 2);
  const std::int64_t m = shape.at(-2), n = shape.at(-1);
  const std::int64_t count = std::max<std::int64_t>(0, k >= 0 ? std::min(m, n - k) : std::min(m + k, n));
  const std::int64_t first = count == 0 ? 0 : k >= 0 ? k : -k * n;
  // Element i of the diagonal is number first + i·(n + 1) of its matrix.
  const Array flat = detail::emit_reshape(b, rest + Shape{m * n});
  Ints start(static_cast<std::size_t>(flat.ndim()), 0), stop = flat.shape().vector(), step(start.size(), 1);
  start.back() = first;
  stop.back() = count == 0 ? first : first + (count - 1) * (n + 1) + 1;
  step.back() = n + 1;
  return detail::emit_slice(flat, start, stop, step);
}

Array diag(const Array& a, int k) {
  detail::check_defined(a, "diag");
  if (a.ndim() == 2) return diagonal(a, k);
  if (a.ndim() != 1) throw ShapeError("diag: wants a vector or a matrix, got shape " + a.shape().str());
  const std::int64_t n = a.size(), off = k < 0 ? -k : k;
  const Array none = detail::literal(0, a);
  // Each element followed by n zeros: row after row, the diagonal of an n×n matrix.
  const Array wide = detail::emit_pad(detail::emit_reshape(a, Shape{n, 1}), none, {0, 0}, {0, n}, {0, 0});
  const Array square = detail::emit_reshape(
      detail::emit_slice(detail::emit_reshape(wide, Shape{n * (n + 1)}), {0}, {n * n}, {1}), Shape{n, n});
  return k >= 0 ? detail::emit_pad(square, none, {0, off}, {off, 0}, {0, 0})
                : detail::emit_pad(square, none, {off, 0}, {0, off}, {0, 0});
}

Array trace(const Array& a, int k, int axis1, int axis2) {
  indexing::check_matrix(a, "trace");
  return sum(diagonal(a, k, axis1, axis2), -1);
}

}  // namespace dini
