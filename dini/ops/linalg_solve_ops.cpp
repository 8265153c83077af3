// Factorisations for solving, which are never differentiated, and the solves, which are.
#include <cstdint>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"
#include "dini/ops/linalg_build.hpp"

namespace dini {

using detail::PlainMatrix;
using detail::Stack;

namespace solve_ops {

bool symmetric(const Params& p) { return p.has("symmetric") && p.flag("symmetric"); }

// b is [..., n] or [..., n, k]: the number of its columns.
std::size_t columns(const Aval& a, const Aval& b) {
  return b.shape.ndim() == a.shape.ndim() ? static_cast<std::size_t>(b.shape.back()) : 1;
}

void lu_kernel(const KernelCall& c) {
  detail::visit_floating(c.in_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    for (std::int64_t k = 0; k < s.count; ++k) {
      kernels::lu_factor<T>(s.n, detail::item<T>(c, 0, k, s.n * s.n), detail::result<T>(c, 0, k, s.n * s.n),
                            detail::result<std::int32_t>(c, 1, k, s.n));
    }
  });
}

void symmetric_kernel(const KernelCall& c) {
  detail::visit_floating(c.in_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    for (std::int64_t k = 0; k < s.count; ++k) {
      const T* a = detail::item<T>(c, 0, k, s.n * s.n);
      T* factors = detail::result<T>(c, 0, k, s.n * s.n);
      auto* pivots = detail::result<std::int32_t>(c, 1, k, s.n);
      if (kernels::cholesky_factor<T>(s.n, a, factors) == 0)
        std::fill_n(pivots, s.n, detail::cholesky_pivot);
      else
        kernels::ldlt_factor<T>(s.n, a, factors, pivots);
    }
  });
}

void solve_kernel(const KernelCall& c) {
  const bool transposed = c.params.flag("transposed"), is_symmetric = symmetric(c.params);
  const bool refined = c.params.has("refined") && c.params.flag("refined");
  detail::visit_floating(c.out_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    const std::size_t n = s.n, nrhs = columns(c.in_avals[2], c.in_avals[3]);
    if (n * nrhs == 0) return;
    for (std::int64_t k = 0; k < s.count; ++k) {
      const T* factors = detail::item<T>(c, 0, k, n * n);
      const auto* pivots = detail::item<std::int32_t>(c, 1, k, n);
      const T* b = detail::item<T>(c, 3, k, n * nrhs);
      T* x = detail::result<T>(c, 0, k, n * nrhs);
      const auto solve = [&](const T* right, T* to) {
        if (!is_symmetric)
          kernels::lu_solve<T>(transposed, n, nrhs, factors, pivots, right, to);
        else if (pivots[0] == detail::cholesky_pivot)
          kernels::cholesky_solve<T>(n, nrhs, factors, right, to);
        else
          kernels::ldlt_solve<T>(n, nrhs, factors, pivots, right, to);
      };
      solve(b, x);
      if (!refined) continue;
      kernels::Scratch<T> memory(2 * n * nrhs);
      T *left = memory.data(), *change = left + n * nrhs;
      for (int turn = 0; turn < detail::solve_corrections; ++turn) {
        kernels::gemm_lanes<T>(transposed, n, nrhs, n, detail::item<T>(c, 2, k, n * n), x, left);
        for (std::size_t i = 0; i < n * nrhs; ++i) left[i] = b[i] - left[i];
        solve(left, change);
        for (std::size_t i = 0; i < n * nrhs; ++i) x[i] += change[i];
      }
    }
  });
}

void triangular_kernel(const KernelCall& c) {
  const bool lower = c.params.flag("lower"), transposed = c.params.flag("transposed"), unit = c.params.flag("unit");
  detail::visit_floating(c.out_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    const std::size_t n = s.n, nrhs = columns(c.in_avals[0], c.in_avals[1]);
    if (n * nrhs == 0) return;
    for (std::int64_t k = 0; k < s.count; ++k) {
      kernels::triangular_solve<T>(lower, transposed, unit, n, nrhs, detail::item<T>(c, 0, k, n * n),
                                   detail::item<T>(c, 1, k, n * nrhs), detail::result<T>(c, 0, k, n * nrhs));
    }
  });
}

// op(dA)·X for X of vectors or matrices.
Array applied(const Array& da, const Array& x, bool transposed) {
  return x.ndim() == da.ndim() ? detail::emit_matmul(da, x, transposed) : detail::emit_matvec(da, x, transposed);
}

// dB - op(dA)·X, where any may be missing.
Array changed_side(const Array& da, const Array& db, const Array& x, bool transposed) {
  if (!da.defined()) return db;
  const Array product = applied(da, x, transposed);
  return db.defined() ? db - product : -product;
}

// op(A)⁻¹B for each matrix of a stack.
std::vector<long double> plain(const Array& a, const Array& b, bool transposed, const auto& prepare) {
  const std::size_t k = columns(a.aval(), b.aval());
  const auto right = detail::numbers(b);
  return detail::plain_each(a, [&](PlainMatrix m, std::size_t which) {
    prepare(m);
    if (transposed) m = detail::plain_transpose(m);
    return detail::plain_solve(m, PlainMatrix(right, which, m.n, k)).x;
  });
}

std::vector<Aval> infer_factors(std::span<const Aval> in, const Params&) {
  return {{in[0].shape, in[0].dtype, false}, {in[0].shape.sub(0, in[0].shape.ndim() - 1), Dtype::int32, false}};
}

}  // namespace solve_ops

const Op& lu_factor_op() {
  static const Op op = [] {
    Op o;
    o.name = "lu_factor";
    o.rounding = Rounding::exact;
    o.infer = solve_ops::infer_factors;
    o.kernel = solve_ops::lu_kernel;
    o.in_place = true;
    o.differentiable = false;
    o.batch = [](const BatchCall& c) { return detail::batch_stack(lu_factor_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample_matrix({3, 3}, d)}, {}}, {{detail::sample({2, 4, 4}, d, 3)}, {}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      std::vector<long double> perm;
      const auto lu = detail::plain_each(s.in[0], [&](const PlainMatrix& m, std::size_t) {
        std::vector<std::size_t> order;
        const auto factors = detail::plain_lu(m, order);
        perm.insert(perm.end(), order.begin(), order.end());
        return factors.x;
      });
      return {lu, perm};
    };
    return o;
  }();
  return op;
}

const Op& symmetric_factor_op() {
  static const Op op = [] {
    Op o;
    o.name = "symmetric_factor";
    o.rounding = Rounding::exact;
    o.infer = solve_ops::infer_factors;
    o.kernel = solve_ops::symmetric_kernel;
    o.differentiable = false;
    o.batch = [](const BatchCall& c) { return detail::batch_stack(symmetric_factor_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample_definite({3, 3}, d)}, {}}, {{detail::sample_definite({2, 4, 4}, d, 3)}, {}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const auto l = detail::plain_each(s.in[0], [](const PlainMatrix& m, std::size_t) {
        PlainMatrix f(m.n, m.n);
        for (std::size_t j = 0; j < m.n; ++j) {
          for (std::size_t i = j; i < m.n; ++i) {
            f(i, j) = m(i, j);
            for (std::size_t k = 0; k < j; ++k) f(i, j) -= f(i, k) * f(j, k);
            f(i, j) = i == j ? std::sqrt(f(i, j)) : f(i, j) / f(j, j);
          }
        }
        return f.x;
      });
      return {l, std::vector<long double>(static_cast<std::size_t>(s.in[0].size() / s.in[0].shape().back()),
                                          detail::cholesky_pivot)};
    };
    return o;
  }();
  return op;
}

const Op& linear_solve_op() {
  static const Op op = [] {
    Op o;
    o.name = "linear_solve";
    o.rounding = Rounding::backward;
    o.backward_operand = 2;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{in[3].shape, in[3].dtype, false}};
    };
    o.kernel = solve_ops::solve_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      const Array &da = c.tangents[2], &db = c.tangents[3];
      if (!da.defined() && !db.defined()) return {Array()};
      const Array side = solve_ops::changed_side(da, db, c.out[0], c.params.flag("transposed"));
      return emit(linear_solve_op(), {c.in[0], c.in[1], c.in[2], side}, c.params);
    };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      Leaves out(4);
      if (!c.cotangents[0].defined() || c.in[3].defined()) return out;
      Params p = c.params;
      p.set("transposed", !c.params.flag("transposed"));
      out[3] = emit_one(linear_solve_op(), {c.in[0], c.in[1], c.in[2], c.cotangents[0]}, p);
      return out;
    };
    o.batch = [](const BatchCall& c) {
      return detail::batch_columns(linear_solve_op(), c, c.in[2].ndim() - (c.batched[2] ? 1 : 0));
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      std::vector<Sample> out;
      const auto add = [&](const Op& factor, const Array& a, const Array& b, bool transposed, bool symmetric) {
        const Leaves f = emit(factor, {a});
        out.push_back({{f[0], f[1], a, b}, {{"transposed", transposed}, {"symmetric", symmetric}}});
      };
      for (bool transposed : {false, true}) {
        add(lu_factor_op(), detail::sample_matrix({3, 3}, d), detail::sample({3}, d, 1), transposed, false);
        add(lu_factor_op(), detail::sample_matrix({3, 3}, d), detail::sample({3, 2}, d, 1), transposed, false);
        add(lu_factor_op(), detail::sample_matrix({2, 4, 4}, d), detail::sample({2, 4, 3}, d, 1), transposed, false);
        add(lu_factor_op(), detail::sample_matrix({2, 4, 4}, d), detail::sample({2, 4}, d, 1), transposed, false);
      }
      add(symmetric_factor_op(), detail::sample_definite({3, 3}, d), detail::sample({3, 2}, d, 1), false, true);
      // The factors of a matrix near by.
      for (bool transposed : {false, true}) {
        const Array a = detail::sample_matrix({3, 3}, d);
        const Leaves f = emit(lu_factor_op(), {a * astype(Array(1 + 1e-5), d)});
        const Params refined{{"transposed", transposed}, {"symmetric", false}, {"refined", true}};
        out.push_back({{f[0], f[1], a, detail::sample({3, 2}, d, 1)}, refined});
      }
      return out;
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      return {solve_ops::plain(s.in[2], s.in[3], s.params.flag("transposed"), [](PlainMatrix&) {})};
    };
    return o;
  }();
  return op;
}

const Op& triangular_solve_op() {
  static const Op op = [] {
    Op o;
    o.name = "triangular_solve";
    o.rounding = Rounding::backward;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{in[1].shape, in[1].dtype, false}};
    };
    o.kernel = solve_ops::triangular_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      Array da = c.tangents[0];
      const Array& db = c.tangents[1];
      if (!da.defined() && !db.defined()) return {Array()};
      const int off = c.params.flag("unit") ? 1 : 0;
      if (da.defined()) da = c.params.flag("lower") ? tril(da, -off) : triu(da, off);
      const Array side = solve_ops::changed_side(da, db, c.out[0], c.params.flag("transposed"));
      return emit(triangular_solve_op(), {c.in[0], side}, c.params);
    };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      Leaves out(2);
      if (!c.cotangents[0].defined() || c.in[1].defined()) return out;
      Params p = c.params;
      p.set("transposed", !c.params.flag("transposed"));
      out[1] = emit_one(triangular_solve_op(), {c.in[0], c.cotangents[0]}, p);
      return out;
    };
    o.batch = [](const BatchCall& c) {
      return detail::batch_columns(triangular_solve_op(), c, c.in[0].ndim() - (c.batched[0] ? 1 : 0));
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      std::vector<Sample> out;
      for (bool lower : {false, true}) {
        for (bool transposed : {false, true}) {
          const bool unit = lower != transposed;
          const Params p{{"lower", lower}, {"transposed", transposed}, {"unit", unit}};
          out.push_back({{detail::sample_matrix({3, 3}, d), detail::sample({3}, d, 1)}, p});
          out.push_back({{detail::sample_matrix({2, 3, 3}, d), detail::sample({2, 3, 4}, d, 1)}, p});
        }
      }
      return out;
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const bool lower = s.params.flag("lower"), unit = s.params.flag("unit");
      return {solve_ops::plain(s.in[0], s.in[1], s.params.flag("transposed"), [&](PlainMatrix& m) {
        for (std::size_t i = 0; i < m.n; ++i) {
          for (std::size_t j = 0; j < m.n; ++j) {
            if (lower ? j > i : j < i) m(i, j) = 0;
            if (i == j && unit) m(i, j) = 1;
          }
        }
      })};
    };
    return o;
  }();
  return op;
}

namespace detail {

Array emit_linear_solve(const Leaves& factors, const Array& a, const Array& b, bool transposed, bool symmetric,
                        bool refined) {
  Params params{{"transposed", transposed}, {"symmetric", symmetric}};
  if (refined) params.set("refined", true);
  return emit_one(linear_solve_op(), {factors[0], factors[1], a, b}, params);
}

}  // namespace detail

}  // namespace dini
