#include "dini/ops/kernels/matrix_vector.hpp"

#include <algorithm>
#include <cstdint>

#include "dini/core/pool.hpp"
#include "dini/ops/kernels/vector.hpp"

namespace dini::kernels {
namespace matrix_vector_pieces {

// A thread takes about 2 µs to wake; a megabyte takes some 30 µs to read. Pieces fit into a second-level cache many times over.
constexpr std::size_t threads_from = std::size_t(1) << 20;
constexpr std::size_t piece_bytes = std::size_t(1) << 17;

template <class T> bool large(std::size_t m, std::size_t n) { return m * n >= threads_from / sizeof(T); }

// To and fro through a matrix from call to call. Whether a thread goes back through the one at this address; two that share a
// place only lose what is gained.
detail::PieceOrder direction(const void* matrix) {
  constexpr std::size_t places = 16;
  static thread_local bool back[places] = {};
  bool& b = back[(reinterpret_cast<std::uintptr_t>(matrix) >> 12) % places];
  b = !b;
  return b ? detail::PieceOrder::backwards : detail::PieceOrder::forwards;
}

// f(first, count) for pieces of so many.
template <class F> void in_pieces(std::size_t count, std::size_t length, const void* matrix, const F& f) {
  detail::for_pieces((count + length - 1) / length,
                     [&](std::size_t k) { f(k * length, std::min(length, count - k * length)); }, direction(matrix));
}

// Rows that make a piece, as many as the kernel takes at once or a multiple.
template <class T> std::size_t rows_of_piece(std::size_t n) {
  return std::max<std::size_t>(1, piece_bytes / (8 * n * sizeof(T))) * 8;
}

}  // namespace matrix_vector_pieces

namespace pieces = matrix_vector_pieces;

template <class T> void matrix_vector(std::size_t m, std::size_t n, const T* a, const T* x, T* y) {
  const auto gemv = vector_kernels<T>().gemv;
  if (!pieces::large<T>(m, n)) return gemv(m, n, a, x, y);
  pieces::in_pieces(m, pieces::rows_of_piece<T>(n), a,
                    [&](std::size_t i, std::size_t rows) { gemv(rows, n, a + i * n, x, y + i); });
}

template <class T> void transposed_vector(std::size_t m, std::size_t n, const T* a, const T* x, T* y) {
  const auto gemv_t = vector_kernels<T>().gemv_t;
  constexpr std::size_t line = 64;  // whole lines of the cache, several registers
  if (!pieces::large<T>(m, n) || n <= line) return gemv_t(m, n, n, a, x, y);
  // What comes from memory comes faster in longer pieces of rows; of the rest a piece stays in a thread's own cache.
  constexpr std::size_t cached = std::size_t(1) << 24;
  const std::size_t lines = m * n * sizeof(T) > cached ? 8 : pieces::piece_bytes / (line * m * sizeof(T));
  const std::size_t columns = std::max<std::size_t>(1, lines) * line;
  pieces::in_pieces(n, columns, a, [&](std::size_t j, std::size_t count) { gemv_t(m, count, n, a + j, x, y + j); });
}

template <class T> void outer_product(std::size_t m, std::size_t n, const T* a, const T* b, T* c) {
  const auto outer = vector_kernels<T>().outer;
  if (!pieces::large<T>(m, n)) return outer(m, n, a, b, c);
  pieces::in_pieces(m, pieces::rows_of_piece<T>(n), c,
                    [&](std::size_t i, std::size_t rows) { outer(rows, n, a + i, b, c + i * n); });
}

#define DINI_MATRIX_VECTOR(T)                                                           \
  template void matrix_vector<T>(std::size_t, std::size_t, const T*, const T*, T*);     \
  template void transposed_vector<T>(std::size_t, std::size_t, const T*, const T*, T*); \
  template void outer_product<T>(std::size_t, std::size_t, const T*, const T*, T*);
DINI_MATRIX_VECTOR(float)
DINI_MATRIX_VECTOR(double)
#undef DINI_MATRIX_VECTOR

}  // namespace dini::kernels
