#include "conversions.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace pydini {

void no_such_dtype(const std::string& got, const char* what) {
  // What is asked for cannot be converted; what is given can.
  const bool given = std::string_view(what) != "dtype";
  throw dini::DtypeError(std::string(what) + ": the dtypes are bool, int32, int64, float32 and float64; got " + got +
                         (given ? ", convert it with astype" : ""));
}

nb::object numpy() { return nb::module_::import_("numpy"); }

bool has(nb::handle h, const char* attribute) { return PyObject_HasAttrString(h.ptr(), attribute) != 0; }

namespace {

// A buffer that is held while its memory is used.
struct View {
  Py_buffer buffer{};
  bool held = false;
  bool get(nb::handle h) {
    held = PyObject_GetBuffer(h.ptr(), &buffer, PyBUF_FULL_RO) == 0;
    return held;
  }
  View() = default;
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  ~View() {
    if (held) PyBuffer_Release(&buffer);
  }
};

// The dtype of a buffer in this machine's order of bytes.
std::optional<Dtype> dtype_of(const Py_buffer& b) {
  const char* f = b.format ? b.format : "B";
  if (*f == '@' || *f == '=' || *f == '<') ++f;
  if (f[0] == 0 || f[1] != 0) return std::nullopt;
  switch (f[0]) {
    case '?': return Dtype::bool_;
    case 'f': return Dtype::float32;
    case 'd': return Dtype::float64;
    case 'i':
    case 'l':
    case 'q':
      if (b.itemsize == 4) return Dtype::int32;
      if (b.itemsize == 8) return Dtype::int64;
  }
  return std::nullopt;
}

Shape shape_of(const Py_buffer& b) {
  Shape shape;
  for (int k = 0; k < b.ndim; ++k) shape.append(b.shape[k]);
  return shape;
}

void copy_strided(const Py_buffer& b, int axis, const char* from, char*& to) {
  if (axis == b.ndim) {
    std::memcpy(to, from, static_cast<std::size_t>(b.itemsize));
    to += b.itemsize;
    return;
  }
  for (Py_ssize_t k = 0; k < b.shape[axis]; ++k) copy_strided(b, axis + 1, from + k * b.strides[axis], to);
}

Array copy_of(const Py_buffer& b, Dtype dtype) {
  void* memory;
  Array out = dini::allocate({shape_of(b), dtype, false}, &memory);
  if (out.size() == 0) return out;
  if (PyBuffer_IsContiguous(&b, 'C')) {
    std::memcpy(memory, b.buf, static_cast<std::size_t>(b.len));
  } else {
    char* to = static_cast<char*>(memory);
    copy_strided(b, 0, static_cast<const char*>(b.buf), to);
  }
  return out;
}

// Of an object with a buffer; false where its dtype is none of ours.
bool from_buffer(nb::handle h, Array& out) {
  View view;
  if (!view.get(h)) {
    PyErr_Clear();
    return false;
  }
  const auto dtype = dtype_of(view.buffer);
  if (!dtype) return false;
  out = copy_of(view.buffer, *dtype);
  return true;
}

// NumPy's array of something: torch's and JAX's arrays, other orders of bytes.
Array by_numpy(nb::handle h) {
  nb::object n = has(h, "__array__") ? numpy().attr("asarray")(h) : numpy().attr("from_dlpack")(h);
  nb::object dtype = n.attr("dtype");
  const std::string name = nb::cast<std::string>(nb::str(dtype.attr("name")));
  Array out;
  if (from_buffer(n, out)) return out;
  for (Dtype d : dtypes) {
    if (name == dini::name(d) && from_buffer(n.attr("astype")(dtype.attr("newbyteorder")("=")), out)) return out;
  }
  no_such_dtype(name, "array");
}

}  // namespace

Array shared_memory(nb::handle given, bool must) {
  nb::object h = nb::borrow(given);
  if (!PyObject_CheckBuffer(h.ptr()))
    h = has(h, "__dlpack__") ? numpy().attr("from_dlpack")(h) : numpy().attr("asarray")(h);
  std::shared_ptr<View> view(new View, [](View* v) {
    if (!Py_IsInitialized()) return;
    nb::gil_scoped_acquire gil;
    delete v;
  });
  if (!view->get(h)) nb::raise_python_error();
  const auto dtype = dtype_of(view->buffer);
  if (!dtype) return by_numpy(h);
  const bool aligned = reinterpret_cast<std::uintptr_t>(view->buffer.buf) % dini::item_size(*dtype) == 0;
  if (PyBuffer_IsContiguous(&view->buffer, 'C') && aligned)
    return dini::adopt({shape_of(view->buffer), *dtype, false}, view->buffer.buf, view);
  if (must) throw dini::ValueError("asarray: copy=False, but the memory is not contiguous and aligned");
  return copy_of(view->buffer, *dtype);
}

std::string name_of_type(nb::handle h) {
  return nb::cast<std::string>(nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(h.ptr()))).attr("__name__"));
}

bool try_array(nb::handle h, Array& out) {
  PyObject* p = h.ptr();
  PyTypeObject* t = Py_TYPE(p);
  if (is_array(h)) {
    out = array_of(h);
    return true;
  }
  if (t == &PyFloat_Type) {
    out = Array(PyFloat_AsDouble(p));
    return true;
  }
  if (t == &PyBool_Type) {
    out = Array(p == Py_True);
    return true;
  }
  if (t == &PyLong_Type) {
    const long long v = PyLong_AsLongLong(p);
    if (v == -1 && PyErr_Occurred()) nb::raise_python_error();
    out = Array(static_cast<std::int64_t>(v));
    return true;
  }
  if (t == &PyTuple_Type || t == &PyList_Type || t == &PyDict_Type || p == Py_None || t == &PyUnicode_Type ||
      PyType_Check(p) || PyBytes_Check(p) || PyByteArray_Check(p))
    return false;
  if (PyObject_CheckBuffer(p) && from_buffer(h, out)) return true;
  if (!has(h, "__array__") && !has(h, "__dlpack__")) return false;
  out = by_numpy(h);
  return true;
}

namespace {

struct Large {
  nb::handle number;
  std::int64_t value = 0;
  int beyond = 0;  // the sign of one that no int64 holds
  explicit Large(nb::handle h) : number(h) { value = PyLong_AsLongLongAndOverflow(h.ptr(), &beyond); }
  bool fits(Dtype d) const {
    return !beyond && (d != Dtype::int32 || (value >= std::numeric_limits<std::int32_t>::min() &&
                                             value <= std::numeric_limits<std::int32_t>::max()));
  }
  Array floating() const {
    const double v = PyLong_AsDouble(number.ptr());
    if (v == -1 && PyErr_Occurred()) nb::raise_python_error();
    return Array(v);
  }
  [[noreturn]] void refuse(Dtype d) const {
    throw std::overflow_error("Python integer " + nb::cast<std::string>(nb::str(number)) + " out of bounds for " +
                              dini::name(d));
  }
  // Beside arrays that have this dtype together.
  Array beside(Dtype d, bool compares) const {
    if (dini::is_floating(d)) return beyond ? floating() : Array(value);
    if (d == Dtype::bool_ && !beyond) return Array(value);
    if (fits(d)) return Array(value);
    if (!compares) refuse(d == Dtype::bool_ ? Dtype::int64 : d);
    return beyond ? floating()
                  : dini::astype(Array(value), Dtype::int64);  // no longer one that takes the other's dtype
  }
};

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Array integer_beside(nb::handle number, const Array& other, bool compares) {
  const Large n(number);
  if (n.fits(Dtype::int32)) return Array(n.value);
  return n.beside(other.dtype(), compares);
}

void fit_integers(const char* name, nb::handle* h, const bool* arrays, std::size_t count,
                  std::vector<nb::object>& kept) {
  bool large = false;
  for (std::size_t k = 0; k < count; ++k)
    large = large || (arrays[k] && PyLong_CheckExact(h[k].ptr()) && !Large(h[k]).fits(Dtype::int32));
  // In these a number is an index or a count, or has a dtype of its own.
  if (!large || one_of(name, {"take", "take_along_axis", "repeat", "one_hot", "unravel_index", "full", "full_like"}))
    return;
  std::optional<Dtype> dtype;
  for (std::size_t k = 0; k < count; ++k) {
    if (!arrays[k] || h[k].is_none() || PyLong_CheckExact(h[k].ptr())) continue;
    const Array a = to_array(h[k], name);
    if (a.weak() && dtype) continue;
    dtype = dtype ? dini::promote(*dtype, a.dtype()) : a.dtype();
  }
  if (!dtype) return;
  const bool compares = one_of(name, {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isclose",
                                      "allclose", "array_equal", "isin", "searchsorted"});
  for (std::size_t k = 0; k < count; ++k) {
    if (!arrays[k] || !PyLong_CheckExact(h[k].ptr())) continue;
    const Large n(h[k]);
    if (n.fits(Dtype::int32)) continue;
    if (std::string_view(name) == "clip" && dini::is_integer(*dtype) && !n.fits(*dtype)) {  // no bound at all
      if ((n.beyond ? n.beyond : n.value > 0 ? 1 : -1) != (k == 1 || k == 4 ? -1 : 1)) n.refuse(*dtype);
      h[k] = Py_None;
      continue;
    }
    kept.push_back(from_array(n.beside(*dtype, compares)));
    h[k] = kept.back();
  }
}

void check_fits(const Array& number, Dtype dtype) {
  if (dtype != Dtype::int32 || number.dtype() != Dtype::int64 || !number.concrete() || number.size() == 0) return;
  const auto all = number.to_vector<std::int64_t>();
  for (const std::int64_t v : all) {
    if (v != static_cast<std::int32_t>(v))
      throw std::overflow_error("Python integer " + std::to_string(v) + " out of bounds for int32");
  }
}

Array to_array(nb::handle h, const char* what) {
  Array out;
  if (try_array(h, out)) return out;
  if (PyList_Check(h.ptr()) || PyTuple_Check(h.ptr())) {
    const Py_ssize_t n = PySequence_Size(h.ptr());
    if (n == 0) return dini::zeros({0});
    std::vector<Array> rows;
    for (Py_ssize_t k = 0; k < n; ++k) rows.push_back(to_array(nb::steal(PySequence_GetItem(h.ptr(), k)), what));
    bool weak = true;
    for (const Array& r : rows) weak = weak && r.weak();
    for (const Array& r : rows) {
      if (r.shape() != rows[0].shape()) {
        throw dini::ShapeError(std::string(what) + ": a sequence of arrays has to be of one shape, got " +
                               rows[0].shape().str() + " and " + r.shape().str());
      }
    }
    Array stacked = dini::stack(rows);
    return weak && stacked.weak() ? dini::astype(stacked, stacked.dtype()) : stacked;
  }
  throw dini::DtypeError(std::string(what) + ": an array or a number is wanted, got " +
                         (PyUnicode_Check(h.ptr()) ? nb::cast<std::string>(nb::repr(h)) : name_of_type(h)));
}

std::int64_t to_whole(nb::handle h, const char* what) {
  if (Py_TYPE(h.ptr()) == &PyFloat_Type || !PyIndex_Check(h.ptr())) {
    throw dini::DtypeError(std::string(what) + ": a whole number is wanted, got " + nb::cast<std::string>(nb::repr(h)));
  }
  nb::object i = nb::steal(PyNumber_Index(h.ptr()));
  if (!i.is_valid()) nb::raise_python_error();
  const long long v = PyLong_AsLongLong(i.ptr());
  if (v == -1 && PyErr_Occurred()) nb::raise_python_error();
  return v;
}

std::vector<int> to_ints(nb::handle h, const char* what) {
  std::vector<int> out;
  auto add = [&](nb::handle k) {
    const std::int64_t v = to_whole(k, what);
    if (v != static_cast<int>(v))
      throw dini::ShapeError(std::string(what) + ": " + std::to_string(v) + " is out of range");
    out.push_back(static_cast<int>(v));
  };
  if (PyList_Check(h.ptr()) || PyTuple_Check(h.ptr())) {
    for (nb::handle k : h) add(k);
  } else {
    add(h);
  }
  return out;
}

}  // namespace pydini
