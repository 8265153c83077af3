// The vector kernels for any processor: SSE2 on x86-64, NEON on 64-bit ARM.
#define DINI_VECTOR_ISA baseline
#define DINI_VECTOR_LEVEL 0
#include "vector_impl.hpp"
