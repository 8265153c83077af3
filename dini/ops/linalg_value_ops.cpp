// pinv, lstsq, expm.
#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"

namespace dini {

using detail::emit_matmul;
using detail::matrix_transpose;
using detail::PlainMatrix;
using detail::Stack;

namespace value_ops {

double relative_tolerance(const Params& p, std::size_t m, std::size_t n, Dtype d) {
  const double given = p.number("rcond");
  return given >= 0 ? given : static_cast<double>(std::max(m, n)) * epsilon(d);
}

void pinv_kernel(const KernelCall& c) {
  detail::visit_floating(c.in_avals[0].dtype, [&]<class T>() {
    const Stack st(c.in_avals[0].shape);
    const std::size_t m = st.m, n = st.n, k = std::min(m, n);
    const T tolerance = static_cast<T>(relative_tolerance(c.params, m, n, c.in_avals[0].dtype));
    std::vector<T> u(m * k), s(k), vt(k * n);
    for (std::int64_t i = 0; i < st.count; ++i) {
      T* out = detail::result<T>(c, 0, i, m * n);
      if (m * n == 0) continue;
      if (kernels::svd<T>(m, n, detail::item<T>(c, 0, i, m * n), u.data(), s.data(), vt.data()) != 0) {
        std::fill_n(out, m * n, std::numeric_limits<T>::quiet_NaN());
        continue;
      }
      for (std::size_t j = 0; j < k; ++j) {
        const T scale = s[j] > tolerance * s[0] ? 1 / s[j] : T(0);
        for (std::size_t r = 0; r < m; ++r) u[r * k + j] *= scale;
      }
      kernels::gemm<T>(true, true, n, m, k, vt.data(), u.data(), out);
    }
  });
}

Leaves pinv_jvp(const JvpCall& c) {
  const Array& da = c.tangents[0];
  if (!da.defined()) return {Array()};
  const Array &a = c.in[0], &p = c.out[0];
  const Array dat = matrix_transpose(da);
  const Array through = emit_matmul(emit_matmul(p, da), p);
  // P Pᵀ dAᵀ (I - A P) and (I - P A) dAᵀ Pᵀ P
  const Array left = emit_matmul(emit_matmul(p, p, false, true), dat - emit_matmul(emit_matmul(dat, a), p));
  const Array right = emit_matmul(dat - emit_matmul(p, emit_matmul(a, dat)), emit_matmul(p, p, true));
  return {left + right - through};
}

std::vector<Aval> lstsq_infer(std::span<const Aval> in, const Params&) {
  const bool matrix = in[1].shape.ndim() == in[0].shape.ndim();
  Shape shape = in[1].shape;
  shape.set(shape.ndim() - (matrix ? 2 : 1), in[0].shape.back());
  return {{shape, in[0].dtype, false}};
}

void lstsq_kernel(const KernelCall& c) {
  detail::visit_floating(c.in_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    const bool matrix = c.in_avals[1].shape.ndim() == c.in_avals[0].shape.ndim();
    const std::size_t k = matrix ? static_cast<std::size_t>(c.in_avals[1].shape.back()) : 1;
    const double tolerance = relative_tolerance(c.params, s.m, s.n, c.in_avals[0].dtype);
    for (std::int64_t i = 0; i < s.count; ++i) {
      kernels::least_squares<T>(s.m, s.n, k, detail::item<T>(c, 0, i, s.m * s.n), detail::item<T>(c, 1, i, s.m * k),
                                detail::result<T>(c, 0, i, s.n * k), tolerance);
    }
  });
}

// dx = A⁺(db - dA x) + A⁺A⁺ᵀ dAᵀ(b - A x) + (I - A⁺A) dAᵀ A⁺ᵀ x, with A⁺ and A⁺ᵀ applied as least-squares solves.
Leaves lstsq_jvp(const JvpCall& c) {
  const Array &da = c.tangents[0], &db = c.tangents[1], &a = c.in[0], &b = c.in[1], &x = c.out[0];
  const bool matrix = b.ndim() == a.ndim();
  const auto times = [&](const Array& m, const Array& v, bool transposed = false) {
    return matrix ? emit_matmul(m, v, transposed) : detail::emit_matvec(m, v, transposed);
  };
  const auto solved = [&](const Array& m, const Array& v) { return emit_one(lstsq_op(), {m, v}, c.params); };
  if (!da.defined()) return {db.defined() ? solved(a, db) : Array()};
  const Array at = matrix_transpose(a);
  const Array side = times(da, x);
  const Array residual = times(da, b - times(a, x), true), dual = times(da, solved(at, x), true);
  // A⁺ is applied once to what it is applied to in two terms.
  const Array once = solved(a, (db.defined() ? db - side : -side) + solved(at, residual) - times(a, dual));
  return {once + dual};
}

std::size_t power_of_two(std::size_t k) { return std::size_t{1} << k; }

// Top right block of the exponential of [[A, E], [0, A]], doubled for every direction.
template <class T> std::size_t directions_matrix(std::size_t n, const std::vector<const T*>& in, std::vector<T>& out) {
  const std::size_t k = in.size() - 1, blocks = power_of_two(k), size = n * blocks;
  out.assign(size * size, T(0));
  const auto put = [&](std::size_t row, std::size_t column, const T* block) {
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(block + i * n, n, out.begin() + static_cast<std::ptrdiff_t>((row * n + i) * size + column * n));
    }
  };
  for (std::size_t p = 0; p < blocks; ++p) {
    put(p, p, in[0]);
    for (std::size_t j = 0; j < k; ++j) {
      if (!(p & power_of_two(j))) put(p, p | power_of_two(j), in[j + 1]);
    }
  }
  return size;
}
template <class T> void top_right(std::size_t n, std::size_t size, const T* from, T* out) {
  for (std::size_t i = 0; i < n; ++i) std::copy_n(from + i * size + size - n, n, out + i * n);
}

void expm_kernel(const KernelCall& c) {
  detail::visit_floating(c.in_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    std::vector<T> block, exponential;
    for (std::int64_t i = 0; i < s.count; ++i) {
      std::vector<const T*> in;
      for (std::size_t k = 0; k < c.in.size(); ++k) in.push_back(detail::item<T>(c, k, i, s.n * s.n));
      T* out = detail::result<T>(c, 0, i, s.n * s.n);
      if (in.size() == 1) {
        kernels::expm<T>(s.n, in[0], out);
        continue;
      }
      const std::size_t size = directions_matrix(s.n, in, block);
      exponential.resize(size * size);
      kernels::expm<T>(size, block.data(), exponential.data());
      top_right(s.n, size, exponential.data(), out);
    }
  });
}

std::vector<std::vector<long double>> expm_plain(const Sample& s) {
  std::vector<std::vector<long double>> all;
  for (const Array& a : s.in) all.push_back(detail::numbers(a));
  const Stack st(s.in[0].shape());
  std::vector<long double> out;
  for (std::int64_t i = 0; i < st.count; ++i) {
    std::vector<const long double*> in;
    for (const auto& v : all) in.push_back(v.data() + static_cast<std::size_t>(i) * st.n * st.n);
    std::vector<long double> block, corner(st.n * st.n);
    const std::size_t size = directions_matrix(st.n, in, block);
    constexpr int halvings = 12;
    PlainMatrix a(block, 0, size, size), sum(size, size), term(size, size);
    for (long double& x : a.x) x = std::ldexp(x, -halvings);
    for (std::size_t d = 0; d < size; ++d) sum(d, d) = term(d, d) = 1;
    for (int k = 1; k < 20; ++k) {
      term = detail::plain_product(term, a);
      for (std::size_t e = 0; e < term.x.size(); ++e) sum.x[e] += term.x[e] /= k;
    }
    for (int k = 0; k < halvings; ++k) sum = detail::plain_product(sum, sum);
    top_right(st.n, size, sum.x.data(), corner.data());
    out.insert(out.end(), corner.begin(), corner.end());
  }
  return {out};
}

// The inverse of a matrix of full rank, from the side where it is one.
PlainMatrix plain_pinv(const PlainMatrix& a) {
  const PlainMatrix t = detail::plain_transpose(a);
  if (a.m >= a.n) return detail::plain_solve(detail::plain_product(t, a), t);
  return detail::plain_transpose(detail::plain_solve(detail::plain_product(a, t), a));
}

}  // namespace value_ops

const Op& pinv_op() {
  static const Op op = [] {
    Op o;
    o.name = "pinv";
    o.rounding = Rounding::backward;
    o.roundings = 2;  // by iteration
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      const Shape& s = in[0].shape;
      return {{detail::leading(s) + Shape{s.at(-1), s.at(-2)}, in[0].dtype, false}};
    };
    o.kernel = value_ops::pinv_kernel;
    o.jvp = value_ops::pinv_jvp;
    o.batch = [](const BatchCall& c) { return detail::batch_stack(pinv_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      const Params p{{"rcond", -1.0}};
      return {{{detail::sample({4, 3}, d)}, p},
              {{detail::sample({2, 2, 4}, d)}, p},
              {{detail::sample_matrix({3, 3}, d)}, p}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      return {
          detail::plain_each(s.in[0], [](const PlainMatrix& a, std::size_t) { return value_ops::plain_pinv(a).x; })};
    };
    return o;
  }();
  return op;
}

const Op& lstsq_op() {
  static const Op op = [] {
    Op o;
    o.name = "lstsq";
    o.rounding = Rounding::backward;
    o.roundings = 2;  // by iteration
    o.infer = value_ops::lstsq_infer;
    o.kernel = value_ops::lstsq_kernel;
    o.jvp = value_ops::lstsq_jvp;
    // Linear in b with the matrix A⁺, whose transpose is (Aᵀ)⁺.
    o.transpose = [](const TransposeCall& c) -> Leaves {
      Leaves out(2);
      if (!c.cotangents[0].defined() || c.in[1].defined()) return out;
      out[1] = emit_one(lstsq_op(), {matrix_transpose(c.in[0]), c.cotangents[0]}, c.params);
      return out;
    };
    o.batch = [](const BatchCall& c) {
      return detail::batch_columns(lstsq_op(), c, c.in[0].ndim() - (c.batched[0] ? 1 : 0));
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      const Params p{{"rcond", -1.0}};
      return {{{detail::sample({4, 3}, d), detail::sample({4}, d, 1)}, p},
              {{detail::sample({3, 4}, d), detail::sample({3, 2}, d, 1)}, p},
              {{detail::sample({2, 3}, d), detail::sample({2, 3}, d, 1)}, p},
              {{detail::sample({2, 4, 2}, d), detail::sample({2, 4, 3}, d, 1)}, p}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const auto b = detail::numbers(s.in[1]);
      const bool matrix = s.in[0].ndim() == s.in[1].ndim();
      const std::size_t k = matrix ? static_cast<std::size_t>(s.in[1].shape().back()) : 1;
      return {detail::plain_each(s.in[0], [&](const PlainMatrix& a, std::size_t which) {
        return detail::plain_product(value_ops::plain_pinv(a), PlainMatrix(b, which, a.m, k)).x;
      })};
    };
    return o;
  }();
  return op;
}

const Op& expm_op() {
  static const Op op = [] {
    Op o;
    o.name = "expm";
    o.rounding = Rounding::backward;
    o.infer = detail::infer_same;
    o.kernel = value_ops::expm_kernel;
    o.jvp = [](const JvpCall& c) { return detail::directions_jvp(expm_op(), c); };
    o.transpose = [](const TransposeCall& c) { return detail::directions_transpose(expm_op(), c, true); };
    o.batch = [](const BatchCall& c) { return detail::batch_stack(expm_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({3, 3}, d)}, {}},
              {{detail::sample({2, 4, 4}, d)}, {}},
              {{detail::sample({3, 3}, d), detail::sample({3, 3}, d, 1)}, {}},
              {{detail::sample({2, 2}, d), detail::sample({2, 2}, d, 1), detail::sample({2, 2}, d, 2)}, {}}};
    };
    o.plain = value_ops::expm_plain;
    return o;
  }();
  return op;
}

}  // namespace dini
