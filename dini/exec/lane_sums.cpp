// Steps of a tile that make few elements of many: sums, norms, extremes.
#include <algorithm>
#include <cstring>
#include <limits>

#include "dini/exec/lane_kernels.hpp"
#include "dini/exec/steps.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/reduce_loops.hpp"
#include "dini/ops/reduce_ops.hpp"
#include "dini/ops/sort_ops.hpp"

namespace dini::exec {

namespace lane_kernels {

std::unique_ptr<RunsData> runs_of(const Shape& shape, const Axes& axes) {
  auto d = std::make_unique<RunsData>();
  std::vector<std::vector<std::size_t>> rows;
  const auto reduced = [&](int a) { return std::find(axes.begin(), axes.end(), a) != axes.end(); };
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    std::int64_t rest = i, out = 0, factor = 1;
    for (int a = shape.ndim(); a-- > 0;) {
      if (!reduced(a)) {
        out += rest % shape[a] * factor;
        factor *= shape[a];
      }
      rest /= shape[a];
    }
    rows.resize(std::max(rows.size(), static_cast<std::size_t>(out) + 1));
    rows[static_cast<std::size_t>(out)].push_back(static_cast<std::size_t>(i));
  }
  if (rows.empty()) return nullptr;
  d->count = rows[0].size();
  if (d->count > 1) d->apart = rows[0][1] - rows[0][0];
  for (const auto& list : rows) {
    d->first.push_back(list[0]);
    for (std::size_t k = 0; k < d->count; ++k) {
      if (list[k] != list[0] + k * d->apart) return nullptr;
    }
  }
  return d;
}

template <class T> void sum(const LaneStep& s, LaneRun& r) {
  const RunsData& d = *static_cast<const RunsData*>(s.data);
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  T* y = static_cast<T*>(r.v[s.out[0]]);
  for (std::size_t first : d.first) {
    if (d.apart == 1)
      kernels::lane_kernels<T>().sum(d.count, a + first * tile_lanes, y);
    else
      kernels::lane_kernels<T>().chain(d.count, a + first * tile_lanes, d.apart * tile_lanes, y);
    y += tile_lanes;
  }
}
// By an op of two operands.
void reduce(const LaneStep& s, LaneRun& r) {
  const RunsData& d = *static_cast<const RunsData*>(s.data);
  const auto f = reinterpret_cast<TileElements>(s.function);
  const std::size_t row = tile_lanes * s.m;
  const char* a = static_cast<const char*>(r.v[s.in[0]]);
  char* y = static_cast<char*>(r.v[s.out[0]]);
  for (std::size_t first : d.first) {
    const char* from = a + first * row;
    std::memcpy(y, from, row);
    for (std::size_t k = 1; k < d.count; ++k) {
      const void* in[] = {y, from + k * d.apart * row};
      f(in, y, tile_lanes);
    }
    y += row;
  }
}
template <class T> void all_finite(const LaneStep& s, LaneRun& r) {
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  bool* y = static_cast<bool*>(r.v[s.out[0]]);
  bool more[tile_lanes];
  for (std::size_t k = 0; k < s.n; ++k) {
    const void* row = a + k * tile_lanes;
    kernels::lane_kernels<T>().is_finite(&row, k ? more : y, tile_lanes);
    const void* in[] = {y, more};
    if (k) kernels::lane_logic().logical_and.lanes(in, y, tile_lanes);
  }
}
template <class T> void sum_product(const LaneStep& s, LaneRun& r) {
  kernels::lane_kernels<T>().dot(s.n, static_cast<const T*>(r.v[s.in[0]]), static_cast<const T*>(r.v[s.in[1]]),
                                 static_cast<T*>(r.v[s.out[0]]));
}
// As norm_of, lane by lane.
template <class T> void norm_of_rows(std::size_t n, const T* a, T* y, std::uint64_t live) {
  if (n == 1) {
    const void* in[] = {a};
    return kernels::lane_kernels<T>().abs(in, y, tile_lanes);
  }
  for (std::uint64_t other = kernels::lane_kernels<T>().norm(n, a, y) & live; other; other &= other - 1) {
    const auto l = static_cast<std::size_t>(__builtin_ctzll(other));
    T elements[kernels::reduction_block];
    take_lane(a, n, l, elements);
    y[l] = reduce_detail::norm_of<T>(static_cast<const T*>(elements), n);
  }
}
template <class T> void norm(const LaneStep& s, LaneRun& r) {
  const RunsData& d = *static_cast<const RunsData*>(s.data);
  T* y = static_cast<T*>(r.v[s.out[0]]);
  for (std::size_t first : d.first) {
    norm_of_rows(d.count, static_cast<const T*>(r.v[s.in[0]]) + first * tile_lanes, y, r.live);
    y += tile_lanes;
  }
}

template <class T> void choose_floating_sum(LaneKernel& k, const Op& op) {
  if (&op == &sum_op()) k.step.run = sum<T>;
  if (&op == &sum_product_op()) k.step.run = sum_product<T>;
  if (&op == &norm2_op()) k.step.run = norm<T>;
  if (&op == &all_finite_op()) k.step.run = all_finite<T>;
}

bool choose_sum(LaneKernel& k, const Equation& e, std::span<const Aval> in, LaneData& data) {
  const Op& op = *e.op;
  const bool norms = &op == &norm2_op(), axes = norms || &op == &sum_op() || &op == &max_op() || &op == &min_op();
  if (!axes && &op != &sum_product_op() && &op != &all_finite_op()) return false;
  if (in[0].shape.size() == 0 || in[0].shape.size() > static_cast<std::int64_t>(kernels::reduction_block)) return false;
  k.step.n = static_cast<std::uint32_t>(in[0].shape.size());
  k.step.m = static_cast<std::uint32_t>(item_size(in[0].dtype));
  if (axes) {
    auto runs = runs_of(in[0].shape, e.params.axes("axes"));
    if (!runs || (norms && runs->apart != 1)) return false;
    k.step.data = static_cast<const StepData*>(data.own(std::move(runs)));
  }
  if (&op == &max_op() || &op == &min_op() || (&op == &sum_op() && in[0].dtype == Dtype::int64)) {
    const Op& two = &op == &max_op() ? maximum_op() : &op == &min_op() ? minimum_op() : add_op();
    const TileBinary* f = known_two(two, in[0].dtype);
    if (!f) return false;
    k.step.run = reduce;
    k.step.function = reinterpret_cast<Function>(f->lanes.run);
    return true;
  }
  if (in[0].dtype == Dtype::float32) choose_floating_sum<float>(k, op);
  if (in[0].dtype == Dtype::float64) choose_floating_sum<double>(k, op);
  return k.step.run != nullptr;
}

}  // namespace lane_kernels

}  // namespace dini::exec
