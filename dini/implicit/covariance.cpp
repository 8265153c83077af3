#include "dini/implicit/covariance.hpp"

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/grad.hpp"

namespace dini::detail {

namespace {
Array in_units(const Array& sizes) { return stop_gradient(where(sizes > 0, sizes, ones_like(sizes))); }
}  // namespace

Array covariance_at(const std::function<Array(const Array&)>& residuals, const Array& z,
                    const CovarianceOptions& options) {
  const Array r = residuals(z);
  const std::int64_t more = r.size() - z.size();
  if (more <= 0) {
    throw ValueError("covariance: more residuals than parameters are wanted, got " + std::to_string(r.size()) + " of " +
                     std::to_string(z.size()) + " parameters");
  }
  const Array variance = sum(square(r)) / static_cast<double>(more);
  // In units of the parameters, which may lie far apart.
  if (options.full_hessian) {
    const Array h = hessian([&](const Array& v) { return 0.5 * sum(square(residuals(v))); })(z);
    const Array units = in_units(sqrt(abs(diagonal(h)))), scales = outer(units, units);
    return variance * inv(h / scales) / scales;
  }
  // JᵀJ is not formed: it would square the condition.
  const Array j = jacobian([&](const Array&v) { return residuals(v); })(z), units = in_units(norm(j, 2, {0}));
  const Array inverse = linalg::solve_triangular(linalg::qr(j / units).r, eye(z.size(), z.dtype()));
  return variance * dot(inverse, transpose(inverse)) / outer(units, units);
}

Array root_of_diagonal(const Array& covariance) { return sqrt(diagonal(covariance)); }

}  // namespace dini::detail
