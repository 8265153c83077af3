// Factorisations and solves. All take leading axes, over which they loop; matrices are the last two axes. Floating dtypes.
#pragma once

#include <cstdint>

#include "dini/ops/internal.hpp"

namespace dini {

const Op& lu_factor_op();  // (A [..., n, n]) -> (lu, perm int32 [..., n]); never differentiated
// (A [..., n, n], lower triangle) -> (factors, pivots int32 [..., n]): Cholesky, or LDLᵀ where that breaks down; never
// differentiated
const Op& symmetric_factor_op();
// {transposed: bool; symmetric: bool, optional: the factors are symmetric_factor's; refined: bool, optional: two corrections by
// A follow, so that the factors may be those of a matrix near A}
// (factors, pivots, A, B [..., n] or [..., n, k]) -> A⁻¹B. Linear in B; its derivative in A is by A, not by the factors.
const Op& linear_solve_op();
const Op& triangular_solve_op();  // {lower, transposed, unit: bool} (A, B [..., n] or [..., n, k])
const Op& cholesky_op();          // (A, lower triangle) -> L; NaN where not positive definite
const Op& qr_op();                // {full: bool} (A [..., m, n]) -> (Q, R)
// {full: bool} (A [..., m, n]) -> (Q, R, perm int32 [..., n]), A[:, perm] = Q R, |r₁₁| ≥ |r₂₂| ≥ …; never differentiated
const Op& qr_pivoted_op();
const Op& svd_op();              // {full: bool} (A) -> (U, s, Vᵀ)
const Op& singular_values_op();  // (A) -> s
const Op& eigh_op();             // (A, lower triangle) -> (w, V)
const Op& det_op();              // (A)
// (A, E1, ..., Ek): the k-th derivative of ∂det/∂A in these directions, for A of any rank; ∂det/∂A for k = 0
const Op& cofactor_op();
const Op& slogdet_op();  // (A) -> (sign, log|det|)
const Op& pinv_op();     // {rcond: double} (A [..., m, n]) -> [..., n, m]
const Op& lstsq_op();    // {rcond: double} (A [..., m, n], B [..., m] or [..., m, k]) -> shortest minimiser
const Op& expm_op();     // (A, E1, ..., Ek): the k-th derivative of e^A in these directions; e^A for k = 0

namespace detail {
/// A⁻¹B from factors, and with `transposed` A⁻ᵀB.
Array emit_linear_solve(const Leaves& factors, const Array& a, const Array& b, bool transposed = false,
                        bool symmetric = false, bool refined = false);
/// How many corrections a refined solve has.
inline constexpr int solve_corrections = 2;
/// What symmetric_factor's pivots are where the factors are Cholesky's.
inline constexpr std::int32_t cholesky_pivot = INT32_MIN;
}  // namespace detail

}  // namespace dini
