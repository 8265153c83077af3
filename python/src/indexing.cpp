// x[...] and x.at[...]: NumPy's indices.
#include "common.hpp"

namespace pydini {

namespace {

dini::IndexItem index_item(nb::handle h) {
  if (PySlice_Check(h.ptr())) {
    dini::Slice s;
    auto bound = [&](const char* name) -> std::optional<std::int64_t> {
      nb::object o = h.attr(name);
      if (o.is_none()) return std::nullopt;
      return to_whole(o, "slice");
    };
    s.start = bound("start");
    s.stop = bound("stop");
    s.step = bound("step").value_or(1);
    return dini::IndexItem(s);
  }
  if (h.is_none()) return dini::IndexItem(dini::newaxis);
  if (h.ptr() == Py_Ellipsis) return dini::IndexItem(dini::ellipsis);
  if (!is_array(h) && !PyBool_Check(h.ptr()) && PyIndex_Check(h.ptr())) {
    // NumPy's arrays look like whole numbers, too, until they are asked.
    nb::object i = nb::steal(PyNumber_Index(h.ptr()));
    if (i.is_valid()) {
      const long long v = PyLong_AsLongLong(i.ptr());
      if (v == -1 && PyErr_Occurred()) nb::raise_python_error();
      return dini::IndexItem(static_cast<std::int64_t>(v));
    }
    PyErr_Clear();
  }
  Array a = to_array(h, "index");
  if (PyList_Check(h.ptr()) && a.size() == 0) a = dini::astype(a, Dtype::int64);  // x[[]]
  if (dini::is_floating(a.dtype())) {
    throw dini::DtypeError(
        "index: whole numbers, slices, None, ... or arrays of whole numbers or truth values are wanted, got " +
        a.aval().str());
  }
  return dini::IndexItem(a);
}

std::vector<dini::IndexItem> index_items(nb::handle h) {
  std::vector<dini::IndexItem> out;
  if (PyTuple_Check(h.ptr())) {
    for (nb::handle item : nb::borrow<nb::tuple>(h)) out.push_back(index_item(item));
  } else {
    out.push_back(index_item(h));
  }
  return out;
}

struct At {
  Array a;
};

}  // namespace

void bind_indexing(nb::module_& m, nb::class_<Array>& c) {
  using U = dini::IndexUpdate;
  nb::class_<U> update(m, "IndexUpdate", "A place in an array: set, add, ... return a new array.");
  update.def(
      "get", [](const U& u) { return from_array(u.get()); }, nb::sig("def get(self) -> Array"));
  auto with = [&](const char* name, const char* sig, Array (U::*f)(const Array&) const) {
    update.def(
        name,
        [f, name](const U& u, nb::handle values) {
          const Array v =
              PyLong_CheckExact(values.ptr()) ? integer_beside(values, u.get(), false) : to_array(values, name);
          return from_array((u.*f)(v));
        },
        nb::arg("values"), nb::sig(sig));
  };
  with("set", "def set(self, values: ArrayLike) -> Array", &U::set);
  with("add", "def add(self, values: ArrayLike) -> Array", &U::add);
  update.def(
      "subtract", [](const U& u, nb::handle values) { return from_array(u.add(-to_array(values, "subtract"))); },
      nb::arg("values"), nb::sig("def subtract(self, values: ArrayLike) -> Array"));
  update.def(
      "apply",
      [](const U& u, nb::handle f) {
        return from_array(u.set(to_array(call_python(f, nb::make_tuple(from_array(u.get()))), "apply")));
      },
      nb::arg("func"), nb::sig("def apply(self, func: Callable[[Array], ArrayLike]) -> Array"));
  with("multiply", "def multiply(self, values: ArrayLike) -> Array", &U::multiply);
  with("divide", "def divide(self, values: ArrayLike) -> Array", &U::divide);
  with("power", "def power(self, values: ArrayLike) -> Array", &U::power);
  with("min", "def min(self, values: ArrayLike) -> Array", &U::min);
  with("max", "def max(self, values: ArrayLike) -> Array", &U::max);
  nb::class_<At>(m, "ArrayAt", "x.at: what is indexed for an update.")
      .def(
          "__getitem__", [](const At& at, nb::handle index) { return U(at.a, index_items(index)); },
          nb::arg("index").none(), nb::sig("def __getitem__(self, index: Any) -> IndexUpdate"));
  c.def_prop_ro(
      "at", [](const Array& a) { return At{a}; }, nb::sig("def at(self) -> ArrayAt"),
      "x.at[i].set(v): a new array with v in that place; add, multiply, ...");
  c.def(
      "__getitem__", [](const Array& a, nb::handle index) { return from_array(U(a, index_items(index)).get()); },
      nb::arg("index").none(), nb::sig("def __getitem__(self, index: Any) -> Array"));
  c.def(
      "__setitem__",
      [](const Array&, nb::handle, nb::handle) {
        throw nb::type_error("arrays are immutable: x[i] = v is written x = x.at[i].set(v)");
      },
      nb::arg("index").none(), nb::arg("value").none(),
      nb::sig("def __setitem__(self, index: Any, value: Any) -> NoReturn"));
  c.def(
      "__iter__",
      [](const Array& a) {
        if (a.ndim() == 0) throw nb::type_error("iteration over an array without axes");
        nb::list rows;
        for (std::int64_t k = 0; k < a.shape()[0]; ++k) rows.append(from_array(a(k)));
        return nb::iter(rows);
      },
      nb::sig("def __iter__(self) -> Iterator[Array]"));
}

}  // namespace pydini
