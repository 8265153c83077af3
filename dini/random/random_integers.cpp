// Integers between bounds, and permutations.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "dini/random/random_build.hpp"

namespace dini {

namespace rd = random::detail;

namespace random::detail {

// Integers by JAX's rule. Two words a draw make a number of twice the width, of which the remainder by the span is taken;
// in arithmetic of one width, since (high·2ⁿ + low) mod span = ((high mod span)·(2ⁿ mod span) + low) mod span.
template <class U> U remainder_of(U upper, U lower, U span) {
  if (span == 0) return lower;  // the span is 2ⁿ
  constexpr int half_width = std::numeric_limits<U>::digits / 2;
  U multiplier = static_cast<U>((U{1} << half_width) % span);
  multiplier = static_cast<U>(multiplier * multiplier) % span;
  return static_cast<U>(upper % span * multiplier + lower % span) % span;
}

template <class T> void draw_integers(const KernelCall& call) {
  using U = std::make_unsigned_t<T>;
  const bool partitionable = is_partitionable(call.params);
  const std::int64_t n = call.params.shape("shape").size();
  const auto *lows = static_cast<const std::int64_t*>(call.in[1]),
             *highs = static_cast<const std::int64_t*>(call.in[2]);
  std::vector<U> upper(static_cast<std::size_t>(n));
  each_lane<T>(call, [&](Words key, T* out, std::int64_t lane) {
    const auto [first, second] = split_in_two(key, partitionable);
    const auto draw = [&](Words k, auto visit) {
      if constexpr (sizeof(T) == 4)
        each_word(k, partitionable, n, visit);
      else
        each_long_word(k, partitionable, n, visit);
    };
    draw(first, [&](std::int64_t i, U word) { upper[static_cast<std::size_t>(i)] = word; });
    draw(second, [&](std::int64_t i, U word) {
      constexpr std::int64_t least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
      const std::int64_t at = lane * n + i;
      const std::int64_t low = std::clamp(lows[at], least, most), high = std::clamp(highs[at], least, most);
      // A bound above what T holds means that T's largest is included.
      U span = high <= low ? U{1} : static_cast<U>(static_cast<U>(high) - static_cast<U>(low));
      if (highs[at] > most && high > low) ++span;
      const U offset = remainder_of(upper[static_cast<std::size_t>(i)], word, span);
      out[i] = static_cast<T>(static_cast<U>(low) + offset);
    });
  });
}

// As often as JAX sorts: until ties among 32-bit words do not matter.
int permutation_rounds(std::int64_t n) {
  return static_cast<int>(
      std::ceil(3 * std::log(static_cast<double>(std::max<std::int64_t>(1, n))) / std::log(4294967295.0)));
}

void draw_permutations(const KernelCall& call) {
  const bool partitionable = is_partitionable(call.params);
  const std::int64_t n = call.params.integer("length");
  std::vector<std::uint64_t> order(static_cast<std::size_t>(n));
  std::vector<std::int64_t> before(static_cast<std::size_t>(n));
  each_lane<std::int64_t>(call, [&](Words key, std::int64_t* out, std::int64_t) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = i;
    for (int round = permutation_rounds(n); round > 0; --round) {
      const auto [next, subkey] = split_in_two(key, partitionable);
      key = next;
      // The place as the lower half makes the sort stable.
      each_word(subkey, partitionable, n, [&](std::int64_t i, std::uint32_t word) {
        order[static_cast<std::size_t>(i)] = static_cast<std::uint64_t>(word) << 32 | static_cast<std::uint64_t>(i);
      });
      std::sort(order.begin(), order.end());
      std::copy(out, out + n, before.begin());
      for (std::size_t i = 0; i < order.size(); ++i) out[i] = before[order[i] & 0xFFFFFFFFu];
    }
  });
}

}  // namespace random::detail

const Op& random_integers_op() {
  static const Op op = rd::random_op({
      .op = random_integers_op,
      .name = "random_integers",
      .infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
        const Shape shape = rd::lanes_of(in[0]) + p.shape("shape");
        if (in[1] != rd::of(Dtype::int64, shape) || in[2] != in[1]) {
          throw std::logic_error("random_integers: bounds " + in[1].str() + " and " + in[2].str());
        }
        return {rd::of(p.dtype("dtype"), shape)};
      },
      .kernel =
          [](const KernelCall& call) {
            if (call.params.dtype("dtype") == Dtype::int32)
              rd::draw_integers<std::int32_t>(call);
            else
              rd::draw_integers<std::int64_t>(call);
          },
      .samples =
          [] {
            std::vector<Sample> all;
            for (const Dtype dtype : {Dtype::int32, Dtype::int64}) {
              for (const Sample& s : rd::samples_of({{"shape", Shape{2, 3}}, {"dtype", dtype}})) {
                const std::int64_t lanes = s.in[0].size() / 2;
                std::vector<std::int64_t> low, high;
                for (std::int64_t i = 0; i < 6 * lanes; ++i) {
                  low.push_back(i - 4);
                  high.push_back(i == 2 ? -7 : 10 * i * i + 3);
                }
                Shape shape = lanes == 1 ? Shape{2, 3} : Shape{lanes, 2, 3};
                all.push_back({{s.in[0], rd::words(low, shape), rd::words(high, shape)}, s.params});
              }
            }
            return all;
          }(),
      .plain = [](const Sample& s) -> rd::PlainResult {
        const bool wide = s.params.dtype("dtype") == Dtype::int64;
        const auto low = s.in[1].to_vector<std::int64_t>(), high = s.in[2].to_vector<std::int64_t>();
        return rd::plain_loop(s, s.params.shape("shape").size(), [&](rd::Words key, bool p, auto i, auto n, auto lane) {
          const std::size_t at = static_cast<std::size_t>(lane * n + i);
          const auto word = [&](std::uint32_t which) -> unsigned __int128 {
            const rd::Words k = rd::plain_key(key, p, which, 2);
            return wide ? rd::plain_long_word(k, p, i, n) : rd::plain_word(k, p, i, n);
          };
          const auto span = static_cast<unsigned __int128>(std::max<std::int64_t>(high[at] - low[at], 1));
          const unsigned __int128 modulus = (((word(0) % span) << (wide ? 64 : 32)) + word(1)) % span;
          return low[at] + static_cast<std::int64_t>(modulus);
        });
      },
  });
  return op;
}

const Op& random_permutation_op() {
  static const Op op = rd::random_op({
      .op = random_permutation_op,
      .name = "random_permutation",
      .infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
        return {rd::of(Dtype::int64, rd::lanes_of(in[0]) + Shape{p.integer("length")})};
      },
      .kernel = rd::draw_permutations,
      .samples = rd::samples_of({{"length", std::int64_t{11}}}),
      .plain = [](const Sample& s) -> rd::PlainResult {
        const std::int64_t length = s.params.integer("length");
        return rd::plain_loop(s, length, [&](rd::Words key, bool p, std::uint32_t i, std::uint32_t n, auto) {
          // One round does for 11 elements: how many words come before the one that ends up in place i?
          const rd::Words subkey = rd::plain_key(key, p, 1, 2);
          for (std::uint32_t j = 0;; ++j) {
            std::uint32_t before = 0;
            for (std::uint32_t k = 0; k < n; ++k)
              before += rd::plain_word(subkey, p, k, n) < rd::plain_word(subkey, p, j, n);
            if (before == i) return j;
          }
        });
      },
  });
  return op;
}

}  // namespace dini
