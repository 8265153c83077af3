// Formulas in text as functions, and problem files.
#include "apps/dini/report.hpp"
#include "apps/dini/solve.hpp"
#include "common.hpp"
#include "dini/formula/formula.hpp"
#include "dini/io/problem.hpp"
#include "dini/io/problem_result.hpp"

namespace pydini {

namespace {

struct PyFormula {
  dini::Formula formula;
  std::vector<std::string> names;

  Array call(nb::args args, nb::kwargs kwargs) const {
    if (args.size() > names.size()) {
      throw nb::type_error(
          ("formula: " + std::to_string(args.size()) + " arguments for the names " + listed()).c_str());
    }
    std::map<std::string, Array> values;
    for (std::size_t k = 0; k < args.size(); ++k) values[names[k]] = to_array(args[k], names[k].c_str());
    for (auto [key, value] : kwargs) {
      const std::string name = nb::cast<std::string>(key);
      if (std::find(names.begin(), names.end(), name) == names.end())
        throw nb::type_error(("formula: " + name + " is none of its names, " + listed()).c_str());
      if (values.count(name)) throw nb::type_error(("formula: two values for " + name).c_str());
      values[name] = to_array(value, name.c_str());
    }
    for (const std::string& used : formula.names()) {
      if (!values.count(used)) throw nb::type_error(("formula: no value for " + used).c_str());
    }
    return computing([&] { return formula.evaluate(values); });
  }
  std::string listed() const {
    std::string out;
    for (const std::string& n : names) out += (out.empty() ? "" : ", ") + n;
    return out;
  }
};

std::vector<std::string> names_of(nb::handle h) {
  std::vector<std::string> names;
  if (!PyUnicode_Check(h.ptr())) {
    for (nb::handle n : nb::iter(h)) names.push_back(nb::cast<std::string>(n));
    return names;
  }
  std::string word;
  for (char c : nb::cast<std::string>(h) + ",") {
    if (c != ',' && c != ' ') {
      word += c;
    } else if (!word.empty()) {
      names.push_back(std::exchange(word, {}));
    }
  }
  return names;
}

// What a problem file would say, from Python's objects; arrays are given with their dtype.
dini::ProblemValue value_of(nb::handle h, int depth = 0) {
  using V = dini::ProblemValue;
  if (depth > V::max_nesting) throw dini::ProblemError("Problem: the values are nested too deeply");
  V v;
  if (h.is_none()) return v;
  if (PyBool_Check(h.ptr())) {
    v.content = h.is(nb::handle(Py_True));
  } else if (PyLong_Check(h.ptr())) {
    v.content = to_whole(h, "Problem");
  } else if (PyFloat_Check(h.ptr())) {
    v.content = nb::cast<double>(nb::float_(h));
  } else if (PyUnicode_Check(h.ptr())) {
    v.content = nb::cast<std::string>(h);
  } else if (PyDict_Check(h.ptr())) {
    V::Object object;
    for (auto [key, value] : nb::borrow<nb::dict>(h))
      object.emplace_back(nb::cast<std::string>(nb::str(key)), value_of(value, depth + 1));
    v.content = std::move(object);
  } else if (PyList_Check(h.ptr()) || PyTuple_Check(h.ptr())) {
    V::List list;
    for (nb::handle item : h) list.push_back(value_of(item, depth + 1));
    v.content = std::move(list);
  } else {
    const Array a = to_array(h, "Problem");
    check_conversion(a, "Problem: use as an input");
    V dtype;
    dtype.content = std::string(dini::name(a.dtype()));
    v.content = V::Object{{"value", value_of(from_array(a).attr("tolist")(), depth + 1)}, {"dtype", dtype}};
  }
  return v;
}

// The same as Python's objects again.
nb::object object_of(const dini::ProblemValue& v) {
  using V = dini::ProblemValue;
  if (v.holds<bool>()) return nb::bool_(v.get<bool>());
  if (v.holds<std::int64_t>()) return nb::int_(v.get<std::int64_t>());
  if (v.holds<double>()) return nb::float_(v.get<double>());
  if (v.holds<std::string>()) return nb::cast(v.get<std::string>());
  if (v.holds<V::List>()) {
    nb::list out;
    for (const V& each : v.get<V::List>()) out.append(object_of(each));
    return out;
  }
  if (v.holds<V::Object>()) {
    nb::dict out;
    for (const auto& [key, value] : v.get<V::Object>()) out[key.c_str()] = object_of(value);
    return out;
  }
  return nb::none();
}

nb::object named(const dini::ProblemResult::Named& arrays) {
  nb::dict out;
  for (const auto& [name, a] : arrays) out[name.c_str()] = from_array(a);
  return out;
}

// One number where there is no batch, a list of them else.
template <class T> nb::object lanes(const std::vector<T>& v, bool batched) {
  if (!batched) return v.empty() ? nb::none() : nb::cast(v[0]);
  nb::list out;
  for (const T& each : v) out.append(nb::cast(each));
  return out;
}

struct PyProblem {
  dini::Problem problem;
  dini::ProblemValue contents;  // with the folder, what it is pickled by
  std::string folder;
};
PyProblem problem_of(dini::ProblemValue contents, std::string folder) {
  dini::Problem problem = dini::make_problem(contents, folder);
  return {std::move(problem), std::move(contents), std::move(folder)};
}
struct PyResult {
  dini::Problem problem;
  dini::ProblemResult result;
};

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string path_of(nb::handle h) {
  nb::object path = nb::steal(PyOS_FSPath(h.ptr()));
  if (!path.is_valid()) nb::raise_python_error();
  return nb::cast<std::string>(nb::str(path));
}

}  // namespace

void bind_formula(nb::module_& m) {
  nb::class_<PyFormula>(m, "Formula", "A formula as a function of its names, in their order; made by dini.formula.")
      .def(
          "__call__", [](const PyFormula& f, nb::args a, nb::kwargs k) { return from_array(f.call(a, k)); },
          nb::sig("def __call__(self, *args: ArrayLike, **kwargs: ArrayLike) -> Array"))
      .def_ro("names", &PyFormula::names)
      .def_prop_ro("text", [](const PyFormula& f) { return f.formula.text(); })
      .def("__repr__",
           [](const PyFormula& f) { return "formula(\"" + f.formula.text() + "\", \"" + f.listed() + "\")"; })
      .def(
          "__reduce__",
          [m](const PyFormula& f) {
            return nb::make_tuple(m.attr("formula"), nb::make_tuple(f.formula.text(), f.listed()));
          },
          nb::sig(reduce_stub))
      .def("__hash__", [](const PyFormula& f) { return std::hash<std::string>()(f.formula.text() + "|" + f.listed()); })
      .def("__eq__", [](const PyFormula& f, nb::handle o) {
        PyFormula* other = nullptr;
        return nb::try_cast<PyFormula*>(o, other) && other && other->formula.text() == f.formula.text() &&
               other->names == f.names;
      });
  m.def(
      "formula",
      [](const std::string& text, nb::handle names) {
        const std::vector<std::string> all = names_of(names);
        return PyFormula{dini::Formula::parse(text, {all.begin(), all.end()}), all};
      },
      nb::arg("text"), nb::arg("names"), nb::sig("def formula(text: str, names: str | Sequence[str]) -> Formula"),
      "NumPy's expressions in text as a function of these names, in this order; FormulaError, with the column, where "
      "it is wrong.\n\n"
      ">>> dini.formula(\"tanh(W @ z + x)\", \"W, x, z\")([[0.5]], [1.0], [0.0])\nArray([0.76159416])");

  nb::class_<PyResult>(m, "ProblemResult", "What came of a problem: what `dini solve --json` prints, with arrays.")
      .def_prop_ro("status", [](const PyResult& r) { return lanes(r.result.status, r.result.batched); })
      .def_prop_ro("converged", [](const PyResult& r) { return r.result.converged(); })
      .def_prop_ro("message", [](const PyResult& r) { return r.result.message; })
      .def_prop_ro("solver", [](const PyResult& r) { return r.result.solver; })
      .def_prop_ro("steps", [](const PyResult& r) { return lanes(r.result.steps, r.result.batched); })
      .def_prop_ro("evaluations", [](const PyResult& r) { return lanes(r.result.evaluations, r.result.batched); })
      .def_prop_ro("residual_norm", [](const PyResult& r) { return lanes(r.result.residual_norm, r.result.batched); })
      .def_prop_ro("error_estimate", [](const PyResult& r) { return lanes(r.result.error_estimate, r.result.batched); })
      .def_prop_ro("z", [](const PyResult& r) { return from_array(r.result.z); })
      .def_prop_ro("loss", [](const PyResult& r) { return from_array(r.result.loss); })
      .def_prop_ro("objective", [](const PyResult& r) { return from_array(r.result.objective); })
      .def_prop_ro("gradient", [](const PyResult& r) { return named(r.result.gradient); })
      .def_prop_ro("hessian", [](const PyResult& r) { return named(r.result.hessian); })
      .def_prop_ro("jacobian", [](const PyResult& r) { return named(r.result.jacobian); })
      .def_prop_ro("duals", [](const PyResult& r) { return named(r.result.duals); })
      .def_prop_ro("certificate", [](const PyResult& r) { return named(r.result.certificate); })
      .def_prop_ro("ray", [](const PyResult& r) { return from_array(r.result.ray); })
      .def_prop_ro("active", [](const PyResult& r) { return lanes(r.result.active, r.result.batched); })
      .def_prop_ro("adjoint_status",
                   [](const PyResult& r) { return r.result.adjoint ? nb::cast(r.result.adjoint->status) : nb::none(); })
      .def_prop_ro(
          "check_digits",
          [](const PyResult& r) { return r.result.check_digits ? nb::cast(*r.result.check_digits) : nb::none(); },
          "How many digits of the gradient agree with differences, where that was asked for.")
      .def_prop_ro("history", [](const PyResult& r) { return lanes(r.result.history, r.result.batched); })
      .def(
          "to_json", [](const PyResult& r) { return dini::to_json(r.result); }, "As `dini solve --json` prints it.")
      .def("__repr__", [](const PyResult& r) { return dini::app::report(r.problem, r.result); });

  nb::class_<PyProblem> problem(
      m, "Problem", "A problem, from a file or from a dict with the keys of a problem file (docs/problem-files.md).");
  problem.def(
      "__init__",
      [](PyProblem* p, nb::handle contents, nb::handle folder) {
        new (p) PyProblem(problem_of(value_of(contents), path_of(folder)));
      },
      nb::arg("contents"), nb::arg("folder") = ".",
      nb::sig("def __init__(self, contents: dict[str, Any], folder: str | os.PathLike[str] = \".\") -> None"));
  problem.def_static(
      "load",
      [](nb::handle path) {
        const std::string name = path_of(path);
        return problem_of(dini::read_problem_file(name), folder_of(name));
      },
      nb::arg("path"), nb::sig("def load(path: str | os.PathLike[str]) -> Problem"),
      "The problem in a JSON or TOML file. ProblemError names the key, FormulaError the column, FileError the file.");
  problem.def(
      "__reduce__",
      [](nb::handle self) {
        const auto& p = nb::cast<const PyProblem&>(self);
        return nb::make_tuple(self.type(), nb::make_tuple(object_of(p.contents), p.folder));
      },
      nb::sig(reduce_stub));
  problem.def("__repr__", [](const PyProblem& p) {
    std::string inputs;
    for (const std::string& name : p.problem.input_names) inputs += (inputs.empty() ? "" : ", ") + name;
    return std::string("<Problem ") + p.problem.kind_name() + (inputs.empty() ? "" : " of " + inputs) + ">";
  });
  problem.def_prop_ro("kind", [](const PyProblem& p) { return p.problem.kind_name(); });
  problem.def_prop_ro("warnings", [](const PyProblem& p) { return p.problem.warnings; });
  problem.def_prop_ro("inputs", [](const PyProblem& p) {
    nb::dict out;
    for (const std::string& name : p.problem.input_names) out[name.c_str()] = from_array(p.problem.inputs.at(name));
    return out;
  });
  problem.def(
      "solve",
      [](const PyProblem& p, bool check, bool history, bool gradient_anyway) {
        dini::app::SolveSettings settings;
        settings.check = check;
        settings.history = history;
        settings.gradient_anyway = gradient_anyway;
        settings.max_bytes = std::numeric_limits<std::int64_t>::max() / 4;
        return computing([&] { return PyResult{p.problem, dini::app::solve_problem(p.problem, settings)}; });
      },
      nb::arg("check") = false, nb::arg("history") = false, nb::arg("gradient_anyway") = false,
      "Solves it, and takes the derivatives that it asks for. A solve that fails is a result.");
}

}  // namespace pydini
