// Choosers of a tile's steps, between the files that have them. Each says whether it has one for this equation.
#pragma once

#include "dini/exec/lane_plan.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::exec::lane_kernels {

using Function = void (*)();
using kernels::TileBinary;
using kernels::TileFunction;
using TileElements = void (*)(const void* const* in, void* out, std::size_t n);

/// The kernels for tiles of an elementwise op of two operands; null where it has none of its own.
const TileBinary* known_two(const Op& op, Dtype dtype);

/// For each element of the result the first row, of so many, so many apart.
struct RunsData final : StepData {
  std::vector<std::size_t> first;
  std::size_t count = 0, apart = 1;
};
/// Null where the rows of a result are not at equal distances, or there are none.
std::unique_ptr<RunsData> runs_of(const Shape& shape, const Axes& axes);

/// Sums, extremes, norms.
bool choose_sum(LaneKernel& k, const Equation& e, std::span<const Aval> in, LaneData& data);
/// Places of extremes, elements at given places, which are taken or put there.
bool choose_index(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                  LaneData& data);
/// Symmetric and orthogonal factors, triangular solves.
bool choose_factors(LaneKernel& k, const Equation& e, std::span<const Aval> in, std::span<const Aval> out,
                    LaneData& data);
/// The order of the last two axes of a matrix that has kernels for tiles; 0 where it has none.
std::size_t order_of(const Aval& a);
/// Copies of what one lane has of so many rows, and back.
template <class T> void take_lane(const T* rows, std::size_t elements, std::size_t lane, T* to) {
  for (std::size_t k = 0; k < elements; ++k) to[k] = rows[k * tile_lanes + lane];
}
template <class T> void put_lane(const T* from, std::size_t elements, std::size_t lane, T* rows) {
  for (std::size_t k = 0; k < elements; ++k) rows[k * tile_lanes + lane] = from[k];
}
/// Products, LU factors and what is solved with them.
bool choose_matrices(LaneKernel& k, const Equation& e, std::span<const Aval> in, const std::vector<bool>& lane,
                     LaneData& data);

}  // namespace dini::exec::lane_kernels
