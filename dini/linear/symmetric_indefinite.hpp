// Systems of a symmetric matrix that need not be definite, with its inertia: those of optimality conditions.
//
// The matrix is equilibrated from both sides, K → DKD with rows of largest magnitude about 1 (D. Ruiz, A scaling algorithm to
// equilibrate both rows and columns norms in matrices, RAL-TR-2001-034), and factorised as LDLᵀ.
#pragma once

#include "dini/linear/system.hpp"

namespace dini::detail {

struct SymmetricFactors {
  Array matrix, scale;  // DKD, the diagonal of D
  Leaves factors;
  auto tree() { return std::tie(matrix, scale, factors); }
  /// K⁻¹b, refined twice; b [n].
  Array solve(const Array& b) const;
  /// How many eigenvalues are negative: int64. Of a singular K some number.
  Array negative() const;
};
SymmetricFactors symmetric_factors(const Array& k);

}  // namespace dini::detail
