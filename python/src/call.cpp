// Functions of Python's as functions of leaves.
#include "common.hpp"

namespace pydini {

namespace {

// What is handed on as it is: but another library's arrays become the library's.
nb::object constant(nb::handle h) {
  if (is_array(h) || PyFloat_Check(h.ptr()) || PyLong_Check(h.ptr()) || PyTuple_Check(h.ptr()) ||
      PyList_Check(h.ptr()) || PyDict_Check(h.ptr()))
    return nb::borrow(h);
  Array a;
  return try_array(h, a) ? from_array(a) : nb::borrow(h);
}

}  // namespace

Call::Call(nb::handle f, nb::handle args, nb::handle kwargs, const std::vector<int>* vary, const char* function)
    : function_(function), f_(nb::borrow(f)), args_(nb::borrow(args)), kwargs_(nb::borrow(kwargs)) {
  const int n = static_cast<int>(PyTuple_Size(args.ptr()));
  std::vector<bool> chosen(static_cast<std::size_t>(n), vary == nullptr);
  if (!vary) {
    for (int k = 0; k < n; ++k) selected_.push_back(static_cast<std::size_t>(k));
  } else {
    for (int k : *vary) {
      const int at = k < 0 ? k + n : k;
      if (at < 0 || at >= n) {
        throw dini::ValueError(std::string(function) + ": argnums has " + std::to_string(k) +
                               ", and the function was called with " + std::to_string(n) +
                               (n == 1 ? " argument" : " arguments"));
      }
      if (chosen[static_cast<std::size_t>(at)])
        throw dini::ValueError(std::string(function) + ": argnums has the argument " + std::to_string(at) + " twice");
      chosen[static_cast<std::size_t>(at)] = true;
      selected_.push_back(static_cast<std::size_t>(at));
    }
  }
  for (std::size_t k : selected_)
    defs_.push_back(TreeDef::flatten(PyTuple_GetItem(args.ptr(), static_cast<Py_ssize_t>(k)), leaves_));
  if (vary) {
    std::vector<nb::object> all;
    for (int k = 0; k < n; ++k) {
      nb::handle h = PyTuple_GetItem(args.ptr(), k);
      all.push_back(chosen[static_cast<std::size_t>(k)] ? nb::borrow(h) : constant(h));
    }
    args_ = tuple_of(all);
  }
}

void Call::refuse_objects(bool arrays) const {
  for (std::size_t k = 0; k < defs_.size(); ++k) {
    const auto& nodes = defs_[k].nodes();
    auto refuse = [&](const std::string& what, const std::string& type) {
      throw dini::DtypeError(
          std::string(function_) + ": argument " + std::to_string(selected_[k]) + " " + what +
          (type.empty() ? "" : ": make " + type + " a dataclass, or tell dini.register_tree where its arrays are"));
    };
    if (arrays && nodes[0].kind == TreeDef::Kind::none) refuse("is None, by which there is no derivative", "");
    for (const TreeDef::Node& n : nodes) {
      if (n.kind != TreeDef::Kind::fixed) continue;
      const std::string type = name_of_type(n.data), within = arrays_within(n.data);
      if (!within.empty()) refuse("holds arrays (" + within + ") in a " + type + ", which is no tree", type);
      if (!arrays || defs_[k].leaves() > 0) continue;
      if (PyUnicode_Check(n.data.ptr())) refuse("is a text, by which there is no derivative", "");
      refuse("is a " + type + ", which is no tree", type);
    }
  }
}

void Call::require_floating() const {
  std::size_t next = 0;
  for (std::size_t k = 0; k < defs_.size(); ++k) {
    std::vector<std::string> texts;
    const Array* wrong = nullptr;
    for (std::size_t i = 0; i < defs_[k].leaves(); ++i, ++next) {
      const Array& a = leaves_[next];
      const bool right = dini::is_floating(a.dtype());
      if (!right && !wrong) wrong = &a;
      texts.push_back(right ? "*" : dini::name(a.dtype()));
    }
    if (!wrong) continue;
    throw dini::DtypeError(std::string(function_) + ": cannot differentiate by an argument of dtype " +
                           dini::name(wrong->dtype()) + ": argument " + std::to_string(selected_[k]) +
                           (defs_[k].single_leaf() ? "" : ", " + defs_[k].text(texts)) +
                           "; convert it with astype, or do not name it in argnums");
  }
}

void check_returned(nb::handle value, const char* function) {
  const std::string name = function;
  if (value.is_none()) throw dini::DtypeError(name + ": the function returned None: is a `return` missing?");
  if (is_solution(value)) {
    throw dini::DtypeError(name + ": the function returned what a solve returns, a " + name_of_type(value) +
                           ": return its .value");
  }
}

std::vector<std::size_t> Call::counts() const {
  std::vector<std::size_t> out;
  for (const TreeDef& d : defs_) out.push_back(d.leaves());
  return out;
}

Leaves Call::operator()(const Leaves& in) {
  return with_gil([&] {
    std::vector<nb::object> all;
    for (nb::handle h : nb::borrow<nb::tuple>(args_)) all.push_back(nb::borrow(h));
    std::size_t next = 0;
    for (std::size_t k = 0; k < selected_.size(); ++k) {
      all[selected_[k]] = defs_[k].unflatten(in, next);
      next += defs_[k].leaves();
    }
    nb::object value = call_python(f_, tuple_of(all), kwargs_);
    if (has_aux) {
      if (!PyTuple_Check(value.ptr()) || PyTuple_Size(value.ptr()) != 2) {
        throw nb::type_error((std::string(function_) +
                              ": with has_aux the function has to return (value, auxiliary), got " +
                              name_of_type(value))
                                 .c_str());
      }
      aux_ = Flat(PyTuple_GetItem(value.ptr(), 1));
      for (Array& a : aux_.leaves) a = dini::erased::strip_innermost(a);
      value = nb::borrow(PyTuple_GetItem(value.ptr(), 0));
    }
    if (wants_array) check_returned(value, function_);
    Flat out(value);
    out_ = std::move(out.def);
    return std::move(out.leaves);
  });
}

nb::object Call::input(const Leaves& in, bool single) const {
  if (single) return defs_.at(0).unflatten(in);
  std::vector<nb::object> out;
  std::size_t next = 0;
  for (const TreeDef& d : defs_) {
    out.push_back(d.unflatten(in, next));
    next += d.leaves();
  }
  return tuple_of(out);
}

}  // namespace pydini
