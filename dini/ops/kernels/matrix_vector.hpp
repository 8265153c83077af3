// Products with a vector: by one thread where the matrix is small, else in pieces by all threads (core/pool.hpp). The bits are the
// same either way: an element depends on its own row or column alone.
#pragma once

#include <cstddef>

namespace dini::kernels {

// y[m] = A[m,n] x[n].
template <class T> void matrix_vector(std::size_t m, std::size_t n, const T* a, const T* x, T* y);
// y[n] = A[m,n]ᵀ x[m].
template <class T> void transposed_vector(std::size_t m, std::size_t n, const T* a, const T* x, T* y);
// C[m,n] = a[m] b[n]ᵀ.
template <class T> void outer_product(std::size_t m, std::size_t n, const T* a, const T* b, T* c);

}  // namespace dini::kernels
