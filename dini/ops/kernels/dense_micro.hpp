#pragma once

// The inner kernels of dense.hpp: one set per instruction set, chosen once at run time.
//
// Every result is defined element by element as a chain of fused multiply–adds (multiply, then add, where the machine
// has no fused one) in a fixed order of the summation index:
//
//   multiply   c_ij = (…((c⁰ ± a_i0 b_0j) ± a_i1 b_1j) …) ± a_i,k−1 b_k−1,j
//   solve      x_ij = ((…(x_ij − a_i0 x_0j) …) − a_i,i−1 x_i−1,j) / a_ii
//
// so neither blocking, nor vector width, nor a column's neighbours can change a bit.

#include <cstddef>
#include <cstdint>
#include <utility>

namespace dini::kernels {

enum class Accumulate : std::uint8_t { set, add, subtract };

template <class T> struct DenseMicro {
  // C = A B, C += A B or C −= A B. a_ip = a[i·a_row + p·a_col]; the rows of B and C are contiguous, b_row and c_row apart.
  // Strides may be negative.
  void (*multiply)(Accumulate mode, std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, const T* a,
                   std::ptrdiff_t a_row, std::ptrdiff_t a_col, const T* b, std::ptrdiff_t b_row, T* c,
                   std::ptrdiff_t c_row);

  // X ← L⁻¹ X, L lower triangular with l_ij = a[i·a_row + j·a_col], one of the strides ±1; row i of X at x + i·x_row. An
  // upper triangle is a lower one counted from the end, with negative strides.
  void (*solve_lower)(bool unit, std::ptrdiff_t n, std::ptrdiff_t nrhs, const T* a, std::ptrdiff_t a_row,
                      std::ptrdiff_t a_col, T* x, std::ptrdiff_t x_row);

  // Partial-pivoting LU of a panel of width ≤ panel_width columns, ld apart, of m ≥ width rows. After its rows a column has
  // panel_width numbers that are finite, and not kept. pivot[k] ≥ k is the row that was swapped with row k. Returns 0 or k + 1.
  int (*lu_panel)(std::ptrdiff_t m, std::ptrdiff_t width, T* panel, std::ptrdiff_t ld, std::int32_t* pivot);

  // Upper Cholesky factor UᵀU of a matrix of order n ≤ panel_width, rows panel_width apart, upper triangle. 0 or k + 1.
  int (*cholesky_panel)(std::ptrdiff_t n, T* panel);

  // to[j·to_ld + i] = from[i·from_ld + j].
  void (*transpose)(std::ptrdiff_t rows, std::ptrdiff_t columns, const T* from, std::ptrdiff_t from_ld, T* to,
                    std::ptrdiff_t to_ld);
};

inline constexpr std::ptrdiff_t panel_width = 16;

template <class T> const DenseMicro<T>& dense_micro();
// As vector_kernels_for: nullptr if the processor lacks the instruction set or there is no such name.
template <class T> const DenseMicro<T>* dense_micro_for(const char* isa);

namespace micro_generic {
template <class T> const DenseMicro<T>& table();
}
namespace micro_avx2 {
template <class T> const DenseMicro<T>& table();
}
namespace micro_avx512 {
template <class T> const DenseMicro<T>& table();
}

}  // namespace dini::kernels
