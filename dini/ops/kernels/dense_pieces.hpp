#pragma once

// Large products, factorisations and triangular solves in pieces, which the threads share, and between which a computation that is
// asked to end does. The pieces depend on sizes alone, as results must not depend on who runs them or whether anybody watches.

#include <algorithm>
#include <cstddef>

#include "dini/core/cancel.hpp"

namespace dini::kernels {

// Multiplications and additions, in pairs, of one piece: about 0.3 ms, a hundred times what a thread takes to wake.
inline constexpr double work_of_piece = 1 << 23;

// How many rows or columns a piece has, where each of the `all` costs `work`: all of them where that is less than two pieces.
inline std::size_t piece_length(std::size_t all, double work) {
  constexpr double step = 64;
  const double length = work_of_piece / std::max(work, 1.0);
  return 2 * length >= static_cast<double>(all)
             ? all
             : std::min(all, static_cast<std::size_t>(std::max(length / step, 1.0)) * static_cast<std::size_t>(step));
}

// To be called where a kernel begins: it looks where `work` is worth it.
inline void poll_before(double work) {
  constexpr double few_microseconds = 1 << 15;
  if (work >= few_microseconds) detail::poll_cancel();
}

inline double multiplications(std::size_t a, std::size_t b, std::size_t c) {
  return static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
}

}  // namespace dini::kernels
