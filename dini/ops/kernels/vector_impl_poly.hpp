// Polynomials in a register, by Estrin's scheme: a tree, because a chain of dependent multiply-adds would be most of
// the time of a function applied to ten elements.
#pragma once

#include "vector_isa.hpp"

namespace dini::kernels::DINI_VECTOR_ISA {
namespace {

// c: numbers, or registers of them.
template <std::size_t first, std::size_t count, class T, class C>
DINI_INLINE Vec<T> poly_tree(const Vec<T>* powers, const C* c) {
  if constexpr (count == 1) {
    return Vec<T>(c[first]);
  } else {
    constexpr int level = count > 16 ? 4 : count > 8 ? 3 : count > 4 ? 2 : count > 2 ? 1 : 0;
    constexpr std::size_t half = std::size_t(1) << level;
    return mul_add(poly_tree<first + half, count - half>(powers, c), powers[level], poly_tree<first, half>(powers, c));
  }
}

// c[0] + c[1] x + c[2] x² + …
template <class T, std::size_t n> DINI_INLINE Vec<T> poly(Vec<T> x, const T (&c)[n]) {
  Vec<T> powers[5];
  powers[0] = x;
  if constexpr (n > 2) powers[1] = x * x;
  if constexpr (n > 4) powers[2] = powers[1] * powers[1];
  if constexpr (n > 8) powers[3] = powers[2] * powers[2];
  if constexpr (n > 16) powers[4] = powers[3] * powers[3];
  return poly_tree<0, n>(powers, c);
}

// The same with the first two terms added last, one by one: in the tree each level rounds at the size of the sum, which
// adds up to two ulp where the first term is most of the sum.
template <class T, std::size_t n> DINI_INLINE Vec<T> poly_steady(Vec<T> x, const T (&c)[n]) {
  Vec<T> powers[5];
  powers[0] = x;
  powers[1] = x * x;
  powers[2] = powers[1] * powers[1];
  if constexpr (n > 10) powers[3] = powers[2] * powers[2];
  if constexpr (n > 18) powers[4] = powers[3] * powers[3];
  return mul_add(x, mul_add(x, poly_tree<2, n - 2>(powers, c), Vec<T>(c[1])), Vec<T>(c[0]));
}

}  // namespace
}  // namespace dini::kernels::DINI_VECTOR_ISA
