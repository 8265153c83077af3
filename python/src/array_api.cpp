// The table's functions that the array API standard has beside NumPy's older names: aliases, integers' bits, sets.
//
// What has no derivative, and depends on values, is computed from values: nonzero and the positions of unique elements.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "dini/ops/promote.hpp"
#include "dini/transforms/host_map.hpp"
#include "table.hpp"

namespace pydini {

namespace array_api {

using namespace table;
using A = const Array&;
using OptionalDtype = std::optional<Dtype>;
using OptionalInt = std::optional<int>;

// The result's shape depends on these values.
void want_values(A a, const char* function) {
  try {
    a.raw();
  } catch (const dini::TraceError&) {
    throw dini::erased::HostReadError(
        std::string(function) +
        ": the shape of the result depends on values, which there are none of under jit and vmap");
  }
}

struct IndexTuple {
  std::vector<Array> indices;
};

}  // namespace array_api

namespace table {
template <> struct To<array_api::IndexTuple> {
  static constexpr const char* hint = "tuple[Array, ...]";
  static nb::object make(const array_api::IndexTuple& t) {
    std::vector<nb::object> all;
    for (const Array& a : t.indices) all.push_back(from_array(a));
    return tuple_of(all);
  }
};
}  // namespace table

namespace array_api {

// ---- Elements --------------------------------------------------------------------------------------------------------

// The number next to another's, in one direction: a function of values, which no rule follows.
struct NextAfter final : dini::HostMap {
  std::string name() const override { return "nextafter"; }
  std::size_t results() const override { return 1; }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return {in[0]}; }
  Leaves call(const Leaves& in) const override {
    return dini::visit_dtype(in[0].dtype(), [&]<class T>() -> Leaves {
      if constexpr (std::is_floating_point_v<T>) {
        const std::vector<T> from = in[0].to_vector<T>(), to = in[1].to_vector<T>();
        std::vector<T> out(from.size());
        for (std::size_t k = 0; k < out.size(); ++k) out[k] = std::nextafter(from[k], to[k]);
        return {dini::reshape(dini::array(out), in[0].shape())};
      }
      return {in[0]};
    });
  }
};

Array nextafter(A x1, A x2) {
  Array a = x1, b = x2;
  dini::detail::promote_operands(a, b, "nextafter", true);
  const std::vector<Array> both = dini::broadcast_arrays({a, b});
  static const auto map = std::make_shared<NextAfter>();
  return dini::call_host(map, {both[0], both[1]})[0];
}

void want_whole(A a, const char* function) {
  if (!dini::is_integer(a.dtype()))
    throw dini::DtypeError(std::string(function) + ": whole numbers are wanted, got " + dini::name(a.dtype()));
}

// 1, 2, 4, ... of int64, the last of which is negative.
Array powers_of_two() {
  static const Array powers = [] {
    std::vector<std::int64_t> p;
    for (int k = 0; k < 64; ++k) p.push_back(static_cast<std::int64_t>(std::uint64_t{1} << k));
    return dini::array(p);
  }();
  return powers;
}

Array left_shift(A x1, A x2) {
  want_whole(x1, "bitwise_left_shift"), want_whole(x2, "bitwise_left_shift");
  Array a = x1, n = x2;
  dini::detail::promote_operands(a, n, "bitwise_left_shift");
  const Array wide = dini::astype(a, Dtype::int64) * dini::take(powers_of_two(), dini::clip(n, 0, 63));
  return dini::astype(dini::where(n > 63, 0, wide), a.dtype());
}

Array right_shift(A x1, A x2) {
  want_whole(x1, "bitwise_right_shift"), want_whole(x2, "bitwise_right_shift");
  Array a = x1, n = x2;
  dini::detail::promote_operands(a, n, "bitwise_right_shift");
  const Array wide = dini::astype(a, Dtype::int64);
  const Array out = dini::floor_divide(wide, dini::take(powers_of_two(), dini::clip(n, 0, 62)));
  return dini::astype(dini::where(n > 62, dini::where(wide < 0, -1, 0), out), a.dtype());
}

void add_elements(Table& t) {
  t.add(
      "conj(x)", "x, which is real.", +[](A x) { return x; });
  t.add(
      "real(val)", "x, which is real.", +[](A x) { return x; });
  t.add(
      "imag(val)", "0: x is real.", +[](A x) { return dini::zeros_like(x); });
  t.add(
      "signbit(x)", "Whether the sign is negative, also that of 0.",
      +[](A x) { return dini::copysign(dini::ones_like(x), x) < 0; });
  t.add("nextafter(x1, x2)", "The number next to x1 towards x2. It has no derivative.", &nextafter);
  t.add("bitwise_left_shift(x1, x2)", "x1 · 2^x2, without the bits that leave.", &left_shift);
  t.add("bitwise_right_shift(x1, x2)", "The largest whole number not above x1 / 2^x2.", &right_shift);
  for (const auto& [name, of] : {std::pair("bitwise_invert", "bitwise_not"), {"conjugate", "conj"}}) t.alias(name, of);
}

// ---- Shapes ----------------------------------------------------------------------------------------------------------

void add_shapes(Table& t) {
  t.alias("concat", "concatenate");
  t.add(
      "permute_dims(a, axes)", "With the axes in another order.",
      +[](A x, const dini::Axes& axes) { return dini::transpose(x, axes); });
  t.add(
      "matrix_transpose(x)", "The last two axes exchanged.", +[](A x) {
        if (x.ndim() < 2)
          throw dini::ShapeError("matrix_transpose: two axes are wanted, the array has shape " + x.shape().str());
        return dini::swapaxes(x, -1, -2);
      });
  t.add(
      "unstack(x, axis=0)", "The slices along an axis, in a tuple.", +[](nb::handle x, nb::handle axis) -> nb::object {
        const Array a = to_array(x, "unstack"), first = dini::moveaxis(a, From<int>::get(axis, "unstack"), 0);
        std::vector<nb::object> out;
        for (std::int64_t k = 0; k < first.shape()[0]; ++k) out.push_back(from_array(first(k)));
        return tuple_of(out);
      });
  t.add(
      "empty(shape, dtype=None, device=None)", "An array of zeros: memory is never left as it was.",
      +[](const Lengths& s, const OptionalDtype& d, const Device&) {
        return dini::zeros(s, d.value_or(Dtype::float64));
      });
  t.add(
      "empty_like(prototype, dtype=None, device=None)", "Zeros of an array's shape and dtype.",
      +[](A a, const OptionalDtype& d, const Device&) { return dini::zeros_like(a, d); });
}

// ---- Sums and products -----------------------------------------------------------------------------------------------

using Cumulative = Array (*)(const Array&, int);
Array cumulative(A a, const OptionalInt& axis, const OptionalDtype& d, bool initial, Cumulative f, double start,
                 const char* name) {
  if (!axis && a.ndim() != 1)
    throw dini::ShapeError(std::string(name) + ": an axis is wanted for shape " + a.shape().str());
  const int at = axis.value_or(0);
  const Array out = f(d ? dini::astype(a, *d) : a, at);
  if (!initial) return out;
  std::vector<std::int64_t> one = out.shape().vector();
  one.at(static_cast<std::size_t>(at < 0 ? at + a.ndim() : at)) = 1;
  return dini::concatenate({dini::full(one, start, out.dtype()), out}, at);
}

Array vecdot(A x1, A x2, int axis) {
  if (axis >= 0)
    throw dini::ShapeError("vecdot: the axis is counted from the last, so that it is out of range from 0 on, got " +
                           std::to_string(axis));
  const std::vector<Array> both = dini::broadcast_arrays({x1, x2});
  if (x1.ndim() < -axis || x2.ndim() < -axis)
    throw dini::ShapeError("vecdot: axis " + std::to_string(axis) + " is out of range for shapes " + x1.shape().str() +
                           " and " + x2.shape().str());
  return dini::sum(both[0] * both[1], axis);
}

void add_sums(Table& t) {
  t.add(
      "cumulative_sum(x, axis=None, dtype=None, include_initial=False)", "Sums up to each element.",
      +[](A x, const OptionalInt& axis, const OptionalDtype& d, bool initial) {
        return cumulative(
            x, axis, d, initial, [](A a, int k) { return dini::cumsum(a, k); }, 0, "cumulative_sum");
      });
  t.add(
      "cumulative_prod(x, axis=None, dtype=None, include_initial=False)", "Products up to each element.",
      +[](A x, const OptionalInt& axis, const OptionalDtype& d, bool initial) {
        return cumulative(
            x, axis, d, initial, [](A a, int k) { return dini::cumprod(a, k); }, 1, "cumulative_prod");
      });
  t.add("vecdot(x1, x2, axis=-1)", "The products of vectors along an axis.", &vecdot);
}

void add_linalg(Table& t) {
  t.add(
      "cross(x1, x2, axis=-1)", "The cross product of vectors of three elements along an axis.",
      +[](A a, A b, int axis) {
        const Array out = dini::cross(dini::moveaxis(a, axis, -1), dini::moveaxis(b, axis, -1));
        return dini::moveaxis(out, -1, axis);
      });
  t.add(
      "diagonal(x, offset=0)", "The diagonals of matrices.", +[](A x, int k) { return dini::diagonal(x, k, -2, -1); });
  t.add(
      "trace(x, offset=0, dtype=None)", "The sums of matrices' diagonals.",
      +[](A x, int k, const OptionalDtype& d) { return dini::trace(d ? dini::astype(x, *d) : x, k, -2, -1); });
  t.add(
      "vector_norm(x, axis=None, keepdims=False, ord=2)", "Norms of vectors, of all elements without an axis.",
      +[](A x, const ReduceAxes& axis, bool keepdims, double ord) {
        // All axes in one, to which the others come back in the end.
        dini::Axes axes = axis.resolve(x.ndim(), "vector_norm");
        std::vector<std::int64_t> kept = x.shape().vector(), rest;
        for (int k : axes) kept[static_cast<std::size_t>(k)] = 1;
        dini::Axes order;
        for (int k = 0; k < x.ndim(); ++k) {
          if (std::find(axes.begin(), axes.end(), k) != axes.end()) continue;
          order.push_back(k);
          rest.push_back(x.shape()[k]);
        }
        std::vector<std::int64_t> flat = rest;
        std::int64_t length = 1;
        for (int k : axes) length *= x.shape()[k];
        flat.push_back(length);
        order.insert(order.end(), axes.begin(), axes.end());
        const Array rows = dini::reshape(dini::transpose(x, order), flat);
        return dini::reshape(dini::linalg::norm(rows, ord, -1), keepdims ? kept : rest);
      });
  t.add(
      "matrix_norm(x, keepdims=False, ord=\"fro\")", "Norms of matrices.",
      +[](nb::handle x, nb::handle keepdims, nb::handle ord) -> nb::object {
        const Array a = to_array(x, "matrix_norm");
        if (a.ndim() < 2)
          throw dini::ShapeError("matrix_norm: two axes are wanted, the array has shape " + a.shape().str());
        const bool keep = From<bool>::get(keepdims, "matrix_norm");
        const ReduceAxes axes(dini::Axes{-2, -1});
        if (PyUnicode_Check(ord.ptr()))
          return from_array(dini::linalg::norm(a, nb::cast<std::string>(ord), axes, keep));
        return from_array(dini::linalg::norm(a, From<double>::get(ord, "matrix_norm"), axes, keep));
      });
}

// ---- Sets ------------------------------------------------------------------------------------------------------------

// Of the elements in one row: where each of the different ones is first, in ascending order, which of them each element is, how often
// there is each. NaNs are different from each other, and last.
struct Unique {
  Array first, inverse, counts;
};
Unique unique(A x, const char* function) {
  const Array flat = dini::ravel(x);
  want_values(flat, function);
  return dini::visit_dtype(flat.dtype(), [&]<class T>() {
    const T* v = static_cast<const T*>(flat.raw());
    const auto n = static_cast<std::size_t>(flat.size());
    std::vector<std::int64_t> order(n), first, inverse(n), counts;
    std::iota(order.begin(), order.end(), 0);
    auto before = [v](std::int64_t a, std::int64_t b) { return v[a] < v[b] || (v[a] == v[a] && v[b] != v[b]); };
    std::stable_sort(order.begin(), order.end(), before);
    for (std::size_t k = 0; k < n; ++k) {
      if (k == 0 || !(v[order[k]] == v[order[k - 1]])) {
        first.push_back(order[k]);
        counts.push_back(0);
      }
      inverse[static_cast<std::size_t>(order[k])] = static_cast<std::int64_t>(first.size()) - 1;
      ++counts.back();
    }
    return Unique{dini::array(first), dini::reshape(dini::array(inverse), x.shape()), dini::array(counts)};
  });
}
// The values themselves are taken from x, with their derivatives.
Array values_of(A x, const Unique& u) { return dini::take(dini::ravel(x), u.first); }

void add_sets(Table& t) {
  t.add(
      "unique_all(x)",
      "The different elements, where each is first, which of them each element is, how often there is each.", +[](A x) {
        const Unique u = unique(x, "unique_all");
        return Named{"UniqueAllResult(values, indices, inverse_indices, counts)",
                     {values_of(x, u), u.first, u.inverse, u.counts}};
      });
  t.add(
      "unique_counts(x)", "The different elements, and how often there is each.", +[](A x) {
        const Unique u = unique(x, "unique_counts");
        return Named{"UniqueCountsResult(values, counts)", {values_of(x, u), u.counts}};
      });
  t.add(
      "unique_inverse(x)", "The different elements, and which of them each element is.", +[](A x) {
        const Unique u = unique(x, "unique_inverse");
        return Named{"UniqueInverseResult(values, inverse_indices)", {values_of(x, u), u.inverse}};
      });
  t.add(
      "unique_values(x)", "The different elements.", +[](A x) { return values_of(x, unique(x, "unique_values")); });
  t.add(
      "isin(element, test_elements, invert=False)", "Whether an element is one of the others.",
      +[](A x1, A x2, bool invert) {
        Array a = x1, b = dini::ravel(x2);
        // A number takes the other's dtype where it can.
        auto takes = [](A number, A other) {
          return number.weak() && (dini::is_floating(other.dtype()) || !dini::is_floating(number.dtype()));
        };
        const Dtype d = takes(b, a) ? a.dtype() : takes(a, b) ? b.dtype() : dini::promote(a.dtype(), b.dtype());
        a = dini::astype(a, d), b = dini::astype(b, d);
        Array found = dini::zeros(a.shape(), Dtype::bool_);
        if (b.size() > 0) {
          const Array sorted = dini::sort(b);
          const Array at = dini::minimum(dini::searchsorted(sorted, a), b.size() - 1);
          found = dini::take(sorted, at) == a;
        }
        return invert ? dini::logical_not(found) : found;
      });
  t.both(
      "nonzero(a)", "The indices of what is not 0, an array for each axis.", +[](A a) {
        if (a.ndim() == 0) throw dini::ShapeError("nonzero: an array with axes is wanted");
        const Array flags = dini::ravel(a != 0);
        want_values(flags, "nonzero");
        const bool* v = static_cast<const bool*>(flags.raw());
        std::vector<std::int64_t> found;
        for (std::int64_t k = 0; k < flags.size(); ++k) {
          if (v[k]) found.push_back(k);
        }
        return IndexTuple{dini::unravel_index(dini::array(found), a.shape())};
      });
}

// ---- Several arrays --------------------------------------------------------------------------------------------------

// f(a, b, ...), or f([a, b, ...]) of arrays that are no numbers.
std::vector<Array> each_of(nb::handle args, const char* function) {
  const Py_ssize_t n = PyTuple_Size(args.ptr());
  const nb::handle first = n == 1 ? nb::handle(PyTuple_GetItem(args.ptr(), 0)) : nb::handle();
  if (n == 1 && (PyList_Check(first.ptr()) || PyTuple_Check(first.ptr()))) {
    bool numbers = false;
    for (nb::handle item : nb::iter(first)) numbers = numbers || PyFloat_Check(item.ptr()) || PyLong_Check(item.ptr());
    if (!numbers) return From<std::vector<Array>>::get(first, function);
  }
  std::vector<Array> out;
  for (nb::handle h : nb::borrow<nb::tuple>(args)) out.push_back(to_array(h, function));
  return out;
}

void bind_several(nb::module_& m) {
  m.def(
      "meshgrid",
      [](nb::args arrays, const std::string& indexing) {
        return To<std::vector<Array>>::make(dini::meshgrid(each_of(arrays, "meshgrid"), indexing));
      },
      nb::arg("arrays"), nb::arg("indexing") = "xy",
      nb::sig("def meshgrid(*arrays: Any, indexing: str = 'xy') -> list[Array]"),
      "Coordinates of a grid, from vectors: meshgrid(x, y), or meshgrid([x, y]).");
  m.def(
      "broadcast_arrays",
      [](nb::args arrays) {
        return To<std::vector<Array>>::make(dini::broadcast_arrays(each_of(arrays, "broadcast_arrays")));
      },
      nb::arg("arrays"), nb::sig("def broadcast_arrays(*arrays: Any) -> list[Array]"),
      "Repeated to one shape: broadcast_arrays(x, y), or broadcast_arrays([x, y]).");
  m.def(
      "broadcast_shapes",
      [](nb::args shapes) {
        Shape out;
        for (nb::handle s : shapes)
          out = dini::broadcast_shapes(out, Shape(From<Lengths>::get(s, "broadcast_shapes").values()),
                                       "broadcast_shapes");
        std::vector<nb::object> lengths;
        for (std::int64_t k : out) lengths.push_back(nb::int_(k));
        return tuple_of(lengths);
      },
      nb::arg("shapes"), nb::sig("def broadcast_shapes(*shapes: int | Sequence[int]) -> tuple[int, ...]"),
      "The shape that arrays of these have together.");
}

void bind_methods_of_arrays(nb::class_<Array>& c) {
  auto shift = [&](const char* name, bool left, bool reversed) {
    c.def(
        name,
        [left, reversed](A a, nb::handle h) -> nb::object {
          Array b;
          if (!try_array(h, b)) return nb::borrow(Py_NotImplemented);
          const Array &x = reversed ? b : a, &n = reversed ? a : b;
          return from_array(left ? left_shift(x, n) : right_shift(x, n));
        },
        nb::is_operator(), nb::sig(keep("def " + std::string(name) + "(self, other: ArrayLike) -> Array")));
  };
  shift("__lshift__", true, false);
  shift("__rlshift__", true, true);
  shift("__rshift__", false, false);
  shift("__rrshift__", false, true);
  c.def("__complex__",
        [](nb::handle self) { return nb::steal(PyComplex_FromDoubles(nb::cast<double>(nb::float_(self)), 0)); });
  c.def(
      "to_device",
      [](A a, nb::handle device, nb::handle) {
        From<Device>::get(device, "to_device");
        return from_array(a);
      },
      nb::arg("device"), nb::arg("stream") = nb::none(),
      nb::sig("def to_device(self, device: str, stream: Any = None) -> Array"),
      "The array itself: all are on the CPU.");
}

}  // namespace array_api

void bind_array_api(nb::module_& m) {
  nb::class_<Array> c = nb::borrow<nb::class_<Array>>(m.attr("Array"));
  table::Table top(m, &c);
  array_api::add_elements(top);
  array_api::add_shapes(top);
  array_api::add_sums(top);
  array_api::add_sets(top);
  array_api::bind_several(m);
  nb::module_ linalg = nb::borrow<nb::module_>(m.attr("linalg"));
  table::Table linear(linalg);
  array_api::add_linalg(linear);
  for (const char* name : {"matrix_transpose", "vecdot"}) linalg.attr(name) = m.attr(name);
  array_api::bind_methods_of_arrays(c);
}

}  // namespace pydini
