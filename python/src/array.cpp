// Arrays: dtypes, what Python sees of an array, the class dini.Array.
#include "conversions.hpp"
#include "table.hpp"

#include "dini/core/readback.hpp"

namespace pydini {

namespace {

PyTypeObject* array_type = nullptr;

// A dtype as Python's objects hold it. (nanobind has casters of its own for enumerations.)
struct DType {
  Dtype value;
};

const char* const formats[] = {"?", "i", "q", "f", "d"};  // of the buffer protocol
static_assert(static_cast<int>(Dtype::float64) == 4);

// One object for each.
nb::object& dtype_object(Dtype d) {
  static auto* objects = new nb::object[std::size(dtypes)];
  return objects[static_cast<int>(d)];
}

}  // namespace

void check_conversion(const Array& a, const std::string& what) {
  if (a.concrete()) return;
  a.raw();  // an abstract one says so
  throw dini::TraceError(
      what +
      " of a value that is being differentiated would lose its derivative. Use functions of dini or NumPy on it, "
      "build results with stack instead of writing into a NumPy array, or say x.item() or x.tolist() where the "
      "value alone is meant.");
}

bool is_array(nb::handle h) { return Py_TYPE(h.ptr()) == array_type; }
const Array& array_of(nb::handle h) { return *nb::inst_ptr<Array>(h); }

nb::object from_array(const Array& a) {
  if (!a.defined()) return nb::none();
  nb::object o = nb::inst_alloc(nb::handle(reinterpret_cast<PyObject*>(array_type)));
  new (nb::inst_ptr<Array>(o)) Array(a);
  nb::inst_mark_ready(o);
  return o;
}

Dtype to_dtype(nb::handle h) {
  DType* ours = nullptr;
  if (nb::try_cast<DType*>(h, ours) && ours) return ours->value;
  if (h.ptr() == reinterpret_cast<PyObject*>(&PyFloat_Type)) return Dtype::float64;
  if (h.ptr() == reinterpret_cast<PyObject*>(&PyLong_Type)) return Dtype::int64;
  if (h.ptr() == reinterpret_cast<PyObject*>(&PyBool_Type)) return Dtype::bool_;
  std::string s;
  if (PyUnicode_Check(h.ptr()))
    s = nb::cast<std::string>(h);
  else if (PyType_Check(h.ptr()))
    s = nb::cast<std::string>(h.attr("__name__"));  // numpy.float32
  else if (has(h, "name"))
    s = nb::cast<std::string>(nb::str(h.attr("name")));  // numpy.dtype("float32")
  if (s == "bool_") return Dtype::bool_;
  for (Dtype each : dtypes) {
    if (s == dini::name(each)) return each;
  }
  no_such_dtype(s.empty() ? nb::cast<std::string>(nb::repr(h)) : s, "dtype");
}

namespace {

// ---- To other libraries ----------------------------------------------------------------------------------------------

// numpy.asarray(a), memoryview(a): without a copy, read-only.
int get_buffer(PyObject* exporter, Py_buffer* view, int flags) {
  view->obj = nullptr;
  const Array& a = array_of(exporter);
  if (flags & PyBUF_WRITABLE) {
    PyErr_SetString(PyExc_BufferError, "an array of dini is immutable");
    return -1;
  }
  const void* raw;
  try {
    check_conversion(a, "conversion to a NumPy array");
    raw = a.raw();
  } catch (const dini::Error&) {
    set_python_error(std::current_exception());
    return -1;
  }
  const Shape shape = a.shape();
  const int n = shape.ndim();
  auto* sizes = static_cast<Py_ssize_t*>(PyMem_Malloc(sizeof(Py_ssize_t) * static_cast<std::size_t>(2 * n + 1)));
  if (!sizes) {
    PyErr_NoMemory();
    return -1;
  }
  const auto item = static_cast<Py_ssize_t>(dini::item_size(a.dtype()));
  Py_ssize_t step = item;
  for (int k = n - 1; k >= 0; --k) {
    sizes[k] = shape[k];
    sizes[n + k] = step;
    step *= shape[k];
  }
  view->obj = exporter;
  Py_INCREF(exporter);
  view->buf = const_cast<void*>(raw);
  view->len = static_cast<Py_ssize_t>(a.size()) * item;
  view->readonly = 1;
  view->itemsize = item;
  view->format = const_cast<char*>(formats[static_cast<int>(a.dtype())]);
  view->ndim = n;
  view->shape = sizes;
  view->strides = sizes + n;
  view->suboffsets = nullptr;
  view->internal = sizes;
  return 0;
}
void release_buffer(PyObject*, Py_buffer* view) { PyMem_Free(view->internal); }

PyType_Slot array_slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
                             {Py_bf_releasebuffer, reinterpret_cast<void*>(release_buffer)},
                             {0, nullptr}};

nb::object to_numpy(nb::handle self) {
  check_conversion(array_of(self), "conversion to a NumPy array");
  return numpy().attr("asarray")(nb::steal(PyMemoryView_FromObject(self.ptr())));
}

template <class T> nb::object number(T v) {
  if constexpr (std::is_same_v<T, bool>)
    return nb::bool_(v);
  else if constexpr (std::is_integral_v<T>)
    return nb::int_(v);
  else
    return nb::float_(static_cast<double>(v));
}

template <class T> nb::object nested(const T*& from, const Shape& shape, int axis) {
  if (axis == shape.ndim()) return number(*from++);
  nb::list out;
  for (std::int64_t k = 0; k < shape[axis]; ++k) out.append(nested(from, shape, axis + 1));
  return out;
}

nb::object to_list(const Array& a) {
  return dini::visit_dtype(a.dtype(), [&]<class T>() {
    const T* from = static_cast<const T*>(a.raw());
    return nested(from, a.shape(), 0);
  });
}

nb::object item_of(const Array& a) {
  if (a.dtype() == Dtype::bool_) return nb::bool_(a.item<bool>());
  if (dini::is_integer(a.dtype())) return nb::int_(a.item<std::int64_t>());
  return nb::float_(a.item<double>());
}

// NumPy's repr is its str with commas behind the elements, which have one width, and behind the rows.
std::string with_commas(const std::string& text, int ndim) {
  std::string out;
  // The elements from `from` to `to` of a line.
  auto elements = [&](std::string part) {
    std::size_t count = 0;
    for (std::size_t k = 0; k < part.size(); ++k) count += part[k] != ' ' && (k == 0 || part[k - 1] == ' ');
    if (count == 0) return part;
    const std::size_t width = (part.size() - (count - 1)) / count;
    for (std::size_t k = count - 1; k > 0; --k) part.insert(k * (width + 1) - 1, ",");
    return part;
  };
  for (std::size_t first = 0; first < text.size();) {
    const std::size_t end = std::min(text.find('\n', first), text.size());
    std::string line = text.substr(first, end - first);
    const bool last = end == text.size(), empty = line.empty();
    const std::size_t open = line.rfind('['), close = std::min(line.find(']'), line.size());
    const std::size_t from =
        open == std::string::npos ? std::min<std::size_t>(static_cast<std::size_t>(ndim), close) : open + 1;
    const std::string tail = line.substr(close);
    std::string middle = line.substr(from, close - from);
    if (const std::size_t dots = middle.find(" ... "); dots != std::string::npos)
      middle = elements(middle.substr(0, dots)) + ", ..., " + elements(middle.substr(dots + 5));
    else if (middle.find("...") == std::string::npos)
      middle = elements(middle);
    out += line.substr(0, from) + middle + tail;
    if (!last) out += empty ? "\n" : ",\n";
    first = end + 1;
  }
  return out;
}

std::string text_of(const Array& a) {
  if (!a.defined()) return "Array()";
  try {
    a.raw();
  } catch (const dini::TraceError&) { return "Array(abstract " + a.aval().str() + ")"; }
  std::string padded;
  for (char c : with_commas(dini::to_string(a), a.ndim())) {
    padded += c;
    if (c == '\n') padded += "      ";
  }
  // Of no elements the text shows no lengths.
  const std::string shape = a.size() == 0 && a.shape() != Shape{0} ? ", shape=" + a.shape().str() : "";
  return "Array(" + padded + shape +
         (a.dtype() == Dtype::float64 ? "" : std::string(", dtype=") + dini::name(a.dtype())) + ")";
}

// ---- Operators -------------------------------------------------------------------------------------------------------

template <class F> nb::object binary(const Array& a, nb::handle h, const F& f, bool compares = false) {
  Array b;
  if (PyLong_CheckExact(h.ptr())) {
    b = integer_beside(h, a, compares);
  } else if (!try_array(h, b)) {
    if (!PyList_Check(h.ptr()) && !PyTuple_Check(h.ptr())) return nb::borrow(Py_NotImplemented);
    b = to_array(h, "operand");
  }
  constexpr std::int64_t large = 1 << 14;
  if (a.size() + b.size() < large) return from_array(f(a, b));
  return from_array(computing([&] { return f(a, b); }));
}

// "def __add__(self, other: ArrayLike) -> Array", kept for ever.
const char* operator_stub(const std::string& name, bool of_two = true) {
  return table::keep("def " + name + "(self" + (of_two ? ", other: ArrayLike" : "") + ") -> Array");
}

void bind_operators(nb::class_<Array>& c) {
  auto both = [&]<class F>(const char* name, const char* reversed, F f) {
    c.def(
        name, [f](const Array& a, nb::handle b) { return binary(a, b, f); }, nb::is_operator(),
        nb::sig(operator_stub(name)));
    c.def(
        reversed,
        [f](const Array& a, nb::handle b) {
          return binary(a, b, [f](const Array& x, const Array& y) { return f(y, x); });
        },
        nb::is_operator(), nb::sig(operator_stub(reversed)));
  };
  using A = const Array&;
  both("__add__", "__radd__", [](A a, A b) { return a + b; });
  both("__sub__", "__rsub__", [](A a, A b) { return a - b; });
  both("__mul__", "__rmul__", [](A a, A b) { return a * b; });
  both("__truediv__", "__rtruediv__", [](A a, A b) { return a / b; });
  both("__floordiv__", "__rfloordiv__", [](A a, A b) { return dini::floor_divide(a, b); });
  both("__mod__", "__rmod__", [](A a, A b) { return a % b; });
  both("__matmul__", "__rmatmul__", [](A a, A b) { return dini::matmul(a, b); });
  both("__and__", "__rand__", [](A a, A b) { return a & b; });
  both("__or__", "__ror__", [](A a, A b) { return a | b; });
  both("__xor__", "__rxor__", [](A a, A b) { return a ^ b; });
  auto power = [&](const char* name, bool reversed) {
    c.def(
        name,
        [reversed](const Array& a, nb::handle b, nb::handle) {
          return binary(a, b, [reversed](A x, A y) { return reversed ? dini::power(y, x) : dini::power(x, y); });
        },
        nb::arg("other"), nb::arg("mod") = nb::none(), nb::is_operator(), nb::sig(operator_stub(name)));
  };
  power("__pow__", false);
  power("__rpow__", true);
  auto compare = [&]<class F>(const char* name, F f) {
    c.def(
        name, [f](const Array& a, nb::handle b) { return binary(a, b, f, true); }, nb::is_operator(),
        nb::sig(operator_stub(name)));
  };
  compare("__lt__", [](A a, A b) { return a < b; });
  compare("__le__", [](A a, A b) { return a <= b; });
  compare("__gt__", [](A a, A b) { return a > b; });
  compare("__ge__", [](A a, A b) { return a >= b; });
  compare("__eq__", [](A a, A b) { return a == b; });
  compare("__ne__", [](A a, A b) { return a != b; });
  c.attr("__hash__") = nb::none();
  auto divmod = [&](const char* name, bool reversed) {
    c.def(
        name,
        [reversed](A a, nb::handle b) -> nb::object {
          auto part = [&](auto f) { return binary(a, b, [&](A x, A y) { return reversed ? f(y, x) : f(x, y); }); };
          nb::object quotient = part([](A x, A y) { return dini::floor_divide(x, y); });
          if (quotient.is(nb::handle(Py_NotImplemented))) return quotient;
          return nb::make_tuple(quotient, part([](A x, A y) { return x % y; }));
        },
        nb::is_operator(),
        nb::sig(table::keep("def " + std::string(name) + "(self, other: ArrayLike) -> tuple[Array, Array]")));
  };
  divmod("__divmod__", false);
  divmod("__rdivmod__", true);
  auto unary = [&]<class F>(const char* name, F f) {
    c.def(
        name, [f](A a) { return from_array(f(a)); }, nb::sig(operator_stub(name, false)));
  };
  unary("__neg__", [](A a) { return -a; });
  unary("__pos__", [](A a) { return a; });
  unary("__abs__", [](A a) { return dini::abs(a); });
  unary("__invert__", [](A a) { return ~a; });
}

void bind_dtypes(nb::module_& m) {
  nb::class_<DType> d(m, "DType",
                      "The type of an array's elements. Equal to NumPy's dtype of that name, and to the name.");
  d.def_prop_ro("name", [](DType t) { return dini::name(t.value); });
  d.def_prop_ro("itemsize", [](DType t) { return dini::item_size(t.value); });
  d.def("__repr__", [](DType t) { return std::string("dini.") + dini::name(t.value); });
  d.def("__str__", [](DType t) { return dini::name(t.value); });
  d.def("__hash__", [](DType t) { return static_cast<std::int64_t>(t.value); });
  auto same = [](DType t, nb::handle other) -> std::optional<bool> {
    try {
      return to_dtype(other) == t.value;
    } catch (const dini::DtypeError&) { return std::nullopt; }
  };
  d.def("__eq__", [same](DType t, nb::handle other) { return same(t, other).value_or(false); });
  d.def("__ne__", [same](DType t, nb::handle other) { return !same(t, other).value_or(false); });
  d.def("__call__",
        [](DType t, nb::handle x) { return from_array(dini::astype(to_array(x, dini::name(t.value)), t.value)); });
  auto numpys = [](DType t) { return numpy().attr("dtype")(dini::name(t.value)); };
  d.def_prop_ro("dtype", numpys, "NumPy's dtype, by which NumPy takes this one for its own.");
  d.def_prop_ro("__numpy_dtype__", numpys);
  d.def("__getstate__", [](DType t) { return std::string(dini::name(t.value)); });
  d.def("__setstate__", [](DType& t, const std::string& name) { new (&t) DType{to_dtype(nb::str(name.c_str()))}; });
  for (Dtype t : dtypes) {
    dtype_object(t) = nb::cast(DType{t});
    m.attr(t == Dtype::bool_ ? "bool_" : dini::name(t)) = dtype_object(t);  // in the module `bool` is Python's
  }
  m.def("_dtype", [](nb::handle h) { return dtype_object(to_dtype(h)); });
}

}  // namespace

void bind_array(nb::module_& m) {
  bind_dtypes(m);
  nb::class_<Array> c(
      m, "Array", nb::type_slots(array_slots),
      "An immutable array, or a value that a transformation follows. Made by dini.array, dini.zeros, ...; operators, "
      "indices and methods are NumPy's.");
  array_type = reinterpret_cast<PyTypeObject*>(c.ptr());
  bind_operators(c);
  bind_indexing(m, c);
  auto one_number = [](const Array& a, const char* what) {
    if (a.size() != 1)
      throw dini::ShapeError(std::string(what) + ": an array of one element is wanted, the array has shape " +
                             a.shape().str());
  };
  c.def("__bool__", [](const Array& a) {
    if (a.size() != 1)
      throw dini::ShapeError("the truth value of an array of shape " + a.shape().str() +
                             " is not one: say x.any() or x.all()");
    return a.item<bool>();
  });
  c.def(
      "__contains__",
      [](const Array& a, nb::handle value) { return dini::any(a == to_array(value, "in")).item<bool>(); },
      nb::arg("value").none(), nb::sig("def __contains__(self, value: object) -> bool"));
  c.def("__float__", [one_number](const Array& a) {
    one_number(a, "float");
    check_conversion(a, "conversion to a number");
    return a.item<double>();
  });
  c.def("__int__", [one_number](const Array& a) {
    one_number(a, "int");
    return a.item<std::int64_t>();
  });
  c.def("__index__", [](const Array& a) {
    if (!dini::is_integer(a.dtype()) || a.ndim() != 0) throw nb::type_error("only whole numbers are indices");
    return a.item<std::int64_t>();
  });
  c.def("__len__", [](const Array& a) {
    if (a.ndim() == 0) throw nb::type_error("len() of an array without axes");
    return a.shape()[0];
  });
  c.def_prop_ro(
      "shape",
      [](const Array& a) {
        std::vector<nb::object> lengths;
        for (std::int64_t n : a.shape()) lengths.push_back(nb::int_(n));
        return tuple_of(lengths);
      },
      nb::sig("def shape(self) -> tuple[int, ...]"));
  c.def_prop_ro("ndim", [](const Array& a) { return a.ndim(); });
  c.def_prop_ro("size", [](const Array& a) { return a.size(); });
  c.def_prop_ro("nbytes",
                [](const Array& a) { return a.size() * static_cast<std::int64_t>(dini::item_size(a.dtype())); });
  c.def_prop_ro("itemsize", [](const Array& a) { return dini::item_size(a.dtype()); });
  c.def_prop_ro(
      "dtype", [](const Array& a) { return dtype_object(a.dtype()); }, nb::sig("def dtype(self) -> DType"));
  c.def_prop_ro(
      "weak", [](const Array& a) { return a.weak(); },
      "Whether it is a Python number, which takes its partner's dtype.");
  c.def_prop_ro(
      "concrete", [](const Array& a) { return a.concrete(); }, "Whether it is data, and no value that is followed.");
  c.def_prop_ro("device", [](const Array&) { return "cpu"; });
  c.def_prop_ro(
      "T", [](const Array& a) { return from_array(a.T()); }, nb::sig("def T(self) -> Array"));
  c.def_prop_ro(
      "mT",
      [](const Array& a) {
        if (a.ndim() < 2) throw dini::ShapeError("mT: two axes are wanted, the array has shape " + a.shape().str());
        return from_array(dini::swapaxes(a, -1, -2));
      },
      nb::sig("def mT(self) -> Array"));
  c.def(
      "item",
      [](const Array& a, nb::args at) {
        if (at.size() == 0) return item_of(a);
        // As in NumPy: one index into all elements, or one for each axis.
        const nb::object index = at.size() == 1 ? nb::object(at[0]) : nb::object(at);
        const bool flat = PyIndex_Check(index.ptr()) != 0;
        nb::object part = nb::steal(PyObject_GetItem(from_array(flat ? dini::ravel(a) : a).ptr(), index.ptr()));
        if (!part.is_valid()) nb::raise_python_error();
        return item_of(to_array(part, "item"));
      },
      nb::sig("def item(self, *args: Any) -> Any"),
      "The one element, or the one at an index, as a number of Python's.");
  c.def(
      "__round__",
      [m](const Array& a, nb::handle digits) {
        return m.attr("round")(from_array(a), digits.is_none() ? nb::int_(0) : nb::borrow<nb::int_>(digits));
      },
      nb::arg("ndigits") = nb::none(), nb::sig("def __round__(self, ndigits: int | None = None) -> Array"));
  c.def_prop_ro(
      "real", [](const Array& a) { return from_array(a); }, nb::sig("def real(self) -> Array"));
  c.def_prop_ro(
      "imag", [](const Array& a) { return from_array(dini::zeros_like(a)); }, nb::sig("def imag(self) -> Array"));
  for (const char* name : {"conj", "conjugate"})
    c.def(
        name, [](const Array& a) { return from_array(a); }, nb::sig(operator_stub(name, false)));
  c.def("tolist", &to_list, nb::sig("def tolist(self) -> Any"), "The elements in nested lists.");
  c.def(
      "astype", [](const Array& a, nb::handle d) { return from_array(dini::astype(a, to_dtype(d))); }, nb::arg("dtype"),
      nb::sig("def astype(self, dtype: DTypeLike) -> Array"));
  c.def("numpy", &to_numpy, nb::sig("def numpy(self) -> Any"), "NumPy's array in the same memory, read-only.");
  c.def(
      "__array__",
      [](nb::handle self, nb::handle dtype, nb::handle copy) {
        nb::object n = to_numpy(self);
        if (!dtype.is_none()) n = n.attr("astype")(dtype, nb::arg("copy") = false);
        return !copy.is_none() && nb::cast<bool>(copy) ? n.attr("copy")() : n;
      },
      nb::arg("dtype") = nb::none(), nb::arg("copy") = nb::none(),
      nb::sig("def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any"));
  // By NumPy's, whose memory it is; from a copy, since what is immutable is not to be given to who may write.
  c.def(
      "__dlpack__",
      [](nb::handle self, nb::kwargs k) {
        nb::object n = to_numpy(self).attr("copy")();
        return call_python(n.attr("__dlpack__"), nb::tuple(), k);
      },
      nb::sig("def __dlpack__(self, **kwargs: Any) -> Any"));
  c.def(
      "__dlpack_device__", [](const Array&) { return nb::make_tuple(1, 0); },
      nb::sig("def __dlpack_device__(self) -> tuple[int, int]"));
  c.def("__repr__", &text_of);
  c.def("__str__", [](const Array& a) {
    const std::string text = text_of(a);
    return text.starts_with("Array(abstract") || !a.defined() ? text : dini::to_string(a);
  });
  c.def("__format__", [](const Array& a, const std::string& spec) {
    return nb::steal(
        PyObject_Format((spec.empty() ? nb::object(nb::str(dini::to_string(a).c_str())) : item_of(a)).ptr(),
                        nb::str(spec.c_str()).ptr()));
  });
  c.def("__getstate__", [](nb::handle self) { return nb::make_tuple(to_numpy(self).attr("copy")()); });
  c.def("__setstate__", [](Array& a, nb::tuple t) { new (&a) Array(to_array(t[0], "unpickling")); });
  c.def("__copy__", [](const Array& a) { return from_array(a); });
  c.def("__deepcopy__", [](const Array& a, nb::handle) { return from_array(a); });
}

}  // namespace pydini
