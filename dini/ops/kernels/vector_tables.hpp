// The tables of the three instruction sets, between the files that make them and vector.cpp, which chooses.
#pragma once

#include "vector.hpp"

namespace dini::kernels {

namespace baseline {
const VectorKernels<float>& float_table();
const VectorKernels<double>& double_table();
}  // namespace baseline
namespace avx2 {
const VectorKernels<float>& float_table();
const VectorKernels<double>& double_table();
}  // namespace avx2
namespace avx512 {
const VectorKernels<float>& float_table();
const VectorKernels<double>& double_table();
}  // namespace avx512

}  // namespace dini::kernels
