#include "dini/solvers/augmented_merit.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/criterion.hpp"

namespace dini::detail {

namespace augmented_merit_of {

Array positive(const Array& v) { return maximum(v, zeros_like(v)); }

Array value_of(const NonlinearProgram::Values& v, const PenaltyWeights& w) {
  return v.objective + dot(w.equal + 0.5 * w.rho * v.equal, v.equal) +
         sum(square(positive(w.at_most + w.rho * v.at_most)) - square(w.at_most)) / (2 * w.rho);
}

}  // namespace augmented_merit_of

BoundedMerit augmented_merit(const NonlinearProgram& program, const PenaltyWeights& w, const Array& z0) {
  using augmented_merit_of::positive, augmented_merit_of::value_of;
  BoundedMerit out;
  out.bounds = program.bounds();
  out.value = [=, &program](const Array& z) { return value_of(program.values(z), w); };
  out.model = [=, &program](const Array& z) {
    PenalizedPoint own;
    own.values = program.values(z);
    own.equal = w.equal + w.rho * own.values.equal;
    own.at_most = positive(w.at_most + w.rho * own.values.at_most);
    own.slopes = program.slopes(z, own.equal, own.at_most);
    const Array &c = own.slopes.equal, &g = own.slopes.at_most;
    const Array active = expand_dims(astype(own.at_most > 0, z.dtype()), 1) * g;
    BoundedModel m;
    m.value = value_of(own.values, w);
    m.gradient = own.slopes.gradient + dot(own.equal, c) + dot(own.at_most, g);
    m.hessian = own.slopes.hessian + w.rho * (dot(transpose(c), c) + dot(transpose(active), active));
    const Array forces = abs(own.slopes.gradient) + dot(abs(own.equal), abs(c)) + dot(own.at_most, abs(g));
    m.error = bounded_error(m.gradient, forces + dot(abs(own.slopes.hessian), abs(z)), program.bounds(), z, z0);
    m.more = flatten(own);
    return m;
  };
  return out;
}

Array penalty_violation(const NonlinearProgram::Values& v, const PenaltyWeights& w) {
  Array worst = scalar_like(0, w.rho);
  if (v.equal.size() > 0) worst = maximum(worst, max(abs(v.equal)));
  if (v.at_most.size() > 0) worst = maximum(worst, max(abs(maximum(v.at_most, -w.at_most / w.rho))));
  return worst;
}

}  // namespace dini::detail
