// What the binding's files share: references that any thread may drop, trees, conversions, the door between Python and the library.
//
// A function of the module that computes runs in `computing`, which releases the GIL and lets Ctrl-C end it; what calls Python from
// the library runs in `with_gil`. So no lock of the library's is ever waited for by a thread that holds the GIL.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dini/core/cancel.hpp"
#include "dini/erased.hpp"

namespace nb = nanobind;

namespace pydini {

using dini::Array;
using dini::Aval;
using dini::Dtype;
using dini::Shape;
using dini::erased::ErasedFunction;
using dini::erased::Leaves;

/// A reference to a Python object that may be copied and dropped on any thread, also after the interpreter's end.
using Shared = std::shared_ptr<PyObject>;
Shared share(nb::handle h);
inline nb::object object_of(const Shared& s) { return nb::borrow(s.get()); }

/// A C++ object that holds Python objects, the same.
template <class T> std::shared_ptr<T> share_cpp(T value) {
  return std::shared_ptr<T>(new T(std::move(value)), [](T* p) {
    if (!Py_IsInitialized()) return;
    nb::gil_scoped_acquire gil;
    delete p;
  });
}

// ---- The door --------------------------------------------------------------------------------------------------------

/// On its way into the library a Python error becomes the C++ exception that it was made from, if it was: errors.cpp.
[[noreturn]] void rethrow_python(nb::python_error& e);

template <class F> auto with_gil(F&& f) -> decltype(f()) {
  nb::gil_scoped_acquire gil;
  try {
    return f();
  } catch (nb::python_error& e) { rethrow_python(e); }
}

/// The library's words in Python's spelling: errors.cpp.
std::string in_python(std::string text);
/// Leaves the exception to Python.
void set_python_error(const std::exception_ptr& p);

/// On the main thread Ctrl-C ends what is computed while one of these lives: interrupt.cpp.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  /// After a CancelledError, with the GIL: KeyboardInterrupt, where it was Ctrl-C.
  static void raise_if_interrupted();

 private:
  std::optional<dini::CancelScope> scope_;
};

template <class F> auto computing(F&& f) -> decltype(f()) {
  try {
    nb::gil_scoped_release release;
    Interruptible interruptible;
    return f();
  } catch (const dini::CancelledError&) {
    Interruptible::raise_if_interrupted();
    throw;
  }
}

// ---- Arrays ----------------------------------------------------------------------------------------------------------

nb::object from_array(const Array& a);
bool is_array(nb::handle h);
const Array& array_of(nb::handle h);  // of an object that is one
/// Whether it is an array, a number or something of another library that is one; not sequences.
bool try_array(nb::handle h, Array& out);
/// The same, and sequences of them; DtypeError, with `what`, for anything else.
Array to_array(nb::handle h, const char* what);
std::string name_of_type(nb::handle h);
/// float(x), math.sin(x), numpy.asarray(x), out[0] = x, ...: conversions that nobody sees, and that would lose the derivative.
/// TraceError unless it is data; `what` is what happens to it.
void check_conversion(const Array& a, const std::string& what);
/// Python's whole number beside an array, as NumPy takes it: OverflowError where the array's dtype does not hold it, unless they are
/// compared. Beside floating arrays it may be of any size.
Array integer_beside(nb::handle number, const Array& other, bool compares);
/// The same for the arguments of the function `name`, of which `arrays` says which are arrays. What is put in their place is kept.
void fit_integers(const char* name, nb::handle* arguments, const bool* arrays, std::size_t count,
                  std::vector<nb::object>& kept);
/// OverflowError where `number` is one of Python's and the dtype does not hold it.
void check_fits(const Array& number, Dtype dtype);
Dtype to_dtype(nb::handle h);
std::int64_t to_whole(nb::handle h, const char* what);

// ---- Trees -----------------------------------------------------------------------------------------------------------

/// The structure of a Python value without its arrays: its nodes, in preorder.
class TreeDef {
 public:
  enum class Kind : std::uint8_t { leaf, none, tuple, list, dict, named, fields, custom, fixed };
  struct Node {
    Kind kind;
    std::uint32_t children;
    nb::object
        data;  // dict: its keys; named: the type; fields: (type, static values); custom: (type, aux); fixed: the object
  };

  std::size_t leaves() const { return leaves_; }
  bool single_leaf() const { return nodes_.size() == 1 && nodes_[0].kind == Kind::leaf; }
  const std::vector<Node>& nodes() const { return nodes_; }
  /// "(*, {'a': *})", or with these texts in the places of the arrays.
  std::string text(const std::vector<std::string>& leaves = {}) const;
  bool operator==(const TreeDef& other) const;
  /// The objects that are no trees, taken out: whoever keeps this and them apart can tell the collector of them. And put in again.
  std::vector<nb::object> take_fixed();
  TreeDef with_fixed(nb::handle objects) const;
  /// The structures of the children of the root.
  std::vector<TreeDef> split() const;
  /// A key for hash tables, in which Python objects stand by their numbers in the dict `known`, which gets those that it has not.
  void append_key(std::string& key, nb::dict& known) const;

  nb::object unflatten(const Leaves& leaves, std::size_t first = 0) const;
  /// With any objects in the places of the arrays.
  nb::object build(const std::vector<nb::object>& objects) const;
  static TreeDef flatten(nb::handle h, Leaves& leaves);
  /// Of an object that is taken as it is, whatever it is.
  static TreeDef fixed(nb::handle h);

 private:
  void add(nb::handle h, Leaves& leaves);
  std::size_t leaves_ = 0;
  std::vector<Node> nodes_;
};

/// The attributes in which an object that is no tree has arrays, with commas; empty where it has none, or a == of its own.
std::string arrays_within(nb::handle h);

/// A tree's leaves, and its structure at once.
struct Flat {
  Leaves leaves;
  TreeDef def;
  explicit Flat(nb::handle h) : def(TreeDef::flatten(h, leaves)) {}
  Flat() = default;
};

/// ShapeError in the library's words unless the structures are equal.
void match(const TreeDef& given, const TreeDef& wanted, const char* function, const char* what);

nb::object call_python(nb::handle f, nb::handle args, nb::handle kwargs = {});
nb::object tuple_of(const std::vector<nb::object>& items);

inline constexpr const char* reduce_stub = "def __reduce__(self) -> tuple[Any, ...]";

inline Leaves part(const Leaves& v, std::size_t first, std::size_t last) {
  return {v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(last)};
}

/// DtypeError where what a function returned is None, or a solve's result in the place of its value.
void check_returned(nb::handle value, const char* function);
bool is_solution(nb::handle h);

/// A function of Python's with what it is called with: some positional arguments vary, the others stay.
class Call {
 public:
  /// Without `vary` all vary. ValueError, in the name of `function`, for numbers that are out of range.
  Call(nb::handle f, nb::handle args, nb::handle kwargs, const std::vector<int>* vary, const char* function);
  const Leaves& leaves() const { return leaves_; }
  const std::vector<TreeDef>& defs() const { return defs_; }
  std::vector<std::size_t> counts() const;
  Leaves operator()(const Leaves& in);
  /// Refers to this.
  ErasedFunction erased() {
    return [this](const Leaves& in) { return (*this)(in); };
  }
  /// Derivatives by an object that is no tree would be that object: DtypeError for arguments that are one, where `arrays` says that
  /// there have to be arrays, or that hold one with arrays in its attributes.
  void refuse_objects(bool arrays) const;
  /// DtypeError with the place in the tree where one is not floating.
  void require_floating() const;
  /// The arguments' structure of a value like this, one or a tuple.
  nb::object input(const Leaves& in, bool single) const;
  const TreeDef& out() const { return out_; }
  nb::object output(const Leaves& leaves) const { return out_.unflatten(leaves); }
  /// The function returns (value, auxiliary): the latter as those around see it.
  bool has_aux = false;
  /// The value is differentiated: it has to be there.
  bool wants_array = false;
  nb::object auxiliary() const { return aux_.def.unflatten(aux_.leaves); }

 private:
  const char* function_;
  nb::object f_, args_, kwargs_;
  std::vector<std::size_t> selected_;
  std::vector<TreeDef> defs_;
  Leaves leaves_;
  TreeDef out_;
  Flat aux_;
};

/// A number or a sequence of them.
std::vector<int> to_ints(nb::handle h, const char* what);

void bind_errors(nb::module_& m);
void bind_array(nb::module_& m);
void bind_making(nb::module_& m);
void bind_indexing(nb::module_& m, nb::class_<Array>& c);
void bind_tree(nb::module_& m);
void bind_functions(nb::module_& m);
void bind_shape_functions(nb::module_& m);
void bind_linear_functions(nb::module_& m);
void bind_array_api(nb::module_& m);
void bind_transforms(nb::module_& m);
void bind_jit(nb::module_& m);
void bind_rules(nb::module_& m);
void bind_control(nb::module_& m);
void bind_methods(nb::module_& m);
void bind_solve(nb::module_& m);
void bind_formula(nb::module_& m);
void bind_points(nb::module_& m);
void bind_host(nb::module_& m);
void bind_host_maps(nb::module_& m);
void bind_memory(nb::module_& m);
void bind_closed_programs(nb::module_& m);
void bind_jax(nb::module_& m);

}  // namespace pydini
