#pragma once

#include <cstddef>
#include <vector>

namespace dini::tests {

/// Under sanitizers, which look for other faults and take ten times as long, a test does a part of its sweeps: one that goes through
/// the same code. The optimised build does them whole.
#ifdef DINI_SANITIZED
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// Under the address sanitizer no block is kept for the next array.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool keeps_blocks = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool keeps_blocks = false;
#else
inline constexpr bool keeps_blocks = true;
#endif
#else
inline constexpr bool keeps_blocks = true;
#endif

/// Whether the k-th of a sweep has its turn: each, or every n-th under sanitizers.
constexpr bool sampled(std::size_t k, std::size_t n) { return !sanitized || k % n == 0; }

template <class T> std::vector<T> sample(const std::vector<T>& all, std::size_t n) {
  std::vector<T> out;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (sampled(k, n)) out.push_back(all[k]);
  }
  return out;
}

}  // namespace dini::tests
