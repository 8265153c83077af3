#include "apps/dini/equation.hpp"

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
  return out;
}

Solution<Array> solve_lane(const Problem& p, const Problem::Inputs& inputs, const Array& z0,
                           const FixedPointOptions& options) {
  auto map = [&](const Array& z) { return map_at(p, inputs, z); };
  // A point that is given is a root like any other.
  const bool looked_for = options.solver.method()->kinds().has(Kind::bracketed_root);
  if (p.bracket && looked_for) return root(map, bracket_of(p, z0.shape()), options);
  return solve_kind(*p.kind, map, z0, options);
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

Array solution_at(const Problem& p, const Problem::Inputs& inputs, const Array& z, const FixedPointOptions& options,
                  const Array& added) {
  if (!p.kind) {
    const Array value = p.evaluate(*p.formula, inputs);
    return is_floating(value.dtype()) ? astype(value, p.dtype) : value;
  }
  if (!added.defined()) return solve_lane(p, inputs, z, options).value;
  // To the gradient of an optimum it is added as the linear function that it is the slope of.
  const bool square = p.kind == Kind::root || p.kind == Kind::fixed_point;
  return solve_kind(
             square ? *p.kind : Kind::minimize,
             [&](const Array& at) {
               const Array value = map_at(p, inputs, at);
               if (square) return value + added;
               return (p.kind == Kind::least_squares ? detail::half_square({value}) : value) + sum(added * at);
             },
             z, options)
      .value;
}

Array loss_at(const Problem& p, const Problem::Inputs& inputs, const Array& z) {
  const Array loss = p.evaluate(*p.loss, inputs, z);
  if (loss.ndim() != 0) {
    throw ProblemError("`loss`: a scalar is wanted, its shape is " + loss.shape().str() + "; sum(...) makes one");
  }
  return astype(loss, p.dtype);
}

Array adjoint_residual(const Problem& p, const Problem::Inputs& inputs, const Array& z, const Array& u) {
  const Array w = grad([&](const Array& at) { return loss_at(p, inputs, at); })(z);
  const detail::SolverProblem equation =
      detail::implicit::problem_of([&](const Array& at) { return map_at(p, inputs, at); }, *p.kind, {});
  return norm(vjp([&](const Array& at) { return equation.residual(at); }, z).pullback(u) + w);
}

}  // namespace dini::app
