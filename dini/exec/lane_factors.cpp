// Steps of a tile for symmetric and orthogonal factors of small matrices, and triangular solves. In the lanes for which the kernels on
// tiles are not made it is done as for one matrix.
#include <algorithm>
#include <limits>

#include "dini/exec/lane_kernels.hpp"
#include "dini/exec/steps.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/linalg_ops.hpp"

namespace dini::exec {

namespace lane_kernels {

// The largest [m, n] that is factorised, and its elements with those of q.
constexpr std::size_t longest = 64, most_elements = 2048;

// ---- Symmetric --------------------------------------------------------------------------------------------------------

template <class T> void symmetric_factor(const LaneStep& s, LaneRun& r) {
  const std::size_t n = s.n, size = n * n;
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  T* factors = static_cast<T*>(r.v[s.out[0]]);
  auto* pivots = static_cast<std::int32_t*>(r.v[s.out[1]]);
  const std::uint64_t others = kernels::lane_kernels<T>().cholesky(n, a, factors) & r.live;
  std::fill_n(pivots, n * tile_lanes, detail::cholesky_pivot);
  for (std::uint64_t left = others; left; left &= left - 1) {
    const auto lane = static_cast<std::size_t>(__builtin_ctzll(left));
    T own[kernels::largest_lane_matrix * kernels::largest_lane_matrix];
    std::int32_t order[kernels::largest_lane_matrix];
    take_lane(a, size, lane, own);
    kernels::ldlt_factor(n, own, own, order);
    put_lane(own, size, lane, factors);
    put_lane(order, n, lane, pivots);
  }
}

template <class T> void cholesky(const LaneStep& s, LaneRun& r) {
  const std::size_t n = s.n, size = n * n;
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  T* l = static_cast<T*>(r.v[s.out[0]]);
  const std::uint64_t others = kernels::lane_kernels<T>().cholesky(n, a, l) & r.live;
  for (std::uint64_t left = others; left; left &= left - 1) {
    for (std::size_t k = 0; k < size; ++k)
      l[k * tile_lanes + static_cast<std::size_t>(__builtin_ctzll(left))] = std::numeric_limits<T>::quiet_NaN();
  }
}

// ---- Triangular -------------------------------------------------------------------------------------------------------

struct TriangleData final : StepData {
  std::size_t n = 0, columns = 0;
  bool lower = false, transposed = false, unit = false;
};
template <class T> void triangular_solve(const LaneStep& s, LaneRun& r) {
  const TriangleData& d = *static_cast<const TriangleData*>(s.data);
  kernels::lane_kernels<T>().triangular_solve(d.lower, d.transposed, d.unit, d.n, d.columns,
                                              static_cast<const T*>(r.v[s.in[0]]), static_cast<const T*>(r.v[s.in[1]]),
                                              static_cast<T*>(r.v[s.out[0]]));
}

// ---- Orthogonal -------------------------------------------------------------------------------------------------------

struct QrData final : StepData {
  std::size_t m = 0, n = 0, columns = 0;
  bool pivoted = false;
};
template <class T> void qr(const LaneStep& s, LaneRun& r) {
  const QrData& d = *static_cast<const QrData*>(s.data);
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  T *q = static_cast<T*>(r.v[s.out[0]]), *upper = static_cast<T*>(r.v[s.out[1]]);
  auto* perm = d.pivoted ? static_cast<std::int32_t*>(r.v[s.in[third_output]]) : nullptr;
  std::uint64_t others = 0;
  {
    kernels::Scratch<T> memory(kernels::lane_qr_memory(d.m, d.n, d.columns));
    others = kernels::lane_kernels<T>().qr(d.pivoted, d.m, d.n, d.columns, a, q, upper, perm, memory.data()) & r.live;
  }
  if (others == 0) return;
  const std::size_t of_a = d.m * d.n, of_q = d.m * d.columns, of_r = d.columns * d.n;
  kernels::Scratch<T> memory(of_a + of_q + of_r);
  T *own = memory.data(), *own_q = own + of_a, *own_r = own_q + of_q;
  std::int32_t order[longest];
  for (std::uint64_t left = others; left; left &= left - 1) {
    const auto lane = static_cast<std::size_t>(__builtin_ctzll(left));
    const bool full = d.columns == d.m;
    take_lane(a, of_a, lane, own);
    if (d.pivoted) {
      kernels::qr_pivoted<T>(d.m, d.n, own, own_q, own_r, order, -1, full);
      put_lane(order, d.n, lane, perm);
    } else {
      kernels::qr_factor<T>(d.m, d.n, own, own_q, own_r, full);
    }
    put_lane(own_q, of_q, lane, q);
    put_lane(own_r, of_r, lane, upper);
  }
}

bool choose_qr(LaneKernel& k, bool pivoted, const Aval& in, const Aval& q, LaneData& data) {
  if (in.shape.ndim() != 2 || in.shape.size() == 0) return false;
  auto d = std::make_unique<QrData>();
  d->m = static_cast<std::size_t>(in.shape[0]), d->n = static_cast<std::size_t>(in.shape[1]);
  d->columns = static_cast<std::size_t>(q.shape[1]);
  d->pivoted = pivoted;
  if (std::max(d->m, d->n) > longest || d->m * (d->n + d->columns) > most_elements) return false;
  k.step.run = in.dtype == Dtype::float32 ? qr<float> : qr<double>;
  k.step.data = static_cast<const StepData*>(data.own(std::move(d)));
  return true;
}

bool choose_factors(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                    LaneData& data) {
  const bool single = in.size() > 0 && in[0].dtype == Dtype::float32;
  if (e.op == &symmetric_factor_op() || e.op == &cholesky_op()) {
    k.step.n = static_cast<std::uint32_t>(order_of(in[0]));
    if (k.step.n == 0) return false;
    if (e.op == &cholesky_op())
      k.step.run = single ? cholesky<float> : cholesky<double>;
    else
      k.step.run = single ? symmetric_factor<float> : symmetric_factor<double>;
    return true;
  }
  if (e.op == &triangular_solve_op()) {
    auto d = std::make_unique<TriangleData>();
    d->n = order_of(in[0]);
    d->columns = in[1].shape.ndim() == 2 ? static_cast<std::size_t>(in[1].shape[1]) : 1;
    d->lower = e.params.flag("lower"), d->transposed = e.params.flag("transposed"), d->unit = e.params.flag("unit");
    if (d->n == 0 || d->columns == 0 || in[1].shape.ndim() > 2) return false;
    k.step.run = single ? triangular_solve<float> : triangular_solve<double>;
    k.step.data = static_cast<const StepData*>(data.own(std::move(d)));
    return true;
  }
  if (e.op == &qr_op() || e.op == &qr_pivoted_op()) return choose_qr(k, e.op == &qr_pivoted_op(), in[0], out[0], data);
  return false;
}

}  // namespace lane_kernels

}  // namespace dini::exec
