#include "lane.hpp"

#include <cstdint>
#include <cstring>

#include "dense_micro.hpp"
#include "lane_tables.hpp"

namespace dini::kernels {

namespace {
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

template <> const LaneKernels<float>* lane_kernels_for(const char* isa) {
  if (vector_kernels_for<float>(isa) == nullptr) return nullptr;
#ifdef __x86_64__
  if (std::strcmp(isa, "avx512") == 0) return &avx512::lane_float_table();
  if (std::strcmp(isa, "avx2") == 0) return &avx2::lane_float_table();
#endif
  return &baseline::lane_float_table();
}
template <> const LaneKernels<double>* lane_kernels_for(const char* isa) {
  if (vector_kernels_for<double>(isa) == nullptr) return nullptr;
#ifdef __x86_64__
  if (std::strcmp(isa, "avx512") == 0) return &avx512::lane_double_table();
  if (std::strcmp(isa, "avx2") == 0) return &avx2::lane_double_table();
#endif
  return &baseline::lane_double_table();
}
const LaneLogic* lane_logic_for(const char* isa) {
  if (vector_kernels_for<double>(isa) == nullptr) return nullptr;
#ifdef __x86_64__
  if (std::strcmp(isa, "avx512") == 0) return &avx512::lane_logic_table();
  if (std::strcmp(isa, "avx2") == 0) return &avx2::lane_logic_table();
#endif
  return &baseline::lane_logic_table();
}

template <class T> const LaneKernels<T>& lane_kernels() {
  static const LaneKernels<T>& table = *lane_kernels_for<T>(instruction_set());
  return table;
}
template const LaneKernels<float>& lane_kernels();
template const LaneKernels<double>& lane_kernels();
const LaneLogic& lane_logic() {
  static const LaneLogic& table = *lane_logic_for(instruction_set());
  return table;
}

}  // namespace dini::kernels
