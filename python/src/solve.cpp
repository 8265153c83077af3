// fixed_point, root, minimize, least_squares, quadratic_program, implicit_function.
#include "solving.hpp"
#include "table.hpp"

namespace pydini {

namespace e = dini::erased;
using dini::Kind;

namespace {

// Classes of Python's, from dini/_solution.py.
struct Classes {
  nb::object solution, optimum, duals, bracket;
};
Classes& classes() {
  static Classes* c = new Classes;
  return *c;
}

nb::object object(const Array& a) { return from_array(a); }

// A user's functions of (θ..., z), as functions of [z leaves, θ leaves...].
struct Arguments {
  Flat z;
  std::vector<TreeDef> defs;  // of θ
  Leaves theta;
  std::size_t skip = 0;  // leaves of θ in front that are not for the function

  Arguments(nb::handle z0, nb::handle args, std::size_t first) : z(z0) {
    for (Py_ssize_t k = static_cast<Py_ssize_t>(first); k < PyTuple_Size(args.ptr()); ++k)
      defs.push_back(TreeDef::flatten(PyTuple_GetItem(args.ptr(), k), theta));
  }
  nb::object call(nb::handle f, const Leaves& in) const {
    std::vector<nb::object> all;
    std::size_t next = z.leaves.size() + skip;
    for (const TreeDef& d : defs) {
      all.push_back(d.unflatten(in, next));
      next += d.leaves();
    }
    all.push_back(z.def.unflatten(in));
    return call_python(f, tuple_of(all));
  }
};

// What one of the user's functions returned: its structure is kept for multipliers.
ErasedFunction rows_of(const Arguments& a, nb::handle f, TreeDef& def) {
  if (f.is_none()) return {};
  return [&a, f, &def](const Leaves& in) {
    return with_gil([&] {
      Flat value(a.call(f, in));
      def = std::move(value.def);
      return std::move(value.leaves);
    });
  };
}

nb::object names_of(const std::vector<std::string>& names) {
  std::vector<nb::object> out;
  for (const std::string& n : names) out.push_back(nb::str(n.c_str()));
  return tuple_of(out);
}

struct Solver {
  const char* name;
  Kind kind;
  nb::object f;
  const Options& options;
  const Arguments& at;
  dini::FixedPointOptions own;
  TreeDef equal_def, at_most_def;

  Solver(const char* n, Kind k, nb::object function, const Options& o, const Arguments& a)
      : name(n), kind(k), f(std::move(function)), options(o), at(a), own(o.solve) {}

  Leaves values(const Leaves& in) const {
    Leaves out = with_gil([&] {
      const nb::object returned = at.call(f, in);
      if (!at.z.leaves.empty()) check_returned(returned, name);
      Flat value(returned);
      if (kind == Kind::fixed_point || kind == Kind::bracketed_root) match(value.def, at.z.def, name, "values of f");
      return std::move(value.leaves);
    });
    if (options.loss.shape != dini::Loss::Shape::squares) {
      for (Array& a : out) a = options.loss(a);
    }
    return out;
  }
  ErasedFunction erased() const {
    return [this](const Leaves& in) { return values(in); };
  }

  e::SolvedLeaves solve(const e::SolveRequest& request) {
    if (SolvesWithin::wanted()) {
      SolvedTree tree{at.z.def, {}};
      for (const Array& a : request.z0)
        tree.leaves.push_back({a.shape(), dini::is_floating(a.dtype()) ? a.dtype() : Dtype::float64, false});
      SolvesWithin::add({share_cpp(std::move(tree))});
    }
    e::SolvedLeaves found = computing([&] {
      try {
        return e::solve(request);
      } catch (const dini::SolveError&) {
        nb::gil_scoped_acquire gil;
        remember_tree(at.z.def);
        throw;
      }
    });
    forget_pending();  // of a function that reads values
    return found;
  }

  std::vector<nb::object> common(const e::SolveRequest& request, const e::SolvedLeaves& s) const {
    const auto& o = s.outcome;
    return {at.z.def.unflatten(s.z),
            object(o.status),
            object(o.steps),
            object(o.evaluations),
            object(o.residual_norm),
            object(o.error_estimate),
            object(o.history),
            object(o.method),
            names_of(request.options.solver.method()->methods(request.kind, dini::detail::restriction_of(request)))};
  }
};

nb::object made(nb::handle cls, const std::vector<nb::object>& members) { return call_python(cls, tuple_of(members)); }

// The two ends of something: a pair, or an object with `lower` and `upper`.
std::pair<nb::object, nb::object> ends_of(nb::handle h, const char* what) {
  if (PyObject_HasAttrString(h.ptr(), "lower") && PyObject_HasAttrString(h.ptr(), "upper"))
    return {h.attr("lower"), h.attr("upper")};
  if ((PyTuple_Check(h.ptr()) || PyList_Check(h.ptr())) && PySequence_Size(h.ptr()) == 2)
    return {nb::steal(PySequence_GetItem(h.ptr(), 0)), nb::steal(PySequence_GetItem(h.ptr(), 1))};
  throw nb::type_error((std::string(what) + " has to be a pair (lower, upper), got " + name_of_type(h)).c_str());
}

nb::object solve_bracket(const char* name, nb::object f, nb::handle bracket, nb::handle args, const Options& options) {
  const auto [lower, upper] = ends_of(bracket, "bracket");
  Arguments at(lower, args, 2);
  Flat high(upper);
  match(high.def, at.z.def, name, "ends of the bracket");
  Solver s(name, Kind::bracketed_root, f, options, at);
  const auto ends =
      computing([&] { return dini::detail::ends_of_bracket(at.z.leaves, high.leaves, s.erased(), at.theta); });
  Leaves theta = computing([&] {
    return Leaves{dini::detail::side_by_side(ends.first), dini::detail::side_by_side(ends.second)};
  });
  at.skip = 2;
  theta.insert(theta.end(), at.theta.begin(), at.theta.end());
  s.own = dini::detail::for_elementwise(s.own);
  const e::SolveRequest request{name, Kind::bracketed_root, s.erased(), ends.first, theta, at.z.def.text(), s.own};
  return made(classes().solution, s.common(request, s.solve(request)));
}

// The arrays of bounds, which may be None, a number for all, or a tree like z.
Leaves bound_of(nb::handle h) {
  if (h.is_none()) return {};
  return Flat(h).leaves;
}

nb::object solve(const char* name, Kind kind, nb::args args, nb::kwargs kwargs) {
  if (args.size() < 2)
    throw nb::type_error(
        (std::string(name) + ": is called with a function, a start and what the function takes before z").c_str());
  nb::object f = args[0], start = args[1];
  if (!PyCallable_Check(f.ptr()))
    throw nb::type_error(
        (std::string(name) + ": the first argument has to be a function, got " + name_of_type(f)).c_str());
  const bool optimum = kind == Kind::minimize || kind == Kind::least_squares;
  const Options options(kwargs, name,
                        kind == Kind::minimize ? std::initializer_list<std::string_view>{"bounds", "equal", "at_most"}
                        : kind == Kind::least_squares
                            ? std::initializer_list<std::string_view>{"bounds", "equal", "at_most", "loss"}
                        : kind == Kind::root ? std::initializer_list<std::string_view>{"bounds"}
                                             : std::initializer_list<std::string_view>{});
  Classes& c = classes();
  if (kind == Kind::root && start.type().is(c.bracket)) return solve_bracket(name, f, start, args, options);
  const bool constrained = !options.bounds.is_none() || !options.equal.is_none() || !options.at_most.is_none();
  const bool again = start.type().is(c.optimum) || start.type().is(c.solution);
  const bool resumes = start.type().is(c.optimum) && constrained;
  const Arguments at(again ? start.attr("value") : start, args, 2);
  Solver s(name, kind, f, options, at);
  if (resumes) s.own = dini::detail::resumed(s.own);
  e::SolveRequest request{name, kind, s.erased(), at.z.leaves, at.theta, at.z.def.text(), s.own};
  if (!options.bounds.is_none()) {
    const auto [lower, upper] = ends_of(options.bounds, "bounds");
    request.lower = bound_of(lower);
    request.upper = bound_of(upper);
  }
  request.equal = rows_of(at, options.equal, s.equal_def);
  request.at_most = rows_of(at, options.at_most, s.at_most_def);
  if (resumes) {
    request.with_multipliers = true;
    request.start_equal = bound_of(start.attr("duals").attr("equal"));
    request.start_at_most = bound_of(start.attr("duals").attr("at_most"));
  }
  const e::SolvedLeaves r = s.solve(request);
  std::vector<nb::object> members = s.common(request, r);
  if (!optimum) return made(c.solution, members);
  const Array objective = computing([&] {
    Leaves in = r.z;
    in.insert(in.end(), at.theta.begin(), at.theta.end());
    const Leaves values = s.values(in);
    return kind == Kind::minimize ? values.at(0) : dini::detail::half_square(values);
  });
  const dini::detail::ConstrainedLeaves k =
      constrained ? r.constrained : computing([&] { return dini::detail::no_constraints(r.z); });
  auto like = [](const TreeDef& def, const Leaves& leaves) {
    return def.nodes().empty() ? nb::none() : def.unflatten(leaves);
  };
  members.push_back(object(objective));
  members.push_back(made(c.duals, {at.z.def.unflatten(k.lower), at.z.def.unflatten(k.upper), like(s.equal_def, k.equal),
                                   like(s.at_most_def, k.at_most)}));
  for (const Array& a : {k.active, k.weakly_active, k.dependent}) members.push_back(object(a));
  members.push_back(
      made(c.duals, {at.z.def.unflatten(k.certificate_lower), at.z.def.unflatten(k.certificate_upper),
                     like(s.equal_def, k.certificate_equal), like(s.at_most_def, k.certificate_at_most)}));
  members.push_back(at.z.def.unflatten(k.ray));
  return made(c.optimum, members);
}

nb::object implicit_function(nb::args args, nb::kwargs kwargs) {
  const char* name = "implicit_function";
  if (args.size() < 2)
    throw nb::type_error("implicit_function: is called with conditions and a point, or a solver and conditions");
  const Options options(kwargs, name, {"has_aux"});
  nb::object conditions = args[0], z = args[1], aux;
  if (PyCallable_Check(args[1].ptr()) &&
      !is_array(args[1])) {  // (solver, conditions, θ...): what it finds at constant θ
    conditions = nb::borrow(args[1]);
    std::vector<nb::object> still;
    for (std::size_t k = 2; k < args.size(); ++k) {
      const Flat theta(args[k]);
      Leaves leaves;
      for (const Array& a : theta.leaves) leaves.push_back(dini::stop_gradient(a));
      still.push_back(theta.def.unflatten(leaves));
    }
    z = call_python(args[0], tuple_of(still));
    if (options.has_aux) {
      if (!PyTuple_Check(z.ptr()) || PyTuple_Size(z.ptr()) != 2)
        throw nb::type_error("implicit_function: with has_aux the solver has to return a pair (z, aux)");
      aux = nb::borrow(PyTuple_GetItem(z.ptr(), 1));
      z = nb::borrow(PyTuple_GetItem(z.ptr(), 0));
    }
  }
  const Arguments at(z, args, 2);
  nb::object f = conditions;
  if (aux.is_valid()) {  // conditions(θ..., z, aux)
    f = nb::cpp_function([conditions, aux](nb::args given) {
      std::vector<nb::object> all;
      for (nb::handle h : given) all.push_back(nb::borrow(h));
      all.push_back(aux);
      return call_python(conditions, tuple_of(all));
    });
  }
  Solver s(name, Kind::root, f, options, at);
  s.own.solver = dini::detail::given_point(options.solve.accept);
  const e::SolveRequest request{name, Kind::root, s.erased(), at.z.leaves, at.theta, at.z.def.text(), s.own};
  nb::object found = at.z.def.unflatten(s.solve(request).z);
  return aux.is_valid() ? nb::object(nb::make_tuple(found, aux)) : found;
}

nb::object quadratic_program(nb::handle P, nb::handle q, nb::handle A, nb::handle b, nb::handle G, nb::handle h,
                             nb::handle h_lower, nb::handle lower, nb::handle upper, nb::handle x0, nb::kwargs kwargs) {
  const char* name = "quadratic_program";
  const Options options(kwargs, name, {});
  auto maybe = [&](nb::handle x) { return x.is_none() ? Array() : to_array(x, name); };
  const dini::QuadraticProgram p{maybe(P), maybe(q),       maybe(A),     maybe(b),    maybe(G),
                                 maybe(h), maybe(h_lower), maybe(lower), maybe(upper)};
  Classes& c = classes();
  const bool again = x0.type().is(c.optimum);
  dini::Optimum<Array, Array, Array> start;
  if (again) {
    start.value = to_array(x0.attr("value"), name);
    nb::object duals = x0.attr("duals");
    start.duals = {maybe(duals.attr("lower")), maybe(duals.attr("upper")), maybe(duals.attr("equal")),
                   maybe(duals.attr("at_most"))};
  }
  const Array first = again ? Array() : maybe(x0);
  const auto r = computing([&] {
    return again ? dini::quadratic_program(p, options.solve, start) : dini::quadratic_program(p, options.solve, first);
  });
  auto duals = [&](const dini::Duals<Array, Array, Array>& d) {
    return made(c.duals, {object(d.lower), object(d.upper), object(d.equal), object(d.at_most)});
  };
  return made(c.optimum, {object(r.value), object(r.status.code), object(r.steps), object(r.evaluations),
                          object(r.residual_norm), object(r.error_estimate), object(r.history), object(r.method),
                          names_of(r.methods), object(r.objective), duals(r.duals), object(r.active),
                          object(r.weakly_active), object(r.dependent), duals(r.certificate), object(r.ray)});
}

}  // namespace

bool is_solution(nb::handle h) { return h.type().is(classes().solution) || h.type().is(classes().optimum); }

void bind_solve(nb::module_& m) {
  m.def("_set_classes", [](nb::object solution, nb::object optimum, nb::object duals, nb::object bracket) {
    classes() = {solution, optimum, duals, bracket};
  });
  // What every solve takes by name, and what some take besides.
  static constexpr const char* options =
      "\n\nOptions:\n\n"
      "    solver: a name, or dini.Newton(...) and its like, which say what is theirs; several are tried without one\n"
      "    tolerance: a bound on the residual's norm, t or (absolute, relative); as accurate as the dtype allows "
      "without one\n"
      "    max_steps, history: the most steps; how many residual norms are kept\n"
      "    adjoint: how the derivative's linear system is solved, a name or dini.GMRES(...) and its like\n"
      "    on_failure: \"raise\", \"nan\" or \"best\"\n"
      "    deadline, on_step: seconds; a function of (step, residual norm) that ends the solve by returning False\n"
      "    structure: \"symmetric\", \"positive_definite\" or \"diagonal\", of the Jacobian\n"
      "    stage: False where the function reads values\n"
      "    derivative_anyway, accept, ties, strict: whether there is a derivative where the solve failed, the residual "
      "is large, "
      "a bound is just met\n";
  auto def = [&](const char* name, Kind kind, const char* sig, const std::string& doc, const char* more,
                 const char* example) {
    m.def(
        name, [name, kind](nb::args args, nb::kwargs kwargs) { return solve(name, kind, args, kwargs); }, nb::sig(sig),
        table::keep(doc + options + more + "\n" + example));
  };
  const char* const bounds = "    bounds: (lower, upper), either of which may be None\n";
  const std::string constrained =
      std::string(bounds) + "    equal, at_most: h with h(*theta, z) = 0, g with g(*theta, z) <= 0\n";
  def("fixed_point", Kind::fixed_point,
      "def fixed_point(f: Callable[..., Any], z0: Any, *theta: Any, **options: Any) -> Solution",
      "z with z = f(*theta, z), from z0.",
      "A solver may also be a callable (f, z) -> z, which is given z as a row of numbers, and returns as many.\n",
      ">>> dini.fixed_point(lambda a, z: dini.cos(a * z), 0.5, 1.0).value.round(8)\nArray(0.73908513)");
  def("root", Kind::root, "def root(f: Callable[..., Any], z0: Any, *theta: Any, **options: Any) -> Solution",
      "z with 0 = f(*theta, z), from z0: as many equations as unknowns, in any tree; or between the ends of a Bracket.",
      bounds, ">>> dini.root(lambda a, z: z**2 - a, 1.0, 2.0).value.round(8)\nArray(1.41421356)");
  def("minimize", Kind::minimize,
      "def minimize(f: Callable[..., Any], z0: Any, *theta: Any, **options: Any) -> Optimum",
      "z with the scalar f(*theta, z) least near z0, within bounds and constraints.", constrained.c_str(),
      ">>> dini.minimize(lambda a, z: (z - a)**2, 0.0, 3.0).value.round(8)\nArray(3.0)");
  def("least_squares", Kind::least_squares,
      "def least_squares(f: Callable[..., Any], z0: Any, *theta: Any, **options: Any) -> Optimum",
      "z with the half sum of squares of f(*theta, z) least near z0, or of what `loss` makes of them.",
      (constrained + "    loss: dini.huber(width), soft_l1, cauchy or tukey\n").c_str(),
      ">>> dini.least_squares(lambda y, z: z - y, 0.0, dini.array([1.0, 2.0, 6.0])).value.round(8)\nArray(3.0)");
  m.def("implicit_function", &implicit_function,
        nb::sig("def implicit_function(conditions: Any, z: Any, *theta: Any, **options: Any) -> Any"),
        "z itself, however it was found, as a differentiable function of theta with 0 = conditions(*theta, z). Or "
        "implicit_function(solver, conditions, *theta): what solver(*theta) finds.");
  m.def("quadratic_program", &quadratic_program, nb::arg("P") = nb::none(), nb::arg("q") = nb::none(),
        nb::arg("A") = nb::none(), nb::arg("b") = nb::none(), nb::arg("G") = nb::none(), nb::arg("h") = nb::none(),
        nb::arg("h_lower") = nb::none(), nb::arg("lower") = nb::none(), nb::arg("upper") = nb::none(),
        nb::arg("x0") = nb::none(), nb::arg("options"),
        nb::sig("def quadratic_program(P: ArrayLike | None = None, q: ArrayLike | None = None, A: ArrayLike | None = "
                "None, b: ArrayLike "
                "| None = None, G: ArrayLike | None = None, h: ArrayLike | None = None, h_lower: ArrayLike | None = "
                "None, lower: "
                "ArrayLike | None = None, upper: ArrayLike | None = None, x0: Any = None, **options: Any) -> Optimum"),
        "x with x'Px/2 + q'x least, A x = b, h_lower <= G x <= h, lower <= x <= upper; differentiable in every array.");
}

}  // namespace pydini
