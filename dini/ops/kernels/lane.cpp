#include "lane.hpp"

#include <string_view>

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
}  // namespace

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
