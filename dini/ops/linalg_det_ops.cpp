// det, cofactor, slogdet.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"

namespace dini {

using detail::PlainMatrix;
using detail::Stack;

namespace value_ops {

std::vector<Aval> infer_scalar(std::span<const Aval> in, const Params&) {
  return {{detail::leading(in[0].shape), in[0].dtype, false}};
}
template <class T> struct Factors {
  std::vector<T> lu;
  std::vector<std::int32_t> perm;
  explicit Factors(std::size_t n) : lu(n * n), perm(n) {}
  void compute(std::size_t n, const T* a) { kernels::lu_factor<T>(n, a, lu.data(), perm.data()); }
};

void det_kernel(const KernelCall& c) {
  detail::visit_floating(c.in_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    Factors<T> f(s.n);
    for (std::int64_t k = 0; k < s.count; ++k) {
      f.compute(s.n, detail::item<T>(c, 0, k, s.n * s.n));
      *detail::result<T>(c, 0, k, 1) = kernels::lu_det<T>(s.n, f.lu.data(), f.perm.data());
    }
  });
}

void slogdet_kernel(const KernelCall& c) {
  detail::visit_floating(c.in_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    Factors<T> f(s.n);
    for (std::int64_t k = 0; k < s.count; ++k) {
      f.compute(s.n, detail::item<T>(c, 0, k, s.n * s.n));
      kernels::lu_slogdet<T>(s.n, f.lu.data(), f.perm.data(), detail::result<T>(c, 0, k, 1),
                             detail::result<T>(c, 1, k, 1));
    }
  });
}

// A = U diag(s) Vᵀ, and det(U)det(V).
template <class T> T signed_svd(std::size_t n, const T* a, std::vector<T>& u, std::vector<T>& s, std::vector<T>& vt) {
  kernels::svd<T>(n, n, a, u.data(), s.data(), vt.data());
  Factors<T> f(n);
  T sign = 1;
  for (const auto* q : {&u, &vt}) {
    f.compute(n, q->data());
    sign *= kernels::lu_det<T>(n, f.lu.data(), f.perm.data()) < 0 ? T(-1) : T(1);
  }
  return sign;
}

// det(A)·A⁻ᵀ. Near singularity from A = U diag(s) Vᵀ: det(U)det(V)·U diag(Π_{j≠i} s_j) Vᵀ, where nothing is divided.
template <class T> void cofactor(std::size_t n, const T* a, T* out) {
  Factors<T> f(n);
  f.compute(n, a);
  T least = std::numeric_limits<T>::infinity(), most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    least = std::min(least, std::fabs(f.lu[i * n + i]));
    most = std::max(most, std::fabs(f.lu[i * n + i]));
  }
  std::vector<T> x(n * n);
  if (least > most * std::sqrt(std::numeric_limits<T>::epsilon())) {
    const T det = kernels::lu_det<T>(n, f.lu.data(), f.perm.data());
    kernels::lu_inverse<T>(n, f.lu.data(), f.perm.data(), x.data());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) out[i * n + j] = det * x[j * n + i];
    }
    return;
  }
  std::vector<T> u(n * n), s(n), vt(n * n);
  const T sign = signed_svd(n, a, u, s, vt);
  for (std::size_t j = 0; j < n; ++j) {
    T others = sign;
    for (std::size_t i = 0; i < n; ++i) others *= i == j ? T(1) : s[i];
    for (std::size_t i = 0; i < n; ++i) x[i * n + j] = u[i * n + j] * others;
  }
  kernels::gemm<T>(false, false, n, n, n, x.data(), vt.data(), out);
}

// The k-th derivative of the cofactors in the directions E1..Ek. With A = U diag(s) Vᵀ and Gᵢ = UᵀEᵢV it is
// det(U)det(V)·U M Vᵀ; M sums over the sets I of k + 1 indices: the product of the s outside of I, times the (k, k) minors of the
// G, row by row from each of them, within I. Nothing is divided by, so that it is right for A of every rank.
template <class T> class CofactorDerivative {
 public:
  CofactorDerivative(std::size_t n, std::size_t k) : n_(n), k_(k), u_(n * n), s_(n), vt_(n * n), x_(n * n), m_(n * n) {
    for (std::size_t i = 0; i < k; ++i) g_.emplace_back(n * n);
  }

  void compute(const T* a, const std::vector<const T*>& directions, T* out) {
    if (a_.empty() || std::memcmp(a, a_.data(), a_.size() * sizeof(T)) != 0) {  // lanes often share A
      a_.assign(a, a + n_ * n_);
      sign_ = signed_svd(n_, a, u_, s_, vt_);
    }
    for (std::size_t i = 0; i < k_; ++i) {
      kernels::gemm<T>(true, false, n_, n_, n_, u_.data(), directions[i], x_.data());
      kernels::gemm<T>(false, true, n_, n_, n_, x_.data(), vt_.data(), g_[i].data());
    }
    std::fill(m_.begin(), m_.end(), T(0));
    choose(0, sign_);
    kernels::gemm<T>(false, false, n_, n_, n_, u_.data(), m_.data(), x_.data());
    kernels::gemm<T>(false, false, n_, n_, n_, x_.data(), vt_.data(), out);
  }

 private:
  // All sets I that go on from `set_` with indices from `at` on.
  void choose(std::size_t at, T product) {
    if (set_.size() + (n_ - at) < k_ + 1) return;
    if (at == n_) return add(product);
    if (set_.size() <= k_) {
      set_.push_back(at);
      choose(at + 1, product);
      set_.pop_back();
    }
    if (product != 0) choose(at + 1, product * s_[at]);
  }

  void add(T product) {
    for (std::size_t i = 0; i <= k_; ++i) {
      for (std::size_t j = 0; j <= k_; ++j) {
        const T minor = mixed_minor(0, i, std::size_t{1} << j, 0);
        m_[set_[i] * n_ + set_[j]] += (i + j) % 2 ? -product * minor : product * minor;
      }
    }
  }

  // Σ over the ways to take each row from another direction, of determinants without row `skip`; columns and directions
  // that are used are bits.
  T mixed_minor(std::size_t row, std::size_t skip, std::size_t columns, std::size_t used) const {
    if (row == skip) ++row;
    if (row > k_) return 1;
    T total = 0;
    bool odd = false;
    for (std::size_t j = 0; j <= k_; ++j) {
      if (columns >> j & 1) continue;
      T factor = 0;
      for (std::size_t d = 0; d < k_; ++d) {
        if (used >> d & 1) continue;
        factor += g_[d][set_[row] * n_ + set_[j]] *
                  mixed_minor(row + 1, skip, columns | std::size_t{1} << j, used | std::size_t{1} << d);
      }
      total += odd ? -factor : factor;
      odd = !odd;
    }
    return total;
  }

  std::size_t n_, k_;
  std::vector<T> a_, u_, s_, vt_, x_, m_;
  std::vector<std::vector<T>> g_;
  std::vector<std::size_t> set_;
  T sign_ = 1;
};

void cofactor_kernel(const KernelCall& c) {
  detail::visit_floating(c.in_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    CofactorDerivative<T> derivative(s.n, c.in.size() - 1);
    for (std::int64_t k = 0; k < s.count; ++k) {
      const T* a = detail::item<T>(c, 0, k, s.n * s.n);
      T* out = detail::result<T>(c, 0, k, s.n * s.n);
      std::vector<const T*> directions;
      for (std::size_t d = 1; d < c.in.size(); ++d) directions.push_back(detail::item<T>(c, d, k, s.n * s.n));
      if (directions.empty())
        cofactor<T>(s.n, a, out);
      else
        derivative.compute(a, directions, out);
    }
  });
}

// Rank 2, rank 1, and twice the like of hardly any: matrices where A⁻¹ is of no use.
Array sample_singular(Dtype dtype) {
  return detail::sample_integers(
      {1, 2, 3, 2, 4, 6, -1, 0, 1, 1, 2, -1, 2, 4, -2, -1, -2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2},
      {4, 3, 3}, dtype);
}

// The derivative of det(A) in these directions: rows replaced by theirs in every way.
long double plain_det_derivative(PlainMatrix a, const std::vector<PlainMatrix>& directions, std::size_t next,
                                 std::vector<bool>& replaced) {
  if (next == directions.size()) return detail::plain_det(a);
  long double total = 0;
  for (std::size_t i = 0; i < a.m; ++i) {
    if (replaced[i]) continue;
    PlainMatrix b = a;
    for (std::size_t j = 0; j < a.n; ++j) b(i, j) = directions[next](i, j);
    replaced[i] = true;
    total += plain_det_derivative(b, directions, next + 1, replaced);
    replaced[i] = false;
  }
  return total;
}

PlainMatrix plain_minor(const PlainMatrix& a, std::size_t i, std::size_t j) {
  PlainMatrix minor(a.n - 1, a.n - 1);
  for (std::size_t r = 0; r + 1 < a.n; ++r) {
    for (std::size_t q = 0; q + 1 < a.n; ++q) minor(r, q) = a(r + (r >= i), q + (q >= j));
  }
  return minor;
}

std::vector<std::vector<long double>> cofactor_plain(const Sample& sample) {
  std::vector<std::vector<long double>> directions;
  for (std::size_t d = 1; d < sample.in.size(); ++d) directions.push_back(detail::numbers(sample.in[d]));
  return {detail::plain_each(sample.in[0], [&](const PlainMatrix& a, std::size_t which) {
    std::vector<long double> out;
    for (std::size_t i = 0; i < a.n; ++i) {
      for (std::size_t j = 0; j < a.n; ++j) {
        std::vector<PlainMatrix> minors;
        for (const auto& d : directions) minors.push_back(plain_minor(PlainMatrix(d, which, a.n, a.n), i, j));
        std::vector<bool> replaced(a.n - 1);
        out.push_back(((i + j) % 2 ? -1 : 1) * plain_det_derivative(plain_minor(a, i, j), minors, 0, replaced));
      }
    }
    return out;
  })};
}

}  // namespace value_ops

const Op& det_op() {
  static const Op op = [] {
    Op o;
    o.name = "det";
    o.rounding = Rounding::backward;
    o.infer = value_ops::infer_scalar;
    o.kernel = value_ops::det_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      if (!c.tangents[0].defined()) return {Array()};
      return {sum(c.tangents[0] * emit_one(cofactor_op(), {c.in[0]}), {-2, -1})};
    };
    o.batch = [](const BatchCall& c) { return detail::batch_stack(det_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample_matrix({3, 3}, d)}, {}},
              {{detail::sample({2, 4, 4}, d)}, {}},
              {{value_ops::sample_singular(d)}, {}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      return {detail::plain_each(
          s.in[0], [](const PlainMatrix& a, std::size_t) { return std::vector<long double>{detail::plain_det(a)}; })};
    };
    return o;
  }();
  return op;
}

const Op& cofactor_op() {
  static const Op op = [] {
    Op o;
    o.name = "cofactor";
    o.rounding = Rounding::backward;
    o.infer = detail::infer_same;
    o.kernel = value_ops::cofactor_kernel;
    // det's derivative of order k + 1 is symmetric in its directions: one more for A's tangent, and a cotangent takes the
    // place of a direction.
    o.jvp = [](const JvpCall& c) { return detail::directions_jvp(cofactor_op(), c); };
    o.transpose = [](const TransposeCall& c) { return detail::directions_transpose(cofactor_op(), c, false); };
    o.batch = [](const BatchCall& c) { return detail::batch_stack(cofactor_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      const auto e = [d](const Shape& shape, int seed) { return detail::sample(shape, d, seed); };
      return {{{detail::sample_matrix({3, 3}, d)}, {}},
              {{detail::sample_matrix({2, 4, 4}, d)}, {}},
              {{value_ops::sample_singular(d)}, {}},
              {{detail::sample_matrix({3, 3}, d), e({3, 3}, 1)}, {}},
              {{value_ops::sample_singular(d), e({4, 3, 3}, 1)}, {}},
              {{detail::sample_matrix({4, 4}, d), e({4, 4}, 1), e({4, 4}, 2)}, {}},
              {{detail::emit_zeros({Shape{3, 3}, d, false}), e({3, 3}, 1), e({3, 3}, 2)}, {}},
              {{detail::sample_matrix({2, 2}, d), e({2, 2}, 1), e({2, 2}, 2)}, {}}};
    };
    o.plain = value_ops::cofactor_plain;
    return o;
  }();
  return op;
}

const Op& slogdet_op() {
  static const Op op = [] {
    Op o;
    o.name = "slogdet";
    o.rounding = Rounding::backward;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      const Aval one{detail::leading(in[0].shape), in[0].dtype, false};
      return {one, one};
    };
    o.kernel = value_ops::slogdet_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      if (!c.tangents[0].defined()) return {Array(), Array()};
      const Leaves f = emit(lu_factor_op(), {c.in[0]});
      return {Array(), trace(detail::emit_linear_solve(f, c.in[0], c.tangents[0]), 0, -2, -1)};
    };
    o.batch = [](const BatchCall& c) { return detail::batch_stack(slogdet_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample_matrix({3, 3}, d)}, {}}, {{detail::sample({2, 4, 4}, d)}, {}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      std::vector<long double> sign;
      const auto log = detail::plain_each(s.in[0], [&](const PlainMatrix& a, std::size_t) {
        const long double d = detail::plain_det(a);
        sign.push_back(d < 0 ? -1 : 1);
        return std::vector<long double>{std::log(std::fabs(d))};
      });
      return {sign, log};
    };
    return o;
  }();
  return op;
}

OpList linalg_ops() {
  static const Op* const ops[] = {&lu_factor_op(),    &symmetric_factor_op(),
                                  &linear_solve_op(), &triangular_solve_op(),
                                  &cholesky_op(),     &qr_op(),
                                  &svd_op(),          &singular_values_op(),
                                  &eigh_op(),         &det_op(),
                                  &cofactor_op(),     &slogdet_op(),
                                  &pinv_op(),         &lstsq_op(),
                                  &expm_op(),         &qr_pivoted_op()};
  return ops;
}

}  // namespace dini
