#pragma once

// Which code runs at which size, as measured (bench: one core of an AMD Zen 4 class processor, OpenBLAS 0.3.21). The
// choice depends on sizes alone, so that a result does not depend on a timing.

#include <cstddef>

namespace dini::kernels::dense_table {

// m·n·k below this: the kernels of dense_micro.hpp; from it on: OpenBLAS.
inline constexpr double gemm_blas_from = 400.0 * 400 * 400;

// Order from which LU goes to LAPACK's getrf, which needs two transpositions.
inline constexpr std::size_t lu_blas_from = 800;

}  // namespace dini::kernels::dense_table
