// Exceptions between Python and C++.
//
// What the library throws becomes a Python exception that keeps the C++ one. On its way back through the library, out of a function of
// Python's, that very C++ exception goes on, and the Python one with its traceback comes out in the end. Any other Python exception
// passes through as nb::python_error.
#include "dini/io/problem_value.hpp"
#include "solving.hpp"

namespace pydini {

namespace {

struct Classes {
  nb::object error, shape, index, dtype, trace, host_read, leak, option, cancelled, formula, file, solve, problem,
      check;
};
Classes& classes() {
  static Classes* c = new Classes;
  return *c;
}

// The Python exception that the C++ one on its way through this thread came from.
struct Pending {
  std::exception_ptr cpp;
  Shared python;
};
Pending& pending() {
  static thread_local Pending p;
  return p;
}

const char* const kept_name = "_dini_exception";

// The structure of z of the last solve on this thread that failed.
struct FailedTree {
  std::exception_ptr cpp;
  std::shared_ptr<const TreeDef> z;
};
FailedTree& failed_tree() {
  static thread_local FailedTree f;
  return f;
}

nb::object tree_or_array(const dini::SolveError& e, const std::exception_ptr& p) {
  const FailedTree failed = std::exchange(failed_tree(), {});
  if (failed.cpp == p && failed.z && failed.z->leaves() == e.parts.size()) return failed.z->unflatten(e.parts);
  if (e.parts.size() == 1) return from_array(e.parts[0]);
  if (!e.parts.empty()) {
    std::vector<nb::object> all;
    for (const Array& a : e.parts) all.push_back(from_array(a));
    return tuple_of(all);
  }
  return from_array(e.value);
}

void raise(nb::handle cls, const char* text, const std::exception_ptr& p, const dini::SolveError* solve = nullptr) {
  nb::object value = cls(in_python(text));
  if (solve) {
    value.attr("code") = dini::name(solve->code);
    value.attr("solver") = solve->solver;
    value.attr("value") = tree_or_array(*solve, p);
    value.attr("status_code") = from_array(solve->status);
    value.attr("steps") = from_array(solve->steps);
    value.attr("residual_norm") = from_array(solve->residual_norm);
  }
  value.attr(kept_name) =
      nb::capsule(new std::exception_ptr(p), [](void* q) noexcept { delete static_cast<std::exception_ptr*>(q); });
  PyErr_SetObject(cls.ptr(), value.ptr());
}

void translate(const std::exception_ptr& p, void*) {
  const Classes& c = classes();
  Pending& was = pending();
  if (was.cpp && was.cpp == p) {
    const Shared python = std::exchange(was, {}).python;
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(python.get())), python.get());  // its traceback stays
    return;
  }
  was = {};
  try {
    std::rethrow_exception(p);
  } catch (const dini::SolveError& e) {
    raise(c.solve, e.what(), p, &e);
  } catch (const dini::erased::HostReadError& e) {
    raise(c.host_read, e.what(), p);
  } catch (const dini::erased::LeakError& e) { raise(c.leak, e.what(), p); } catch (const dini::TraceError& e) {
    raise(c.trace, e.what(), p);
  } catch (const dini::ShapeError& e) {
    const bool index = std::string(e.what()).find("out of range") != std::string::npos;
    raise(index ? c.index : c.shape, e.what(), p);
  } catch (const dini::DtypeError& e) { raise(c.dtype, e.what(), p); } catch (const dini::CancelledError& e) {
    raise(c.cancelled, e.what(), p);
  } catch (const dini::FormulaError& e) { raise(c.formula, e.what(), p); } catch (const dini::FileError& e) {
    raise(c.file, e.what(), p);
  } catch (const dini::ProblemError& e) { raise(c.problem, e.what(), p); } catch (const dini::GradientCheckError& e) {
    raise(c.check, e.what(), p);
  } catch (const dini::ValueError& e) { raise(c.option, e.what(), p); } catch (const dini::Error& e) {
    raise(c.error, e.what(), p);
  }
}

}  // namespace

// dini.Array's subscripts in C++ are Python's in messages.
std::string in_python(std::string text) {
  auto replace = [&](const char* from, const char* to) {
    const std::size_t length = std::char_traits<char>::length(from);
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;) {
      text.replace(at, length, to);
      at += std::char_traits<char>::length(to);
    }
  };
  replace("ValueError", "OptionError");
  replace("Array::item", "item");
  replace("Array::data", "an array's data");
  replace("on_failure = OnFailure::nan", "on_failure=\"nan\"");
  replace("stage = false", "stage=False");
  replace("OnFailure::", "on_failure=");
  replace("`none`", "`None`");
  replace("Deadline::in", "deadline");
  for (const char* space : {"random", "linalg", "special"})
    replace((std::string(space) + "::").c_str(), (std::string(space) + ".").c_str());
  replace("at().", "at[...].");
  replace("astype(x, float64)", "astype");
  for (const char* dtype : {"int64", "float64", "bool"})  // of a number
    replace((std::string(dtype) + "*(").c_str(), (std::string(dtype) + "(").c_str());
  return text;
}

void set_python_error(const std::exception_ptr& p) { translate(p, nullptr); }

void forget_pending() { pending() = {}; }

namespace {
SolvesWithin*& solves_within() {
  static thread_local SolvesWithin* innermost = nullptr;
  return innermost;
}
}  // namespace

SolvesWithin::SolvesWithin() : outer_(std::exchange(solves_within(), this)) {}
SolvesWithin::~SolvesWithin() {
  solves_within() = outer_;
  if (outer_) outer_->found.insert(outer_->found.end(), found.begin(), found.end());
}
bool SolvesWithin::wanted() { return solves_within() != nullptr; }
void SolvesWithin::add(const SolvedTrees& solves) {
  if (SolvesWithin* s = solves_within()) s->found.insert(s->found.end(), solves.begin(), solves.end());
}

void remember_tree(dini::SolveError& e, const SolvedTrees& solves) {
  if (!e.parts.empty() || !e.value.defined() || e.value.ndim() == 0) return;
  std::shared_ptr<const SolvedTree> of;
  for (const auto& s : solves) {
    std::int64_t size = 0;
    for (const Aval& a : s->leaves) size += a.shape.size();
    if (size != e.value.shape().back()) continue;
    if (of && !(of->leaves == s->leaves && of->z == s->z)) return;
    of = s;
  }
  if (!of) return;
  const dini::detail::TraceScope scope(nullptr);
  std::int64_t at = 0;
  for (const Aval& a : of->leaves) {  // of lanes, with their axes in front
    std::vector<std::int64_t> lengths = e.value.shape().vector();
    lengths.pop_back();
    lengths.insert(lengths.end(), a.shape.begin(), a.shape.end());
    const Array part = e.value(dini::ellipsis, dini::slice(at, at + a.shape.size()));
    e.parts.push_back(dini::astype(dini::reshape(part, lengths), a.dtype));
    at += a.shape.size();
  }
  remember_tree(of->z);
}

void remember_tree(const TreeDef& z) { failed_tree() = {std::current_exception(), share_cpp(TreeDef(z))}; }

void rethrow_python(nb::python_error& e) {
  // NumPy puts a plain ValueError or TypeError of its own around that of a conversion which it tried, and keeps it as the cause.
  nb::object value = nb::borrow(e.value());
  auto numpys = [](nb::handle v) {
    PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(v.ptr()));
    return type == PyExc_ValueError || type == PyExc_TypeError;
  };
  for (int depth = 0; depth < 4 && numpys(value); ++depth) {
    nb::object cause = nb::steal(PyException_GetCause(value.ptr()));
    if (!cause.is_valid() || cause.is_none()) break;
    value = cause;
  }
  if (PyErr_GivenExceptionMatches(value.ptr(), classes().error.ptr())) {
    nb::object kept = nb::getattr(value, kept_name, nb::none());
    if (!kept.is_none()) {
      const auto* p = static_cast<std::exception_ptr*>(PyCapsule_GetPointer(kept.ptr(), nullptr));
      if (p) {
        pending() = {*p, share(value)};
        std::rethrow_exception(*p);
      }
      PyErr_Clear();
    }
  }
  throw std::move(e);
}

void bind_errors(nb::module_& m) {
  Classes& c = classes();
  auto define = [&](const char* name, const char* doc, nb::handle base, nb::handle builtin = {}) {
    nb::object bases = builtin.is_valid() ? nb::make_tuple(base, builtin) : nb::make_tuple(base);
    const std::string full = std::string("dini.") + name;
    nb::object cls = nb::steal(PyErr_NewExceptionWithDoc(full.c_str(), doc, bases.ptr(), nullptr));
    m.attr(name) = cls;
    return cls;
  };
  c.error = define("Error", "The base of all that dini raises on purpose.", PyExc_Exception);
  c.shape = define("ShapeError", "Shapes that do not fit, axes out of range, trees of another structure.", c.error,
                   PyExc_ValueError);
  c.index = define("OutOfRangeError", "An index or an axis that is out of range.", c.shape, PyExc_IndexError);
  c.dtype = define("DtypeError", "A dtype that a function cannot take.", c.error, PyExc_TypeError);
  c.trace = define("TraceError", "A traced value where only a concrete one can be.", c.error);
  c.host_read = define("HostReadError", "The value of an abstract array was asked for.", c.trace);
  c.leak = define("LeakError", "A traced value was used outside of its transformation.", c.trace);
  c.option = define("OptionError", "An option that is unknown or out of its range.", c.error, PyExc_ValueError);
  c.cancelled = define("CancelledError", "A computation that was asked to end.", c.error);
  c.formula = define("FormulaError", "A formula that is wrong, with the column.", c.error, PyExc_ValueError);
  c.file = define("FileError", "A file that cannot be read or written, or is not what it should be.", c.error,
                  PyExc_OSError);
  c.problem = define("ProblemError", "A problem file that is wrong: the key, the place.", c.error, PyExc_ValueError);
  c.check =
      define("GradientCheckError", "Derivatives that are not those of differences.", c.error, PyExc_AssertionError);
  c.solve = define("SolveError",
                   "A solve, or the linear system of its derivative, has failed: `code` says how, `value` is the best "
                   "point that was "
                   "met, in z's tree.",
                   c.error);
  nb::register_exception_translator(translate);
}

}  // namespace pydini
