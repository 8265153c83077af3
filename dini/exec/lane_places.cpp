// Steps of a tile for places: of extremes, in an order, and elements that are taken from places or put there.
#include <algorithm>
#include <cstring>

#include "dini/exec/lane_kernels.hpp"
#include "dini/ops/indexing_ops.hpp"
#include "dini/ops/reduce_ops.hpp"
#include "dini/ops/sort_ops.hpp"

namespace dini::exec {

namespace lane_kernels {

// The place of the largest of each lane's elements, or of the smallest, as argument_kernel.
template <class T, bool largest> void argument(const LaneStep& s, LaneRun& r) {
  const RunsData& d = *static_cast<const RunsData*>(s.data);
  auto* y = static_cast<std::int64_t*>(r.v[s.out[0]]);
  for (std::size_t first : d.first) {
    const T* a = static_cast<const T*>(r.v[s.in[0]]) + first * tile_lanes;
    T best[tile_lanes];
    std::copy_n(a, tile_lanes, best);
    std::fill_n(y, tile_lanes, 0);
    for (std::size_t k = 1; k < d.count; ++k) {
      a += d.apart * tile_lanes;
      for (std::size_t l = 0; l < tile_lanes; ++l) {
        const bool better = best[l] == best[l] && (a[l] != a[l] || (largest ? a[l] > best[l] : a[l] < best[l]));
        best[l] = better ? a[l] : best[l];
        y[l] = better ? static_cast<std::int64_t>(k) : y[l];
      }
    }
    y += tile_lanes;
  }
}

// The places of whole numbers in their order, of equal ones the first before, as argsort: at once where they are 0, 1, ... in some order.
template <class T> void order(const LaneStep& s, LaneRun& r) {
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  auto* y = static_cast<std::int64_t*>(r.v[s.out[0]]);
  std::uint64_t seen[tile_lanes] = {};
  for (std::size_t k = 0; k < s.n; ++k) {
    for (std::size_t l = 0; l < tile_lanes; ++l) {
      const auto place = static_cast<std::uint64_t>(a[k * tile_lanes + l]);
      if (place >= s.n) continue;
      seen[l] |= std::uint64_t{1} << place;
      y[place * tile_lanes + l] = static_cast<std::int64_t>(k);
    }
  }
  for (std::size_t l = 0; l < tile_lanes; ++l) {
    if (static_cast<std::uint32_t>(__builtin_popcountll(seen[l])) == s.n) continue;
    for (std::size_t k = 0; k < s.n; ++k) {
      const T here = a[k * tile_lanes + l];
      std::size_t place = 0;
      for (std::size_t j = 0; j < s.n; ++j) {
        const T other = a[j * tile_lanes + l];
        place += other < here || (other == here && j < k);
      }
      y[place * tile_lanes + l] = static_cast<std::int64_t>(k);
    }
  }
}

struct PlacesData final : StepData {
  std::size_t places = 0, row = 0;  // indices, elements of what each says
  std::int64_t count = 0;           // of what they number
};
template <class T, class Index> void take(const LaneStep& s, LaneRun& r) {
  const PlacesData& d = *static_cast<const PlacesData*>(s.data);
  const T* a = static_cast<const T*>(r.v[s.in[0]]);
  const Index* index = static_cast<const Index*>(r.v[s.in[1]]);
  T* y = static_cast<T*>(r.v[s.out[0]]);
  for (std::size_t p = 0; p < d.places; ++p, index += tile_lanes, y += d.row * tile_lanes) {
    for (std::size_t l = 0; l < tile_lanes; ++l) {
      const auto at = static_cast<std::size_t>(std::clamp<std::int64_t>(index[l], 0, d.count - 1)) * d.row;
      for (std::size_t j = 0; j < d.row; ++j) y[j * tile_lanes + l] = a[(at + j) * tile_lanes + l];
    }
  }
}
template <class T> void choose_take(LaneKernel& k, Dtype index) {
  k.step.run = index == Dtype::int32 ? take<T, std::int32_t> : take<T, std::int64_t>;
}

// The operand with updates in their places, one after the other. Where all lanes have one index its rows are copied.
template <class T, class Index> void put(const LaneStep& s, LaneRun& r) {
  const PlacesData& d = *static_cast<const PlacesData*>(s.data);
  const T *a = static_cast<const T*>(r.v[s.in[0]]), *updates = static_cast<const T*>(r.v[s.in[2]]);
  const Index* index = static_cast<const Index*>(r.v[s.in[1]]);
  T* y = static_cast<T*>(r.v[s.out[0]]);
  const std::size_t rows = d.row * tile_lanes;
  if (y != a) std::memcpy(y, a, static_cast<std::size_t>(d.count) * rows * sizeof(T));
  for (std::size_t p = 0; p < d.places; ++p, index += tile_lanes, updates += rows) {
    if (std::all_of(index, index + tile_lanes, [first = index[0]](Index i) { return i == first; })) {
      if (index[0] >= 0 && index[0] < d.count)
        std::memcpy(y + static_cast<std::size_t>(index[0]) * rows, updates, rows * sizeof(T));
      continue;
    }
    for (std::size_t l = 0; l < tile_lanes; ++l) {
      if (index[l] < 0 || index[l] >= d.count) continue;
      T* to = y + static_cast<std::size_t>(index[l]) * rows;
      for (std::size_t j = 0; j < d.row; ++j) to[j * tile_lanes + l] = updates[j * tile_lanes + l];
    }
  }
}
template <class T> void choose_put(LaneKernel& k, Dtype index) {
  k.step.run = index == Dtype::int32 ? put<T, std::int32_t> : put<T, std::int64_t>;
}

// By the size of an element.
bool choose_places(LaneKernel& k, bool puts, std::span<const Aval> in, std::span<const Aval> out, LaneData& data) {
  if (in[0].shape.size() == 0 || out[0].shape.size() == 0) return false;
  auto d = std::make_unique<PlacesData>();
  d->places = static_cast<std::size_t>(in[1].shape.size());
  d->row = static_cast<std::size_t>(in[0].shape.size() / in[0].shape[0]);
  d->count = in[0].shape[0];
  switch (item_size(in[0].dtype)) {
    case 8: (puts ? choose_put<std::uint64_t> : choose_take<std::uint64_t>)(k, in[1].dtype); break;
    case 4: (puts ? choose_put<std::uint32_t> : choose_take<std::uint32_t>)(k, in[1].dtype); break;
    default: (puts ? choose_put<unsigned char> : choose_take<unsigned char>)(k, in[1].dtype);
  }
  k.in_place = puts ? 1 : 0;
  k.step.data = static_cast<const StepData*>(data.own(std::move(d)));
  return true;
}

bool choose_index(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                  LaneData& data) {
  if (e.op == &argmax_op() || e.op == &argmin_op()) {
    const bool largest = e.op == &argmax_op();
    if (in[0].dtype == Dtype::float64) k.step.run = largest ? argument<double, true> : argument<double, false>;
    if (in[0].dtype == Dtype::float32) k.step.run = largest ? argument<float, true> : argument<float, false>;
    if (in[0].dtype == Dtype::int64)
      k.step.run = largest ? argument<std::int64_t, true> : argument<std::int64_t, false>;
    auto runs = runs_of(in[0].shape, {static_cast<int>(e.params.integer("axis"))});
    if (!k.step.run || !runs) return false;
    k.step.data = static_cast<const StepData*>(data.own(std::move(runs)));
    return true;
  }
  if (e.op == &argsort_op() && in[0].shape.ndim() == 1 && in[0].shape.size() <= 64) {
    if (in[0].dtype == Dtype::int32) k.step.run = order<std::int32_t>;
    if (in[0].dtype == Dtype::int64) k.step.run = order<std::int64_t>;
    k.step.n = static_cast<std::uint32_t>(in[0].shape.size());
    return k.step.run != nullptr;
  }
  if (e.op == &take_op()) return choose_places(k, false, in, out, data);
  if (e.op == &scatter_op() && e.params.text("mode") == "set") return choose_places(k, true, in, out, data);
  return false;
}

}  // namespace lane_kernels

}  // namespace dini::exec
