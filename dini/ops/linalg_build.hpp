// What the linear algebra ops share: loops over stacks of matrices, rules' shorthands, samples.
#pragma once

#include <limits>
#include <stdexcept>
#include <vector>

#include "dini/ops/contract_ops.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini::detail {

// The matrices in the last two axes of a shape.
struct Stack {
  explicit Stack(const Shape& shape)
      : count(shape.sub(0, shape.ndim() - 2).size()),
        m(static_cast<std::size_t>(shape.at(-2))),
        n(static_cast<std::size_t>(shape.at(-1))) {}
  std::int64_t count;
  std::size_t m, n;
};
inline Shape leading(const Shape& shape, int last = 2) { return shape.sub(0, shape.ndim() - last); }

template <class F> void visit_floating(Dtype d, F&& f) {
  if (d == Dtype::float32)
    f.template operator()<float>();
  else if (d == Dtype::float64)
    f.template operator()<double>();
  else
    throw std::logic_error(std::string("linear algebra on ") + name(d));
}

// Item k of an operand whose items have `size` elements.
template <class T> const T* item(const KernelCall& c, std::size_t which, std::int64_t k, std::size_t size) {
  return static_cast<const T*>(c.in[which]) + static_cast<std::size_t>(k) * size;
}
template <class T> T* result(const KernelCall& c, std::size_t which, std::int64_t k, std::size_t size) {
  return static_cast<T*>(c.out[which]) + static_cast<std::size_t>(k) * size;
}

inline Array matrix_transpose(const Array& a) {
  Axes axes = axes_from(0, a.ndim());
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return emit_transpose(a, axes);
}

// A matrix of one column for each lane instead of one system for each: the batch rule where only b has lanes. `b` is the
// last input; `system_ndim` is A's number of axes.
Batched batch_columns(const Op& op, const BatchCall& c, int system_ndim);
inline std::vector<Aval> infer_same(std::span<const Aval> in, const Params&) {
  return {{in[0].shape, in[0].dtype, false}};
}

// The rules of an op (A, E1, ..., Ek) that is the k-th derivative of a function of A in these directions. <W, f(A, .., E, ..)> is
// <f(A, .., W, ..), E>, or with `transposed` that of the transposed matrices.
Leaves directions_jvp(const Op& op, const JvpCall& c);
Leaves directions_transpose(const Op& op, const TransposeCall& c, bool transposed);

// All operands get leading axes.
Batched batch_stack(const Op& op, const BatchCall& c);

// v with an axis of length 1 after the last one, or before it: columns and rows of one factor each.
inline Array as_column(const Array& v) { return emit_reshape(v, v.shape().inserted(v.ndim(), 1)); }
inline Array as_row(const Array& v) { return emit_reshape(v, v.shape().inserted(v.ndim() - 1, 1)); }

// Well-conditioned matrices without symmetry; symmetric positive definite ones.
Array sample_matrix(const Shape& shape, Dtype dtype, int seed = 0);
Array sample_definite(const Shape& shape, Dtype dtype, int seed = 0);

// A matrix of long double, for plain references.
struct PlainMatrix {
  PlainMatrix(std::size_t rows, std::size_t columns) : m(rows), n(columns), x(rows * columns, 0.0L) {}
  PlainMatrix(const std::vector<long double>& all, std::size_t which, std::size_t rows, std::size_t columns)
      : m(rows),
        n(columns),
        x(all.begin() + static_cast<std::ptrdiff_t>(which * rows * columns),
          all.begin() + static_cast<std::ptrdiff_t>((which + 1) * rows * columns)) {}
  long double& operator()(std::size_t i, std::size_t j) { return x[i * n + j]; }
  long double operator()(std::size_t i, std::size_t j) const { return x[i * n + j]; }
  std::size_t m, n;
  std::vector<long double> x;
};
PlainMatrix plain_transpose(const PlainMatrix& a);
PlainMatrix plain_product(const PlainMatrix& a, const PlainMatrix& b);
// Gauss elimination with partial pivoting; `order[i]` is the row of A that came to place i.
PlainMatrix plain_lu(PlainMatrix a, std::vector<std::size_t>& order);
PlainMatrix plain_solve(const PlainMatrix& a, const PlainMatrix& b);
long double plain_det(const PlainMatrix& a);

// Applies f to each matrix of a stack and joins the results.
template <class F> std::vector<long double> plain_each(const Array& a, F&& f) {
  const Stack s(a.shape());
  const auto all = numbers(a);
  std::vector<long double> out;
  for (std::int64_t k = 0; k < s.count; ++k) {
    const auto part = f(PlainMatrix(all, static_cast<std::size_t>(k), s.m, s.n), static_cast<std::size_t>(k));
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

}  // namespace dini::detail

namespace dini::factor_ops {

// Of plain QR, for what is made of it with pivots.
std::vector<Aval> qr_infer(std::span<const Aval> in, const detail::Params& params);
std::pair<detail::PlainMatrix, detail::PlainMatrix> plain_qr(detail::PlainMatrix r);  // Q, R, full

}  // namespace dini::factor_ops
