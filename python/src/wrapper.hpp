// Functions that transformations return: objects that hold a function of Python's, take its name and documentation, work as methods,
// and take part in garbage collection.
#pragma once

#include "common.hpp"

namespace pydini {

/// The base of such an object. (The function is a member that the collector may take away.)
struct Wrapper {
  nb::object f;
  int traverse(visitproc visit, void* arg) {
    Py_VISIT(f.ptr());
    return 0;
  }
  void clear() { f.reset(); }
  const nb::object& function() const {
    if (!f.is_valid()) throw std::runtime_error("a function that was collected already");
    return f;
  }
};

template <class T> int traverse_wrapper(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return nb::inst_ready(self) ? nb::inst_ptr<T>(self)->traverse(visit, arg) : 0;
}
template <class T> int clear_wrapper(PyObject* self) {
  nb::inst_ptr<T>(self)->clear();
  return 0;
}
template <class T> PyType_Slot* wrapper_slots() {
  static PyType_Slot slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse_wrapper<T>)},
                                {Py_tp_clear, reinterpret_cast<void*>(clear_wrapper<T>)},
                                {0, nullptr}};
  return slots;
}

/// The class of such objects. A call is defined by the caller.
template <class T> nb::class_<T> bind_wrapper(nb::module_& m, const char* name) {
  nb::class_<T> c(m, name, nb::type_slots(wrapper_slots<T>()));
  c.def_prop_ro("__wrapped__", [](const T& t) { return t.function(); });
  c.def_prop_ro("__doc__", [](const T& t) { return nb::getattr(t.function(), "__doc__", nb::none()); });
  c.def("__getattr__", [name](const T& t, const char* attribute) {
    if (std::string_view(attribute).starts_with("_dini")) throw nb::attribute_error(attribute);
    nb::object value = nb::getattr(t.function(), attribute, nb::object());
    if (!value.is_valid()) throw nb::attribute_error((std::string(name) + ": " + attribute).c_str());
    return value;
  });
  c.def(
      "__get__",
      [](nb::handle self, nb::handle instance, nb::handle) {
        if (instance.is_none()) return nb::borrow(self);
        return nb::module_::import_("types").attr("MethodType")(self, instance);
      },
      nb::arg("instance").none(), nb::arg("owner").none() = nb::none());
  c.def("__repr__", [name](const T& t) {
    return "<" + std::string(name + 1) + " of " + nb::cast<std::string>(nb::repr(t.function())) + ">";
  });
  return c;
}

}  // namespace pydini
