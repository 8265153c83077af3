#pragma once

// Which code runs at which size, as measured on one core with AVX-512 (AMD Zen 4 class), OpenBLAS 0.3.21 with one thread,
// g++ 12, float64, the best of several runs. The choice depends on sizes alone: a result must not depend on a timing.
//
//   n                           3      10      32     100     256     500    1000
//   gemm, own (µs)          0.020   0.083     1.2      35     606    4700   40000
//   gemm, OpenBLAS          0.027   0.091     1.2      35     640    4900   38900
//   LU, own (µs)            0.043    0.30     2.8      35     404    2500   19900
//   LU, getrf, transposed   0.082    0.54     4.9      52     486    2800   19200   (and two transpositions)
//   LU, Eigen               0.062    0.41     4.2      47     690    3000   16500
//
// With AVX2 alone the own product wins up to 150 and OpenBLAS by a fifth at 500.

#include <cstddef>

namespace dini::kernels::dense_table {

// m·n·k below this: the kernels of dense_micro.hpp; from it on: OpenBLAS.
inline constexpr double gemm_blas_from = 400.0 * 400 * 400;

// Order from which LU goes to LAPACK's getrf.
inline constexpr std::size_t lu_blas_from = 800;

}  // namespace dini::kernels::dense_table
