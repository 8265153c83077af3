#include "dini/solvers/newton_krylov.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/formed_state.hpp"
#include "dini/solvers/products.hpp"

namespace dini {

namespace detail {
namespace newton_krylov {

struct Method final : StepMethod {
  Method(const NewtonKrylov& solver, StepFunctions steps)
      : StepMethod(solver, std::move(steps)), by(solver.preconditioner.key()) {}
  std::string by;
  std::string key() const override { return StepMethod::key() + by; }
};

SolverState state(const Array& z, const Array& f, const Array& failure, const Array& evaluations,
                  const Array& forcing) {
  return {z, f, zeros({0}, z.dtype()), scalar_like(0, z), failure, evaluations, {}, {forcing}};
}

}  // namespace newton_krylov
}  // namespace detail

const detail::MethodTable<NewtonKrylov>& NewtonKrylov::table() {
  static const detail::MethodTable<NewtonKrylov> t{
      "newton_krylov",
      "Newton's method by products with the Jacobian, inside GMRES; for large z",
      {Kind::root, Kind::fixed_point},
      true,
      {{"restart", &NewtonKrylov::restart, {1}, "products between restarts of GMRES"},
       {"max_products", &NewtonKrylov::max_products, {1}, "of a step"},
       {"forcing",
        &NewtonKrylov::forcing,
        {0, 1, false, false},
        "the part of the residual that the first step leaves to its model"},
       {"most", &NewtonKrylov::most, {0, 1, false, false}, "of that part in later steps"},
       {"max_halvings", &NewtonKrylov::max_halvings, {}, "of a step, in the line search; 0: full steps"},
       {"slope", &NewtonKrylov::slope, {0, 1, true, false}, "the part of the predicted decrease that is wanted"}}};
  return t;
}

std::shared_ptr<const detail::SolverMethod> NewtonKrylov::method() const {
  using namespace detail;
  using newton_krylov::state;
  StepFunctions steps;
  // memory: η.
  steps.init = [o = *this](const SolverProblem& p, const Array& z0) {
    return state(z0, p.residual(z0), code(StatusCode::converged), array(std::int64_t{1}), scalar_like(o.forcing, z0));
  };
  steps.step = [o = *this](const SolverProblem& p, const SolverState& s) {
    const Array size = length_or_one(s.residual), eta = s.memory[0], one = scalar_like(1, size);
    KrylovOptions by{eta, o.max_products, o.restart};
    if (o.preconditioner) by.preconditioner = [&](const Array& v) { return o.preconditioner(v); };
    const KrylovResult r = gmres(products_at(p, s.z), -s.residual / size, by);
    // A correction that is not as good as was wanted is one, for as long as its model's residual is below F.
    const Array usable = isfinite(r.residual) & (r.residual < 0.999);
    const Array delta = where(usable, size * r.x, zeros_like(s.z));
    const Backtracked to = backtrack(p, s.z, s.residual, delta, s.floor, {o.max_halvings, o.slope});
    const Array fell = length(to.residual) / size, before = 0.9 * eta * eta, wanted = 0.9 * fell * fell;
    const Array next = minimum(where(before > 0.1, maximum(wanted, before), wanted), o.most * one);
    const Array useless =
        where(isfinite(r.residual),
              where(r.status == code(StatusCode::breakdown), code(StatusCode::singular), code(StatusCode::stagnated)),
              code(StatusCode::nonfinite));
    return state(to.z, to.residual, where(usable, to.failure, useless), s.evaluations + to.tried,
                 maximum(next, scalar_like(16 * epsilon(s.z.dtype()), s.z)));
  };
  steps.default_max_steps = 500;
  return std::make_shared<newton_krylov::Method>(*this, steps);
}

}  // namespace dini
