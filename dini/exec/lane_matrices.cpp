// Steps of a tile for matrices: products, where one operand may be the same in all lanes, LU factors, solves.
#include <cstring>

#include "dini/exec/lane_kernels.hpp"
#include "dini/exec/steps.hpp"
#include "dini/ops/contract_ops.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/linalg_ops.hpp"

namespace dini::exec {

namespace lane_kernels {

// Both operands have lanes: an element is a sum over rows.
template <class T> void product_of_lanes(const LaneStep& s, LaneRun& r) {
  const ProductData& d = *static_cast<const ProductData*>(s.data);
  constexpr std::size_t row = tile_lanes;
  const T *a = static_cast<const T*>(r.v[s.in[0]]), *b = static_cast<const T*>(r.v[s.in[1]]);
  T* y = static_cast<T*>(r.v[s.out[0]]);
  const std::size_t a_row = d.trans_a ? 1 : d.k, a_col = d.trans_a ? d.m : 1, b_row = d.trans_b ? 1 : d.n,
                    b_col = d.trans_b ? d.k : 1;
  for (std::size_t q = 0; q < d.batch; ++q, a += d.m * d.k * row, b += d.k * d.n * row) {
    for (std::size_t i = 0; i < d.m; ++i)
      for (std::size_t j = 0; j < d.n; ++j, y += row)
        kernels::lane_kernels<T>().product(d.k, a + i * a_row * row, a_col * row, b + j * b_col * row, b_row * row, y);
  }
}

// One operand is the same in all lanes: products of it and of the other's rows, whose columns are lanes.
template <class T> void product_with_shared(const LaneStep& s, LaneRun& r) {
  const ProductData& d = *static_cast<const ProductData*>(s.data);
  const auto multiply = kernels::dense_micro<T>().multiply;
  const auto m = static_cast<std::ptrdiff_t>(d.m), n = static_cast<std::ptrdiff_t>(d.n),
             k = static_cast<std::ptrdiff_t>(d.k);
  constexpr std::ptrdiff_t row = tile_lanes;
  const bool left = s.n == 0;
  const T *a = static_cast<const T*>(r.v[s.in[0]]), *b = static_cast<const T*>(r.v[s.in[1]]);
  T* y = static_cast<T*>(r.v[s.out[0]]);
  for (std::size_t q = 0; q < d.batch; ++q, y += m * n * row) {
    if (left) {
      const std::ptrdiff_t a_row = d.trans_a ? 1 : k, a_col = d.trans_a ? m : 1;
      if (n == 1) {
        multiply(kernels::Accumulate::set, m, static_cast<std::ptrdiff_t>(r.width), k, a, a_row, a_col, b, row, y, row);
      } else if (!d.trans_b) {
        multiply(kernels::Accumulate::set, m, n * row, k, a, a_row, a_col, b, n * row, y, n * row);
      } else {
        for (std::ptrdiff_t j = 0; j < n; ++j)
          multiply(kernels::Accumulate::set, m, row, k, a, a_row, a_col, b + j * k * row, row, y + j * row, n * row);
      }
      a += m * k, b += k * n * row;
    } else {
      const std::ptrdiff_t b_row = d.trans_b ? k : 1, b_col = d.trans_b ? 1 : n;
      for (std::ptrdiff_t i = 0; i < m; ++i)
        multiply(kernels::Accumulate::set, n, row, k, b, b_row, b_col, a + (d.trans_a ? i : i * k) * row,
                 (d.trans_a ? m : 1) * row, y + i * n * row, row);
      a += m * k * row, b += k * n;
    }
  }
}

bool choose_product(LaneKernel& k, const Equation& e, std::span<const Aval> in, const std::vector<bool>& lane,
                    LaneData& data) {
  auto product = product_of(e.params, in);
  if (!product) return false;
  const bool single = in[0].dtype == Dtype::float32;
  if (lane[0] && lane[1]) {
    k.step.run = single ? product_of_lanes<float> : product_of_lanes<double>;
  } else {
    k.takes_shared[lane[0] ? 1 : 0] = true;
    k.step.n = lane[0] ? 1 : 0;
    k.step.run = single ? product_with_shared<float> : product_with_shared<double>;
  }
  k.step.data = static_cast<const StepData*>(data.own(std::move(product)));
  return true;
}

// ---- LU ---------------------------------------------------------------------------------------------------------------

template <class T> void lu(const LaneStep& s, LaneRun& r) {
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  T* factors = static_cast<T*>(r.v[s.out[0]]);
  auto* perm = static_cast<std::int32_t*>(r.v[s.out[1]]);
  if (s.n == 1) {
    if (factors != a) std::memcpy(factors, a, tile_lanes * sizeof(T));
    std::memset(perm, 0, tile_lanes * sizeof(std::int32_t));
  } else {
    kernels::lane_kernels<T>().lu(s.n, a, factors, perm);
  }
}

// x = A⁻¹b for n×n and so many columns, and `corrections` by A.
struct SolveData final : StepData {
  std::size_t n = 0, columns = 0, corrections = 0;
  bool transposed = false, symmetric = false;
};
// By Cholesky's factors, and in the lanes that have others by these.
template <class T>
void solve_symmetric(const SolveData& d, const LaneRun& r, const T* factors, const std::int32_t* pivots, const T* b,
                     T* x) {
  kernels::lane_kernels<T>().cholesky_solve(d.n, d.columns, factors, b, x);
  const std::size_t square = d.n * d.n, size = d.n * d.columns;
  for (std::uint64_t live = r.live; live; live &= live - 1) {
    const auto lane = static_cast<std::size_t>(__builtin_ctzll(live));
    if (pivots[lane] == detail::cholesky_pivot) continue;
    kernels::Scratch<T> memory(square + size);
    T *own = memory.data(), *column = own + square;
    std::int32_t order[kernels::largest_lane_matrix];
    take_lane(factors, square, lane, own);
    take_lane(pivots, d.n, lane, order);
    take_lane(b, size, lane, column);
    kernels::ldlt_solve(d.n, d.columns, own, order, column, column);
    put_lane(column, size, lane, x);
  }
}
template <class T> void solve(const LaneStep& s, LaneRun& r) {
  const SolveData& d = *static_cast<const SolveData*>(s.data);
  const kernels::LaneKernels<T>& k = kernels::lane_kernels<T>();
  const T *factors = static_cast<const T*>(r.v[s.in[0]]), *a = static_cast<const T*>(r.v[s.in[2]]),
          *b = static_cast<const T*>(r.v[s.in[3]]);
  const auto* perm = static_cast<const std::int32_t*>(r.v[s.in[1]]);
  T* x = static_cast<T*>(r.v[s.out[0]]);
  constexpr std::size_t row = tile_lanes;
  const auto solved = [&](const T* right, T* to) {
    if (d.symmetric) return solve_symmetric(d, r, factors, perm, right, to);
    if (d.n > 1) return k.lu_solve(d.transposed, d.n, d.columns, factors, perm, right, to);
    for (std::size_t j = 0; j < d.columns; ++j) {
      const void* quotient[] = {right + j * row, factors};
      k.div.lanes(quotient, to + j * row, row);
    }
  };
  solved(b, x);
  if (d.corrections == 0) return;
  const std::size_t size = d.n * d.columns * row;
  kernels::Scratch<T> memory(2 * size);
  T *left = memory.data(), *change = left + size;
  for (std::size_t turn = 0; turn < d.corrections; ++turn) {
    for (std::size_t i = 0; i < d.n; ++i)
      for (std::size_t j = 0; j < d.columns; ++j)
        k.product(d.n, a + (d.transposed ? i : i * d.n) * row, (d.transposed ? d.n : 1) * row, x + j * row,
                  d.columns * row, left + (i * d.columns + j) * row);
    const void* residual[] = {b, left};
    k.sub.lanes(residual, left, size);
    solved(left, change);
    const void* sum[] = {x, change};
    k.add.lanes(sum, x, size);
  }
}

// Of the last two axes, where there are no others.
std::size_t order_of(const Aval& a) {
  const bool fits = a.shape.ndim() == 2 && a.shape[0] >= 1 && a.shape[0] <= std::int64_t{kernels::largest_lane_matrix};
  return fits ? static_cast<std::size_t>(a.shape[0]) : 0;
}

bool choose_matrices(LaneKernel& k, const Equation& e, std::span<const Aval> in, const std::vector<bool>& lane,
                     LaneData& data) {
  if (e.op == known().dot_general) return choose_product(k, e, in, lane, data);
  if (e.op == &lu_factor_op()) {
    k.step.n = static_cast<std::uint32_t>(order_of(in[0]));
    if (k.step.n == 0) return false;
    k.step.run = in[0].dtype == Dtype::float32 ? lu<float> : lu<double>;
    k.in_place = 1;
    return true;
  }
  if (e.op == &linear_solve_op()) {
    const auto flag = [&](const char* name) { return e.params.has(name) && e.params.flag(name); };
    auto d = std::make_unique<SolveData>();
    d->n = order_of(in[2]);
    d->columns = in[3].shape.ndim() == 2 ? static_cast<std::size_t>(in[3].shape[1]) : 1;
    d->corrections = flag("refined") ? static_cast<std::size_t>(detail::solve_corrections) : 0;
    d->transposed = flag("transposed");
    d->symmetric = flag("symmetric");
    if (d->n == 0 || d->columns == 0 || in[3].shape.ndim() > 2) return false;
    k.step.run = in[3].dtype == Dtype::float32 ? solve<float> : solve<double>;
    k.step.data = static_cast<const StepData*>(data.own(std::move(d)));
    return true;
  }
  return false;
}

}  // namespace lane_kernels

}  // namespace dini::exec
