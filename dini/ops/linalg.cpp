#include "dini/ops/linalg.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg_build.hpp"

namespace dini::linalg {

namespace {

Array matrix_operand(const Array& a, const char* function) {
  const Array m = detail::as_floating(a, function);
  if (m.ndim() < 2) throw ShapeError(std::string(function) + ": wants a matrix, got shape " + m.shape().str());
  return m;
}

Array square_operand(const Array& a, const char* function) {
  const Array m = matrix_operand(a, function);
  if (m.shape().at(-1) != m.shape().at(-2)) {
    throw ShapeError(std::string(function) + ": wants a square matrix, got shape " + m.shape().str());
  }
  return m;
}

void promote_system(Array& a, Array& b, const char* function) {
  detail::check_defined(a, function);
  detail::check_defined(b, function);
  Dtype dtype = common_dtype({a, b}).dtype;
  if (!is_floating(dtype)) dtype = Dtype::float64;
  a = detail::as_operand(a, dtype);
  b = detail::as_operand(b, dtype);
}

Array symmetric_part(const Array& a) { return 0.5 * (a + detail::matrix_transpose(a)); }

Array with_leading(const Array& a, const Shape& lead, int last) {
  return detail::as_shape(a, lead + a.shape().sub(a.ndim() - last, a.ndim()), "solve");
}

// Solves systems with `op(operands..., A, b)`: leading axes are made equal, of a single matrix b's become columns.
// `shapes` are the numbers of axes, beside leading ones, of the operands that go with A.
template <class Solve> Array solve_system(const Array& a, const Array& b, const char* function, Solve&& solve_one) {
  const std::int64_t n = a.shape().back();
  const bool vector = b.ndim() == 1;
  if (b.ndim() == 0 || b.shape().at(vector ? -1 : -2) != n) {
    throw ShapeError(std::string(function) + ": a matrix of shape " + a.shape().str() +
                     " does not fit a right-hand side of shape " + b.shape().str());
  }
  const Shape la = detail::leading(a.shape()), lb = vector ? Shape{} : detail::leading(b.shape());
  const Shape lead = broadcast_shapes(la, lb, function);
  if (la.ndim() == 0 && lb.ndim() > 0) {
    const Array columns = detail::emit_moved(b, b.ndim() - 2, 0);
    const Array x =
        solve_one(Shape{}, detail::emit_reshape(columns, Shape{n, columns.size() / std::max<std::int64_t>(n, 1)}));
    return detail::emit_moved(detail::emit_reshape(x, columns.shape()), 0, b.ndim() - 2);
  }
  return solve_one(lead, with_leading(b, lead, vector ? 1 : 2));
}

}  // namespace

Array solve(const Array& a, const Array& b) {
  Array m = a, side = b;
  promote_system(m, side, "solve");
  m = square_operand(m, "solve");
  return solve_system(m, side, "solve", [&](const Shape& lead, const Array& right) {
    const Leaves f = emit(lu_factor_op(), {m});
    return detail::emit_linear_solve({with_leading(f[0], lead, 2), with_leading(f[1], lead, 1)},
                                     with_leading(m, lead, 2), right);
  });
}

Array inv(const Array& a) {
  const Array m = square_operand(a, "inv");
  return solve(m, eye(m.shape().back(), m.dtype()));
}

Array det(const Array& a) { return emit_one(det_op(), {square_operand(a, "det")}); }

Slogdet slogdet(const Array& a) {
  const Leaves out = emit(slogdet_op(), {square_operand(a, "slogdet")});
  return {out[0], out[1]};
}

Array solve_triangular(const Array& a, const Array& b, bool lower, bool transposed, bool unit_diagonal) {
  Array m = a, side = b;
  promote_system(m, side, "solve_triangular");
  m = square_operand(m, "solve_triangular");
  return solve_system(m, side, "solve_triangular", [&](const Shape& lead, const Array& right) {
    return emit_one(triangular_solve_op(), {with_leading(m, lead, 2), right},
                    {{"lower", lower}, {"transposed", transposed}, {"unit", unit_diagonal}});
  });
}

Array cholesky(const Array& a) { return emit_one(cholesky_op(), {symmetric_part(square_operand(a, "cholesky"))}); }

Array cho_solve(const Array& l, const Array& b) {
  return solve_triangular(l, solve_triangular(l, b, true), true, true);
}

Qr qr(const Array& a, const Choice& mode) {
  const bool full = mode.resolve("qr", "reduced", "complete");
  const Leaves out = emit(qr_op(), {matrix_operand(a, "qr")}, {{"full", full}});
  return {out[0], out[1]};
}

Svd svd(const Array& a, bool full) {
  const Leaves out = emit(svd_op(), {matrix_operand(a, "svd")}, {{"full", full}});
  return {out[0], out[1], out[2]};
}

Array svdvals(const Array& a) { return emit_one(singular_values_op(), {matrix_operand(a, "svdvals")}); }

Eigh eigh(const Array& a) {
  const Leaves out = emit(eigh_op(), {symmetric_part(square_operand(a, "eigh"))});
  return {out[0], out[1]};
}

Array eigvalsh(const Array& a) { return eigh(a).eigenvalues; }

Array pinv(const Array& a, std::optional<double> rcond) {
  return emit_one(pinv_op(), {matrix_operand(a, "pinv")}, {{"rcond", rcond.value_or(-1.0)}});
}

Lstsq lstsq(const Array& a, const Array& b, std::optional<double> rcond) {
  Array m = a, side = b;
  promote_system(m, side, "lstsq");
  if (m.ndim() != 2 || side.ndim() < 1 || side.ndim() > 2 || m.shape()[0] != side.shape()[0]) {
    throw ShapeError("lstsq: wants (m, n) and (m,) or (m, k), got " + m.shape().str() + " and " + side.shape().str());
  }
  Lstsq out;
  out.x = emit_one(lstsq_op(), {m, side}, {{"rcond", rcond.value_or(-1.0)}});
  out.residuals = sum(square(dot(m, out.x) - side), 0);
  out.s = svdvals(m);
  const double relative =
      rcond.value_or(static_cast<double>(std::max(m.shape()[0], m.shape()[1])) * epsilon(m.dtype()));
  out.rank = out.s.size() == 0 ? zeros({}, Dtype::int64) : sum(astype(out.s > out.s(0) * relative, Dtype::int64));
  return out;
}

Array expm(const Array& a) { return emit_one(expm_op(), {square_operand(a, "expm")}); }

Array matrix_power(const Array& a, std::int64_t n) {
  detail::check_defined(a, "matrix_power");
  if (a.ndim() < 2 || a.shape().at(-1) != a.shape().at(-2)) {
    throw ShapeError("matrix_power: wants a square matrix, got shape " + a.shape().str());
  }
  Array base = n < 0 ? inv(a) : a, out;
  const std::int64_t size = a.shape().back();
  if (n == 0) return detail::as_shape(eye(size, a.dtype()), a.shape(), "matrix_power");
  for (std::uint64_t k = n < 0 ? -static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);;) {
    if (k & 1) out = out.defined() ? matmul(out, base) : base;
    if (k >>= 1; k == 0) return out;
    base = matmul(base, base);
  }
}

Array multi_dot(const std::vector<Array>& matrices) {
  if (matrices.size() < 2) throw ShapeError("multi_dot: wants at least two matrices");
  std::vector<Array> all = matrices;
  for (std::size_t k = 0; k < all.size(); ++k) {
    detail::check_defined(all[k], "multi_dot");
    const bool outer = k == 0 || k + 1 == all.size();
    if (all[k].ndim() != 2 && !(outer && all[k].ndim() == 1)) {
      throw ShapeError("multi_dot: wants matrices (vectors at the ends), got shape " + all[k].shape().str());
    }
  }
  // The cheapest order of products, by dynamic programming over the places to split at.
  const std::size_t n = all.size();
  std::vector<double> lengths(n + 1);
  for (std::size_t k = 0; k < n; ++k)
    lengths[k] = all[k].ndim() == 1 && k == 0 ? 1 : static_cast<double>(all[k].shape()[0]);
  lengths[n] = all[n - 1].ndim() == 1 ? 1 : static_cast<double>(all[n - 1].shape()[1]);
  std::vector<std::vector<double>> cost(n, std::vector<double>(n, 0));
  std::vector<std::vector<std::size_t>> place(n, std::vector<std::size_t>(n, 0));
  for (std::size_t span = 1; span < n; ++span) {
    for (std::size_t i = 0; i + span < n; ++i) {
      const std::size_t j = i + span;
      cost[i][j] = std::numeric_limits<double>::infinity();
      for (std::size_t k = i; k < j; ++k) {
        const double c = cost[i][k] + cost[k + 1][j] + lengths[i] * lengths[k + 1] * lengths[j + 1];
        if (c < cost[i][j]) cost[i][j] = c, place[i][j] = k;
      }
    }
  }
  const std::function<Array(std::size_t, std::size_t)> product = [&](std::size_t i, std::size_t j) {
    return i == j ? all[i] : dot(product(i, place[i][j]), product(place[i][j] + 1, j));
  };
  return product(0, n - 1);
}

}  // namespace dini::linalg
