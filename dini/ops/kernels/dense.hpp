#pragma once

// Dense linear algebra on raw, contiguous, row-major buffers: the arithmetic under the linalg ops.
//
//   gemm          C = op(A) op(B)
//   LU            P A = L U, partial pivoting; solve, transposed solve, determinant
//   Cholesky      A = L Lᵀ                        (symmetric positive definite)
//   LDLᵀ          A = Pᵀ L D Lᵀ P, D of 1×1 and 2×2 blocks (symmetric indefinite; Bunch & Kaufman, Math. Comp. 31, 1977)
//   QR            A = Q R;  A[:, perm] = Q R with |r₁₁| ≥ |r₂₂| ≥ … (rank decisions; Businger & Golub, 1965)
//   eigh, svd     A = V diag(w) Vᵀ;  A = U diag(s) Vᵀ
//   rcond         reciprocal condition of the equilibrated matrix, so that bad scaling alone is not called singular
//   expm          e^A by scaling and squaring (Higham, SIAM J. Matrix Anal. Appl. 26, 2005)
//
// What holds for every function here:
//
// * T is float or double (gemm: int32_t and int64_t too). Matrices are row-major without gaps. n = 0 and nrhs = 0 work.
// * Nothing throws for what the numbers are. A factorisation returns 0, or k + 1 where k is the first (zero-based) pivot
//   that is zero, not positive, or NaN; its output is then still defined memory, with no further promise.
// * NaN and infinity in the input never hang or crash. LU, Cholesky and the solves let them flow through; the iterative
//   ones (eigh, svd) and the rest fill every output with NaN and return non-zero where they return something.
// * Results depend on the values, the sizes and the machine's instruction set, never on the number of threads nor on
//   addresses: BLAS runs with a single thread (for the whole process, from the first use on), and which code runs is
//   decided by size alone (dense_table.hpp).
// * Columns are independent: with gemm_lanes, lu_solve, cholesky_solve, ldlt_solve and triangular_solve, column j of the
//   result is a function of the matrix and of column j of B alone, to the bit, however many other columns there are
//   (dense_micro.hpp says in which order the sums are taken). gemm and least_squares do not promise that.
// * Buffers of one call must not overlap, except where it says "in place".
// * Memory: products, LU, Cholesky and solves with a vector work on the stack alone up to 32×32. The rest takes scratch
//   from a thread-local workspace which only grows, so a loop that repeats a call of some size allocates nothing after
//   its first turn. The exception: eigh and svd beyond 32×32, where LAPACK allocates for itself. Stack: below 128 KiB.
//
// Sources of the algorithms stand beside their code.

#include <cstddef>
#include <cstdint>

namespace dini::kernels {

// ---- products -------------------------------------------------------------------------------------------------------

// C[m,n] = op(A)[m,k] op(B)[k,n]; trans_a: A is stored [k,m]; trans_b: B is stored [n,k]. C is overwritten (k = 0: zeros).
// Integers wrap around. T: float, double, int32_t, int64_t.
template <class T>
void gemm(bool trans_a, bool trans_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c);

// C[m,n] = op(A)[m,k] B[k,n], where the columns of B are independent lanes: the product to use where a lane's bits must
// not depend on how many others are in its block. As fast as gemm except for one column and beyond 400³.
template <class T>
void gemm_lanes(bool trans_a, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c);

// ---- LU -------------------------------------------------------------------------------------------------------------

// lu[n,n]: unit lower L below the diagonal, U on and above. Row i of L U is row perm[i] of A. In place: lu may be a.
// After a zero pivot the elimination goes on with the next column, as LAPACK's getrf does.
template <class T> int lu_factor(std::size_t n, const T* a, T* lu, std::int32_t* perm);

// X[n,nrhs] = A⁻¹ B, or A⁻ᵀ B if transposed. Not in place. A zero pivot gives inf or NaN, as division does.
template <class T>
void lu_solve(bool transposed, std::size_t n, std::size_t nrhs, const T* lu, const std::int32_t* perm, const T* b,
              T* x);

// +1 or −1: the sign of the permutation that lu_factor returns.
int permutation_sign(std::size_t n, const std::int32_t* perm);

// det A from its factors. n = 0: 1.
template <class T> T lu_det(std::size_t n, const T* lu, const std::int32_t* perm);

// sign and log |det A|, as numpy.linalg.slogdet: singular gives sign 0 and −inf.
template <class T> void lu_slogdet(std::size_t n, const T* lu, const std::int32_t* perm, T* sign, T* logabsdet);

// X = A⁻¹ from its factors.
template <class T> void lu_inverse(std::size_t n, const T* lu, const std::int32_t* perm, T* x);

// ---- symmetric ------------------------------------------------------------------------------------------------------

// A = L Lᵀ from A's lower triangle; the upper one is never read. l has zeros above the diagonal. In place: l may be a.
template <class T> int cholesky_factor(std::size_t n, const T* a, T* l);

// X[n,nrhs] = A⁻¹ B. In place: x may be b.
template <class T> void cholesky_solve(std::size_t n, std::size_t nrhs, const T* l, const T* b, T* x);

// Bunch–Kaufman from A's lower triangle. ldlt[n,n] and pivots[n] are for ldlt_solve and ldlt_inertia alone. In place.
template <class T> int ldlt_factor(std::size_t n, const T* a, T* ldlt, std::int32_t* pivots);

// X[n,nrhs] = A⁻¹ B. In place: x may be b.
template <class T>
void ldlt_solve(std::size_t n, std::size_t nrhs, const T* ldlt, const std::int32_t* pivots, const T* b, T* x);

// How many eigenvalues of A are positive, negative and zero (Sylvester's law of inertia, read off D).
struct Inertia {
  std::size_t positive = 0;
  std::size_t negative = 0;
  std::size_t zero = 0;  // zero or NaN
};
template <class T> Inertia ldlt_inertia(std::size_t n, const T* ldlt, const std::int32_t* pivots);

// ---- triangular -----------------------------------------------------------------------------------------------------

// X[n,nrhs] = op(A)⁻¹ B with A the lower (or upper) triangle of a[n,n]; the other triangle is never read, nor is the
// diagonal if unit_diagonal. transposed: op(A) = Aᵀ of that triangle. In place: x may be b.
template <class T>
void triangular_solve(bool lower, bool transposed, bool unit_diagonal, std::size_t n, std::size_t nrhs, const T* a,
                      const T* b, T* x);

// ---- orthogonal -----------------------------------------------------------------------------------------------------

// A[m,n] = Q R by Householder reflections, with LAPACK's (and so NumPy's) signs. k = min(m, n);
// thin: Q[m,k], R[k,n]; full: Q[m,m], R[m,n] with zero rows below.
template <class T> void qr_factor(std::size_t m, std::size_t n, const T* a, T* q, T* r, bool full = false);

// A[:, perm] = Q R: column j of Q R is column perm[j] of A. Shapes as qr_factor. Returns the numerical rank: how many
// |rᵢᵢ| exceed tolerance·|r₀₀|. tolerance < 0 stands for max(m, n)·eps. −1 for input that is not finite.
template <class T>
int qr_pivoted(std::size_t m, std::size_t n, const T* a, T* q, T* r, std::int32_t* perm, double tolerance = -1,
               bool full = false);

// X[n,nrhs]: of all minimisers of ‖A X − B‖ column by column, the shortest; A[m,n], B[m,nrhs]. By the complete orthogonal
// decomposition with qr_pivoted's rank decision, which is returned (−1: not finite, X is NaN).
template <class T>
int least_squares(std::size_t m, std::size_t n, std::size_t nrhs, const T* a, const T* b, T* x, double tolerance = -1);

// ---- spectral -------------------------------------------------------------------------------------------------------

// Symmetric A (lower triangle read): w[n] ascending, column j of v[n,n] the eigenvector of w[j]. v may be null: values
// only. Returns 0; otherwise NaNs are filled in. In place: v may be a.
template <class T> int eigh(std::size_t n, const T* a, T* w, T* v);

// A[m,n] = U diag(s) Vᵀ, s descending, k = min(m, n). thin: u[m,k], s[k], vt[k,n]; full: u[m,m], vt[n,n]. u and vt may
// both be null: values only. Returns 0; otherwise NaNs are filled in.
template <class T> int svd(std::size_t m, std::size_t n, const T* a, T* u, T* s, T* vt, bool full = false);

// ---- condition and functions ----------------------------------------------------------------------------------------

// 1/(‖D‖₁ est ‖D⁻¹‖₁) of D = R A C, R and C diagonal powers of two that bring the largest entry of every row and column
// near 1 (Ruiz, RAL-TR-2001-034), and the norm of the inverse estimated (Higham, ACM TOMS 14, 1988; LAPACK's gecon).
// 0: exactly singular; 1: n = 0; NaN: input that is not finite. "Singular" in Dini is below n·eps.
template <class T> double condition_equilibrated(std::size_t n, const T* a);

// Of A with its LU factors. With R the largest magnitudes of A's rows and C those of the columns of R⁻¹A, Â = R⁻¹AC⁻¹:
//
//   rcond   1/(‖Â‖₁ est ‖Â⁻¹‖₁), where A is regular by it; condition_equilibrated otherwise
//   omega   the larger of ‖A⁻¹Δ‖ for these Δ[n,n] (‖·‖ over all elements) in units of the unknowns: 1/C or |z|, whichever makes it smaller
//
// In units of 1/C it is ‖CA⁻¹ΔC⁻¹‖ = ‖Â⁻¹(R⁻¹ΔC⁻¹)‖ ≤ ‖Â⁻¹‖₂ ‖R⁻¹ΔC⁻¹‖ ≤ √n ‖Â⁻¹‖₁ ‖R⁻¹ΔC⁻¹‖. That bound costs a few solves and
// passes over Δ where omega costs n solves: where it is below `enough`, with a factor of ten for the estimate of ‖Â⁻¹‖₁, it is what is given.
struct Change {
  double rcond = 0, omega = 0;
};
template <class T>
Change relative_change(std::size_t n, const T* a, const T* lu, const std::int32_t* perm, std::size_t count,
                       const T* const* changes, const T* z, double enough);

// E = e^A. Returns 0, or 1 if A is not finite (E is NaN then). Overflow gives infinities or NaN.
template <class T> int expm(std::size_t n, const T* a, T* e);

}  // namespace dini::kernels
