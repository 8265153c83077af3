#include "dini/solvers/augmented_lagrangian.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/augmented_merit.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/feasibility.hpp"
#include "dini/solvers/objective.hpp"
#include "dini/solvers/projected_step.hpp"
#include "dini/transforms/control.hpp"

namespace dini {

namespace detail {
namespace augmented_lagrangian {

struct Memory {
  BoundedState at;
  PenaltyWeights weights;
  Array tolerance, violation, first_value;  // of the inner problem; how far from the rows the last one ended
  auto tree() { return std::tie(at, weights, tolerance, violation, first_value); }
};

class Steps {
 public:
  Steps(const AugmentedLagrangian& o, const SolverProblem& p, const Array& z0)
      : options_(o), problem_(p), z0_(z0), program_(problem_, z0) {}

  ConstrainedState init(const Array& start) const {
    const Array z = clip(start, program_.bounds().lower, program_.bounds().upper), one = scalar_like(1, z);
    const NonlinearProgram::Values v = program_.values(z);
    Memory m;
    m.weights = {zeros_like(v.equal), zeros_like(v.at_most), options_.penalty * one};
    if (!(options_.penalty > 0)) {
      const Array broken = infeasibility(v), there = broken > 0;
      m.weights.rho = clip(abs(v.objective) / where(there, broken, one), 1e-6 * one, 10 * one);
      m.weights.rho = where(there, m.weights.rho, 10 * one);
    }
    m.at = projected_start(augmented_merit(program_, m.weights, z0_), z, 0);
    m.tolerance = 1e-3 * one;
    m.violation = penalty_violation(v, m.weights);
    m.first_value = v.objective;
    ConstrainedState s = state(m, point(m.at), array(std::int64_t{1}));
    s.failure = where(isfinite(m.at.here.value), code(StatusCode::converged), code(StatusCode::nonfinite));
    s.failure = where(contradictory(program_.bounds()), code(StatusCode::infeasible), s.failure);
    return s;
  }

  ConstrainedState step(const ConstrainedState& s) const {
    Memory like;
    like.at.here.more = flatten(PenalizedPoint());
    const Memory m = unflatten(like, s.memory);
    Memory n = m;
    n.at = projected_step(augmented_merit(program_, m.weights, z0_), m.at, 1e-4, 20);
    const PenalizedPoint p = point(n.at);
    const Array solved = (n.at.here.error <= m.tolerance) | n.at.stuck;
    ConstrainedState next = state(n, p, s.evaluations + 1);
    next.failure = failure(n, p, solved);
    next.memory = flatten(cond(
        solved, [&](const Memory& q) { return with_new_weights(q); }, [](const Memory& q) { return q; }, n));
    return next;
  }

 private:
  AugmentedLagrangian options_;
  SolverProblem problem_;
  Array z0_;
  NonlinearProgram program_;

  PenalizedPoint point(const BoundedState& at) const { return unflatten(PenalizedPoint(), at.here.more); }

  ConstrainedState state(const Memory& m, const PenalizedPoint& p, const Array& evaluations) const {
    return {m.at.z,
            program_.equal_of(p.equal),
            program_.at_most_of(p.at_most),
            program_.error(m.at.z, p.values, p.slopes, p.equal, p.at_most),
            code(StatusCode::converged),
            evaluations,
            flatten(m)};
  }

  // The next inner problem, from where the last one has ended.
  Memory with_new_weights(const Memory& m) const {
    const PenalizedPoint p = point(m.at);
    const Array least = scalar_like(0.1 * solution_tolerance(m.at.z.dtype()), m.at.z);
    Memory n = m;
    n.violation = penalty_violation(p.values, m.weights);
    n.weights.equal = clip(p.equal, -largest_multiplier, largest_multiplier);
    n.weights.at_most = clip(p.at_most, 0.0, largest_multiplier);
    n.weights.rho = where(n.violation > 0.5 * m.violation, options_.growth * m.weights.rho, m.weights.rho);
    n.tolerance = maximum(0.1 * m.tolerance, least);
    n.at.here = augmented_merit(program_, n.weights, z0_).model(m.at.z);
    n.at.radius = maximum(m.at.radius, 0.1 * maximum(length(m.at.z), scalar_like(1, m.at.z)));
    n.at.stuck = array(false);
    return n;
  }

  Array failure(const Memory& m, const PenalizedPoint& p, const Array& solved) const {
    const Array &z = m.at.z, &rho = m.weights.rho;
    const double eps = epsilon(z.dtype()), root = std::sqrt(eps);
    const Array violation = program_.violation(z, p.values, p.slopes);
    Array out = where(solved & (rho > 1 / eps), code(StatusCode::stagnated), code(StatusCode::converged));
    // Penalties that outweigh all else have led to where the violation is least, and it is not 0.
    const Array last = penalty_violation(p.values, m.weights), least = (last > 0.99 * m.violation) & (rho > 1e6);
    out = where(solved & ~m.at.stuck & least & (violation > root), code(StatusCode::infeasible), out);
    const Array endless = falls_without_end(p.values.objective, m.first_value);
    return where(endless, where(violation <= root, code(StatusCode::unbounded), code(StatusCode::diverged)), out);
  }

  static constexpr double largest_multiplier = 1e20;
};

}  // namespace augmented_lagrangian
}  // namespace detail

const detail::MethodTable<AugmentedLagrangian>& AugmentedLagrangian::table() {
  static const detail::MethodTable<AugmentedLagrangian> t{
      "augmented_lagrangian",
      "multipliers and penalties for constraints, bounds kept to; forms the Hessian",
      {Kind::minimize, Kind::least_squares},
      true,
      {{"penalty",
        &AugmentedLagrangian::penalty,
        {},
        "the first weight of violations; 0: by the size of the objective"},
       {"growth",
        &AugmentedLagrangian::growth,
        {1, 1e6, false, true},
        "of that weight where the violation has not halved"}},
      Restriction::general};
  return t;
}

std::shared_ptr<const detail::SolverMethod> AugmentedLagrangian::method() const {
  using namespace detail;
  return std::make_shared<ConstrainedMethod>(*this, [o = *this](const SolverProblem& p, const Array& z0) {
    const auto steps = std::make_shared<augmented_lagrangian::Steps>(o, p, z0);
    return ConstrainedSteps{[steps](const Array& start) { return steps->init(start); },
                            [steps](const ConstrainedState& s) { return steps->step(s); }, 2000};
  });
}

}  // namespace dini
