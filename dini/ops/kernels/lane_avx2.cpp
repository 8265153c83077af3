// The kernels on tiles for processors with AVX2 and FMA.
#define DINI_VECTOR_ISA avx2
#define DINI_VECTOR_LEVEL 2
#include "lane_impl.hpp"
