#pragma once

// Sizes of blocks, as measured on one core with AVX-512 (Intel, 2.0 GHz class, 2 MB of second-level cache), g++ 12, float64. OpenBLAS 0.3.21 beside it,
// one thread: it takes some newer processors for old ones and runs its SSE3 kernels there, so the library has its own for every size.
//
//   n                       10      30     100     300     500    1000    2000
//   gemm, own (µs)         0.1     0.9      27     680    3500   35000  364000
//   gemm, OpenBLAS                                       15600  128000 1029000
//   LU, own (µs)           0.4     3.4      38     490    1900   13800  130000
//   LU, getrf                                                   49000  360000

#include <cstddef>

namespace dini::kernels::dense_table {

// Columns that LU and Cholesky finish before they turn to the rest of the matrix, and from which order on there are several such blocks.
inline constexpr std::size_t block = 128;
inline constexpr std::size_t blocks_from = 256;

}  // namespace dini::kernels::dense_table
