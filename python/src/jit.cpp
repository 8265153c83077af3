// jit, and Programs to look at.
#include <any>
#include <atomic>
#include <sstream>

#include "dini/exec/executable.hpp"
#include "dini/trace/run.hpp"
#include "closed_program.hpp"
#include "solving.hpp"
#include "wrapper.hpp"

namespace pydini {

namespace e = dini::erased;

namespace {

struct PyProgram {
  e::Staged staged;

  // The values for arrays, which may be traced, and for what else it takes.
  nb::object call(nb::args args, const Leaves& captured) const {
    Leaves in;
    for (nb::handle h : args) in.push_back(to_array(h, "Program"));
    const std::vector<Aval> wanted = staged.program->input_avals();
    std::vector<nb::object> out;
    const Leaves values = computing([&] {
      in = fitting(in, std::span(wanted).first(wanted.size() - captured.size()));
      in.insert(in.end(), captured.begin(), captured.end());
      return dini::detail::current_trace() ? dini::detail::evaluate(*staged.program, in)
                                           : dini::run_program(*staged.program, in);
    });
    for (const Array& a : values) out.push_back(from_array(a));
    return tuple_of(out);
  }
};

// What is known of a function's value without running it.
struct ShapeDtype {
  Aval aval;
};

// What is known of a function that was traced beside its Program.
struct Traced {
  TreeDef value;
  SolvedTrees solves;
  nb::object fixed_by = {};  // the number of what `value` lacks in Jit::fixed
};

// What jit was called with, as leaves and a structure.
struct Arguments {
  std::vector<TreeDef> defs;
  TreeDef kwargs;
  Leaves leaves;
  std::vector<bool> fixed;  // which are static
};

struct Jit : Wrapper {
  std::vector<int> static_argnums;
  nb::object static_argnames;  // a tuple
  nb::dict known;              // what is no array in arguments, by number: keys of what is compiled
  nb::dict fixed;              // what is no tree in values, by number: here, where the collector finds it
  std::shared_ptr<e::Jit> cache = std::make_shared<e::Jit>("jit");

  int traverse(visitproc visit, void* arg) {
    Py_VISIT(known.ptr());
    Py_VISIT(fixed.ptr());
    return Wrapper::traverse(visit, arg);
  }
  void clear() {
    known = nb::dict();
    fixed = nb::dict();
    Wrapper::clear();
  }

  void forget() {
    known = nb::dict();
    fixed = nb::dict();
    cache = std::make_shared<e::Jit>("jit");
  }

  Arguments arguments(nb::handle args, nb::handle kwargs) const {
    Arguments a;
    const Py_ssize_t n = PyTuple_Size(args.ptr());
    std::vector<bool>& fixed = a.fixed;
    if (!static_argnums.empty()) {
      fixed.resize(static_cast<std::size_t>(n));
      for (int k : static_argnums) {
        const Py_ssize_t at = k < 0 ? k + n : k;
        if (at >= 0 && at < n) fixed[static_cast<std::size_t>(at)] = true;
      }
    }
    a.defs.reserve(static_cast<std::size_t>(n));
    for (Py_ssize_t k = 0; k < n; ++k) {
      const nb::handle h = PyTuple_GetItem(args.ptr(), k);
      if (!fixed.empty() && fixed[static_cast<std::size_t>(k)])
        a.defs.push_back(TreeDef::fixed(h));
      else
        a.defs.push_back(TreeDef::flatten(h, a.leaves));
    }
    if (!kwargs.is_valid() || PyDict_Size(kwargs.ptr()) == 0) return a;
    if (PyTuple_Size(static_argnames.ptr()) == 0) {
      a.kwargs = TreeDef::flatten(kwargs, a.leaves);
      return a;
    }
    // Static ones beside the others: the tree is a pair of dicts.
    nb::dict moving;
    nb::list fixed_items;
    for (auto [key, value] : nb::borrow<nb::dict>(kwargs)) {
      if (PySequence_Contains(static_argnames.ptr(), key.ptr()) == 1)
        fixed_items.append(nb::make_tuple(key, value));
      else
        moving[key] = value;
    }
    a.kwargs = TreeDef::flatten(moving, a.leaves);
    a.defs.push_back(TreeDef::fixed(nb::tuple(fixed_items)));
    fixed.resize(a.defs.size());
    fixed.back() = true;
    return a;
  }

  std::string key_of(const Arguments& a) {
    constexpr Py_ssize_t most_known = 4096;
    if (PyDict_Size(known.ptr()) > most_known) forget();
    std::string key;
    std::size_t at = 0;
    try {
      for (; at < a.defs.size(); ++at) a.defs[at].append_key(key, known);
      if (!a.kwargs.nodes().empty()) {
        key += '|';
        a.kwargs.append_key(key, known);
      }
    } catch (nb::python_error& e) {
      if (!e.matches(PyExc_TypeError)) throw;
      const TreeDef& d = at < a.defs.size() ? a.defs[at] : a.kwargs;
      const std::string which = at < a.defs.size() ? "argument " + std::to_string(at) : "an argument given by name";
      throw nb::type_error(("jit: " + which +
                            " holds what is no array and has no hash, by which it would be known again: " + d.text() +
                            " (" + nb::cast<std::string>(nb::str(e.value())) + ")")
                               .c_str());
    }
    return key;
  }

  // The attributes of an object that is no tree stay what they are now. (Of one that was named static that is what was asked for.)
  void warn_of_objects(const Arguments& a) const {
    auto look = [](const TreeDef& d) {
      for (const TreeDef::Node& n : d.nodes()) {
        if (n.kind != TreeDef::Kind::fixed) continue;
        const std::string within = arrays_within(n.data), type = name_of_type(n.data);
        if (within.empty()) continue;
        const std::string text =
            "jit: a " + type + " among the arguments is no tree: the arrays in it (" + within +
            ") are compiled as they are now, and changes are not seen. Make " + type +
            " a dataclass, tell dini.register_tree where its arrays are, or name the argument in static_argnames";
        if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) != 0) nb::raise_python_error();
      }
    };
    for (std::size_t k = 0; k < a.defs.size(); ++k) {
      if (k >= a.fixed.size() || !a.fixed[k]) look(a.defs[k]);
    }
    look(a.kwargs);
  }

  // The function of leaves; refers to all that it is given.
  ErasedFunction traced(const Arguments& a, std::size_t positional, std::shared_ptr<const Traced>& out,
                        bool keeps = false) const {
    return [this, &a, positional, &out, keeps](const Leaves& in) {
      return with_gil([&] {
        warn_of_objects(a);
        std::vector<nb::object> given;
        std::size_t next = 0;
        for (std::size_t k = 0; k < positional; ++k) {
          given.push_back(a.defs[k].unflatten(in, next));
          next += a.defs[k].leaves();
        }
        nb::object named;
        if (!a.kwargs.nodes().empty()) {
          named = a.kwargs.unflatten(in, next);
          if (a.defs.size() > positional) {
            for (nb::handle item : nb::borrow<nb::tuple>(a.defs.back().nodes()[0].data)) named[item[0]] = item[1];
          }
        }
        SolvesWithin within;
        Flat value(call_python(function(), tuple_of(given), named));
        nb::object number;
        if (keeps) {
          const std::vector<nb::object> objects = value.def.take_fixed();
          static std::atomic<std::int64_t> last{0};
          if (!objects.empty()) {
            number = nb::int_(++last);
            if (PyDict_SetItem(fixed.ptr(), number.ptr(), tuple_of(objects).ptr()) != 0) nb::raise_python_error();
          }
        }
        out = share_cpp(Traced{std::move(value.def), within.found, number});
        return std::move(value.leaves);
      });
    };
  }

  nb::object call(nb::args args, nb::kwargs kwargs) {
    const Arguments a = arguments(args, kwargs);
    const std::string key = key_of(a);
    const std::shared_ptr<e::Jit> kept = cache;
    std::shared_ptr<const e::Jit::Entry> used;
    std::shared_ptr<const Traced> out;
    const ErasedFunction f = traced(a, args.size(), out, true);
    // When it raises, it may be what it has called that was traced; when it was traced before, its solves are not known around it.
    const auto known = [&]() -> const Traced& {
      return *std::any_cast<const std::shared_ptr<const Traced>&>(used->prototype);
    };
    Leaves leaves;
    try {
      leaves = computing([&] { return kept->call(f, a.leaves, key, used, [&] { return std::any(out); }); });
    } catch (dini::SolveError& e) {
      if (used) remember_tree(e, known().solves);
      throw;
    }
    if (!out) SolvesWithin::add(known().solves);
    const Traced& found = known();
    if (!found.fixed_by.is_valid()) return found.value.unflatten(leaves);
    nb::object objects = nb::borrow(PyDict_GetItem(fixed.ptr(), found.fixed_by.ptr()));
    if (!objects.is_valid()) return call(args, kwargs);  // another thread has let it go meanwhile
    return found.value.with_fixed(objects).unflatten(leaves);
  }

  PyProgram program(nb::args args, nb::kwargs kwargs) const {
    const Arguments a = arguments(args, kwargs);
    std::shared_ptr<const Traced> out;
    return {
        computing([&] { return e::stage(traced(a, args.size(), out), e::avals_of_leaves(a.leaves), "make_program"); })};
  }

  bool check_captures(nb::args args, nb::kwargs kwargs) {
    const Arguments a = arguments(args, kwargs);
    const std::string key = key_of(a);
    std::shared_ptr<const Traced> out;
    return computing([&] { return cache->still_valid(traced(a, args.size(), out), a.leaves, key); });
  }
};

}  // namespace

void bind_jit(nb::module_& m) {
  nb::class_<PyProgram>(m, "Program", "A function as what it computes: printable, and callable with arrays.")
      .def("__str__", [](const PyProgram& p) { return p.staged.program->str(); })
      .def("__repr__", [](const PyProgram& p) { return p.staged.program->str(); })
      .def(
          "plan", [](const PyProgram& p) { return dini::Executable::compile(*p.staged.program)->str(); },
          "The steps that run it, as text.")
      .def(
          "__call__", [](const PyProgram& p, nb::args args) { return p.call(args, p.staged.captured); },
          nb::sig("def __call__(self, *arrays: ArrayLike) -> tuple[Array, ...]"))
      // For who keeps something for a Program: two are equal that compute the same of their arguments and of what they captured.
      .def("__hash__", [](const PyProgram& p) { return static_cast<Py_hash_t>(p.staged.program->hash() >> 1); })
      .def("__eq__",
           [](const PyProgram& p, nb::handle o) {
             PyProgram* other = nullptr;
             return nb::try_cast<PyProgram*>(o, other) && other && p.staged.program->equal(*other->staged.program);
           })
      .def_prop_ro("_captured",
                   [](const PyProgram& p) {
                     std::vector<nb::object> out;
                     for (const Array& a : p.staged.captured) out.push_back(from_array(a));
                     return tuple_of(out);
                   })
      .def("_with_captured", [](const PyProgram& p, nb::args args) { return p.call(args, {}); });
  nb::class_<ShapeDtype>(m, "ShapeDtype", "The shape and the dtype of an array that was not computed.")
      .def_prop_ro("shape",
                   [](const ShapeDtype& s) {
                     std::vector<nb::object> lengths;
                     for (std::int64_t n : s.aval.shape) lengths.push_back(nb::int_(n));
                     return tuple_of(lengths);
                   })
      .def_prop_ro("dtype", [m](const ShapeDtype& s) { return m.attr("_dtype")(dini::name(s.aval.dtype)); })
      .def("__repr__", [](const ShapeDtype& s) { return "ShapeDtype(" + s.aval.str() + ")"; });
  nb::class_<Jit> c = bind_wrapper<Jit>(m, "_Jit");
  c.def("__call__", &Jit::call, nb::sig("def __call__(self, *args: Any, **kwargs: Any) -> Any"));
  c.def("program", &Jit::program, nb::sig("def program(self, *args: Any, **kwargs: Any) -> Program"),
        "The Program of arguments like these, before any pass.");
  c.def("check_captures", &Jit::check_captures, nb::sig("def check_captures(self, *args: Any, **kwargs: Any) -> bool"),
        "Whether the function, traced again, still is what was compiled: what it captured may have changed.");
  c.def(
      "clear_cache", [](Jit& j) { j.forget(); }, "Forgets what was compiled.");
  m.def("_jit", [](nb::object f, nb::handle argnums, nb::object argnames) {
    Jit j;
    j.f = f;
    j.static_argnums = to_ints(argnums, "static_argnums");
    j.static_argnames = nb::steal(PySequence_Tuple(argnames.ptr()));
    return j;
  });
  // The Program of a function of arrays of these (shape, dtype).
  m.def("_program", [](nb::object f, nb::handle avals) {
    std::vector<Aval> in;
    for (nb::handle one : nb::iter(avals)) {
      Shape shape;
      for (nb::handle n : nb::iter(one[0])) shape.append(to_whole(n, "a length"));
      in.push_back({shape, to_dtype(one[1]), false});
    }
    const ErasedFunction erased = [&](const Leaves& leaves) {
      return with_gil([&] {
        std::vector<nb::object> args;
        for (const Array& a : leaves) args.push_back(from_array(a));
        return std::move(Flat(call_python(f, tuple_of(args))).leaves);
      });
    };
    return PyProgram{computing([&] { return e::stage(erased, in, "jit"); })};
  });
  m.def("_eval_shape", [](nb::object f, nb::handle args, nb::handle kwargs) {
    Call c(f, args, kwargs, nullptr, "eval_shape");
    const e::Staged s = computing([&] { return e::stage(c.erased(), e::avals_of_leaves(c.leaves()), "eval_shape"); });
    std::vector<nb::object> out;
    for (const Aval& a : s.program->output_avals()) out.push_back(nb::cast(ShapeDtype{a}));
    return c.out().build(out);
  });
}

}  // namespace pydini
