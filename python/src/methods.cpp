// Solvers, adjoints and losses: from the library's own tables.
#include <map>

#include "dini/core/caches.hpp"
#include "dini/core/option_table.hpp"
#include "dini/solvers/library.hpp"
#include "solving.hpp"
#include "table.hpp"
#include "wrapper.hpp"

namespace pydini {

namespace {

dini::OptionValues values_of(nb::handle kwargs, const std::string& method) {
  dini::OptionValues values;
  for (auto [key, value] : nb::borrow<nb::dict>(kwargs)) {
    const std::string name = nb::cast<std::string>(key);
    if (!PyNumber_Check(value.ptr()))
      throw nb::type_error(
          (method + ": the option " + name + " has to be a number, got " + name_of_type(value)).c_str());
    values.emplace_back(name, nb::cast<double>(nb::float_(value)));
  }
  return values;
}

// The kind of problem that a function solves.
std::optional<dini::Kind> kind_of(std::string_view function) {
  for (const dini::Kind k : {dini::Kind::root, dini::Kind::fixed_point, dini::Kind::minimize, dini::Kind::least_squares,
                             dini::Kind::quadratic_program}) {
    if (function == dini::name(k)) return k;
  }
  return std::nullopt;
}

template <class Made>
const dini::MethodInfo<Made>& method_named(const std::vector<dini::MethodInfo<Made>>& all, const std::string& name,
                                           const std::string& what, std::optional<dini::Kind> kind = {}) {
  std::string names = "auto";
  nb::list known;
  for (const auto& info : all) {
    if (info.name == name) return info;
    if (kind && !info.kinds.has(*kind)) continue;
    names += ", " + info.name;
    known.append(info.name);
  }
  const nb::object near = nb::module_::import_("difflib").attr("get_close_matches")(name, known, 1);
  const std::string meant = nb::len(near) ? "; is " + nb::cast<std::string>(near[0]) + " meant?" : "";
  throw dini::ValueError(what + " \"" + name + "\" is not known" + meant + "; there are " + names);
}

// dini.Newton in the place of dini.Newton().
void refuse_class(nb::handle h, const char* function, const char* option) {
  nb::object name = nb::getattr(h, "_dini_method", nb::none());
  if (name.is_none()) return;
  const std::string made = "dini." + nb::cast<std::string>(nb::str(name));
  throw nb::type_error(
      (std::string(function) + ": " + option + "=" + made + " is how one is made: write " + option + "=" + made + "()")
          .c_str());
}

template <class Made> nb::object table_of(const std::vector<dini::MethodInfo<Made>>& all) {
  nb::list out;
  for (const auto& i : all) {
    nb::list options;
    for (const auto& o : i.options) options.append(nb::make_tuple(o.name, o.fallback, o.whole, o.range.text(), o.help));
    out.append(nb::make_tuple(i.name, i.purpose, i.kinds.text(), i.automatic, options));
  }
  return out;
}

dini::Solver solver_of(nb::handle f) {
  const Shared kept = share(f);
  return dini::erased::user_solver(
      [kept](const dini::Function& map, const Array& z) {
        return with_gil([&] {
          const Array found =
              to_array(call_python(kept.get(), nb::make_tuple(nb::cast(map), from_array(z))), "the solver's value");
          // It is given a row of numbers, and may return one number, or a matrix, as it thinks of them.
          return found.size() == z.size() ? dini::reshape(found, z.shape()) : found;
        });
      },
      true);
}

// An adjoint with what it was made with. Of a preconditioner the collector is told only while nothing that was compiled has the adjoint.
struct PyAdjoint {
  dini::Adjoint adjoint;
  nb::object made_by = nb::none();
  Shared preconditioner = {};
  long references = 0;  // of what is of the adjoint's own

  int traverse(visitproc visit, void* arg) {
    Py_VISIT(made_by.ptr());
    if (preconditioner && adjoint.method().use_count() == 1 && preconditioner.use_count() == references)
      Py_VISIT(preconditioner.get());
    return 0;
  }
  void clear() {
    made_by = nb::none();
    adjoint = {};
    preconditioner = {};
  }
};

// One with a preconditioner, which the tables have not.
template <class S> PyAdjoint preconditioned(nb::handle options, nb::handle f) {
  S s;
  const auto& table = S::table();
  for (const auto& [name, value] : values_of(options, table.name)) {
    bool found = false;
    for (const auto& field : table.fields) {
      if (name != field.name) continue;
      field.set(table.name, s, value);
      found = true;
    }
    if (!found) dini::detail::no_such_option(table.name, name, {});
  }
  const Shared kept = share(f);
  PyAdjoint made;
  s.preconditioner = dini::Preconditioner([kept](const Array& v) {
    return with_gil(
        [&] { return to_array(call_python(kept.get(), nb::make_tuple(from_array(v))), "the preconditioner's value"); });
  });
  made.adjoint = s;
  s = {};
  made.preconditioner = kept;
  made.references = kept.use_count() - 1;
  return made;
}

}  // namespace

dini::Solver to_solver(nb::handle h, const char* function) {
  if (h.is_none()) return {};
  dini::Solver* ours = nullptr;
  if (nb::try_cast<dini::Solver*>(h, ours) && ours) return *ours;
  if (PyUnicode_Check(h.ptr())) {
    const std::string name = nb::cast<std::string>(h);
    if (name == "auto") return {};
    return method_named(dini::library_solvers(), name, std::string(function) + ": the solver", kind_of(function))
        .make({});
  }
  refuse_class(h, function, "solver");
  if (!PyCallable_Check(h.ptr())) {
    throw nb::type_error((std::string(function) +
                          ": solver has to be a name, one of the solvers, or a callable (f, z) -> z, got " +
                          name_of_type(h))
                             .c_str());
  }
  return solver_of(h);
}

dini::Adjoint to_adjoint(nb::handle h, const char* function) {
  if (h.is_none()) return {};
  PyAdjoint* ours = nullptr;
  if (nb::try_cast<PyAdjoint*>(h, ours) && ours) return ours->adjoint;
  refuse_class(h, function, "adjoint");
  if (!PyUnicode_Check(h.ptr()))
    throw nb::type_error(
        (std::string(function) + ": adjoint has to be a name or one of the adjoints, got " + name_of_type(h)).c_str());
  const std::string name = nb::cast<std::string>(h);
  if (name == "auto") return {};
  return method_named(dini::library_adjoints(), name, std::string(function) + ": the adjoint", kind_of(function))
      .make({});
}

namespace {

bool flag(nb::handle h) {
  const int v = PyObject_IsTrue(h.ptr());
  if (v < 0) nb::raise_python_error();
  return v == 1;
}

double number(nb::handle h, const std::string& what) {
  if (!PyNumber_Check(h.ptr())) throw nb::type_error((what + " has to be a number, got " + name_of_type(h)).c_str());
  return nb::cast<double>(nb::float_(h));
}

// One of several names.
template <class T>
T choice(nb::handle h, const std::string& what, std::initializer_list<std::pair<const char*, T>> all) {
  const std::string given = PyUnicode_Check(h.ptr()) ? nb::cast<std::string>(h) : nb::cast<std::string>(nb::repr(h));
  std::string names;
  for (const auto& [name, value] : all) {
    if (given == name) return value;
    names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
  }
  throw dini::ValueError(what + " has to be one of " + names + ", got \"" + given + "\"");
}

dini::Tolerance to_tolerance(nb::handle h, const std::string& what) {
  if (h.is_none()) return {};
  if (PyTuple_Check(h.ptr()) && PyTuple_Size(h.ptr()) == 2)
    return {number(PyTuple_GetItem(h.ptr(), 0), what), number(PyTuple_GetItem(h.ptr(), 1), what)};
  return number(h, what);
}

dini::MatrixStructure to_structure(nb::handle h, const std::string& what) {
  dini::MatrixStructure s;
  if (h.is_none()) return s;
  switch (choice<int>(h, what, {{"symmetric", 1}, {"positive_definite", 2}, {"diagonal", 3}})) {
    case 1: s.symmetric = true; break;
    case 2: s.symmetric = s.positive_definite = true; break;
    case 3: s.diagonal = true; break;
  }
  return s;
}

// Watched by the clock and by Python's function, which may end it by returning False.
void watch(dini::Watch& w, nb::handle on_step) {
  const Shared f = share(on_step);
  const dini::CancelToken token;
  w.token = token;
  w.monitor = [f, token](const dini::StepReport& r) {
    with_gil([&] {
      const nb::object answer = call_python(f.get(), nb::make_tuple(r.step, r.residual_norm));
      if (!answer.is_none() && !flag(answer)) token.cancel();
    });
  };
}

bool within_jit() {
  for (const auto* t = dini::detail::current_trace().get(); t; t = t->parent().get()) {
    if (t->kind() == "jit") return true;
  }
  return false;
}

}  // namespace

Options::Options(nb::handle kwargs, const char* function, std::initializer_list<std::string_view> more) {
  if (!kwargs.is_valid()) return;
  auto& o = solve;
  for (auto [key, h] : nb::borrow<nb::dict>(kwargs)) {
    const std::string name = nb::cast<std::string>(key), what = std::string(function) + ": " + name;
    const bool allowed = std::find(more.begin(), more.end(), name) != more.end();
    if (name == "solver") {
      o.solver = to_solver(h, function);
    } else if (name == "tolerance") {
      o.tolerance = to_tolerance(h, what);
    } else if (name == "max_steps") {
      o.max_steps = h.is_none() ? -1 : to_whole(h, what.c_str());
    } else if (name == "adjoint") {
      o.adjoint = to_adjoint(h, function);
    } else if (name == "on_failure") {
      using F = dini::OnFailure;
      o.on_failure = choice<F>(h, what, {{"raise", F::raise}, {"nan", F::nan}, {"best", F::best}});
    } else if (name == "history") {
      o.history = to_whole(h, what.c_str());
    } else if (name == "stage") {
      o.stage = flag(h);
    } else if (name == "derivative_anyway") {
      o.derivative_anyway = flag(h);
    } else if (name == "accept") {
      o.accept = number(h, what);
    } else if (name == "structure") {
      o.structure = to_structure(h, what);
    } else if (name == "deadline") {
      if (h.is_none()) continue;
      if (within_jit())
        throw dini::TraceError(what + ": a compiled function is traced now and runs later; solve without jit");
      o.watch.deadline = dini::Deadline::in(number(h, what));
    } else if (name == "on_step") {
      if (!h.is_none()) watch(o.watch, h);
    } else if (name == "ties") {
      using T = dini::Ties;
      o.ties = choice<T>(
          h, what, {{"average", T::average}, {"active", T::active}, {"inactive", T::inactive}, {"raise", T::raise}});
    } else if (name == "strict") {
      o.strict = number(h, what);
    } else if (allowed && name == "bounds") {
      bounds = nb::borrow(h);
    } else if (allowed && name == "equal") {
      equal = nb::borrow(h);
    } else if (allowed && name == "at_most") {
      at_most = nb::borrow(h);
    } else if (allowed && name == "has_aux") {
      has_aux = flag(h);
    } else if (allowed && name == "loss") {
      if (h.is_none()) continue;
      dini::Loss* ours = nullptr;
      if (!nb::try_cast<dini::Loss*>(h, ours) || !ours)
        throw nb::type_error(
            (what + " has to be dini.huber(width), soft_l1, cauchy or tukey, got " + name_of_type(h)).c_str());
      loss = *ours;
    } else {
      std::string names =
          "solver, tolerance, max_steps, adjoint, on_failure, history, stage, derivative_anyway, accept, structure, "
          "deadline, on_step, ties, strict";
      for (std::string_view m : more) names += ", " + std::string(m);
      throw nb::type_error((std::string(function) + ": there is no option " + name + "; there are " + names).c_str());
    }
  }
}

void bind_methods(nb::module_& m) {
  nb::class_<dini::Function>(m, "Function", "What a solver is given: z -> f(z), arrays of one axis.")
      .def(
          "__call__",
          [](const dini::Function& f, nb::handle z) {
            const Array a = to_array(z, "f");
            return from_array(computing([&] { return f(a); }));
          },
          nb::sig("def __call__(self, z: ArrayLike) -> Array"));
  // (Python keeps with one what it was made with: dini/_methods.py.)
  nb::class_<dini::Solver>(m, "Solver", nb::dynamic_attr(),
                           "A solver with its options, for `solver=`; called with (f, z), it solves z = f(z).")
      .def_prop_ro("name", &dini::Solver::name)
      .def("__hash__", [](const dini::Solver& s) { return std::hash<std::string>()(s.method()->key()); })
      .def("__eq__",
           [](const dini::Solver& s, nb::handle o) {
             dini::Solver* other = nullptr;
             return nb::try_cast<dini::Solver*>(o, other) && other && other->method()->shareable() &&
                    other->method()->key() == s.method()->key();
           })
      .def(
          "__call__",
          [](const dini::Solver& s, nb::object f, nb::handle z) {
            const Array a = to_array(z, "solver");
            const dini::Function map([&](const Array& v) {
              return with_gil([&] { return to_array(call_python(f, nb::make_tuple(from_array(v))), "f's value"); });
            });
            return from_array(computing([&] { return s(map, a); }));
          },
          nb::arg("f"), nb::arg("z"), nb::sig("def __call__(self, f: Callable[[Array], Any], z: ArrayLike) -> Array"));
  nb::class_<PyAdjoint>(m, "Adjoint", nb::type_slots(wrapper_slots<PyAdjoint>()),
                        "How the linear system of a derivative is solved, for `adjoint=`.")
      .def_prop_ro("name", [](const PyAdjoint& a) { return a.adjoint.name(); })
      .def_prop_rw(
          "_made_by", [](const PyAdjoint& a) { return a.made_by; },
          [](PyAdjoint& a, nb::object o) { a.made_by = std::move(o); })
      .def("__hash__", [](const PyAdjoint& a) { return std::hash<std::string>()(a.adjoint.key()); })
      .def("__eq__", [](const PyAdjoint& a, nb::handle o) {
        PyAdjoint* other = nullptr;
        return nb::try_cast<PyAdjoint*>(o, other) && other && other->adjoint.key() == a.adjoint.key();
      });
  static constexpr const char* losses[] = {"squares", "huber", "soft_l1", "cauchy", "tukey"};
  nb::class_<dini::Loss>(m, "Loss", "What a fit makes least of its residuals.")
      .def_ro("width", &dini::Loss::width)
      .def("__repr__",
           [](const dini::Loss& l) {
             return std::string(losses[static_cast<int>(l.shape)]) + "(" +
                    nb::cast<std::string>(nb::repr(nb::float_(l.width))) + ")";
           })
      .def(
          "__reduce__",
          [m](const dini::Loss& l) {
            return nb::make_tuple(m.attr(losses[static_cast<int>(l.shape)]), nb::make_tuple(l.width));
          },
          nb::sig(reduce_stub))
      .def("__hash__",
           [](const dini::Loss& l) { return std::hash<double>()(l.width) ^ static_cast<std::size_t>(l.shape); })
      .def("__eq__", [](const dini::Loss& l, nb::handle o) {
        dini::Loss* other = nullptr;
        return nb::try_cast<dini::Loss*>(o, other) && other && other->shape == l.shape && other->width == l.width;
      });
  auto loss = [&](const char* name, dini::Loss (*f)(double), const char* doc) {
    m.def(
        name, [f, name](nb::handle width) { return f(number(width, std::string(name) + ": the width")); },
        nb::arg("width"), nb::sig(table::keep("def " + std::string(name) + "(width: float) -> Loss")), doc);
  };
  loss("huber", dini::huber, "Huber's loss: squares up to the width, and lines beyond.");
  loss("soft_l1", dini::soft_l1, "Huber's loss, smoothed.");
  loss("cauchy", dini::cauchy, "The logarithm: what is far off counts little.");
  loss("tukey", dini::tukey, "Tukey's biweight: what is beyond the width has no say.");
  m.def("_solvers", [] { return table_of(dini::library_solvers()); });
  m.def("_adjoints", [] { return table_of(dini::library_adjoints()); });
  m.def("_solver", [](const std::string& name, nb::kwargs k) {
    return method_named(dini::library_solvers(), name, "the solver").make(values_of(k, name));
  });
  m.def(
      "_adjoint",
      [](const std::string& name, nb::object preconditioner, nb::kwargs k) -> PyAdjoint {
        if (preconditioner.is_none())
          return {method_named(dini::library_adjoints(), name, "the adjoint").make(values_of(k, name))};
        if (name == "gmres") return preconditioned<dini::GMRES>(k, preconditioner);
        if (name == "minres") return preconditioned<dini::MINRES>(k, preconditioner);
        if (name == "cg") return preconditioned<dini::CG>(k, preconditioner);
        throw dini::ValueError(name + ": takes no preconditioner");
      },
      nb::arg("name"), nb::arg("preconditioner").none(), nb::arg("options"));
  nb::list statuses;
  for (int k = 0; k <= static_cast<int>(dini::StatusCode::not_a_solution); ++k)
    statuses.append(
        nb::make_tuple(dini::name(static_cast<dini::StatusCode>(k)), dini::describe(static_cast<dini::StatusCode>(k))));
  m.attr("_statuses") = nb::tuple(statuses);
  m.def("set_num_threads", &dini::set_num_threads, nb::arg("count"),
        "How many threads one operation may use, from 1 to 256.");
  m.def("num_threads", &dini::num_threads, "How many threads one operation may use.");
  m.def(
      "clear_caches", [] { computing([] { dini::clear_caches(); }); },
      "Forgets what the process keeps of Programs that were compiled and of solves. What jit has compiled is its own: "
      "see clear_cache of what it returns.");
  m.def(
      "cached_programs", [] { return computing([] { return dini::cached_programs(); }); },
      "How many compiled Programs and solves the process keeps.");
  // What is kept of the user's functions goes while there is Python.
  nb::module_::import_("atexit").attr("register")(m.attr("clear_caches"));
}

}  // namespace pydini
