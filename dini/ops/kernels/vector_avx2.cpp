// The vector kernels for processors with AVX2 and FMA; compiled with -mavx2 -mfma.
#define DINI_VECTOR_ISA avx2
#define DINI_VECTOR_LEVEL 2
#include "vector_impl.hpp"
