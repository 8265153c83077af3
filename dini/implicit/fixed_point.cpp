#include "dini/implicit/fixed_point.hpp"

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/host.hpp"

namespace dini::detail {

Array zeros_for_layer(const Array& a) { return zeros(a.shape(), is_floating(a.dtype()) ? a.dtype() : Dtype::float64); }

namespace {

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
  if (!r.fixed_point && m.fixed_point_only()) {
    bad("the solver " + m.name() +
        " is for fixed points z = f(z); for 0 = F(z) use newton, or write the equation as a fixed point");
  }
  if (!m.may_outlive()) {
    for (const Trace* t = current_trace().get(); t; t = t->parent().get()) {
      if (t->kind() == "jit") {
        throw TraceError(
            std::string(r.function) +
            ": the compiled function would keep a copy of the solver, whose captures by reference would dangle. "
            "Capture by value and pass owning(solver).");
      }
    }
    if (o.adjoint.kind == Adjoint::Kind::same_solver) {
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

}  // namespace

std::pair<Leaves, Outcome> solve_leaves(const SolveRequest& request) {
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

  // [z, θ leaves...] -> the map, ravelled
  auto map = [&](const Leaves& in) {
    Leaves arguments = ravelled.unflat(in[0]);
    arguments.insert(arguments.end(), in.begin() + 1, in.end());
    const Leaves values = request.f(arguments);
    std::int64_t n = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
      const Array& v = values[k];
      n += v.size();
      if (request.fixed_point && v.shape() != ravelled.parts[k].shape) {
        throw ShapeError(name + ": f returns shape " + v.shape().str() + " for z of shape " +
                         ravelled.parts[k].shape.str());
      }
      if (!is_floating(v.dtype()) || (promote(v.dtype(), ravelled.dtype) != ravelled.dtype && !v.weak())) {
        throw DtypeError(name + ": f returns " + dini::name(v.dtype()) + " for z of dtype " +
                         dini::name(ravelled.dtype) + "; convert z0 or f's value with astype");
      }
    }
    if (n != ravelled.size) {
      std::string shapes;
      for (const Array& v : values) shapes += (shapes.empty() ? "" : ", ") + v.shape().str();
      std::string unknowns;
      for (const Aval& p : ravelled.parts) unknowns += (unknowns.empty() ? "" : ", ") + p.shape.str();
      throw ShapeError(name + ": " + std::to_string(n) + " equations (shape " + shapes + ") for " +
                       std::to_string(ravelled.size) + " unknowns (shape " + unknowns + ")");
    }
    if (values.size() == 1) return Leaves{reshape(astype(values[0], ravelled.dtype), {ravelled.size})};
    Leaves pieces;
    for (const Array& v : values) pieces.push_back(ravel(astype(v, ravelled.dtype)));
    return Leaves{pieces.empty() ? zeros({0}, ravelled.dtype) : concatenate(pieces)};
  };

  SolveSettings settings;
  settings.fixed_point = request.fixed_point;
  settings.method = request.options.solver.method();
  settings.stop = {request.options.tolerance, request.options.max_steps, request.options.history};
  settings.adjoint = request.options.adjoint.resolved(ravelled.size, request.fixed_point);
  settings.on_failure = request.options.on_failure;
  settings.derivative_anyway = request.options.derivative_anyway;
  settings.accept = request.options.accept;

  if (request.options.stage) {
    std::optional<Staged> staged;
    std::vector<Aval> avals{{Shape{ravelled.size}, ravelled.dtype, false}};
    for (const Array& a : request.theta) avals.push_back(a.aval());
    try {
      staged = stage(map, avals, request.function);
    } catch (const HostReadError&) {
      if (anything_abstract()) throw;  // else the map is called with values
    }
    if (staged) {
      Leaves theta = request.theta;
      theta.insert(theta.end(), staged->captured.begin(), staged->captured.end());
      Outcome out = solve(staged->program, settings, start, theta);
      return {ravelled.unflat(out.z), out};
    }
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
  Outcome out = solve_eagerly(of_z, settings, start);
  return {ravelled.unflat(out.z), out};
}

}  // namespace dini::detail
