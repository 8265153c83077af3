#include "dini/implicit/fixed_point.hpp"

#include <cmath>
#include <limits>

#include "dini/core/index.hpp"
#include "dini/core/option_table.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/automatic.hpp"
#include "dini/solvers/bracketing.hpp"
#include "dini/solvers/constrained.hpp"
#include "dini/solvers/from_multipliers.hpp"
#include "dini/solvers/library.hpp"
#include "dini/transforms/elementwise_in.hpp"
#include "dini/transforms/host.hpp"
#include "dini/transforms/watch_op.hpp"

namespace dini::detail {

Array zeros_for_layer(const Array& a) { return zeros(a.shape(), is_floating(a.dtype()) ? a.dtype() : Dtype::float64); }

namespace {

ConstraintForm form_of(const SolveRequest& r) {
  ConstraintForm form{!r.lower.empty(), !r.upper.empty(), static_cast<bool>(r.equal), static_cast<bool>(r.at_most)};
  // A solver of problems with bounds solves one without as one whose bounds are infinite.
  const SolverMethod& m = *r.options.solver.method();
  if (!form.any() && m.takes() != Restriction::none && m.name() != "auto" && r.kind != Kind::bracketed_root)
    form.lower = true;
  return form;
}

const char* hint_of_solvers(Kind kind, Kinds of_solver) {
  if (kind == Kind::bracketed_root) return "; chandrupatla, itp and bisection are for it";
  if (kind == Kind::quadratic_program) return "; interior_point_qp is for it";
  if (kind != Kind::root) return "; newton is for it";
  return of_solver.has(Kind::bracketed_root) ? "; it wants a Bracket in the place of z0"
                                             : "; newton is for 0 = F(z), or write the equation as a fixed point";
}

void check_options(const SolveRequest& r) {
  const FixedPointOptions& o = r.options;
  auto bad = [&](const std::string& what) { throw ValueError(std::string(r.function) + ": " + what); };
  for (const auto& t : {o.tolerance.absolute, o.tolerance.relative}) {
    if (t && !(*t >= 0)) bad("tolerance must be 0 or more, got " + std::to_string(*t));
  }
  if (o.max_steps < -1) bad("max_steps must be 0 or more, got " + std::to_string(o.max_steps));
  if (o.history < 0) bad("history must be 0 or more, got " + std::to_string(o.history));
  if (!(o.accept >= 0)) bad("accept must be 0 or more, got " + std::to_string(o.accept));
  const SolverMethod& m = *o.solver.method();
  if (!m.kinds().has(r.kind)) {
    bad("the solver " + m.name() + " is for " + m.kinds().text() + ", got a problem of kind " + name(r.kind) +
        hint_of_solvers(r.kind, m.kinds()));
  }
  const Restriction restriction = restriction_of(r);
  const bool tried = m.name() != "auto" || !trials_of(r.kind, restriction).empty();
  if (!tried || m.takes() < restriction) {
    std::string takers;
    for (const MethodInfo<Solver>& info : library_solvers()) {
      if (info.kinds.has(r.kind) && info.takes >= restriction) takers += (takers.empty() ? "" : ", ") + info.name;
    }
    bad("the solver " + m.name() + " takes " + name(tried ? m.takes() : Restriction::none) + ", got a problem with " +
        name(restriction) + (takers.empty() ? "; no solver of this kind takes them" : "; those that do: " + takers));
  }
  // To the theorem a root is a root, and a minimum a minimum, however it was found.
  const bool program = r.kind == Kind::quadratic_program, bracket = r.kind == Kind::bracketed_root;
  o.adjoint.check(program ? Kind::minimize : bracket ? Kind::root : r.kind);
  if (!m.may_outlive()) {
    for (const Trace* t = current_trace().get(); t; t = t->parent().get()) {
      if (t->kind() == "jit") {
        throw TraceError(
            std::string(r.function) +
            ": the compiled function would keep a copy of the solver, whose captures by reference would dangle. "
            "Capture by value and pass owning(solver).");
      }
    }
    if (o.adjoint.name() == SameSolver::table().name) {
      throw TraceError(
          std::string(r.function) +
          ": with the adjoint same_solver a pullback keeps a copy of the solver, whose captures by reference would "
          "dangle. Capture by value and pass owning(solver).");
    }
  }
}

// The leaves of z side by side in one array of one axis, and back.
struct Ravel {
  std::vector<Aval> parts;
  Dtype dtype = Dtype::float64;
  std::int64_t size = 0;

  Array flat(const Leaves& leaves) const {
    if (leaves.size() == 1) return reshape(astype(leaves[0], dtype), {size});
    Leaves pieces;
    for (const Array& a : leaves) pieces.push_back(ravel(astype(a, dtype)));
    return pieces.empty() ? zeros({0}, dtype) : concatenate(pieces);
  }
  Leaves unflat(const Array& z) const {
    if (parts.size() == 1) return {reshape(z, parts[0].shape)};
    Leaves out;
    std::int64_t at = 0;
    for (const Aval& p : parts) {
      out.push_back(astype(reshape(z(slice(at, at + p.shape.size())), p.shape), p.dtype));
      at += p.shape.size();
    }
    return out;
  }
};

// Gives an error on its way out the leaves of z, for lanes with their axes in front.
void add_parts(SolveError& e, const Ravel& z) {
  if (!e.parts.empty() || !e.value.defined() || e.value.ndim() == 0 || e.value.shape().back() != z.size) return;
  TraceScope scope(nullptr);
  std::int64_t at = 0;
  for (const Aval& p : z.parts) {
    std::vector<std::int64_t> lengths = e.value.shape().vector();
    lengths.pop_back();
    lengths.insert(lengths.end(), p.shape.begin(), p.shape.end());
    e.parts.push_back(astype(reshape(e.value(ellipsis, slice(at, at + p.shape.size())), lengths), p.dtype));
    at += p.shape.size();
  }
}

// Rows in one array, and what they were.
Array ravelled_rows(const std::string& name, const Leaves& values, Dtype dtype, Ravel& rows) {
  rows = {};
  rows.dtype = dtype;
  for (const Array& v : values) {
    if (!v.defined()) throw ValueError(name + ": a constraint returned an array that was never assigned");
    if (v.dtype() == Dtype::bool_) {
      throw DtypeError(name + ": a constraint returned truth values; it has to return what is to be 0, or at most 0");
    }
    rows.parts.push_back({v.shape(), dtype, false});
    rows.size += v.size();
  }
  return rows.flat(values);
}

void check_multipliers(const std::string& name, const std::string& of, const Array& multipliers, std::int64_t rows) {
  if (multipliers.size() == rows) return;
  throw ShapeError(name + ": the start has " + std::to_string(multipliers.size()) + " multipliers in duals." + of +
                   " for " + std::to_string(rows) + " rows; it has to be of the same constraints, or its value alone");
}

// Bounds in one array like z's.
Array ravelled_bound(const std::string& name, const Leaves& bound, const Ravel& z) {
  if (bound.size() != 1 && bound.size() != z.parts.size()) {
    throw ValueError(name + ": bounds are one array or a tree like z, of " + std::to_string(z.parts.size()) +
                     " arrays; got " + std::to_string(bound.size()));
  }
  Leaves like_z;
  for (std::size_t k = 0; k < z.parts.size(); ++k) {
    const Array& b = bound[bound.size() == 1 ? 0 : k];
    if (!b.defined()) throw ValueError(name + ": a bound has an array that was never assigned");
    if (b.concrete() && is_floating(b.dtype())) {
      for (double v : b.to_vector<double>()) {
        if (std::isnan(v)) throw ValueError(name + ": a bound is NaN; where there is none, it is an infinity");
      }
    }
    like_z.push_back(broadcast_to(astype(b, z.dtype), z.parts[k].shape));
  }
  return z.flat(like_z);
}

ConstrainedLeaves constrained_leaves(const Outcome& out, const Ravel& z, const Ravel& equal, const Ravel& at_most) {
  if (out.constrained.empty()) return {};
  const Array none = out.z;
  const ActiveSet mask{none, none, none};
  const Leaves parts(out.constrained.begin(), out.constrained.end() - 1);
  const auto end = unflatten(ConstrainedEnd{none, none, mask, mask, none, none, none, none, none, none}, parts);
  // Where both of a variable's bounds are active, they are equal, and the sign says whose the multiplier is. One that is 0 may be less by a
  // rounding: that goes, and its derivative stays.
  auto not_negative = [](const Array& m) { return m + stop_gradient(maximum(-m, zeros_like(m))); };
  const Array mu = out.constrained.back(), nothing = zeros_like(mu);
  const Array lower = end.strict.lower | end.weak.lower, upper = end.strict.upper | end.weak.upper;
  ConstrainedLeaves r;
  r.lower = z.unflat(where(lower & (~upper | (mu > 0)), not_negative(mu), nothing));
  r.upper = z.unflat(where(upper & (~lower | (mu <= 0)), not_negative(-mu), nothing));
  r.equal = equal.unflat(end.equal);
  r.at_most = at_most.unflat(not_negative(end.at_most));
  r.active = count(end.strict);
  r.weakly_active = count(end.weak);
  r.dependent = end.dependent;
  r.certificate_lower = z.unflat(end.certificate_lower);
  r.certificate_upper = z.unflat(end.certificate_upper);
  r.certificate_equal = equal.unflat(end.certificate_equal);
  r.certificate_at_most = at_most.unflat(end.certificate_at_most);
  r.ray = z.unflat(end.ray);
  return r;
}

// A hint for who has f's arguments in another order.
const char* const z_is_last = " (f is called with its parameters first and z last)";

// Whether there are as many equations as unknowns.
bool is_square(Kind kind) { return kind == Kind::root || kind == Kind::fixed_point || kind == Kind::bracketed_root; }

// f's values in one array, or of a minimum its scalar.
Array checked_values(const SolveRequest& request, const Leaves& values, const Ravel& z) {
  const std::string name = request.function;
  std::int64_t n = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const Array& v = values[k];
    n += v.size();
    const bool alike = request.kind == Kind::fixed_point || request.kind == Kind::bracketed_root;
    if (alike && v.shape() != z.parts[k].shape) {
      throw ShapeError(name + ": f returns shape " + v.shape().str() + " for z of shape " + z.parts[k].shape.str() +
                       z_is_last);
    }
    if (!is_floating(v.dtype()) || (promote(v.dtype(), z.dtype) != z.dtype && !v.weak())) {
      throw DtypeError(name + ": f returns " + dini::name(v.dtype()) + " for z of dtype " + dini::name(z.dtype) +
                       "; convert z0 or f's value with astype");
    }
  }
  auto shapes_of = [](const auto& arrays, const auto& shape) {
    std::string out;
    for (const auto& a : arrays) out += (out.empty() ? "" : ", ") + shape(a).str();
    return out;
  };
  const std::string shapes = shapes_of(values, [](const Array& v) { return v.shape(); });
  if (request.kind == Kind::minimize || request.kind == Kind::quadratic_program) {
    if (values.size() != 1 || values[0].ndim() != 0) {
      throw ShapeError(name + ": what is made least has to be a scalar, got shape " + shapes +
                       "; for sums of squares there is least_squares" + z_is_last);
    }
    return astype(values[0], z.dtype);
  }
  if (is_square(request.kind) && n != z.size) {
    throw ShapeError(name + ": " + std::to_string(n) + " equations (shape " + shapes + ") for " +
                     std::to_string(z.size) + " unknowns (shape " +
                     shapes_of(z.parts, [](const Aval& p) { return p.shape; }) + ")" + z_is_last);
  }
  if (values.size() == 1) return reshape(astype(values[0], z.dtype), {n});
  Leaves pieces;
  for (const Array& v : values) pieces.push_back(ravel(astype(v, z.dtype)));
  return pieces.empty() ? zeros({0}, z.dtype) : concatenate(pieces);
}

}  // namespace

FixedPointOptions resumed(FixedPointOptions options) {
  options.solver = Solver(from_multipliers(options.solver.method()));
  return options;
}

Restriction restriction_of(const SolveRequest& request) { return form_of(request).restriction(); }

SolvedLeaves solve_leaves(const SolveRequest& request) {
  check_options(request);
  const std::string name = request.function;
  Ravel ravelled;
  Leaves z0 = request.z0;
  bool first = true;
  for (Array& a : z0) {
    if (!a.defined()) throw ValueError(name + ": z0 has an array that was never assigned");
    if (!is_floating(a.dtype()))
      a = astype(a, Dtype::float64);
    else if (a.weak())
      a = astype(a, a.dtype());
    ravelled.parts.push_back({a.shape(), a.dtype(), false});
    ravelled.size += a.size();
    ravelled.dtype = first ? a.dtype() : promote(ravelled.dtype, a.dtype());
    first = false;
  }
  const Array start = ravelled.flat(z0);

  const ConstraintForm form = form_of(request);
  Leaves theta;
  const Leaves lower = request.lower.empty() ? Leaves{Array(-std::numeric_limits<double>::infinity())} : request.lower;
  if (form.lower) theta.push_back(ravelled_bound(name, lower, ravelled));
  if (form.upper) theta.push_back(ravelled_bound(name, request.upper, ravelled));
  if (request.with_multipliers) {
    for (const Leaves& of_start : {request.start_equal, request.start_at_most}) {
      Ravel rows;
      theta.push_back(stop_gradient(ravelled_rows(name, of_start, ravelled.dtype, rows)));
    }
  }
  const std::size_t own = theta.size();
  theta.insert(theta.end(), request.theta.begin(), request.theta.end());

  // [z, bounds..., multipliers of the start..., θ leaves...] -> the map, ravelled, and the constraints
  Ravel equal, at_most;
  auto map = [&](const Leaves& in) {
    Leaves arguments = ravelled.unflat(in[0]);
    arguments.insert(arguments.end(), in.begin() + 1 + static_cast<std::ptrdiff_t>(own), in.end());
    Leaves values{checked_values(request, request.f(arguments), ravelled)};
    if (form.equal) values.push_back(ravelled_rows(name, request.equal(arguments), ravelled.dtype, equal));
    if (form.at_most) values.push_back(ravelled_rows(name, request.at_most(arguments), ravelled.dtype, at_most));
    return values;
  };

  SolveSettings settings;
  settings.kind = request.kind;
  settings.method = request.options.solver.method();
  settings.stop = {request.options.tolerance, request.options.max_steps, request.options.history, nullptr, {},
                   request.options.strict};
  if (request.options.watch.wanted()) settings.stop.watch = std::make_shared<WatchOpaque>(request.options.watch);
  settings.adjoint = request.options.adjoint;
  settings.structure = request.options.structure;
  settings.on_failure = request.options.on_failure;
  settings.derivative_anyway = request.options.derivative_anyway;
  settings.accept = request.options.accept;
  settings.form = form;
  settings.ties = request.options.ties;

  if (request.options.stage) {
    std::optional<Staged> staged;
    std::vector<Aval> avals{{Shape{ravelled.size}, ravelled.dtype, false}};
    for (const Array& a : theta) avals.push_back(a.aval());
    try {
      staged = stage(map, avals, request.function);
    } catch (const HostReadError&) {
      if (anything_abstract()) throw;  // else the map is called with values
    }
    if (staged) {
      if (!settings.structure.known() && !form.any() && is_square(request.kind))
        settings.structure.diagonal = is_elementwise(*staged->program, 0);
      if (request.with_multipliers) {
        check_multipliers(name, "equal", theta[form.bounds()], equal.size);
        check_multipliers(name, "at_most", theta[form.bounds() + 1], at_most.size);
      }
      theta.insert(theta.end(), staged->captured.begin(), staged->captured.end());
      Outcome out;
      try {
        out = solve(staged->program, settings, start, theta);
      } catch (SolveError& e) {
        add_parts(e, ravelled);
        throw;
      }
      return {ravelled.unflat(out.z), out, constrained_leaves(out, ravelled, equal, at_most)};
    }
  }
  if (form.any()) {
    throw TraceError(name +
                     ": with bounds or constraints the functions are traced; they may not read values, and stage = "
                     "false is for problems without");
  }
  if (anything_abstract()) {
    throw TraceError(
        name + ": with stage = false the function is called with values, which there are none of under jit and vmap");
  }
  auto of_z = [&](const Array& z) {
    Leaves in{z};
    in.insert(in.end(), request.theta.begin(), request.theta.end());
    return map(in)[0];
  };
  if (request.kind == Kind::bracketed_root)
    settings.method = in_bracket(settings.method, request.theta[0], request.theta[1]);
  Outcome out = solve_eagerly(of_z, settings, start);
  return {ravelled.unflat(out.z), out, {}};
}

}  // namespace dini::detail
