// The optimality system of a problem with constraints, by the null-space method.
//
// With z [n] the unknowns and y [m] the multipliers of equations and rows, A = ∂F/∂(z, y) is
//
//     [ H  Cᵀ ]      H of the Lagrangian, C the gradients of the equations and of the active rows,
//     [ C  0  ]
//
// but for rows of two kinds: that of a variable at an active bound is the identity's, e_j, and that of a row that is not active is
// -e_i. These are known by their values and eliminated: x_j = b_j, x_i = -b_i. Of what is left the gradients, each scaled to length 1,
// are factorised with pivots (Businger and Golub, Numer. Math. 7, 1965), and once more from the other side:
//
//     D C = W S Q₁ᵀ,   Q = [Q₁ Z]        rank r: those |r_kk| > 10·max(n, m)·eps·|r_11|
//
// so that
//
//     z = Q₁u + Z w,   S u = Wᵀ D c,   ZᵀHZ w = Zᵀ(g - H Q₁u),   y = D W S⁻ᵀ Q₁ᵀ(g - H z).
//
// Where gradients depend on each other these are the multipliers of least norm, and the z that keeps to the rows as well as can be (in
// units of their gradients' lengths). The error of z grows with the inverse of the smallest angle between rows; that of factors of A,
// with its square (Gill, Murray and Wright, Practical Optimization, 1981, 5.1). ZᵀHZ is positive definite at a minimum. All shapes are
// fixed: what is not there is an identity's.
#pragma once

#include "dini/linear/system.hpp"

namespace dini::detail {

/// What the solves need of k [n + m, n + m]. `symmetric`: H is.
Leaves factorize_kkt(const Array& k, std::int64_t n, bool symmetric);
/// x with k x = b, or kᵀx = b, of the least norm, refined by k itself; b [n + m] or [n + m, columns].
Array solve_kkt(const Leaves& factors, const Array& k, const Array& b, bool transposed);
/// Whether ZᵀHZ is positive definite, for symmetric H.
Array kkt_definite(const Leaves& factors);
/// Whether ZᵀHZ, equilibrated, has a condition below 1/(n·eps).
Array kkt_regular(const Leaves& factors);
/// How many gradients of active rows depend on the others: int64.
Array kkt_dependent(const Leaves& factors);

/// Of symmetric H: the factors as they are where ZᵀHZ is regular; otherwise its null directions are given the curvature 1, so that
/// what is solved for moves along them by no more than rounding where the system has solutions.
Leaves completed_kkt(const Leaves& factors);
/// Of symmetric H: whether ZᵀHZ has a negative eigenvalue, rounding aside, and the direction [n] of the least.
struct KktCurvature {
  Array negative, direction;
  auto tree() { return std::tie(negative, direction); }
};
KktCurvature kkt_curvature(const Leaves& factors);

/// Of multipliers y [m] those of the least norm that do the same to ∇L.
Array least_multipliers(const Leaves& factors, const Array& y);

/// This as a linear method; `structure` says whether H is symmetric.
struct NullSpace {
  std::int64_t n = -1;  // how many unknowns are z; -1: all
  LinearMethodRef method() const;
  static const MethodTable<NullSpace>& table();
};

}  // namespace dini::detail
