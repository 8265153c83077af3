// A block of lanes, tile by tile: what goes into a tile's rows, and what comes out.
#include <algorithm>
#include <cstring>

#include "dini/exec/lane_steps.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::exec {

namespace lane_tiles {

// `lanes` of them one after the other become rows, which the last lane fills up, and back.
void load(const void* from, void* to, std::size_t elements, std::size_t item, std::size_t lanes) {
  if (lanes == tile_lanes) {
    if (elements == 1)
      std::memcpy(to, from, tile_lanes * item);
    else
      kernels::lanes_to_rows(from, to, elements, item);
    return;
  }
  const std::size_t bytes = elements * item;
  kernels::Scratch<char> all(tile_lanes * bytes);
  if (bytes == 0) return;
  std::memcpy(all.data(), from, lanes * bytes);
  for (std::size_t l = lanes; l < tile_lanes; ++l)
    std::memcpy(all.data() + l * bytes, all.data() + (lanes - 1) * bytes, bytes);
  load(all.data(), to, elements, item, tile_lanes);
}
void store(const void* from, void* to, std::size_t elements, std::size_t item, std::size_t lanes) {
  if (elements == 1) {
    std::memcpy(to, from, lanes * item);
  } else if (lanes == tile_lanes) {
    kernels::rows_to_lanes(from, to, elements, item);
  } else if (elements > 0) {
    kernels::Scratch<char> all(tile_lanes * elements * item);
    kernels::rows_to_lanes(from, all.data(), elements, item);
    std::memcpy(to, all.data(), lanes * elements * item);
  }
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
// Σ a bᵀ over lanes.
template <class T>
void add_products(const LaneValue& p, const void* a, const void* b, void* total, std::size_t lanes, bool first) {
  kernels::Scratch<T> columns(tile_lanes * p.columns);
  kernels::rows_to_lanes(b, columns.data(), p.columns, sizeof(T));
  const auto n = static_cast<std::ptrdiff_t>(p.columns);
  kernels::dense_micro<T>().multiply(first ? kernels::Accumulate::set : kernels::Accumulate::add,
                                     static_cast<std::ptrdiff_t>(p.rows), n, static_cast<std::ptrdiff_t>(lanes),
                                     static_cast<const T*>(a), tile_lanes, 1, columns.data(), n, static_cast<T*>(total),
                                     n);
}
void add_tile(const LanesData::Sum& s, void** slots, char* total, std::size_t lanes, bool first) {
  if (s.elements == 0) return;
  const void* rows = slots[s.inner];
  if (s.product.rows > 0) {
    const void* other = slots[s.product.other];
    return s.dtype == Dtype::float64 ? add_products<double>(s.product, rows, other, total, lanes, first)
                                     : add_products<float>(s.product, rows, other, total, lanes, first);
  }
  if (s.dtype == Dtype::float64) return add_lanes<double>(rows, total, s.elements, lanes, first);
  if (s.dtype == Dtype::float32) return add_lanes<float>(rows, total, s.elements, lanes, first);
  kernels::Scratch<char> each(lanes * s.bytes);
  store(rows, each.data(), s.elements, s.item, lanes);
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
        load(part_of(p), slots[p.inner], elements, p.item, lanes);
    }
    constexpr std::size_t some = 16;
    const std::uint64_t live = lanes == tile_lanes ? ~std::uint64_t{0} : (std::uint64_t{1} << lanes) - 1;
    LaneRun run{slots, live, (lanes + some - 1) / some * some, &context};
    run_lane_block(plan.main, run);
    for (const LanesData::Part& p : d.copied) store(slots[p.inner], part_of(p), p.bytes / p.item, p.item, lanes);
    for (const LanesData::Sum& s : d.sums) add_tile(s, slots, sums + s.block, lanes, lane == first);
  }
}

}  // namespace dini::exec
