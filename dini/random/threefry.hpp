// Threefry-2x32-20 and the two ways in which its words become streams of random bits; for random_ops.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace dini::random::detail {

struct Words {
  std::uint32_t a, b;
};

// Enciphers n pairs of counters in place with one key. Salmon et al., SC 2011, section 4.3: rotation distances and the
// parity constant as there.
template <int n> inline void threefry(Words key, std::uint32_t (&x)[n], std::uint32_t (&y)[n]) {
  constexpr int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const std::uint32_t schedule[3] = {key.a, key.b, key.a ^ key.b ^ 0x1BD11BDAu};
  for (int i = 0; i < n; ++i) x[i] += key.a, y[i] += key.b;
  for (std::uint32_t group = 0; group < 5; ++group) {
    for (const int r : rotations[group % 2]) {
      for (int i = 0; i < n; ++i) {
        x[i] += y[i];
        y[i] = (y[i] << r | y[i] >> (32 - r)) ^ x[i];
      }
    }
    const std::uint32_t p = schedule[(group + 1) % 3], q = schedule[(group + 2) % 3] + group + 1;
    for (int i = 0; i < n; ++i) x[i] += p, y[i] += q;
  }
}

inline Words threefry(Words key, Words counter) {
  std::uint32_t x[1] = {counter.a}, y[1] = {counter.b};
  threefry(key, x, y);
  return {x[0], y[0]};
}

// Pairs 0 .. count-1 of a stream, as visit(index, words). Pair i enciphers counter(i).
template <class Counter, class Visit> void each_pair(Words key, std::int64_t count, Counter counter, Visit visit) {
  constexpr int lanes = 16;
  for (std::int64_t first = 0; first < count; first += lanes) {
    std::uint32_t x[lanes], y[lanes];
    for (int i = 0; i < lanes; ++i) {
      const Words c = counter(first + i);
      x[i] = c.a, y[i] = c.b;
    }
    threefry(key, x, y);
    const int filled = static_cast<int>(std::min<std::int64_t>(lanes, count - first));
    for (int i = 0; i < filled; ++i) visit(first + i, Words{x[i], y[i]});
  }
}

inline Words split_counter(std::int64_t i) {
  return {static_cast<std::uint32_t>(static_cast<std::uint64_t>(i) >> 32), static_cast<std::uint32_t>(i)};
}

// `count` words of 32 bits as visit(index, word), in some order.
//
// Original: the counters 0 .. count-1, with a 0 more where count is odd, are cut in two halves; counter i of the first is
// enciphered with counter i of the second, and the words stand where the counters stood. Partitionable: word i is the
// exclusive or of the two words of the 64-bit counter i.
template <class Visit> void each_word(Words key, bool partitionable, std::int64_t count, Visit visit) {
  if (partitionable) {
    each_pair(key, count, split_counter, [&](std::int64_t i, Words w) { visit(i, w.a ^ w.b); });
    return;
  }
  const std::int64_t half = count / 2 + count % 2;
  each_pair(
      key, half,
      [=](std::int64_t i) {
        const std::int64_t j = half + i;
        return Words{static_cast<std::uint32_t>(i), j < count ? static_cast<std::uint32_t>(j) : 0};
      },
      [&](std::int64_t i, Words w) {
        visit(i, w.a);
        if (half + i < count) visit(half + i, w.b);
      });
}

// `count` words of 64 bits. Original: 2·count words of 32 bits; the first half of them are the upper halves.
template <class Visit> void each_long_word(Words key, bool partitionable, std::int64_t count, Visit visit) {
  const auto join = [&](std::int64_t i, Words w) { visit(i, static_cast<std::uint64_t>(w.a) << 32 | w.b); };
  if (partitionable) {
    each_pair(key, count, split_counter, join);
  } else {
    each_pair(
        key, count,
        [=](std::int64_t i) {
          return Words{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(count + i)};
        },
        join);
  }
}

// Keys 0 .. count-1 made from one. Original: words 2i and 2i+1 of 2·count; partitionable: the two words of counter i.
template <class Visit> void each_key(Words key, bool partitionable, std::int64_t count, Visit visit) {
  if (partitionable) {
    each_pair(key, count, split_counter, visit);
    return;
  }
  Words last{};
  const auto words = [count](std::int64_t i) {
    return Words{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(count + i)};
  };
  // The first words come in order, then the second ones: two passes, so that nothing has to be kept.
  for (const bool second : {false, true}) {
    each_pair(key, count, words, [&](std::int64_t i, Words w) {
      const std::int64_t at = second ? count + i : i;
      const std::uint32_t word = second ? w.b : w.a;
      if (at % 2 == 0)
        last.a = word;
      else
        visit(at / 2, Words{last.a, word});
    });
  }
}

inline std::pair<Words, Words> split_in_two(Words key, bool partitionable) {
  Words keys[2] = {};
  each_key(key, partitionable, 2, [&](std::int64_t i, Words w) { keys[i] = w; });
  return {keys[0], keys[1]};
}

}  // namespace dini::random::detail
