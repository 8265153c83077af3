#include "dini/ops/linalg_build.hpp"

#include <cmath>
#include <numeric>
#include <utility>

namespace dini::detail {

Batched batch_stack(const Op& op, const BatchCall& c) {
  Leaves out = emit(op, all_batched(c), c.params);
  std::vector<bool> batched(out.size(), true);
  return {std::move(out), std::move(batched)};
}

Batched batch_columns(const Op& op, const BatchCall& c, int system_ndim) {
  for (std::size_t k = 0; k + 1 < c.in.size(); ++k) {
    if (c.batched[k]) return batch_stack(op, c);
  }
  Leaves in(c.in.begin(), c.in.end());
  Array& b = in.back();
  const int columns = system_ndim - 1;  // where a matrix b has its columns
  if (b.ndim() == system_ndim) {        // vectors, with the lanes in front
    b = emit_moved(b, 0, columns);
    return {{emit_moved(emit_one(op, in, c.params), columns, 0)}, {true}};
  }
  b = emit_moved(b, 0, columns);
  const Shape wide = b.shape();
  b = emit_reshape(b, wide.sub(0, columns) + Shape{wide[columns] * wide[columns + 1]});
  const Array x = emit_one(op, in, c.params);
  // Of a rectangular system the result has another number of rows than b.
  const Shape split = x.shape().sub(0, columns) + Shape{wide[columns], wide[columns + 1]};
  return {{emit_moved(emit_reshape(x, split), columns, 0)}, {true}};
}

Leaves directions_jvp(const Op& op, const JvpCall& c) {
  Array total;
  for (std::size_t k = 0; k < c.in.size(); ++k) {
    if (!c.tangents[k].defined()) continue;
    Leaves in(c.in.begin(), c.in.end());
    if (k == 0)
      in.push_back(c.tangents[0]);
    else
      in[k] = c.tangents[k];
    const Array term = emit_one(op, in);
    total = total.defined() ? total + term : term;
  }
  return {total};
}

Leaves directions_transpose(const Op& op, const TransposeCall& c, bool transposed) {
  Leaves out(c.in.size());
  if (!c.cotangents[0].defined()) return out;
  Leaves in;
  std::size_t which = 0;
  for (std::size_t k = 0; k < c.in.size(); ++k) {
    if (c.in[k].defined()) {
      in.push_back(transposed ? matrix_transpose(c.in[k]) : c.in[k]);
    } else {
      in.push_back(c.cotangents[0]);
      which = k;
    }
  }
  out[which] = emit_one(op, in);
  return out;
}

Array sample_matrix(const Shape& shape, Dtype dtype, int seed) {
  const Stack s(shape);
  std::vector<double> values = sample(shape, Dtype::float64, seed).to_vector<double>();
  void* memory;
  Array out = allocate({shape, dtype, false}, &memory);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::size_t i = k / s.n % s.m, j = k % s.n;
    const double v = values[k] + (i == j ? 3 + 0.5 * static_cast<double>(i) : 0);
    if (dtype == Dtype::float32)
      static_cast<float*>(memory)[k] = static_cast<float>(v);
    else
      static_cast<double*>(memory)[k] = v;
  }
  return out;
}

Array sample_definite(const Shape& shape, Dtype dtype, int seed) {
  const Stack s(shape);
  const std::vector<double> values = sample(shape, Dtype::float64, seed).to_vector<double>();
  void* memory;
  Array out = allocate({shape, dtype, false}, &memory);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::size_t base = k / (s.n * s.n) * s.n * s.n, i = k / s.n % s.n, j = k % s.n;
    double v = i == j ? 1 + 0.25 * static_cast<double>(i) : 0;
    for (std::size_t l = 0; l < s.n; ++l) v += values[base + i * s.n + l] * values[base + j * s.n + l];
    if (dtype == Dtype::float32)
      static_cast<float*>(memory)[k] = static_cast<float>(v);
    else
      static_cast<double*>(memory)[k] = v;
  }
  return out;
}

PlainMatrix plain_transpose(const PlainMatrix& a) {
  PlainMatrix t(a.n, a.m);
  for (std::size_t i = 0; i < a.m; ++i) {
    for (std::size_t j = 0; j < a.n; ++j) t(j, i) = a(i, j);
  }
  return t;
}

PlainMatrix plain_product(const PlainMatrix& a, const PlainMatrix& b) {
  PlainMatrix c(a.m, b.n);
  for (std::size_t i = 0; i < a.m; ++i) {
    for (std::size_t j = 0; j < b.n; ++j) {
      for (std::size_t k = 0; k < a.n; ++k) c(i, j) += a(i, k) * b(k, j);
    }
  }
  return c;
}

PlainMatrix plain_lu(PlainMatrix a, std::vector<std::size_t>& order) {
  order.resize(a.n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t k = 0; k < a.n; ++k) {
    std::size_t p = k;
    for (std::size_t i = k + 1; i < a.n; ++i) {
      if (std::fabs(a(i, k)) > std::fabs(a(p, k))) p = i;
    }
    std::swap(order[k], order[p]);
    for (std::size_t j = 0; j < a.n; ++j) std::swap(a(k, j), a(p, j));
    if (a(k, k) == 0) continue;  // singular
    for (std::size_t i = k + 1; i < a.n; ++i) {
      a(i, k) /= a(k, k);
      for (std::size_t j = k + 1; j < a.n; ++j) a(i, j) -= a(i, k) * a(k, j);
    }
  }
  return a;
}

PlainMatrix plain_solve(const PlainMatrix& a, const PlainMatrix& b) {
  std::vector<std::size_t> order;
  const PlainMatrix lu = plain_lu(a, order);
  PlainMatrix x(b.m, b.n);
  for (std::size_t c = 0; c < b.n; ++c) {
    for (std::size_t i = 0; i < a.n; ++i) {
      x(i, c) = b(order[i], c);
      for (std::size_t j = 0; j < i; ++j) x(i, c) -= lu(i, j) * x(j, c);
    }
    for (std::size_t i = a.n; i-- > 0;) {
      for (std::size_t j = i + 1; j < a.n; ++j) x(i, c) -= lu(i, j) * x(j, c);
      x(i, c) /= lu(i, i);
    }
  }
  return x;
}

long double plain_det(const PlainMatrix& a) {
  std::vector<std::size_t> order;
  const PlainMatrix lu = plain_lu(a, order);
  long double d = 1;
  for (std::size_t i = 0; i < a.n; ++i) {
    d *= lu(i, i);
    for (std::size_t j = i + 1; j < a.n; ++j) d = order[j] < order[i] ? -d : d;
  }
  return d;
}

}  // namespace dini::detail
