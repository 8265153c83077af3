#include "apps/dini/equation.hpp"

#include "apps/dini/constraints.hpp"
#include "apps/dini/program.hpp"
#include "apps/dini/solvers.hpp"
#include "dini/implicit/bracket.hpp"
#include "dini/implicit/optimum.hpp"
#include "dini/implicit/solve_spec.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::app {

namespace {

template <class F>
Solution<Array> solve_kind(Kind kind, const F& f, const Array& z0, const FixedPointOptions& options) {
  switch (kind) {
    case Kind::root: return detail::solve_tree<Kind::root>("root", f, z0, options);
    case Kind::fixed_point: return detail::solve_tree<Kind::fixed_point>("fixed_point", f, z0, options);
    case Kind::minimize: return detail::solve_tree<Kind::minimize>("minimize", f, z0, options);
    case Kind::least_squares:
    case Kind::quadratic_program:
    case Kind::bracketed_root: break;
  }
  return detail::solve_tree<Kind::least_squares>("least_squares", f, z0, options);
}

}  // namespace

Array map_at(const Problem& p, const Problem::Inputs& inputs, const Array& z) {
  const Array out = astype(p.evaluate(*p.formula, inputs, z), p.dtype);
  if (p.kind == Kind::minimize && out.ndim() != 0) {
    throw ProblemError("`formula`: to minimise, a scalar is wanted; its shape is " + out.shape().str());
  }
  if ((p.kind == Kind::root || p.kind == Kind::fixed_point) && out.shape() != z.shape()) {
    throw ProblemError("`formula`: its shape is " + out.shape().str() + ", that of z is " + z.shape().str() +
                       "; as many equations as unknowns are wanted");
  }
  return p.robust ? make_robust(p)(out) : out;
}

Array objective_of(const Problem& p, const Array& value) {
  return p.kind == Kind::least_squares ? detail::half_square({value}) : value;
}

Equation equation_of(const Problem& p, const Problem::Inputs& inputs, const Array& added) {
  const bool square = p.kind == Kind::root || p.kind == Kind::fixed_point;
  auto map = [&](const Array& z) { return map_at(p, inputs, z); };
  if (!added.defined()) return {*p.kind, map};
  // To the gradient of an optimum it is added as the linear function that it is the slope of.
  if (!square)
    return {Kind::minimize, [&p, map, added](const Array& z) { return objective_of(p, map(z)) + sum(added * z); }};
  return {*p.kind, [map, added](const Array& z) { return map(z) + added; }};
}

Found solve_lane(const Problem& p, const Problem::Inputs& inputs, const Point& start, const FixedPointOptions& options,
                 const Array& added) {
  if (!p.program.empty()) return solve_program(p, inputs, start, options, added);
  if (p.constrained()) return solve_within(p, inputs, start, options, added);
  const Array& z0 = start.at("z");
  const Equation equation = equation_of(p, inputs, added);
  // A point that is given is a root like any other.
  const bool looked_for = options.solver.method()->kinds().has(Kind::bracketed_root);
  Found out;
  if (p.bracket && looked_for)
    out.solution = root(equation.map, bracket_of(p, z0.shape()), options);
  else
    out.solution = solve_kind(equation.kind, equation.map, z0, options);
  out.point["z"] = out.solution.value;
  if (*p.kind != Kind::root && *p.kind != Kind::fixed_point)
    out.point["objective"] = objective_of(p, map_at(p, inputs, out.solution.value));
  return out;
}

Bracket<Array> bracket_of(const Problem& p, const Shape& shape) {
  auto end = [&](const Array& a) {
    if (a.ndim() > shape.ndim() || broadcast_shapes(a.shape(), shape, "`bracket`") != shape) {
      throw ProblemError("`bracket`: an end of shape " + a.shape().str() + " does not fit z of shape " + shape.str());
    }
    return broadcast_to(a, shape);
  };
  return {end(p.bracket->first), end(p.bracket->second)};
}

Point solution_at(const Problem& p, const Problem::Inputs& inputs, const Point& found, const FixedPointOptions& options,
                  const Array& added) {
  if (p.kind) return solve_lane(p, inputs, found, options, added).point;
  const Array value = p.evaluate(*p.formula, inputs);
  return {{"z", is_floating(value.dtype()) ? astype(value, p.dtype) : value}};
}

Array loss_at(const Problem& p, const Problem::Inputs& inputs, const Point& point) {
  const Array loss = p.evaluate_found(*p.loss, inputs, point);
  if (loss.ndim() != 0) {
    throw ProblemError("`loss`: a scalar is wanted, its shape is " + loss.shape().str() + "; sum(...) makes one");
  }
  return astype(loss, p.dtype);
}

Array adjoint_residual(const Problem& p, const Problem::Inputs& inputs, const Point& point, const Array& u) {
  const Array& z = point.at("z");
  const Array w = grad([&](const Array& at) {
    Point moved = point;
    moved["z"] = at;
    if (moved.count("objective")) moved["objective"] = objective_of(p, map_at(p, inputs, at));
    return loss_at(p, inputs, moved);
  })(z);
  const detail::SolverProblem equation =
      detail::implicit::problem_of([&](const Array& at) { return map_at(p, inputs, at); }, *p.kind, {});
  return norm(vjp([&](const Array& at) { return equation.residual(at); }, z).pullback(u) + w);
}

}  // namespace dini::app
