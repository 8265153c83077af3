#include "dini/linear/symmetric_indefinite.hpp"

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"

namespace dini::detail {

SymmetricFactors symmetric_factors(const Array& k) {
  SymmetricFactors f;
  f.matrix = k;
  f.scale = ones({k.shape()[0]}, k.dtype());
  for (int sweep = 0; sweep < 3; ++sweep) {
    const Array rows = max(abs(f.matrix), 1),
                by = where(rows > 0, rsqrt(where(rows > 0, rows, ones_like(rows))), ones_like(rows));
    f.matrix = expand_dims(by, 1) * f.matrix * by;
    f.scale = f.scale * by;
  }
  f.factors = factorize(f.matrix, {.symmetric = true});
  return f;
}

Array SymmetricFactors::solve(const Array& b) const {
  return scale * solve_factored(factors, matrix, scale * b, {.symmetric = true}, true);
}

Array SymmetricFactors::negative() const {
  // A 2×2 block of LDLᵀ, two negative pivots, has an eigenvalue of each sign. Cholesky's factors have no pivots at all.
  const Array one = (factors[1] > 0) & (diagonal(factors[0]) < 0), in_block = factors[1] < 0;
  const Array count = sum(astype(one, Dtype::int64)) + sum(astype(in_block, Dtype::int64)) / 2;
  return where(is_definite(factors, matrix), array(std::int64_t{0}), astype(count, Dtype::int64));
}

}  // namespace dini::detail
