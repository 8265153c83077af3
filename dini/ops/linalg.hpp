// Linear algebra, with NumPy's names and meanings. Matrices are the last two axes; leading ones are a stack of them.
// Integers become float64. ShapeErrors name the function and the shapes.
//
// Numbers never throw, so that results are the same eagerly and compiled: a singular matrix gives inf or NaN, one that is
// not positive definite a Cholesky factor of NaN. Derivatives of eigenvectors and singular vectors that belong to repeated
// values do not exist and are NaN.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/core/choice.hpp"
#include "dini/ops/reduce.hpp"

namespace dini::detail {
Array linalg_norm(const Array& x, double ord, const ReduceAxes& axes, bool keepdims);
Array linalg_norm(const Array& x, const std::string& ord, const ReduceAxes& axes, bool keepdims);
}  // namespace dini::detail

namespace dini::linalg {

/// x with A x = b, by LU with partial pivoting. b is one vector (n,), or matrices [..., n, k]; leading axes broadcast.
Array solve(const Array& a, const Array& b);
/// A⁻¹. Prefer solve.
Array inv(const Array& a);
/// det A, of n = 0: 1. Its derivative is the matrix of cofactors; every order is right also where A is
/// singular.
Array det(const Array& a);
struct Slogdet {
  Array sign, logabsdet;
  auto tree() { return std::tie(sign, logabsdet); }
};
/// sign and log |det A|; singular: 0 and -inf.
Slogdet slogdet(const Array& a);

/// x with op(A) x = b; of A only the lower (or upper) triangle is used, of `unit_diagonal` not the diagonal either.
Array solve_triangular(const Array& a, const Array& b, bool lower = false, bool transposed = false,
                       bool unit_diagonal = false);

/// L with L Lᵀ = ½(A + Aᵀ), lower triangular.
Array cholesky(const Array& a);
/// x with A x = b from L = cholesky(A).
Array cho_solve(const Array& l, const Array& b);
struct Qr {
  Array q, r;
  auto tree() { return std::tie(q, r); }
};
/// A = Q R, of [m, n] with k = min(m, n): thin Q [m, k], R [k, n] ("reduced", or false); full Q [m, m], R [m, n] ("complete", or true;
/// which has no derivative for
/// m > n, since the added columns are not determined). Full column rank is assumed for the derivative.
Qr qr(const Array& a, const detail::Choice& mode = "reduced");
struct Svd {
  Array u, s, vt;
  auto tree() { return std::tie(u, s, vt); }
};
/// A = U diag(s) Vᵀ, s descending, thin: U [m, k], s [k], Vᵀ [k, n]; full: U [m, m], Vᵀ [n, n] (which have no derivative
/// unless m = n).
Svd svd(const Array& a, bool full = false);
/// s alone.
Array svdvals(const Array& a);
struct Eigh {
  Array eigenvalues, eigenvectors;
  auto tree() { return std::tie(eigenvalues, eigenvectors); }
};
/// ½(A + Aᵀ) = V diag(w) Vᵀ, w ascending, eigenvectors in columns.
Eigh eigh(const Array& a);
Array eigvalsh(const Array& a);

/// Moore–Penrose inverse; singular values under rcond·s₀ count as zero (rcond: max(m, n)·eps). The derivative is that
/// at constant rank.
Array pinv(const Array& a, std::optional<double> rcond = {});
struct Lstsq {
  Array x, residuals, rank, s;
  auto tree() { return std::tie(x, residuals, rank, s); }
};
/// Of all minimisers of ‖A x - b‖ the shortest. b (m,) or (m, k). residuals: the squared norms, also where NumPy leaves
/// them out; rank (int64) and singular values of A. Only x and residuals have derivatives, those at constant rank.
Lstsq lstsq(const Array& a, const Array& b, std::optional<double> rcond = {});

/// e^A.
Array expm(const Array& a);
/// Aⁿ by repeated squaring; of the inverse for n < 0.
Array matrix_power(const Array& a, std::int64_t n);
/// Products of several matrices in the order given.
Array multi_dot(const std::vector<Array>& matrices);

/// How many singular values exceed tolerance (default: s₀·max(m, n)·eps): int64.
Array matrix_rank(const Array& a, std::optional<double> tolerance = {});
/// s₀/s_last, or ‖A‖‖A⁻¹‖ in another norm.
Array cond(const Array& a);
Array cond(const Array& a, double ord);
Array cond(const Array& a, const std::string& ord);

/// NumPy's linalg.norm: without ord √Σx² over everything; over one axis (or of a vector) as dini::norm; over two axes (or
/// of a matrix) of matrices, by ord 1, -1, 2, -2, inf, -inf, "fro", "nuc".
Array norm(const Array& x);
Array norm(const Array& x, const ReduceAxes& axes);
// Templates, so that axes in braces are neither an ord nor a flag: norm(x, {0, 1}), norm(x, 2, {0}), norm(x, 1, true) (axis 1).
template <std::same_as<bool> Flag> Array norm(const Array& x, const ReduceAxes& axes, Flag keepdims) {
  return dini::norm(x, 2.0, axes, keepdims);
}
template <dini::detail::Order T> Array norm(const Array& x, T ord, const ReduceAxes& axes = {}, bool keepdims = false) {
  return dini::detail::linalg_norm(x, static_cast<double>(ord), axes, keepdims);
}
template <std::convertible_to<std::string> T>
Array norm(const Array& x, const T& ord, const ReduceAxes& axes = {}, bool keepdims = false) {
  return dini::detail::linalg_norm(x, std::string(ord), axes, keepdims);
}

}  // namespace dini::linalg

namespace dini {

using linalg::cholesky;
using linalg::det;
using linalg::inv;
using linalg::slogdet;
using linalg::solve;

}  // namespace dini
