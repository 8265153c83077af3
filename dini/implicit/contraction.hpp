// The adjoint's system of a fixed point whose map contracts where it is: (I - J) x = c by x = c + J c + J²c + ..., J = ∂f/∂z.
//
// Direct forms I - J and factorises it, which for hundreds of unknowns costs as much as hundreds of products with J. Where J
// contracts, tens of products give the same: the sum's remainder after k terms is what (I - J)⁻¹ makes of Jᵏc, which goes on
// falling whatever rounding does, so that x is as exact as factors would make it. It is what the default adjoint does where
// contracts_at says so; elsewhere, and where the residual of x is none of rounding alone, it factorises.
#pragma once

#include "dini/linear/system.hpp"
#include "dini/solvers/criterion.hpp"

namespace dini::detail {

/// Unknowns from which on products are tried first: below, a factorisation costs no more than what it takes to see that J contracts.
constexpr std::int64_t contraction_from = 64;

/// Whether J contracts at z, far enough from all that a derivative there is refused for, and the unknowns' units.
///
/// A vector g of all unknowns, none of them 0, in the unknowns' units, has to become a millionth under some 50 products: what is near
/// an eigenvalue 1 would be left of it. That gives y = (I - J)⁻¹g, too, which stands for ‖A⁻¹‖: A may not be ill-conditioned.
/// And with φ the largest part of |F| + η in units, A may not change by a hundredth of what factor_at (implicit/regularity.hpp)
/// allows from z to z + φy, which is a correction in as much of every direction as rounding may hide in one.
struct Contraction {
  Array holds, units;
};
/// `linearized` is z -> [f(z), what products are made of...], and `product` is (v, that) -> J v.
Contraction contracts_at(const SolverProblem& problem, const Array& z,
                         const std::function<Leaves(const Array& z)>& linearized,
                         const std::function<Array(const Array& v, const Leaves&)>& product);

/// The method. Prepared are [whether J contracts, the unknowns' units, factors of A...], of which the last mean something where it
/// does not.
LinearMethodRef contraction_method(const MatrixStructure& structure);

}  // namespace dini::detail
