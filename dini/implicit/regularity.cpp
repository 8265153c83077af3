#include "dini/implicit/regularity.hpp"

#include <algorithm>
#include <cmath>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/grad.hpp"

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
    o.batch = [](const BatchCall& call) { return Batched{{reciprocal_condition(call.in[0])}, {true}}; };
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

// ‖C⁻¹ A⁻¹ ΔA C‖ with C the scale of A's columns once its rows are scaled: the relative change of A, whatever its scaling.
Array relative_change(const Array& a, const Leaves& factors, const Array& change) {
  const Array rows = max(abs(a), 1, true);
  const Array columns = max(abs(a) / where(rows > 0, rows, ones_like(rows)), 0);
  const Array c = where(columns > 0, reciprocal(columns), ones_like(columns));
  const Array x = emit_linear_solve(factors, a, change);
  return norm(x * c / reshape(c, {c.size(), 1}));
}

}  // namespace

Array felt_residual(bool fixed_point, const Array& z, const Array& residual) {
  return fixed_point ? where(residual == 0.0, epsilon(z.dtype()) / 2 * abs(z), residual) : residual;
}

Array reciprocal_condition(const Array& a) { return emit_one(rcond_op(), {a}); }

Factored factor_at(const SolverProblem& problem, const Array& z, const Array& z0, bool check_value, double accept) {
  const auto jacobian_of = jacobian(problem.residual);
  Factored out;
  out.a = jacobian_of(z);
  out.factors = emit(lu_factor_op(), {out.a});
  const Array zero = array(std::int64_t{0});
  if (z.size() == 0) {
    out.status = out.cause = zero;
    out.measure = scalar_like(1, z);
    return out;
  }
  // The verdict is about numbers, not something to differentiate.
  const Array a = stop_gradient(out.a), at = stop_gradient(z);
  const Array rcond = reciprocal_condition(a);
  const Array delta =
      -emit_linear_solve(out.factors, a, felt_residual(problem.fixed_point, at, stop_gradient(problem.residual(at))));
  const Array next = at + delta;
  const Array omega = relative_change(a, out.factors, stop_gradient(jacobian_of(next)) - a);
  auto after_two = [&](const Array& from) {
    Array w = from, here = next;
    for (int k = 0; k < 2; ++k) {
      const Array b = stop_gradient(jacobian_of(here));
      const Leaves factors = emit(lu_factor_op(), {b});
      const Array step = -emit_linear_solve(
          factors, b, felt_residual(problem.fixed_point, here, stop_gradient(problem.residual(here))));
      here = here + step;
      if (k == 1) w = relative_change(b, factors, stop_gradient(jacobian_of(here)) - b);
    }
    return w;
  };
  const Array suspicious = ~(omega < 0.1);
  const Array settled = cond(
      suspicious, after_two, [](const Array& w) { return w; }, omega);
  const double n = static_cast<double>(z.size());
  const Array ill = ~(rcond > n * epsilon(z.dtype()) / 2), multiple = suspicious & ~(settled < 0.1);
  auto because = [](Cause c) { return array(static_cast<std::int64_t>(c)); };
  out.status = where(ill | multiple, code(StatusCode::singular), zero);
  out.status = where(all(isfinite(a)), out.status, code(StatusCode::nonfinite));
  out.cause = where(~ill & multiple, because(Cause::multiple_root), because(Cause::condition));
  out.measure = where(~ill & multiple, settled, rcond);
  if (check_value) {
    const Array s = maximum(length(at), length(stop_gradient(z0))), size = length(delta);
    const Array far = ~(size <= accept * s) & ~(size == 0.0) & (out.status == 0);
    out.status = where(far, code(StatusCode::not_a_solution), out.status);
    out.cause = where(far, because(Cause::far_from_solution), out.cause);
    out.measure = where(far, size / where(s > 0, s, scalar_like(1, s)), out.measure);
  }
  return out;
}

}  // namespace detail

OpList regularity_ops() {
  static const Op* const list[] = {&detail::rcond_op()};
  return list;
}

}  // namespace dini
