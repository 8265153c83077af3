// The kernels on tiles for processors with AVX-512 F, DQ, VL and BW.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own intrinsics start from an undefined register, which it reports where they are inlined (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#define DINI_VECTOR_ISA avx512
#define DINI_VECTOR_LEVEL 512
#include "lane_impl.hpp"
