// The ops that say how regular a matrix is.
#include <algorithm>
#include <cmath>

#include "dini/implicit/regularity.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

namespace detail {

namespace {

// The reference: with rows and columns scaled in turn until their sums of magnitudes are 1, 1/(‖A‖₁ ‖A⁻¹‖₁).
std::vector<std::vector<long double>> plain_rcond(const Sample& s) {
  if (s.in[0].size() == 0) return {std::vector<long double>(1, 1)};
  return {plain_each(s.in[0], [](PlainMatrix a, std::size_t) {
    auto norm_1 = [](const PlainMatrix& m) {
      long double largest = 0;
      for (std::size_t j = 0; j < m.n; ++j) {
        long double size = 0;
        for (std::size_t i = 0; i < m.m; ++i) size += std::fabs(m(i, j));
        largest = std::max(largest, size);
      }
      return largest;
    };
    PlainMatrix unit(a.n, a.n);
    for (std::size_t i = 0; i < a.n; ++i) unit(i, i) = 1;
    for (int pass = 0; pass < 100; ++pass) {
      for (std::size_t i = 0; i < a.n; ++i) {
        long double size = 0;
        for (std::size_t j = 0; j < a.n; ++j) size += std::fabs(a(i, j));
        for (std::size_t j = 0; j < a.n; ++j) a(i, j) /= size;
      }
      a = plain_transpose(a);
    }
    return std::vector<long double>{1 / (norm_1(a) * norm_1(plain_solve(a, unit)))};
  })};
}

const Op& rcond_op() {
  static const Op op = [] {
    Op o;
    o.name = "rcond";
    o.rounding = Rounding::exact;
    o.differentiable = false;
    o.infer = [](std::span<const Aval> in, const Params&) {
      return std::vector<Aval>{{in[0].shape.sub(0, in[0].shape.ndim() - 2), in[0].dtype, false}};
    };
    o.kernel = [](const KernelCall& call) {
      const Shape& s = call.in_avals[0].shape;
      const auto n = static_cast<std::size_t>(s.back());
      const auto lanes = static_cast<std::size_t>(call.out_avals[0].shape.size());
      auto run = [&]<class T>(const T* a, T* out) {
        for (std::size_t k = 0; k < lanes; ++k)
          out[k] = static_cast<T>(kernels::condition_equilibrated(n, a + k * n * n));
      };
      if (call.in_avals[0].dtype == Dtype::float32)
        run(static_cast<const float*>(call.in[0]), static_cast<float*>(call.out[0]));
      else
        run(static_cast<const double*>(call.in[0]), static_cast<double*>(call.out[0]));
    };
    o.batch = [](const BatchCall& call) { return batch_stack(rcond_op(), call); };
    // Equal sums of magnitudes in rows and columns, each then scaled by powers of two, which the op takes out exactly.
    o.samples = [](Dtype d) {
      const Array even = astype(array({{4.0, 1.0, -0.5}, {-0.5, 4.0, 1.0}, {1.0, -0.5, 4.0}}), d);
      const Array rows = astype(array({{1024.0}, {0.125}, {2.0}}), d),
                  singular = astype(array({{1.0, 2.0}, {2.0, 4.0}}), d);
      return std::vector<Sample>{{{even}, {}},
                                 {{stack({even * rows, even * reshape(rows, {3})})}, {}},
                                 {{singular}, {}},
                                 {{sample({1, 1}, d)}, {}},
                                 {{zeros({0, 0}, d)}, {}}};
    };
    o.plain = plain_rcond;
    return o;
  }();
  return op;
}

// The reference: the definitions, and the bound where it is enough. A's condition is as plain_rcond's where its rows and columns
// have equal largest elements and equal sums.
std::vector<std::vector<long double>> plain_change(const Sample& s) {
  const auto n = static_cast<std::size_t>(s.in[0].shape().back());
  const double enough = s.params.number("enough");
  const PlainMatrix z(numbers(s.in[3]), 0, n, 1);
  long double rcond = 0, omega = 0;
  for (std::size_t c = 4; c < s.in.size(); ++c) {
    const PlainMatrix a(numbers(s.in[0]), 0, n, n), change(numbers(s.in[c]), 0, n, n);
    std::vector<long double> rows(n, 0), columns(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) rows[i] = std::max(rows[i], std::fabs(a(i, j)));
      for (std::size_t j = 0; j < n; ++j) columns[j] = std::max(columns[j], std::fabs(a(i, j)) / rows[i]);
    }
    PlainMatrix unit(n, n), scaled = a, of_change = change;
    for (std::size_t i = 0; i < n; ++i) {
      unit(i, i) = 1;
      for (std::size_t j = 0; j < n; ++j) scaled(i, j) /= rows[i] * columns[j], of_change(i, j) /= rows[i] * columns[j];
    }
    const auto largest_column = [n](const PlainMatrix& m) {
      long double largest = 0;
      for (std::size_t j = 0; j < n; ++j) {
        long double size = 0;
        for (std::size_t i = 0; i < n; ++i) size += std::fabs(m(i, j));
        largest = std::max(largest, size);
      }
      return largest;
    };
    const long double inverse = largest_column(plain_solve(scaled, unit));
    rcond = 1 / (largest_column(scaled) * inverse);
    long double squares = 0, own = 0, in_z = 0;
    for (long double x : of_change.x) squares += x * x;
    const PlainMatrix by = plain_solve(a, change);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        own += std::pow(by(i, j) * columns[i] / columns[j], 2.0L);
        in_z += std::pow(by(i, j) * z.x[j] / z.x[i], 2.0L);
      }
    }
    const long double bound = 10 * std::sqrt(static_cast<long double>(n) * squares) * inverse;
    omega = std::max(omega, bound < static_cast<long double>(enough) ? bound : std::sqrt(std::min(own, in_z)));
  }
  return {{rcond}, {omega}};
}

const Op& change_op() {
  static const Op op = [] {
    Op o;
    o.name = "relative_change";
    o.rounding = Rounding::exact;
    o.differentiable = false;
    o.infer = [](std::span<const Aval> in, const Params&) {
      const Aval one{leading(in[0].shape), in[0].dtype, false};
      return std::vector<Aval>{one, one};
    };
    o.kernel = [](const KernelCall& call) {  // A, LU, pivots, z, Δ...
      const Stack s(call.in_avals[0].shape);
      const double enough = call.params.number("enough");
      visit_floating(call.in_avals[0].dtype, [&]<class T>() {
        for (std::int64_t k = 0; k < s.count; ++k) {
          std::vector<const T*> changes;
          for (std::size_t c = 4; c < call.in.size(); ++c) changes.push_back(item<T>(call, c, k, s.n * s.n));
          const kernels::Change change = kernels::relative_change<T>(
              s.n, item<T>(call, 0, k, s.n * s.n), item<T>(call, 1, k, s.n * s.n), item<std::int32_t>(call, 2, k, s.n),
              changes.size(), changes.data(), item<T>(call, 3, k, s.n), enough);
          *result<T>(call, 0, k, 1) = static_cast<T>(change.rcond);
          *result<T>(call, 1, k, 1) = static_cast<T>(change.omega);
        }
      });
    };
    o.batch = [](const BatchCall& call) { return batch_stack(change_op(), call); };
    o.samples = [](Dtype d) {
      const Array a = astype(array({{4.0, 1.0, -0.5}, {-0.5, 4.0, 1.0}, {1.0, -0.5, 4.0}}), d);
      const Array rows = astype(array({{3.0}, {0.25}, {2.0}}), d), z = astype(array({0.5, -2.0, 1.0}), d);
      const Array one = sample_matrix({3, 3}, d, 1), other = sample_matrix({3, 3}, d, 2);
      std::vector<Sample> out;
      for (double enough : {0.0, 1e-2}) {
        const Array scaled = a * rows * reshape(rows, {3});
        for (const Array& m : {a, scaled}) {
          const Leaves lu = emit(lu_factor_op(), {m});
          out.push_back({{m, lu[0], lu[1], z, 1e-4 * one, 2e-4 * other}, {{"enough", enough}}});
        }
      }
      const Leaves lu = emit(lu_factor_op(), {a});
      out.push_back({{a, lu[0], lu[1], reshape(rows, {3}), other}, {{"enough", 1e-2}}});
      return out;
    };
    o.plain = plain_change;
    return o;
  }();
  return op;
}

}  // namespace

namespace {
// Of numbers: each is as regular as can be, but for 0 and what is none.
Array condition_of_numbers(const Array& a) {
  const Array size = abs(stop_gradient(a));
  return where(isfinite(size), where(size > 0.0, ones_like(size), zeros_like(size)), 0.0 * size);
}
}  // namespace

Array reciprocal_condition(const Array& a) {
  return a.ndim() == 1 ? min(condition_of_numbers(a)) : emit_one(rcond_op(), {a});
}

FactoredChange change_of_factored(const Array& a, const Leaves& lu, const Leaves& changes, const Array& z,
                                  double enough) {
  if (a.shape().back() == 1) {
    const Shape one = leading(a.shape());
    const Array number = stop_gradient(reshape(a, one));
    FactoredChange out{condition_of_numbers(number), zeros_like(number)};
    for (const Array& change : changes)
      out.omega = maximum(out.omega, abs(stop_gradient(reshape(change, one)) / number));
    return out;
  }
  Leaves in{a, lu[0], lu[1], z};
  in.insert(in.end(), changes.begin(), changes.end());
  const Leaves out = emit(change_op(), in, {{"enough", enough}});
  return {out[0], out[1]};
}

}  // namespace detail

OpList regularity_ops() {
  static const Op* const list[] = {&detail::rcond_op(), &detail::change_op()};
  return list;
}

}  // namespace dini
