#include "dini/solvers/scaled_residual.hpp"

#include "dini/linear/system.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/solvers/formed_state.hpp"

namespace dini::detail {

Array column_scales(const Array& a, const Array& before) {
  const Array now = a.ndim() == 1 ? abs(a) : dini::norm(a, 2, {0}),
              largest = maximum(where(isfinite(now), now, zeros_like(now)), before);
  return where(largest > 0, largest, ones_like(largest));
}

ScaledResidual::ScaledResidual(const SolverState& at, const Array& d)
    : scales(d),
      norm(length_or_one(at.residual)),
      unit(at.residual / norm),
      matrix(at.factors[0] / d),
      gradient(transposed_product_with(matrix, unit)) {}

Array ScaledResidual::is_least(const Array& residual_norm) const {
  const double eps = epsilon(gradient.dtype());
  return all(abs(gradient) <= 64 * eps) & (achieved(residual_norm) <= 1e3 * eps);
}

Array ScaledResidual::predicted(const Array& s) const {
  return 1 - square(length(unit + product_with(matrix, s / norm)));
}

Array ScaledResidual::achieved(const Array& residual_norm) const { return 1 - square(residual_norm / norm); }

Array no_step_left(const SolverState& at, const Array& residual_norm) {
  const Array stuck = where(isfinite(length(at.delta)), code(StatusCode::stagnated), code(StatusCode::singular));
  return where(isfinite(residual_norm), stuck, code(StatusCode::nonfinite));
}

}  // namespace dini::detail
