#include "lane.hpp"

#include <cstdint>
#include <string_view>

#include "dense_micro.hpp"
#include "lane_tables.hpp"

namespace dini::kernels {

namespace {
// That of the vector kernels.
int level() {
  static const int chosen = [] {
    const std::string_view name = instruction_set();
    return name == "avx512" ? 2 : name == "avx2" ? 1 : 0;
  }();
  return chosen;
}

// to[columns, rows] = from[rows, columns]ᵀ by size: integers as the bits of floating numbers.
void transpose(std::size_t rows, std::size_t columns, const void* from, void* to, std::size_t item) {
  const auto m = static_cast<std::ptrdiff_t>(rows), n = static_cast<std::ptrdiff_t>(columns);
  if (item == 8) {
    dense_micro<double>().transpose(m, n, static_cast<const double*>(from), n, static_cast<double*>(to), m);
  } else if (item == 4) {
    dense_micro<float>().transpose(m, n, static_cast<const float*>(from), n, static_cast<float*>(to), m);
  } else {
    const auto* a = static_cast<const unsigned char*>(from);
    auto* y = static_cast<unsigned char*>(to);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) y[j * rows + i] = a[i * columns + j];
  }
}
}  // namespace

void lanes_to_rows(const void* lanes, void* rows, std::size_t elements, std::size_t item) {
  transpose(tile_lanes, elements, lanes, rows, item);
}
void rows_to_lanes(const void* rows, void* lanes, std::size_t elements, std::size_t item) {
  transpose(elements, tile_lanes, rows, lanes, item);
}

template <> const LaneKernels<float>& lane_kernels() {
  return level() == 2   ? avx512::lane_float_table()
         : level() == 1 ? avx2::lane_float_table()
                        : baseline::lane_float_table();
}
template <> const LaneKernels<double>& lane_kernels() {
  return level() == 2   ? avx512::lane_double_table()
         : level() == 1 ? avx2::lane_double_table()
                        : baseline::lane_double_table();
}
const LaneLogic& lane_logic() {
  return level() == 2   ? avx512::lane_logic_table()
         : level() == 1 ? avx2::lane_logic_table()
                        : baseline::lane_logic_table();
}

}  // namespace dini::kernels
