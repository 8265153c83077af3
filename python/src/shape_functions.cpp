// The table's functions of shapes, and those that make arrays. Names and signatures are NumPy's where it has the function.
#include "table.hpp"

namespace pydini {

namespace shape_functions {

using namespace table;
using A = const Array&;
using OptionalDtype = std::optional<Dtype>;
using OptionalInt = std::optional<int>;

// (Memory is always in C's order, so that "A" and "K" are this.)
Array in_one_axis(A a, const std::string& order, const char* function) {
  if (order == "F") return dini::ravel(dini::transpose(a));
  if (order != "C" && order != "A" && order != "K")
    throw dini::ValueError(std::string(function) + ": order has to be \"C\", \"F\", \"A\" or \"K\", got \"" + order +
                           "\"");
  return dini::ravel(a);
}

void add_shapes(Table& t) {
  t.add(
      "reshape(a, shape, order=\"C\", copy=None)", "In another shape; one length may be -1.",
      +[](A a, const Lengths& s, const std::string& order, const Unused&) {
        if (order != "C") throw dini::ValueError("reshape: order has to be \"C\"");
        return dini::reshape(a, s);
      });
  t.both(
      "ravel(a, order=\"C\")", "In one axis, the last index moving fastest; with order=\"F\" the first.",
      +[](A a, const std::string& order) { return in_one_axis(a, order, "ravel"); });
  t.add(
      "broadcast_to(array, shape)", "Repeated to a shape.",
      +[](A a, const Lengths& s) { return dini::broadcast_to(a, s); });
  t.add(
      "expand_dims(a, axis)", "With new axes of length 1.",
      +[](A a, const AxisList& x) { return dini::expand_dims(a, x); });
  t.both(
      "squeeze(a, axis=None)", "Without axes of length 1.",
      +[](A a, const std::optional<AxisList>& x) { return x ? dini::squeeze(a, *x) : dini::squeeze(a); });
  t.add(
      "atleast_1d(a)", "With one axis or more.", +[](A a) { return dini::atleast_1d(a); });
  t.add(
      "atleast_2d(a)", "With two axes or more.", +[](A a) { return dini::atleast_2d(a); });
  t.add(
      "atleast_3d(a)", "With three axes or more.", +[](A a) { return dini::atleast_3d(a); });
  t.add(
      "transpose(a, axes=None)", "With the axes in another order, reversed without one.",
      +[](A a, const std::optional<dini::Axes>& x) { return x ? dini::transpose(a, *x) : dini::transpose(a); });
  t.add(
      "moveaxis(a, source, destination)", "Axes moved to other places.",
      +[](A a, const AxisList& s, const AxisList& d) { return dini::moveaxis(a, s, d); });
  t.both(
      "swapaxes(a, axis1, axis2)", "Two axes exchanged.", +[](A a, int i, int j) { return dini::swapaxes(a, i, j); });
  t.add(
      "concatenate(arrays, axis=0)", "Joined along an axis.", +[](const std::vector<Array>& a, const OptionalInt& x) {
        if (x) return dini::concatenate(a, *x);
        std::vector<Array> flat;
        for (const Array& each : a) flat.push_back(dini::ravel(each));
        return dini::concatenate(flat, 0);
      });
  t.add(
      "stack(arrays, axis=0)", "Joined along a new axis.",
      +[](const std::vector<Array>& a, int x) { return dini::stack(a, x); });
  t.add(
      "vstack(tup)", "Joined as rows.", +[](const std::vector<Array>& a) { return dini::vstack(a); });
  t.add(
      "hstack(tup)", "Joined side by side.", +[](const std::vector<Array>& a) { return dini::hstack(a); });
  t.add(
      "column_stack(tup)", "Vectors as columns.", +[](const std::vector<Array>& a) { return dini::column_stack(a); });
  t.add(
      "block(arrays)", "A matrix of blocks, in nested lists.", +[](nb::handle rows) -> nb::object {
        std::vector<std::vector<Array>> blocks;
        for (nb::handle row : nb::iter(rows)) {
          if (PyList_Check(row.ptr()) || PyTuple_Check(row.ptr())) {
            blocks.push_back(From<std::vector<Array>>::get(row, "block"));
          } else {
            if (blocks.empty()) blocks.emplace_back();
            blocks[0].push_back(to_array(row, "block"));
          }
        }
        return from_array(dini::block(blocks));
      });
  t.add(
      "block_diag(arrays)", "Matrices along the diagonal.",
      +[](const std::vector<Array>& a) { return dini::block_diag(a); });
  t.add(
      "split(ary, indices_or_sections, axis=0)", "Cut into equal parts, or at indices.",
      +[](nb::handle a, nb::handle where, nb::handle axis) -> nb::object {
        const Array x = to_array(a, "split");
        const int at = From<int>::get(axis, "split");
        if (PyIndex_Check(where.ptr()) && !PyList_Check(where.ptr()))
          return To<std::vector<Array>>::make(dini::split(x, to_whole(where, "split"), at));
        return To<std::vector<Array>>::make(dini::split(x, From<Lengths>::get(where, "split").values(), at));
      });
  t.add(
      "flip(m, axis=None)", "In reverse along axes.",
      +[](A a, const std::optional<AxisList>& x) { return x ? dini::flip(a, *x) : dini::flip(a); });
  t.add(
      "roll(a, shift, axis=None)", "Moved along axes, what leaves at the end coming in at the start.",
      +[](A a, const Lengths& shift, const std::optional<dini::Axes>& x) {
        if (!x) {
          if (shift.values().size() != 1) throw dini::ShapeError("roll: several shifts want as many axes");
          return dini::roll(a, shift.values()[0]);
        }
        const std::size_t n = std::max(shift.values().size(), x->size());
        if (shift.values().size() != x->size() && shift.values().size() != 1 && x->size() != 1)
          throw dini::ShapeError("roll: the numbers of shifts and of axes differ");
        std::vector<std::int64_t> shifts = shift.values();
        dini::Axes over = *x;
        if (n == 0 || shifts.empty() || over.empty()) return a;
        shifts.resize(n, shifts[0]);
        over.resize(n, over[0]);
        return dini::roll(a, shifts, over);
      });
  t.add(
      "tile(A, reps)", "Repeated as a whole.", +[](A a, const Lengths& reps) { return dini::tile(a, reps); });
  t.both(
      "repeat(a, repeats, axis=None)", "Each element repeated.", +[](A a, A n, const OptionalInt& x) {
        if (n.concrete() && n.ndim() == 0) {
          const auto count = n.item<std::int64_t>();
          return x ? dini::repeat(a, count, *x) : dini::repeat(a, count);
        }
        return x ? dini::repeat(a, n, *x) : dini::repeat(a, n);
      });
  t.add(
      "pad(array, pad_width, mode=\"constant\", constant_values=0)", "With more elements at the ends of axes.",
      +[](nb::handle a, nb::handle width, nb::handle mode, nb::handle value) -> nb::object {
        const Array x = to_array(a, "pad");
        std::vector<dini::PadWidths::Pair> pairs;
        const Array w = dini::astype(to_array(width, "pad"), Dtype::int64);
        if (w.ndim() > 2 || (w.ndim() > 0 && w.shape().back() > 2))
          throw dini::ShapeError("pad: pad_width has to be a number, a pair, or a pair for each axis");
        const auto numbers = w.to_vector<std::int64_t>();
        const std::size_t each = w.ndim() == 0 ? 1 : static_cast<std::size_t>(w.shape().back());
        for (std::size_t k = 0; k < numbers.size(); k += each) pairs.emplace_back(numbers[k], numbers[k + each - 1]);
        const std::string how = From<std::string>::get(mode, "pad");
        if (how == "constant") return from_array(dini::pad(x, dini::PadWidths(pairs), to_array(value, "pad")));
        return from_array(dini::pad(x, dini::PadWidths(pairs), how));
      });
  t.both(
      "take(a, indices, axis=None)", "Elements, or slices along an axis, by number.",
      +[](A a, A i, const OptionalInt& x) { return x ? dini::take(a, i, *x) : dini::take(a, i); });
  t.add(
      "take_along_axis(arr, indices, axis=-1)", "Elements by indices along an axis.",
      +[](A a, A i, int x) { return dini::take_along_axis(a, i, x); });
  t.add(
      "searchsorted(a, v, side=\"left\", sorter=None)", "Where v would be put into the sorted a.",
      +[](A a, A v, const std::string& side, const Maybe& sorter) {
        return dini::searchsorted(sorter.a.defined() ? dini::take(a, sorter.a) : a, v, side);
      });
  t.add(
      "unravel_index(indices, shape)", "Flat indices as indices of axes.",
      +[](A i, const Lengths& s) { return dini::unravel_index(i, Shape(s.values())); });
  t.add(
      "tril_indices(n, k=0, m=None)", "The indices of a lower triangle.",
      +[](std::int64_t n, std::int64_t k, const std::optional<std::int64_t>& m) {
        return dini::tril_indices(n, k, m);
      });
  t.add(
      "triu_indices(n, k=0, m=None)", "The indices of an upper triangle.",
      +[](std::int64_t n, std::int64_t k, const std::optional<std::int64_t>& m) {
        return dini::triu_indices(n, k, m);
      });
  t.add(
      "tril(m, k=0)", "The lower triangle.", +[](A m, int k) { return dini::tril(m, k); });
  t.add(
      "triu(m, k=0)", "The upper triangle.", +[](A m, int k) { return dini::triu(m, k); });
  t.add(
      "diag(v, k=0)", "A diagonal matrix of a vector, or the diagonal of a matrix.",
      +[](A v, int k) { return dini::diag(v, k); });
  t.both(
      "diagonal(a, offset=0, axis1=0, axis2=1)", "The diagonal of two axes.",
      +[](A a, int k, int i, int j) { return dini::diagonal(a, k, i, j); });
  t.both(
      "trace(a, offset=0, axis1=0, axis2=1)", "The sum of the diagonal.",
      +[](A a, int k, int i, int j) { return dini::trace(a, k, i, j); });
}

void add_creation(Table& t) {
  t.add(
      "zeros(shape, dtype=None, device=None)", "Zeros, float64 unless said otherwise.",
      +[](const Lengths& s, const OptionalDtype& d, const Device&) {
        return dini::zeros(s, d.value_or(Dtype::float64));
      });
  t.add(
      "ones(shape, dtype=None, device=None)", "Ones, float64 unless said otherwise.",
      +[](const Lengths& s, const OptionalDtype& d, const Device&) {
        return dini::ones(s, d.value_or(Dtype::float64));
      });
  t.add(
      "full(shape, fill_value, dtype=None, device=None)", "One number everywhere.",
      +[](const Lengths& s, A v, const OptionalDtype& d, const Device&) {
        if (v.weak() && d) check_fits(v, *d);
        return dini::full(s, v, d);
      });
  t.add(
      "zeros_like(a, dtype=None, device=None)", "Zeros of an array's shape and dtype.",
      +[](A a, const OptionalDtype& d, const Device&) { return dini::zeros_like(a, d); });
  t.add(
      "ones_like(a, dtype=None, device=None)", "Ones of an array's shape and dtype.",
      +[](A a, const OptionalDtype& d, const Device&) { return dini::ones_like(a, d); });
  t.add(
      "full_like(a, fill_value, dtype=None, device=None)", "One number, in an array's shape and dtype.",
      +[](A a, A v, const OptionalDtype& d, const Device&) {
        if (v.weak()) check_fits(v, d.value_or(a.dtype()));
        return dini::full_like(a, v, d);
      });
  t.add(
      "eye(N, M=None, k=0, dtype=None, device=None)", "Ones on a diagonal, zeros elsewhere.",
      +[](std::int64_t n, const std::optional<std::int64_t>& m, std::int64_t k, const OptionalDtype& d, const Device&) {
        if (n < 0 || (m && *m < 0)) throw dini::ShapeError("eye: a length is negative");
        return dini::eye(n, m.value_or(n), k, d.value_or(Dtype::float64));
      });
  t.add(
      "identity(n, dtype=None)", "The unit matrix.",
      +[](std::int64_t n, const OptionalDtype& d) { return dini::identity(n, d.value_or(Dtype::float64)); });
  t.add(
      "tri(N, M=None, k=0, dtype=None)", "Ones on a diagonal and below.",
      +[](std::int64_t n, const std::optional<std::int64_t>& m, std::int64_t k, const OptionalDtype& d) {
        return dini::tri(n, m, k, d.value_or(Dtype::float64));
      });
  t.add(
      "one_hot(x, classes, dtype=None, axis=-1)", "1 in the place of each class, 0 elsewhere.",
      +[](A x, std::int64_t n, const OptionalDtype& d, int axis) {
        return dini::one_hot(x, n, d.value_or(Dtype::float64), axis);
      });
  t.add(
      "arange(start, stop=None, step=None, dtype=None, device=None)",
      "Numbers from start up to but not including stop.",
      +[](nb::handle start, nb::handle stop, nb::handle step, nb::handle dtype, nb::handle device) -> nb::object {
        From<Device>::get(device, "arange");
        const bool one = stop.is_none();
        auto whole = [](nb::handle h) { return h.is_none() || PyIndex_Check(h.ptr()); };
        Array out;
        if (whole(start) && whole(stop) && whole(step)) {
          const std::int64_t by = step.is_none() ? 1 : to_whole(step, "arange");
          if (by == 0) throw dini::ValueError("arange: the step is 0");
          out = dini::arange(one ? 0 : to_whole(start, "arange"), to_whole(one ? start : stop, "arange"), by);
        } else {
          auto number = [](nb::handle h) { return From<double>::get(h, "arange"); };
          const double by = step.is_none() ? 1 : number(step);
          if (by == 0) throw dini::ValueError("arange: the step is 0");
          out = dini::arange(one ? 0.0 : number(start), number(one ? start : stop), by);
        }
        return from_array(dtype.is_none() ? out : dini::astype(out, to_dtype(dtype)));
      });
  t.add(
      "linspace(start, stop, num=50, endpoint=True, dtype=None, device=None)",
      "Numbers at equal distances from start to stop, which may be traced.",
      +[](A start, A stop, std::int64_t num, bool endpoint, const OptionalDtype& d, const Device&) {
        if (num < 0) throw dini::ValueError("linspace: num is negative: " + std::to_string(num));
        if (start.ndim() || stop.ndim()) throw dini::ShapeError("linspace: start and stop have to be numbers");
        const std::int64_t steps = endpoint ? num - 1 : num;
        if (endpoint && start.concrete() && stop.concrete())
          return dini::linspace(start.item(), stop.item(), num, d.value_or(Dtype::float64));
        const Array k = dini::arange(0.0, static_cast<double>(num), 1.0, d.value_or(Dtype::float64));
        if (steps <= 0) return start + 0 * k;
        const Array out = start + k * ((stop - start) / static_cast<double>(steps));
        return endpoint ? dini::where(k == steps, stop, out) : out;
      });
}

}  // namespace shape_functions

void bind_shape_functions(nb::module_& m) {
  nb::object array = m.attr("Array");
  nb::class_<Array> c = nb::borrow<nb::class_<Array>>(array);
  table::Table t(m, &c);
  shape_functions::add_shapes(t);
  shape_functions::add_creation(t);
  c.def(
      "reshape",
      [](const Array& a, nb::args shape) {
        const bool one = shape.size() == 1 && !PyIndex_Check(nb::handle(shape[0]).ptr());
        return from_array(dini::reshape(
            a, table::From<dini::detail::Lengths>::get(one ? nb::handle(shape[0]) : nb::handle(shape), "reshape")));
      },
      nb::sig("def reshape(self, *shape: Any) -> Array"));
  c.def(
      "transpose",
      [](const Array& a, nb::args axes) {
        if (axes.size() == 0 || (axes.size() == 1 && nb::handle(axes[0]).is_none())) return from_array(a.T());
        const bool one = axes.size() == 1 && !PyIndex_Check(nb::handle(axes[0]).ptr());
        return from_array(dini::transpose(
            a, table::From<dini::Axes>::get(one ? nb::handle(axes[0]) : nb::handle(axes), "transpose")));
      },
      nb::sig("def transpose(self, *axes: Any) -> Array"));
  c.def(
      "flatten",
      [](const Array& a, const std::string& order) {
        return from_array(shape_functions::in_one_axis(a, order, "flatten"));
      },
      nb::arg("order") = "C", nb::sig("def flatten(self, order: str = 'C') -> Array"));
  c.def(
      "copy", [](const Array& a) { return from_array(a); }, nb::sig("def copy(self) -> Array"));
}

}  // namespace pydini
