// The tables of the three instruction sets, between the files that make them and lane.cpp, which chooses.
#pragma once

#include "lane.hpp"

namespace dini::kernels {

namespace baseline {
const LaneKernels<float>& lane_float_table();
const LaneKernels<double>& lane_double_table();
const LaneLogic& lane_logic_table();
}  // namespace baseline
namespace avx2 {
const LaneKernels<float>& lane_float_table();
const LaneKernels<double>& lane_double_table();
const LaneLogic& lane_logic_table();
}  // namespace avx2
namespace avx512 {
const LaneKernels<float>& lane_float_table();
const LaneKernels<double>& lane_double_table();
const LaneLogic& lane_logic_table();
}  // namespace avx512

// As vector_kernels_for: nullptr if the processor lacks the instruction set or there is no such name.
template <class T> const LaneKernels<T>* lane_kernels_for(const char* isa);
template <> const LaneKernels<float>* lane_kernels_for(const char* isa);
template <> const LaneKernels<double>* lane_kernels_for(const char* isa);
const LaneLogic* lane_logic_for(const char* isa);

}  // namespace dini::kernels
