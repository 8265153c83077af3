// What the process keeps of what it has compiled, and how to have the memory back.
#pragma once

#include <cstddef>
#include <vector>

namespace dini {

/// Forgets what the process keeps for who computes the same again: compiled Programs, and solves with their derivatives, and the memory
/// that large ones have worked in. What a jit object or a pullback holds is its own and stays. At any time from any thread; what is
/// running goes on.
void clear_caches();

/// How many of these the process keeps. Both number and size are bounded: what was not used the longest goes first.
std::size_t cached_programs();

namespace detail {

/// A cache that lives as long as the process: clear_caches() calls `clear`, cached_programs() adds `size()`.
struct ProcessCache {
  const char* name;
  void (*clear)();
  std::size_t (*size)();
};
/// Returns true, so that a static of its user's may be made of it. From any thread.
bool register_cache(ProcessCache cache);
/// Those that have been used.
std::vector<ProcessCache> process_caches();

}  // namespace detail

}  // namespace dini
