// Arrays of what other libraries and Python have: array, asarray, from_dlpack.
#include "conversions.hpp"
#include "table.hpp"

namespace pydini {

void bind_making(nb::module_& m) {
  m.def(
      "array",
      [](nb::handle x, nb::handle dtype) {
        Array a;
        const bool sequence = PyList_Check(x.ptr()) || PyTuple_Check(x.ptr());
        // In the wanted dtype by NumPy, where its own is none of ours.
        if (!dtype.is_none() && !is_array(x) && !sequence && PyObject_CheckBuffer(x.ptr())) {
          nb::object n =
              numpy().attr("asarray")(x).attr("astype")(dini::name(to_dtype(dtype)), nb::arg("copy") = false);
          a = to_array(n, "array");
        } else {
          a = to_array(x, "array");
        }
        if (!dtype.is_none()) {
          if (sequence || PyLong_CheckExact(x.ptr())) check_fits(a, to_dtype(dtype));
          return from_array(dini::astype(a, to_dtype(dtype)));
        }
        return from_array(a.weak() ? dini::astype(a, a.dtype()) : a);
      },
      nb::arg("x"), nb::arg("dtype") = nb::none(),
      nb::sig("def array(x: ArrayLike, dtype: DTypeLike | None = None) -> Array"),
      "An array of a number, of nested sequences of numbers and arrays, or of NumPy's, PyTorch's or JAX's array, which "
      "is copied.");
  m.def(
      "asarray",
      [](nb::handle x, nb::handle dtype, std::optional<bool> copy, nb::handle device) {
        table::From<table::Device>::get(device, "asarray");
        Array a;
        const bool copies = copy.value_or(false), never = !copy.value_or(true);
        const bool memory = PyObject_CheckBuffer(x.ptr()) || has(x, "__dlpack__");
        auto must_copy = [](const std::string& why) {
          throw dini::ValueError("asarray: copy=False, but " + why + " has to be copied");
        };
        if (never && !is_array(x) && !memory) must_copy("a " + name_of_type(x));
        if (!copies && !is_array(x) && memory && !PyBytes_Check(x.ptr()) && !PyByteArray_Check(x.ptr()))
          a = shared_memory(x, never);
        else
          a = to_array(x, "asarray");
        if (!dtype.is_none()) {
          const Dtype wanted = to_dtype(dtype);
          if (a.dtype() != wanted && never) must_copy(std::string(dini::name(a.dtype())) + " as " + dini::name(wanted));
          if (PyLong_CheckExact(x.ptr())) check_fits(a, wanted);
          a = dini::astype(a, wanted);
        }
        return from_array(a.weak() ? dini::astype(a, a.dtype()) : a);
      },
      nb::arg("x"), nb::arg("dtype") = nb::none(), nb::arg("copy") = nb::none(), nb::arg("device") = nb::none(),
      nb::sig(
          "def asarray(x: ArrayLike, dtype: DTypeLike | None = None, copy: bool | None = None, device: str | None = "
          "None) -> Array"),
      "As array, in the memory of x where that can be, which nobody may change then; copied with copy=True, and never "
      "with copy=False.");
  m.def(
      "from_dlpack",
      [](nb::handle x, nb::handle device, std::optional<bool> copy) {
        table::From<table::Device>::get(device, "from_dlpack");
        return from_array(copy == true ? to_array(x, "from_dlpack") : shared_memory(x, false));
      },
      nb::arg("x"), nb::arg("device") = nb::none(), nb::arg("copy") = nb::none(),
      nb::sig("def from_dlpack(x: Any, device: str | None = None, copy: bool | None = None) -> Array"),
      "An array in the memory of another library's, which nobody may change while the array is used.");
}

}  // namespace pydini
