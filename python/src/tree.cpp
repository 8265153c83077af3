// Trees of Python's: tuples, lists, dicts, named tuples, dataclasses, registered classes. Arrays and numbers are leaves; anything else
// is part of the structure.
#include "common.hpp"

namespace pydini {

using Kind = TreeDef::Kind;

namespace {

struct Types {
  nb::dict registered;   // type -> (flatten, unflatten)
  nb::dict fields;       // type -> (names of arrays, names of what is static), or None
  nb::object fields_of;  // finds the latter; in Python
  nb::object object_new, set_attribute, ordered_dict;
};
Types& types() {
  static Types* t = new Types;
  return *t;
}

// Of a dataclass or the like, else None.
nb::object fields_of(PyTypeObject* type) {
  Types& t = types();
  const nb::handle key(reinterpret_cast<PyObject*>(type));
  if (PyObject* found = PyDict_GetItem(t.fields.ptr(), key.ptr())) return nb::borrow(found);
  nb::object names = t.fields_of(key);
  t.fields[key] = names;
  return names;
}

bool equal(nb::handle a, nb::handle b) {
  if (a.is(b)) return true;
  if (!a.is_valid() || !b.is_valid() || Py_TYPE(a.ptr()) != Py_TYPE(b.ptr())) return false;
  const int same = PyObject_RichCompareBool(a.ptr(), b.ptr(), Py_EQ);
  if (same < 0) nb::raise_python_error();
  return same == 1;
}

nb::object sorted_keys(nb::handle dict) {
  nb::object keys = nb::steal(PyDict_Keys(dict.ptr()));
  if (PyList_Sort(keys.ptr()) != 0) PyErr_Clear();  // keys of several types keep their order
  return nb::steal(PyList_AsTuple(keys.ptr()));
}

// A plain dict's data are its keys, an OrderedDict's (OrderedDict, its keys).
bool is_ordered(const TreeDef::Node& n) {
  return PyTuple_Size(n.data.ptr()) == 2 && types().ordered_dict.is(PyTuple_GetItem(n.data.ptr(), 0));
}
nb::handle keys_of(const TreeDef::Node& n) { return is_ordered(n) ? PyTuple_GetItem(n.data.ptr(), 1) : n.data.ptr(); }

struct Deeper {
  Deeper() {
    if (Py_EnterRecursiveCall(" in a tree: does it contain itself?")) nb::raise_python_error();
  }
  ~Deeper() { Py_LeaveRecursiveCall(); }
};

nb::object attribute(nb::handle h, nb::handle name) {
  nb::object value = nb::steal(PyObject_GetAttr(h.ptr(), name.ptr()));
  if (!value.is_valid()) nb::raise_python_error();
  return value;
}

}  // namespace

Shared share(nb::handle h) {
  h.inc_ref();
  return Shared(h.ptr(), [](PyObject* p) {
    if (!Py_IsInitialized()) return;
    nb::gil_scoped_acquire gil;
    Py_DECREF(p);
  });
}

void TreeDef::add(nb::handle h, Leaves& leaves) {
  PyTypeObject* type = Py_TYPE(h.ptr());
  auto node = [&](Kind kind, Py_ssize_t children, nb::object data = {}) {
    nodes_.push_back({kind, static_cast<std::uint32_t>(children), std::move(data)});
  };
  auto leaf = [&](Array a) {
    node(Kind::leaf, 0);
    leaves.push_back(std::move(a));
    ++leaves_;
  };
  auto items = [&](Kind kind, nb::object data) {
    const Py_ssize_t n = PySequence_Size(h.ptr());
    node(kind, n, std::move(data));
    const bool tuple = PyTuple_Check(h.ptr());
    for (Py_ssize_t k = 0; k < n; ++k) add(tuple ? PyTuple_GetItem(h.ptr(), k) : PyList_GetItem(h.ptr(), k), leaves);
  };
  if (is_array(h)) return leaf(array_of(h));
  const Deeper deeper;
  if (type == &PyTuple_Type) return items(Kind::tuple, {});
  if (type == &PyList_Type) return items(Kind::list, {});
  if (h.is_none()) return node(Kind::none, 0);
  Types& t = types();
  const nb::handle type_object(reinterpret_cast<PyObject*>(type));
  if (type == &PyDict_Type || type_object.is(t.ordered_dict)) {
    nb::object keys = sorted_keys(h);
    const Py_ssize_t n = PyTuple_Size(keys.ptr());
    node(Kind::dict, n, type == &PyDict_Type ? keys : nb::object(nb::make_tuple(type_object, keys)));
    for (Py_ssize_t k = 0; k < n; ++k) add(PyDict_GetItem(h.ptr(), PyTuple_GetItem(keys.ptr(), k)), leaves);
    return;
  }
  Array a;
  if (type == &PyFloat_Type || type == &PyLong_Type || type == &PyBool_Type) {
    try_array(h, a);
    return leaf(std::move(a));
  }
  if (PyObject* functions = PyDict_GetItem(t.registered.ptr(), type_object.ptr())) {
    nb::object both = nb::borrow(PyTuple_GetItem(functions, 0))(h);
    if (!PyTuple_Check(both.ptr()) || PyTuple_Size(both.ptr()) != 2) {
      throw nb::type_error(
          ("register_tree: flatten of " + name_of_type(h) + " must return (children, static)").c_str());
    }
    nb::object children = nb::steal(PySequence_Tuple(PyTuple_GetItem(both.ptr(), 0)));
    if (!children.is_valid()) nb::raise_python_error();
    const Py_ssize_t n = PyTuple_Size(children.ptr());
    node(Kind::custom, n, nb::make_tuple(type_object, nb::handle(PyTuple_GetItem(both.ptr(), 1))));
    for (Py_ssize_t k = 0; k < n; ++k) add(PyTuple_GetItem(children.ptr(), k), leaves);
    return;
  }
  if (PyTuple_Check(h.ptr()) && PyObject_HasAttrString(h.ptr(), "_fields")) {
    return items(Kind::named, nb::borrow(type_object));
  }
  if (try_array(h, a)) return leaf(std::move(a));
  nb::object names = fields_of(type);
  if (!names.is_none()) {
    nb::handle arrays = PyTuple_GetItem(names.ptr(), 0), fixed = PyTuple_GetItem(names.ptr(), 1);
    nb::list values;
    for (nb::handle name : nb::borrow<nb::tuple>(fixed)) values.append(attribute(h, name));
    node(Kind::fields, PyTuple_Size(arrays.ptr()), nb::make_tuple(type_object, nb::tuple(values)));
    for (nb::handle name : nb::borrow<nb::tuple>(arrays)) add(attribute(h, name), leaves);
    return;
  }
  node(Kind::fixed, 0, nb::borrow(h));
}

TreeDef TreeDef::flatten(nb::handle h, Leaves& leaves) {
  TreeDef def;
  def.add(h, leaves);
  return def;
}

TreeDef TreeDef::fixed(nb::handle h) {
  TreeDef def;
  def.nodes_.push_back({Kind::fixed, 0, nb::borrow(h)});
  return def;
}

std::vector<nb::object> TreeDef::take_fixed() {
  std::vector<nb::object> out;
  for (Node& n : nodes_) {
    if (n.kind == Kind::fixed) out.push_back(std::exchange(n.data, nb::none()));
  }
  return out;
}

TreeDef TreeDef::with_fixed(nb::handle objects) const {
  TreeDef out = *this;
  Py_ssize_t next = 0;
  for (Node& n : out.nodes_) {
    if (n.kind == Kind::fixed) n.data = nb::borrow(PyTuple_GetItem(objects.ptr(), next++));
  }
  return out;
}

bool TreeDef::operator==(const TreeDef& other) const {
  if (nodes_.size() != other.nodes_.size()) return false;
  for (std::size_t k = 0; k < nodes_.size(); ++k) {
    const Node &a = nodes_[k], &b = other.nodes_[k];
    if (a.kind != b.kind || a.children != b.children) return false;
    if ((a.data.is_valid() || b.data.is_valid()) && !equal(a.data, b.data)) return false;
  }
  return true;
}

std::vector<TreeDef> TreeDef::split() const {
  std::vector<TreeDef> out;
  std::size_t at = 1;
  for (std::uint32_t k = 0; k < nodes_.at(0).children; ++k) {
    TreeDef child;
    for (std::size_t open = 1; open > 0; ++at) {
      open += nodes_[at].children;
      --open;
      child.leaves_ += nodes_[at].kind == Kind::leaf;
      child.nodes_.push_back(nodes_[at]);
    }
    out.push_back(std::move(child));
  }
  return out;
}

void TreeDef::append_key(std::string& key, nb::dict& known) const {
  for (const Node& n : nodes_) {
    key += static_cast<char>('0' + static_cast<int>(n.kind));
    if (n.kind == Kind::leaf) continue;
    key.append(reinterpret_cast<const char*>(&n.children), sizeof n.children);
    if (!n.data.is_valid()) continue;
    // With the type, since 1 == True.
    nb::object named = nb::make_tuple(nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(n.data.ptr()))), n.data);
    nb::object number = nb::borrow(PyDict_GetItemWithError(known.ptr(), named.ptr()));
    if (!number.is_valid()) {
      if (PyErr_Occurred()) nb::raise_python_error();
      // A number that is nobody else's, whatever other threads do while hashes and == of the user's run.
      static std::atomic<std::int64_t> last{0};
      number = known.attr("setdefault")(named, ++last);
    }
    const std::int64_t id = PyLong_AsLongLong(number.ptr());
    key.append(reinterpret_cast<const char*>(&id), sizeof id);
  }
}

namespace {

// Builds from nodes[at] on; `leaf` gives the next array.
template <class Next>
nb::object build_from(const std::vector<TreeDef::Node>& nodes, std::size_t& at, const Next& next) {
  const TreeDef::Node& n = nodes[at++];
  auto children = [&](bool list) {
    nb::object out = nb::steal(list ? PyList_New(n.children) : PyTuple_New(n.children));
    for (std::uint32_t k = 0; k < n.children; ++k) {
      PyObject* child = build_from(nodes, at, next).release().ptr();
      if (list)
        PyList_SetItem(out.ptr(), k, child);
      else
        PyTuple_SetItem(out.ptr(), k, child);
    }
    return out;
  };
  switch (n.kind) {
    case Kind::leaf: return next();
    case Kind::none: return nb::none();
    case Kind::fixed: return n.data;
    case Kind::tuple: return children(false);
    case Kind::list: return children(true);
    case Kind::named: return n.data.attr("_make")(children(false));
    case Kind::dict: {
      const bool ordered = is_ordered(n);
      const nb::handle keys = keys_of(n);
      nb::object out = ordered ? types().ordered_dict() : nb::object(nb::dict());
      for (std::uint32_t k = 0; k < n.children; ++k) {
        nb::object child = build_from(nodes, at, next);
        if (PyObject_SetItem(out.ptr(), PyTuple_GetItem(keys.ptr(), k), child.ptr()) != 0) nb::raise_python_error();
      }
      return out;
    }
    case Kind::fields: {
      // Past __init__, which may check or convert what is there, and __setattr__ of frozen ones.
      Types& t = types();
      const nb::handle type = PyTuple_GetItem(n.data.ptr(), 0), fixed = PyTuple_GetItem(n.data.ptr(), 1);
      nb::object out = t.object_new(type), names = fields_of(reinterpret_cast<PyTypeObject*>(type.ptr()));
      for (nb::handle name : nb::borrow<nb::tuple>(PyTuple_GetItem(names.ptr(), 0)))
        t.set_attribute(out, name, build_from(nodes, at, next));
      Py_ssize_t k = 0;
      for (nb::handle name : nb::borrow<nb::tuple>(PyTuple_GetItem(names.ptr(), 1)))
        t.set_attribute(out, name, nb::handle(PyTuple_GetItem(fixed.ptr(), k++)));
      return out;
    }
    case Kind::custom: {
      nb::object functions = types().registered[nb::handle(PyTuple_GetItem(n.data.ptr(), 0))];
      return nb::borrow(PyTuple_GetItem(functions.ptr(), 1))(nb::handle(PyTuple_GetItem(n.data.ptr(), 1)),
                                                             children(false));
    }
  }
  return nb::none();
}

}  // namespace

nb::object TreeDef::unflatten(const Leaves& leaves, std::size_t first) const {
  std::size_t at = 0;
  return build_from(nodes_, at, [&] { return from_array(leaves.at(first++)); });
}

nb::object TreeDef::build(const std::vector<nb::object>& objects) const {
  std::size_t at = 0, first = 0;
  return build_from(nodes_, at, [&] { return objects.at(first++); });
}

std::string arrays_within(nb::handle h) {
  PyTypeObject* type = Py_TYPE(h.ptr());
  if (PyType_Check(h.ptr()) || PyModule_Check(h.ptr()) ||
      PyType_GetSlot(type, Py_tp_hash) != PyType_GetSlot(&PyBaseObject_Type, Py_tp_hash))
    return {};
  nb::object attributes = nb::getattr(h, "__dict__", nb::none());
  if (!PyDict_Check(attributes.ptr())) return {};
  std::string out;
  for (auto [key, value] : nb::borrow<nb::dict>(attributes)) {
    const bool array = is_array(value) || PyObject_HasAttrString(value.ptr(), "__array__") ||
                       PyObject_HasAttrString(value.ptr(), "__dlpack__");
    if (array && !PyType_Check(value.ptr())) out += (out.empty() ? "" : ", ") + nb::cast<std::string>(nb::str(key));
  }
  return out;
}

std::string TreeDef::text(const std::vector<std::string>& leaves) const {
  std::string out;
  std::size_t at = 0, next = 0;
  auto repr = [](nb::handle h) { return nb::cast<std::string>(nb::repr(h)); };
  auto type_text = [](nb::handle type) { return nb::cast<std::string>(type.attr("__name__")); };
  auto visit = [&](auto&& self) -> void {
    const Node& n = nodes_[at++];
    auto list = [&](const std::string& open, const char* close, nb::handle keys = {}) {
      out += open;
      for (std::uint32_t k = 0; k < n.children; ++k) {
        if (k) out += ", ";
        if (keys.is_valid()) out += repr(PyTuple_GetItem(keys.ptr(), k)) + ": ";
        self(self);
      }
      out += close;
    };
    switch (n.kind) {
      case Kind::leaf: out += next < leaves.size() ? leaves[next++] : "*"; break;
      case Kind::none: out += "None"; break;
      case Kind::fixed: out += repr(n.data); break;
      case Kind::tuple: list("(", n.children == 1 ? ",)" : ")"); break;
      case Kind::list: list("[", "]"); break;
      case Kind::named: list(type_text(n.data) + "(", ")"); break;
      case Kind::fields:
      case Kind::custom: list(type_text(PyTuple_GetItem(n.data.ptr(), 0)) + "(", ")"); break;
      case Kind::dict: {
        list("{", "}", keys_of(n));
      }
    }
  };
  visit(visit);
  return out;
}

void match(const TreeDef& given, const TreeDef& wanted, const char* function, const char* what) {
  if (given == wanted) return;
  const std::string a = given.text(), b = wanted.text();
  dini::erased::match_structure(a, b, function, what);
  throw dini::ShapeError(std::string(function) + ": the " + what + " differ in a value that is no array: " + a);
}

nb::object call_python(nb::handle f, nb::handle args, nb::handle kwargs) {
  nb::object value =
      nb::steal(PyObject_Call(f.ptr(), args.ptr(), kwargs.is_valid() && !kwargs.is_none() ? kwargs.ptr() : nullptr));
  if (!value.is_valid()) nb::raise_python_error();
  return value;
}

nb::object tuple_of(const std::vector<nb::object>& items) {
  nb::object out = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(items.size())));
  for (std::size_t k = 0; k < items.size(); ++k)
    PyTuple_SetItem(out.ptr(), static_cast<Py_ssize_t>(k), nb::object(items[k]).release().ptr());
  return out;
}

void bind_tree(nb::module_& m) {
  Types& t = types();
  nb::module_ builtins = nb::module_::import_("builtins");
  t.object_new = builtins.attr("object").attr("__new__");
  t.set_attribute = builtins.attr("object").attr("__setattr__");
  t.ordered_dict = nb::module_::import_("collections").attr("OrderedDict");
  m.def("_set_fields_of", [](nb::object f) { types().fields_of = f; });
  m.def(
      "register_tree",
      [](nb::object type, nb::object flatten, nb::object unflatten) {
        types().registered[type] = nb::make_tuple(flatten, unflatten);
      },
      nb::arg("type"), nb::arg("flatten"), nb::arg("unflatten"),
      nb::sig("def register_tree(type: type, flatten: Callable[[Any], tuple[Sequence[Any], Any]], unflatten: "
              "Callable[[Any, "
              "tuple[Any, ...]], Any]) -> None"),
      "Makes instances of `type` trees. `flatten(x)` returns (children, static), `unflatten(static, children)` an x "
      "again; `static` is "
      "what is no array, and has a hash.");
  m.def(
      "tree_leaves",
      [](nb::handle tree) {
        nb::list out;
        for (const Array& a : Flat(tree).leaves) out.append(from_array(a));
        return out;
      },
      nb::arg("tree"), nb::sig("def tree_leaves(tree: Any) -> list[Array]"), "The arrays of a tree, in order.");
  m.def(
      "tree_structure", [](nb::handle tree) { return Flat(tree).def.text(); }, nb::arg("tree"),
      "The structure of a tree as text: a star for each array.");
  m.def(
      "tree_map",
      [](nb::object f, nb::handle tree, nb::args rest) {
        const Flat first(tree);
        std::vector<Flat> others;
        for (nb::handle h : rest) {
          others.emplace_back(h);
          match(others.back().def, first.def, "tree_map", "further trees");
        }
        std::vector<nb::object> out;
        for (std::size_t k = 0; k < first.leaves.size(); ++k) {
          std::vector<nb::object> arguments{from_array(first.leaves[k])};
          for (const Flat& o : others) arguments.push_back(from_array(o.leaves[k]));
          out.push_back(call_python(f, tuple_of(arguments)));
        }
        return first.def.build(out);
      },
      nb::arg("f"), nb::arg("tree"), nb::arg("rest"),
      nb::sig("def tree_map(f: Callable[..., Any], tree: Any, *rest: Any) -> Any"),
      "A tree of f(leaf, ...) for the leaves of trees of one structure.");
}

}  // namespace pydini
