// A block of lanes, tile by tile: what goes into a tile's rows, and what comes out.
#include <algorithm>
#include <cstring>

#include "dini/exec/lane_steps.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::exec {

namespace lane_tiles {

constexpr std::size_t corner =
    8;  // lanes and elements that change places together: the lines of as many rows fit in the cache

template <class F> void by_corners(std::size_t lanes, std::size_t elements, const F& f) {
  for (std::size_t l = 0; l < lanes; l += corner)
    for (std::size_t e = 0; e < elements; e += corner)
      for (std::size_t i = l; i < std::min(l + corner, lanes); ++i)
        for (std::size_t j = e; j < std::min(e + corner, elements); ++j) f(i, j);
}

// `lanes` of them one after the other become rows, which the last lane fills up.
template <class T> void load(const void* from, void* to, std::size_t elements, std::size_t lanes) {
  const T* a = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  if (elements == 1)
    std::memcpy(y, a, lanes * sizeof(T));
  else
    by_corners(lanes, elements, [&](std::size_t l, std::size_t e) { y[e * tile_lanes + l] = a[l * elements + e]; });
  for (std::size_t e = 0; lanes < tile_lanes && e < elements; ++e)
    std::fill_n(y + e * tile_lanes + lanes, tile_lanes - lanes, y[e * tile_lanes + lanes - 1]);
}
template <class T> void store(const void* from, void* to, std::size_t elements, std::size_t lanes) {
  const T* a = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  if (elements == 1)
    std::memcpy(y, a, lanes * sizeof(T));
  else
    by_corners(lanes, elements, [&](std::size_t l, std::size_t e) { y[l * elements + e] = a[e * tile_lanes + l]; });
}

using Moves = void (*)(const void*, void*, std::size_t, std::size_t);
Moves load_of(std::size_t item) {
  return item == 8 ? load<std::uint64_t> : item == 4 ? load<std::uint32_t> : load<unsigned char>;
}
Moves store_of(std::size_t item) {
  return item == 8 ? store<std::uint64_t> : item == 4 ? store<std::uint32_t> : store<unsigned char>;
}

// Lane after lane, as if each were added to the sum by itself; a few elements side by side.
template <class T> void add_lanes(const void* from, void* to, std::size_t elements, std::size_t lanes, bool first) {
  const T* rows = static_cast<const T*>(from);
  T* total = static_cast<T*>(to);
  constexpr std::size_t together = 8;
  for (std::size_t e = 0; e < elements; e += together) {
    const std::size_t n = std::min(together, elements - e);
    const auto at = [&](std::size_t k) { return rows + (e + std::min(k, n - 1)) * tile_lanes; };
    T sum[together];
    for (std::size_t k = 0; k < together; ++k) sum[k] = first ? at(k)[0] : total[e + std::min(k, n - 1)] + at(k)[0];
    for (std::size_t l = 1; l < lanes; ++l)
      for (std::size_t k = 0; k < together; ++k) sum[k] += at(k)[l];
    std::copy_n(sum, n, total + e);
  }
}
void add_tile(const LanesData::Sum& s, const void* rows, char* total, std::size_t lanes, bool first) {
  if (s.elements == 0) return;
  if (s.dtype == Dtype::float64) return add_lanes<double>(rows, total, s.elements, lanes, first);
  if (s.dtype == Dtype::float32) return add_lanes<float>(rows, total, s.elements, lanes, first);
  kernels::Scratch<char> each(lanes * s.bytes);
  store_of(s.item)(rows, each.data(), s.elements, lanes);
  for (std::size_t l = 0; l < lanes; ++l) {
    const char* part = each.data() + l * s.bytes;
    const void* operands[] = {total, part};
    if (first && l == 0)
      std::memcpy(total, part, s.bytes);
    else
      s.add(operands, total, s.elements);
  }
}

}  // namespace lane_tiles

void run_block_of_tiles(const LanesData& d, void** v, char* memory, char* sums, std::int64_t block,
                        const RunContext& context) {
  using namespace lane_tiles;
  const LanePlan& plan = *d.tiles;
  void** slots = reinterpret_cast<void**>(memory);
  char* arrays = memory + d.arrays;
  for (std::size_t k = 0; k < plan.slots.size(); ++k) slots[k] = arrays + plan.slots[k].offset;
  for (const auto& [slot, a] : plan.constants) slots[slot] = const_cast<void*>(a.raw());
  for (const LanesData::Part& p : d.shared) slots[p.inner] = v[p.outer];
  run_block(plan.shared, slots, context);
  const std::int64_t first = block * d.lanes_of_block, last = std::min(d.size, first + d.lanes_of_block);
  for (std::int64_t lane = first; lane < last; lane += static_cast<std::int64_t>(tile_lanes)) {
    context.poll_turn();
    const std::size_t lanes = std::min(tile_lanes, static_cast<std::size_t>(last - lane));
    const auto part_of = [&](const LanesData::Part& p) {
      return static_cast<char*>(v[p.outer]) + static_cast<std::size_t>(lane) * p.bytes;
    };
    for (const LanesData::Part& p : d.mapped) {
      const std::size_t elements = p.bytes / p.item;
      slots[p.inner] = arrays + plan.slots[p.inner].offset;
      if (elements == 1 && lanes == tile_lanes)
        slots[p.inner] = part_of(p);
      else
        load_of(p.item)(part_of(p), slots[p.inner], elements, lanes);
    }
    LaneRun run{slots, lanes == tile_lanes ? ~std::uint64_t{0} : (std::uint64_t{1} << lanes) - 1, context};
    run_lane_block(plan.main, run);
    for (const LanesData::Part& p : d.copied) store_of(p.item)(slots[p.inner], part_of(p), p.bytes / p.item, lanes);
    for (const LanesData::Sum& s : d.sums) add_tile(s, slots[s.inner], sums + s.block, lanes, lane == first);
  }
}

}  // namespace dini::exec
