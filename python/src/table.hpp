// The table of functions: an entry is a signature in Python's words, a sentence, and a function of C++. What a parameter takes follows
// from the C++ type that stands for it, its default from the signature; the binding, its doc string and its stub come from both.
//
//     table.add("sum(a, axis=None, keepdims=False)", "The sum over axes.",
//               +[](const Array& a, const ReduceAxes& axis, bool keepdims) { return sum(a, axis, keepdims); });
#pragma once

#include <deque>
#include <string_view>
#include <tuple>

#include "common.hpp"

namespace pydini::table {

using dini::AxisList;
using dini::ReduceAxes;
using dini::detail::Lengths;

/// An array or None: an undefined one.
struct Maybe {
  Array a;
};
/// `out`, `order`, ...: what NumPy has and an immutable array has not. None, or the text that is the default.
struct Unused {};

/// How an argument becomes a C++ value, and its type in stubs.
template <class T> struct From;
template <> struct From<Array> {
  static constexpr const char* hint = "ArrayLike";
  static Array get(nb::handle h, const char* f) { return to_array(h, f); }
};
template <> struct From<Maybe> {
  static constexpr const char* hint = "ArrayLike | None";
  static Maybe get(nb::handle h, const char* f) { return h.is_none() ? Maybe{} : Maybe{to_array(h, f)}; }
};
template <> struct From<Unused> {
  static constexpr const char* hint = "Any";
  static Unused get(nb::handle h, const char* f) {
    if (h.is_none() || PyUnicode_Check(h.ptr()) || PyBool_Check(h.ptr())) return {};
    throw nb::type_error((std::string(f) + ": arrays are immutable: `out` cannot be given").c_str());
  }
};
/// Where an array is to be: on the CPU, where all are.
struct Device {};
template <> struct From<Device> {
  static constexpr const char* hint = "str | None";
  static Device get(nb::handle h, const char* f) {
    if (h.is_none() || (PyUnicode_Check(h.ptr()) && nb::cast<std::string>(h) == "cpu")) return {};
    throw dini::ValueError(std::string(f) + ": device has to be \"cpu\", got " + nb::cast<std::string>(nb::repr(h)));
  }
};
template <> struct From<std::vector<Array>> {
  static constexpr const char* hint = "Sequence[ArrayLike]";
  static std::vector<Array> get(nb::handle h, const char* f) {
    if (is_array(h) && array_of(h).ndim() == 0)
      throw dini::ShapeError(std::string(f) + ": a sequence of arrays is wanted");
    std::vector<Array> out;
    for (nb::handle item : nb::iter(h)) out.push_back(to_array(item, f));
    return out;
  }
};
template <> struct From<std::int64_t> {
  static constexpr const char* hint = "int";
  static std::int64_t get(nb::handle h, const char* f) { return to_whole(h, f); }
};
template <> struct From<int> {
  static constexpr const char* hint = "int";
  static int get(nb::handle h, const char* f) { return to_ints(h, f).at(0); }
};
template <> struct From<double> {
  static constexpr const char* hint = "float";
  static double get(nb::handle h, const char* f) {
    const Array a = to_array(h, f);
    check_conversion(a, std::string(f) + ": conversion to a number");
    return a.item();
  }
};
template <> struct From<bool> {
  static constexpr const char* hint = "bool";
  static bool get(nb::handle h, const char*) {
    const int v = PyObject_IsTrue(h.ptr());
    if (v < 0) nb::raise_python_error();
    return v == 1;
  }
};
template <> struct From<std::string> {
  static constexpr const char* hint = "str";
  static std::string get(nb::handle h, const char* f) {
    if (!PyUnicode_Check(h.ptr()))
      throw nb::type_error((std::string(f) + ": a text is wanted, got " + name_of_type(h)).c_str());
    return nb::cast<std::string>(h);
  }
};
template <class T> struct From<std::optional<T>> {
  static const char* const hint;
  static std::optional<T> get(nb::handle h, const char* f) {
    if (h.is_none()) return std::nullopt;
    return From<T>::get(h, f);
  }
};
template <> struct From<Dtype> {
  static constexpr const char* hint = "DTypeLike";
  static Dtype get(nb::handle h, const char*) { return to_dtype(h); }
};
template <> struct From<Lengths> {
  static constexpr const char* hint = "int | Sequence[int]";
  static Lengths get(nb::handle h, const char* f) {
    if (PyIndex_Check(h.ptr()) && !(is_array(h) && array_of(h).ndim() > 0)) return Lengths(to_whole(h, f));
    std::vector<std::int64_t> v;
    for (nb::handle k : nb::iter(h)) v.push_back(to_whole(k, f));
    return Lengths(v);
  }
};
template <> struct From<dini::Axes> {
  static constexpr const char* hint = "int | Sequence[int]";
  static dini::Axes get(nb::handle h, const char* f) {
    dini::Axes axes;
    for (int k : to_ints(h, f)) axes.push_back(k);
    return axes;
  }
};
template <> struct From<AxisList> {
  static constexpr const char* hint = "int | Sequence[int]";
  static AxisList get(nb::handle h, const char* f) { return AxisList(From<dini::Axes>::get(h, f)); }
};
template <> struct From<ReduceAxes> {
  static constexpr const char* hint = "int | Sequence[int] | None";
  static ReduceAxes get(nb::handle h, const char* f) {
    return h.is_none() ? ReduceAxes() : ReduceAxes(From<dini::Axes>::get(h, f));
  }
};
template <> const char* const From<std::optional<std::int64_t>>::hint;
template <> const char* const From<std::optional<int>>::hint;
template <> const char* const From<std::optional<double>>::hint;
template <> const char* const From<std::optional<Dtype>>::hint;
template <> const char* const From<std::optional<AxisList>>::hint;
template <> const char* const From<std::optional<dini::Axes>>::hint;
template <> const char* const From<std::optional<Lengths>>::hint;
template <> struct From<nb::handle> {
  static constexpr const char* hint = "Any";
  static nb::handle get(nb::handle h, const char*) { return h; }
};

/// A result as Python has it, and its type in stubs.
template <class R> struct To;
template <> struct To<Array> {
  static constexpr const char* hint = "Array";
  static nb::object make(const Array& a) { return from_array(a); }
};
template <> struct To<std::vector<Array>> {
  static constexpr const char* hint = "list[Array]";
  static nb::object make(const std::vector<Array>& v) {
    nb::list out;
    for (const Array& a : v) out.append(from_array(a));
    return out;
  }
};
template <> struct To<nb::object> {
  static constexpr const char* hint = "Any";
  static nb::object make(nb::object o) { return o; }
};
/// A named tuple of NumPy's name and members.
struct Named {
  const char* type;  // "EighResult(eigenvalues, eigenvectors)"
  std::vector<Array> members;
};
template <> struct To<Named> {
  static constexpr const char* hint = "Any";
  static nb::object make(const Named& n);
};

/// Elements from which on an operation runs without the GIL: to let it go costs less than what runs then.
constexpr std::int64_t large = 1 << 12;
template <class T> std::int64_t weight_of(const T& value) {
  if constexpr (std::is_same_v<T, Array>) {
    return value.size();
  } else if constexpr (std::is_same_v<T, Maybe>) {
    return value.a.defined() ? value.a.size() : 0;
  } else if constexpr (std::is_same_v<T, std::vector<Array>>) {
    std::int64_t n = 0;
    for (const Array& a : value) n += a.size();
    return n;
  } else if constexpr (std::is_same_v<T, Lengths>) {
    std::int64_t n = 1;
    for (std::int64_t k : value.values()) n *= k;
    return n;
  } else {
    return 0;
  }
}

struct Parsed {
  const char* name;
  std::vector<const char*> names;    // of the parameters
  std::vector<nb::object> defaults;  // not valid: none
  std::vector<std::string> texts;    // of the defaults
};
Parsed parse(std::string_view signature);
/// "def sum(a: ArrayLike, axis: int | None = None) -> Array", kept for ever; `self` in the place of the first where it is a method.
const char* stub(const Parsed& p, const std::vector<const char*>& hints, const char* result, bool method);
const char* keep(std::string text);
/// What a doc string ends with: the example of a function ("sum", "linalg.det"), or nothing.
std::string example_of(const std::string& function);

using Argument =
    nb::arg_v_t<nb::detail::arg_flags_default | static_cast<std::uint32_t>(nb::detail::cast_flags::accepts_none),
                false>;
inline Argument argument(const Parsed& p, std::size_t k) {
  return Argument(nb::arg(p.names[k]), nb::object(p.defaults[k]));
}

template <class A> using handle_t = nb::handle;

/// `f` called with arguments of Python's.
template <class R, class... A, std::size_t... K>
nb::object call(R (*f)(A...), const char* name, std::index_sequence<K...>, const handle_t<A>&... given) {
  using Values = std::tuple<std::remove_cvref_t<A>...>;
  nb::handle h[] = {given...};
  std::vector<nb::object> kept;
  if ((PyLong_CheckExact(given.ptr()) || ...)) {
    constexpr bool arrays[] = {
        (std::is_same_v<std::remove_cvref_t<A>, Array> || std::is_same_v<std::remove_cvref_t<A>, Maybe>)...};
    fit_integers(name, h, arrays, sizeof...(A), kept);
  }
  Values values{From<std::remove_cvref_t<A>>::get(h[K], name)...};
  if constexpr (!(std::is_same_v<std::remove_cvref_t<A>, nb::handle> || ...)) {
    if ((weight_of(std::get<K>(values)) + ... + 0) >= large)
      return To<R>::make(computing([&] { return std::apply(f, values); }));
  }
  return To<R>::make(std::apply(f, values));
}

class Table {
 public:
  explicit Table(nb::module_ m) : module_(std::move(m)) {}
  Table(nb::module_ m, nb::class_<Array>* array) : module_(std::move(m)), array_(array) {}

  template <class R, class... A> void add(const char* signature, const char* doc, R (*f)(A...)) {
    add_in(signature, doc, f, std::index_sequence_for<A...>{});
  }
  /// The same, and as a method of arrays.
  template <class R, class... A> void both(const char* signature, const char* doc, R (*f)(A...)) {
    add(signature, doc, f);
    add_method(signature, doc, f, std::make_index_sequence<sizeof...(A) - 1>{});
  }
  void alias(const char* name, const char* of) { module_.attr(name) = module_.attr(of); }

 private:
  template <class R, class... A, std::size_t... K>
  void add_in(const char* signature, const char* doc, R (*f)(A...), std::index_sequence<K...> all) {
    const Parsed p = parse(signature);
    const char* name = p.name;
    module_.def(
        name, [f, name, all](handle_t<A>... h) { return call(f, name, all, h...); }, argument(p, K)...,
        nb::sig(stub(p, {From<std::remove_cvref_t<A>>::hint...}, To<R>::hint, false)),
        keep(doc + example_of(prefix() + name)));
  }
  template <class R, class First, class... A, std::size_t... K>
  void add_method(const char* signature, const char* doc, R (*f)(First, A...), std::index_sequence<K...>) {
    const Parsed p = parse(signature);
    const char* name = p.name;
    array_->def(
        name,
        [f, name](nb::handle self, handle_t<A>... h) {
          return call(f, name, std::make_index_sequence<sizeof...(A) + 1>{}, self, h...);
        },
        argument(p, K + 1)...,
        nb::sig(stub(p, {From<std::remove_cvref_t<First>>::hint, From<std::remove_cvref_t<A>>::hint...}, To<R>::hint,
                     true)),
        doc);
  }

  // "linalg." of a module within.
  std::string prefix() const {
    const std::string full = nb::cast<std::string>(module_.attr("__name__"));
    const std::size_t dot = full.rfind('.');
    return full.ends_with("_dini") ? "" : full.substr(dot + 1) + ".";
  }

  nb::module_ module_;
  nb::class_<Array>* array_ = nullptr;
};

}  // namespace pydini::table
