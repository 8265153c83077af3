// Elementwise and small dense kernels on contiguous arrays, in float32 and float64: the arithmetic at the bottom of
// every op. There is one table of function pointers per dtype, and one set of functions per instruction set (SSE2,
// AVX2 with FMA, AVX-512), chosen once at run time.
//
// What a caller may rely on (measured errors and sources: docs/vector-maths.md):
//   * An element's result depends on that element alone, never on its position, its neighbours or n: remainders go
//     through the same vector code as full vectors.
//   * For one instruction set every result is reproducible to the bit. `sum`, `block_sum`, `dot`, `sum_squares` and
//     the exactly rounded operations (arithmetic, sqrt, rounding, comparisons) have the same bits on all of them.
//   * Nothing allocates, locks or throws; lengths of 0 are fine; pointers need only the alignment of T. (Arrays of a few
//     elements are faster on 64-byte boundaries, where a load never covers what was just stored to another array.)
#pragma once

#include <cstddef>

namespace dini::kernels {

template <class T> using UnaryKernel = void (*)(const T* x, T* y, std::size_t n);  // y may be x

template <class T> using BinaryKernel = void (*)(const T* a, const T* b, T* y, std::size_t n);  // y may be a or b

template <class T> using CompareKernel = void (*)(const T* a, const T* b, bool* y, std::size_t n);

template <class T>
using SelectKernel = void (*)(const bool* c, const T* a, const T* b, T* y, std::size_t n);  // y may be a or b

// Elements in one block of a reduction.
inline constexpr std::size_t reduction_block = 1024;

// Some of them for results in memory that goes on to the end of the last register: they write numbers of no meaning there. What is
// stored as a whole register can be read at once; a part of one has to get to the cache first, which takes longer than the arithmetic
// on an array of ten. The results have the same bits.
template <class T> struct WholeKernels {
  UnaryKernel<T> neg, abs, square, sqrt, exp, log, sin, cos, tanh;
  BinaryKernel<T> add, sub, mul, div, maximum, minimum;
  void (*gemv)(std::size_t m, std::size_t n, const T* A, const T* x, T* y);
  void (*gemv_t)(std::size_t m, std::size_t n, const T* A, const T* x, T* y);  // of adjacent rows
};

template <class T> struct VectorKernels {
  UnaryKernel<T> neg, abs, sign, square, sqrt, rsqrt, reciprocal;
  UnaryKernel<T> floor, ceil, round, trunc;  // round: halves to even
  UnaryKernel<T> exp, exp2, expm1, log, log1p, log2, log10, cbrt;
  UnaryKernel<T> sin, cos, tan, asin, acos, atan;
  UnaryKernel<T> sinh, cosh, tanh, sech_squared, asinh, acosh, atanh;
  UnaryKernel<T> sigmoid, softplus, relu;
  UnaryKernel<T> erf, erfc, erfinv, gammaln, digamma, i0e, i1e;  // gammaln: log |Γ(x)|; i0e: e^-|x| I₀(x)

  BinaryKernel<T> add, sub, mul, div;
  BinaryKernel<T> maximum, minimum;  // NaN if either is NaN
  BinaryKernel<T> pow, atan2, hypot;
  BinaryKernel<T> mod;  // a - floor(a/b)·b, exact before the last rounding, with the sign of b as in Python

  CompareKernel<T> lt, le, eq, ne;
  SelectKernel<T> select;  // c ? a : b

  // Reductions have one fixed order of additions. Elements are taken in blocks of `reduction_block`. In a block, lane
  // l of 128/sizeof(T) lanes adds the elements l, l + lanes, … in turn, starting from +0; then lane l takes in lane
  // l + half, halving until one is left. Blocks are added from first to last in double. So block_sum on each block,
  // added up in double and rounded to T at the end, is sum.
  T (*sum)(const T* x, std::size_t n);
  T (*block_sum)(const T* x, std::size_t n);        // n <= reduction_block
  T (*dot)(const T* a, const T* b, std::size_t n);  // sum of the rounded products, in sum's order
  T (*sum_squares)(const T* x, std::size_t n);      // dot(x, x)
  T (*max)(const T* x, std::size_t n);              // NaN if any element is; n = 0 gives -inf
  T (*min)(const T* x, std::size_t n);              // NaN if any element is; n = 0 gives +inf

  // Dense products with one thread. A is row-major, m x n and contiguous, but that gemv_t's rows are ld apart; outputs may
  // not overlap inputs. For one instruction set, an element's bits depend on its own row (gemv) or column (gemv_t) of A and on x only.
  void (*gemv)(std::size_t m, std::size_t n, const T* A, const T* x, T* y);  // y = A x;  x has n, y has m
  void (*gemv_t)(std::size_t m, std::size_t n, std::size_t ld, const T* A, const T* x,
                 T* y);                                                       // y = Aᵀx;  x has m, y has n
  void (*axpy)(std::size_t n, T alpha, const T* x, T* y);                     // y += alpha x, fused if it can be
  void (*fill)(std::size_t n, T x, T* y);                                     // y = x, its very bits
  void (*outer)(std::size_t m, std::size_t n, const T* a, const T* b, T* C);  // C = a bᵀ, m x n

  WholeKernels<T> whole;
};

// The table for this machine (T is float or double). The environment variable DINI_ISA = baseline | avx2 | avx512,
// read once, lowers the choice; it never raises it beyond what the processor has.
template <class T> const VectorKernels<T>& vector_kernels();

// "baseline", "avx2" or "avx512": the one that vector_kernels() chose.
const char* instruction_set();

// The table for an instruction set by name; nullptr if the processor lacks it or there is no such name.
template <class T> const VectorKernels<T>* vector_kernels_for(const char* isa);

}  // namespace dini::kernels
