// Krylov methods for A x = b: they need products v -> A v alone. Written with ops, so that they run eagerly, are compiled and
// take lanes, in b's dtype. A, M and b are real.
//
// All start from x = 0 and end at ‖b - A x‖ ≤ tolerance·‖b‖. Each works in cycles (krylov_cycles.hpp): at the end of one the
// residual is computed from x, whatever the method's recurrence says, and where it is still too large another cycle starts
// from there. b should have size about 1, since residuals are squared; A may have any size.
#pragma once

#include <cstdint>
#include <functional>
#include <tuple>

#include "dini/core/array.hpp"

namespace dini::detail {

/// v -> A v, both of shape [n].
using Product = std::function<Array(const Array&)>;

struct KrylovOptions {
  Array tolerance;            // of ‖b - A x‖/‖b‖; may be traced
  std::int64_t max_products;  // one more for the last residual
  int restart = 50;           // GMRES: products in a cycle
  /// v -> M⁻¹v for an M like A; empty for none. Symmetric positive definite for minres and conjugate_gradients.
  Product preconditioner = {};
  /// A residual that is no longer falling, and is no more than what A x itself is rounded by, converged: a tolerance below that
  /// cannot be met by any x.
  bool or_to_rounding = false;
};

/// `status` is a StatusCode (int64): converged; max_steps; stagnated, where a new cycle gains next to nothing; breakdown, where
/// A is singular to working precision, or not what the method is for; nonfinite. `residual` is ‖b - A x‖, computed from x;
/// `products` (int64) counts those with A.
struct KrylovResult {
  Array x, status, residual, products;
  auto tree() { return std::tie(x, status, residual, products); }
};

/// Generalised minimal residuals for any A, preconditioned from the right, so that residuals are those of A x = b
/// (Saad and Schultz, SIAM J. Sci. Stat. Comput. 7, 1986).
KrylovResult gmres(const Product& a, const Array& b, const KrylovOptions& options);
/// Minimal residuals for symmetric A, definite or not (Paige and Saunders, SIAM J. Numer. Anal. 12, 1975).
KrylovResult minres(const Product& a, const Array& b, const KrylovOptions& options);
/// Conjugate gradients for symmetric positive definite A (Hestenes and Stiefel, J. Res. Nat. Bur. Standards 49, 1952). A
/// direction of no positive curvature is a breakdown, whatever the residual: no such A says that the point is meant.
KrylovResult conjugate_gradients(const Product& a, const Array& b, const KrylovOptions& options);
/// Stabilised biconjugate gradients for any A (van der Vorst, SIAM J. Sci. Stat. Comput. 13, 1992), preconditioned from the
/// right. Two products a step.
KrylovResult bicgstab(const Product& a, const Array& b, const KrylovOptions& options);

}  // namespace dini::detail
