// The kernels on tiles for any x86-64 processor (SSE2).
#define DINI_VECTOR_ISA baseline
#define DINI_VECTOR_LEVEL 0
#include "lane_impl.hpp"
