// cholesky, qr, svd, singular_values, eigh: factorisations that are differentiated. The formulas are in Giles, "Collected
// matrix derivative results for forward and reverse mode algorithmic differentiation" (2008), and for rectangular matrices
// in Townsend, "Differentiating the singular value decomposition" (2016), and Roberts & Roberts, "QR and LQ decomposition
// matrix backpropagation algorithms" (2020).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/reduce.hpp"

namespace dini {

using detail::as_column;
using detail::as_row;
using detail::emit_matmul;
using detail::matrix_transpose;
using detail::PlainMatrix;
using detail::Stack;

namespace factor_ops {

// What a factorisation of the lower triangle sees of a change.
Array from_lower(const Array& da) { return tril(da) + matrix_transpose(tril(da, -1)); }

Array upper_solve(const Array& r, const Array& b, bool lower, bool transposed) {
  return emit_one(triangular_solve_op(), {r, b}, {{"lower", lower}, {"transposed", transposed}, {"unit", false}});
}

// 1/(x_j - x_i), 0 on the diagonal, NaN where two are equal.
Array inverse_gaps(const Array& x) {
  const std::int64_t n = x.shape().back();
  const Array unit = eye(n, x.dtype());
  const Array gap = as_row(x) - as_column(x) + unit;
  return where(gap == 0.0, std::numeric_limits<double>::quiet_NaN(), (1 - unit) / gap);
}

Array first_columns(const Array& a, std::int64_t count) {
  const Shape s = a.shape();
  detail::Ints start(static_cast<std::size_t>(s.ndim()), 0), stop = s.vector(), step(start.size(), 1);
  stop.back() = count;
  return detail::emit_slice(a, start, stop, step);
}

void check_thin(const JvpCall& c, const char* function) {
  const Stack s(c.in[0].shape());
  if (c.params.flag("full") && s.m != s.n && (std::string(function) == "svd" || s.m > s.n)) {
    throw ValueError(std::string(function) + ": with full matrices of a matrix of shape " + c.in[0].shape().str() +
                     " there is no derivative, since the added columns are not determined; use the thin form");
  }
}

void cholesky_kernel(const KernelCall& c) {
  detail::visit_floating(c.out_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    for (std::int64_t k = 0; k < s.count; ++k) {
      T* l = detail::result<T>(c, 0, k, s.n * s.n);
      if (kernels::cholesky_factor<T>(s.n, detail::item<T>(c, 0, k, s.n * s.n), l) != 0) {
        std::fill_n(l, s.n * s.n, std::numeric_limits<T>::quiet_NaN());
      }
    }
  });
}

Leaves cholesky_jvp(const JvpCall& c) {
  if (!c.tangents[0].defined()) return {Array()};
  const Array& l = c.out[0];
  const std::int64_t n = l.shape().back();
  const Array half = upper_solve(l, from_lower(c.tangents[0]), true, false);
  const Array both = upper_solve(l, matrix_transpose(half), true, false);
  const Array lower_half = tril(ones({n, n}, l.dtype())) - 0.5 * eye(n, l.dtype());
  return {emit_matmul(l, both * lower_half)};
}

std::vector<Aval> qr_infer(std::span<const Aval> in, const Params& p) {
  const Stack s(in[0].shape);
  const Shape lead = detail::leading(in[0].shape);
  const auto m = static_cast<std::int64_t>(s.m), n = static_cast<std::int64_t>(s.n);
  const std::int64_t k = p.flag("full") ? m : std::min(m, n);
  return {{lead + Shape{m, k}, in[0].dtype, false}, {lead + Shape{k, n}, in[0].dtype, false}};
}

void qr_kernel(const KernelCall& c) {
  detail::visit_floating(c.out_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    const std::size_t k = static_cast<std::size_t>(c.out_avals[0].shape.back());
    for (std::int64_t i = 0; i < s.count; ++i) {
      kernels::qr_factor<T>(s.m, s.n, detail::item<T>(c, 0, i, s.m * s.n), detail::result<T>(c, 0, i, s.m * k),
                            detail::result<T>(c, 1, i, k * s.n), c.params.flag("full"));
    }
  });
}

Leaves qr_jvp(const JvpCall& c) {
  const Array& da = c.tangents[0];
  if (!da.defined()) return {Array(), Array()};
  check_thin(c, "qr");
  const Array &q = c.out[0], &r = c.out[1];
  // Of a wide matrix the first columns alone decide Q.
  const std::int64_t k = q.shape().back();
  const Array da1 = first_columns(da, k), r1 = first_columns(r, k);
  const Array x = matrix_transpose(upper_solve(r1, matrix_transpose(da1), false, true));  // dA R⁻¹
  const Array qx = emit_matmul(q, x, true);
  const Array below = tril(qx, -1);
  const Array turn = below - matrix_transpose(below);  // QᵀdQ
  return {emit_matmul(q, turn - qx) + x, triu(emit_matmul(q, da, true) - emit_matmul(turn, r))};
}

std::vector<Aval> svd_infer(std::span<const Aval> in, const Params& p) {
  const Stack s(in[0].shape);
  const Shape lead = detail::leading(in[0].shape);
  const auto m = static_cast<std::int64_t>(s.m), n = static_cast<std::int64_t>(s.n), k = std::min(m, n);
  const bool full = p.flag("full");
  return {{lead + Shape{m, full ? m : k}, in[0].dtype, false},
          {lead + Shape{k}, in[0].dtype, false},
          {lead + Shape{full ? n : k, n}, in[0].dtype, false}};
}

void svd_kernel(const KernelCall& c) {
  detail::visit_floating(c.out_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    const std::size_t k = std::min(s.m, s.n);
    const auto mu = static_cast<std::size_t>(c.out_avals[0].shape.back()),
               nv = static_cast<std::size_t>(c.out_avals[2].shape.at(-2));
    for (std::int64_t i = 0; i < s.count; ++i) {
      kernels::svd<T>(s.m, s.n, detail::item<T>(c, 0, i, s.m * s.n), detail::result<T>(c, 0, i, s.m * mu),
                      detail::result<T>(c, 1, i, k), detail::result<T>(c, 2, i, nv * s.n), c.params.flag("full"));
    }
  });
}

Leaves svd_jvp(const JvpCall& c) {
  const Array& da = c.tangents[0];
  if (!da.defined()) return Leaves(3);
  check_thin(c, "svd");
  const Array &u = c.out[0], &s = c.out[1], v = matrix_transpose(c.out[2]);
  const Stack size(da.shape());
  const std::size_t k = std::min(size.m, size.n);
  const Array dav = emit_matmul(da, v), ds = emit_matmul(u, dav, true);  // UᵀdA V
  const Array gaps = inverse_gaps(s), sums = as_row(s) + as_column(s);
  const Array f = gaps / sums;  // NaN for two zeros, as for any two that are equal
  const Array right = ds * as_row(s), left = ds * as_column(s);
  Array du = emit_matmul(u, f * (right + matrix_transpose(right)));
  Array dv = emit_matmul(v, f * (left + matrix_transpose(left)));
  if (size.m > k) du = du + (dav - emit_matmul(u, ds)) / as_row(s);
  if (size.n > k) {
    const Array dau = emit_matmul(da, u, true);
    dv = dv + (dau - emit_matmul(v, emit_matmul(v, dau, true))) / as_row(s);
  }
  return {du, diagonal(ds, 0, -2, -1), matrix_transpose(dv)};
}

void singular_values_kernel(const KernelCall& c) {
  detail::visit_floating(c.out_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    for (std::int64_t i = 0; i < s.count; ++i) {
      kernels::svd<T>(s.m, s.n, detail::item<T>(c, 0, i, s.m * s.n), nullptr,
                      detail::result<T>(c, 0, i, std::min(s.m, s.n)), nullptr);
    }
  });
}

void eigh_kernel(const KernelCall& c) {
  detail::visit_floating(c.out_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    for (std::int64_t i = 0; i < s.count; ++i) {
      kernels::eigh<T>(s.n, detail::item<T>(c, 0, i, s.n * s.n), detail::result<T>(c, 0, i, s.n),
                       detail::result<T>(c, 1, i, s.n * s.n));
    }
  });
}

// ---- Plain references ------------------------------------------------------------------------------------------------

PlainMatrix plain_cholesky(const PlainMatrix& a) {
  PlainMatrix f(a.n, a.n);
  for (std::size_t j = 0; j < a.n; ++j) {
    for (std::size_t i = j; i < a.n; ++i) {
      f(i, j) = a(i, j);
      for (std::size_t k = 0; k < j; ++k) f(i, j) -= f(i, k) * f(j, k);
      f(i, j) = i == j ? std::sqrt(f(i, j)) : f(i, j) / f(j, j);
    }
  }
  return f;
}

// Householder's reflections: R in place, Q [m, m]. A diagonal element takes the sign against the column's head; the last
// row's, with nothing below it, is left as it is.
std::pair<PlainMatrix, PlainMatrix> plain_qr(PlainMatrix r) {
  PlainMatrix q(r.m, r.m);
  for (std::size_t i = 0; i < r.m; ++i) q(i, i) = 1;
  for (std::size_t k = 0; k < std::min(r.m - 1, r.n); ++k) {
    long double norm = 0;
    for (std::size_t i = k; i < r.m; ++i) norm += r(i, k) * r(i, k);
    norm = std::sqrt(norm);
    std::vector<long double> v(r.m, 0);
    for (std::size_t i = k; i < r.m; ++i) v[i] = r(i, k);
    v[k] += r(k, k) > 0 ? norm : -norm;
    long double vv = 0;
    for (long double x : v) vv += x * x;
    const auto reflect = [&](PlainMatrix& a, bool from_left) {
      for (std::size_t j = 0; j < (from_left ? a.n : a.m); ++j) {
        long double dot = 0;
        for (std::size_t i = k; i < r.m; ++i) dot += v[i] * (from_left ? a(i, j) : a(j, i));
        for (std::size_t i = k; i < r.m; ++i) (from_left ? a(i, j) : a(j, i)) -= 2 * dot / vv * v[i];
      }
    };
    reflect(r, true);
    reflect(q, false);
  }
  return {q, r};
}

// Eigenvalues of a symmetric matrix by Jacobi's rotations, descending, and eigenvectors in columns.
struct PlainEigen {
  std::vector<long double> w;
  PlainMatrix v;
};
PlainEigen plain_eigen(PlainMatrix a) {
  PlainMatrix v(a.n, a.n);
  for (std::size_t i = 0; i < a.n; ++i) v(i, i) = 1;
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (std::size_t p = 0; p < a.n; ++p) {
      for (std::size_t q = p + 1; q < a.n; ++q) {
        if (a(p, q) == 0) continue;
        const long double t = 0.5L * std::atan2(2 * a(p, q), a(q, q) - a(p, p)), co = std::cos(t), si = std::sin(t);
        const auto turn = [&](long double& x, long double& y) {
          const long double old = x;
          x = co * x - si * y;
          y = si * old + co * y;
        };
        for (std::size_t i = 0; i < a.n; ++i) turn(a(i, p), a(i, q));
        for (std::size_t i = 0; i < a.n; ++i) turn(a(p, i), a(q, i));
        for (std::size_t i = 0; i < a.n; ++i) turn(v(i, p), v(i, q));
      }
    }
  }
  std::vector<std::size_t> order(a.n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a(i, i) > a(j, j); });
  PlainEigen out{{}, PlainMatrix(a.n, a.n)};
  for (std::size_t j = 0; j < a.n; ++j) {
    out.w.push_back(a(order[j], order[j]));
    for (std::size_t i = 0; i < a.n; ++i) out.v(i, j) = v(i, order[j]);
  }
  return out;
}

// Signs of singular and eigenvectors are nobody's choice: columns of `v` are turned to agree with those of the op.
std::vector<bool> turn_columns(PlainMatrix& v, const PlainMatrix& like) {
  std::vector<bool> turned;
  for (std::size_t j = 0; j < v.n; ++j) {
    long double dot = 0;
    for (std::size_t i = 0; i < v.m; ++i) dot += v(i, j) * like(i, j);
    turned.push_back(dot < 0);
    for (std::size_t i = 0; dot < 0 && i < v.m; ++i) v(i, j) = -v(i, j);
  }
  return turned;
}

struct PlainSvd {
  PlainMatrix u;
  std::vector<long double> s;
  PlainMatrix v;
};
PlainSvd plain_svd(const PlainMatrix& a) {
  const PlainMatrix t = detail::plain_transpose(a);
  if (a.m < a.n) {
    PlainSvd out = plain_svd(t);
    std::swap(out.u, out.v);
    return out;
  }
  const PlainEigen e = plain_eigen(detail::plain_product(t, a));
  PlainSvd out{detail::plain_product(a, e.v), e.w, e.v};
  for (std::size_t j = 0; j < a.n; ++j) {
    out.s[j] = std::sqrt(out.s[j]);
    for (std::size_t i = 0; i < a.m; ++i) out.u(i, j) /= out.s[j];
  }
  return out;
}

std::vector<std::vector<long double>> svd_plain(const Sample& sample) {
  const auto like = detail::numbers(emit(svd_op(), sample.in, sample.params)[0]);
  std::vector<long double> u, s;
  const auto vt = detail::plain_each(sample.in[0], [&](const PlainMatrix& a, std::size_t which) {
    PlainSvd f = plain_svd(a);
    const auto turned = turn_columns(f.u, PlainMatrix(like, which, f.u.m, f.u.n));
    PlainMatrix rows = detail::plain_transpose(f.v);
    for (std::size_t k = 0; k < rows.x.size(); ++k) rows.x[k] = turned[k / rows.n] ? -rows.x[k] : rows.x[k];
    u.insert(u.end(), f.u.x.begin(), f.u.x.end());
    s.insert(s.end(), f.s.begin(), f.s.end());
    return rows.x;
  });
  return {u, s, vt};
}

std::vector<std::vector<long double>> eigh_plain(const Sample& sample) {
  const auto like = detail::numbers(emit(eigh_op(), sample.in)[1]);
  std::vector<long double> w;
  const auto v = detail::plain_each(sample.in[0], [&](PlainMatrix a, std::size_t which) {
    for (std::size_t i = 0; i < a.n; ++i) {
      for (std::size_t j = i + 1; j < a.n; ++j) a(i, j) = a(j, i);
    }
    const PlainEigen e = plain_eigen(a);
    w.insert(w.end(), e.w.rbegin(), e.w.rend());
    PlainMatrix ascending(a.n, a.n);
    for (std::size_t i = 0; i < a.n; ++i) {
      for (std::size_t j = 0; j < a.n; ++j) ascending(i, j) = e.v(i, a.n - 1 - j);
    }
    turn_columns(ascending, PlainMatrix(like, which, a.n, a.n));
    return ascending.x;
  });
  return {w, v};
}

}  // namespace factor_ops

const Op& cholesky_op() {
  static const Op op = [] {
    Op o;
    o.name = "cholesky";
    o.rounding = Rounding::backward;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{in[0].shape, in[0].dtype, false}};
    };
    o.kernel = factor_ops::cholesky_kernel;
    o.in_place = true;
    o.jvp = factor_ops::cholesky_jvp;
    o.batch = [](const BatchCall& c) { return detail::batch_stack(cholesky_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample_definite({3, 3}, d)}, {}}, {{detail::sample_definite({2, 4, 4}, d, 1)}, {}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      return {detail::plain_each(s.in[0],
                                 [](const PlainMatrix& a, std::size_t) { return factor_ops::plain_cholesky(a).x; })};
    };
    return o;
  }();
  return op;
}

const Op& qr_op() {
  static const Op op = [] {
    Op o;
    o.name = "qr";
    o.rounding = Rounding::backward;
    o.infer = factor_ops::qr_infer;
    o.kernel = factor_ops::qr_kernel;
    o.jvp = factor_ops::qr_jvp;
    o.batch = [](const BatchCall& c) { return detail::batch_stack(qr_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({4, 3}, d)}, {{"full", false}}},
              {{detail::sample_matrix({3, 3}, d)}, {{"full", true}}},
              {{detail::sample_matrix({2, 2, 4}, d)}, {{"full", false}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      std::vector<long double> r_all;
      const auto q_all = detail::plain_each(s.in[0], [&](const PlainMatrix& a, std::size_t) {
        const auto [q, r] = factor_ops::plain_qr(a);
        const std::size_t k = s.params.flag("full") ? a.m : std::min(a.m, a.n);
        std::vector<long double> thin;
        for (std::size_t i = 0; i < a.m; ++i) {
          for (std::size_t j = 0; j < k; ++j) thin.push_back(q(i, j));
        }
        r_all.insert(r_all.end(), r.x.begin(), r.x.begin() + static_cast<std::ptrdiff_t>(k * a.n));
        return thin;
      });
      return {q_all, r_all};
    };
    return o;
  }();
  return op;
}

const Op& svd_op() {
  static const Op op = [] {
    Op o;
    o.name = "svd";
    o.rounding = Rounding::backward;
    o.roundings = 2;  // by iteration
    o.infer = factor_ops::svd_infer;
    o.kernel = factor_ops::svd_kernel;
    o.jvp = factor_ops::svd_jvp;
    o.batch = [](const BatchCall& c) { return detail::batch_stack(svd_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({4, 3}, d)}, {{"full", false}}},
              {{detail::sample_matrix({3, 3}, d)}, {{"full", true}}},
              {{detail::sample({2, 2, 4}, d)}, {{"full", false}}}};
    };
    o.plain = factor_ops::svd_plain;
    return o;
  }();
  return op;
}

const Op& singular_values_op() {
  static const Op op = [] {
    Op o;
    o.name = "singular_values";
    o.rounding = Rounding::backward;
    o.roundings = 2;  // by iteration
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      const Shape& s = in[0].shape;
      return {{detail::leading(s) + Shape{std::min(s.at(-2), s.at(-1))}, in[0].dtype, false}};
    };
    o.kernel = factor_ops::singular_values_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      if (!c.tangents[0].defined()) return {Array()};
      const Leaves f = emit(svd_op(), {c.in[0]}, {{"full", false}});
      return {sum(f[0] * emit_matmul(c.tangents[0], f[2], false, true), -2)};
    };
    o.batch = [](const BatchCall& c) { return detail::batch_stack(singular_values_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({4, 3}, d)}, {}}, {{detail::sample({2, 2, 4}, d)}, {}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      return {
          detail::plain_each(s.in[0], [](const PlainMatrix& a, std::size_t) { return factor_ops::plain_svd(a).s; })};
    };
    return o;
  }();
  return op;
}

const Op& eigh_op() {
  static const Op op = [] {
    Op o;
    o.name = "eigh";
    o.rounding = Rounding::backward;
    o.roundings = 2;  // by iteration
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{in[0].shape.sub(0, in[0].shape.ndim() - 1), in[0].dtype, false}, {in[0].shape, in[0].dtype, false}};
    };
    o.kernel = factor_ops::eigh_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      if (!c.tangents[0].defined()) return {Array(), Array()};
      const Array& v = c.out[1];
      const Array m = emit_matmul(v, emit_matmul(factor_ops::from_lower(c.tangents[0]), v), true);
      return {diagonal(m, 0, -2, -1), emit_matmul(v, factor_ops::inverse_gaps(c.out[0]) * m)};
    };
    o.batch = [](const BatchCall& c) { return detail::batch_stack(eigh_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample_matrix({3, 3}, d)}, {}}, {{detail::sample_matrix({2, 4, 4}, d)}, {}}};
    };
    o.plain = factor_ops::eigh_plain;
    return o;
  }();
  return op;
}

}  // namespace dini
