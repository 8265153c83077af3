// Keys and raw bits.
#include "dini/random/random_ops.hpp"

#include <cmath>

#include "dini/random/random_build.hpp"

namespace dini {

namespace rd = random::detail;

// ---- Keys --------------------------------------------------------------------------------------------------------------

const Op& random_key_op() {
  static const Op op = rd::random_op({
      .op = random_key_op,
      .name = "random_key",
      .infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
        Shape shape = in[0].shape;
        shape.append(2);
        return {rd::of(Dtype::int64, shape)};
      },
      .kernel =
          [](const KernelCall& call) {
            const auto* seeds = static_cast<const std::int64_t*>(call.in[0]);
            auto* out = static_cast<std::int64_t*>(call.out[0]);
            for (std::int64_t i = 0; i < call.in_avals[0].shape.size(); ++i) {
              const rd::Words w = rd::split_counter(seeds[i]);
              out[2 * i] = w.a;
              out[2 * i + 1] = w.b;
            }
          },
      .samples = {{{rd::words({2147483655}, {})}, {}}, {{rd::words({0, -3, 1LL << 40}, {3})}, {}}},
      .plain = [](const Sample& s) -> rd::PlainResult {
        rd::PlainResult out(1);
        for (const std::int64_t seed : s.in[0].to_vector<std::int64_t>()) {
          const long double two32 = 4294967296.0L, whole = seed < 0 ? seed + two32 * two32 : seed;
          out[0].push_back(std::floor(whole / two32));
          out[0].push_back(whole - two32 * std::floor(whole / two32));
        }
        return out;
      },
  });
  return op;
}

const Op& random_split_op() {
  static const Op op = rd::random_op({
      .op = random_split_op,
      .name = "random_split",
      .infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
        return {rd::of(Dtype::int64, rd::lanes_of(in[0]) + Shape{p.integer("count"), 2})};
      },
      .kernel =
          [](const KernelCall& call) {
            const bool partitionable = rd::is_partitionable(call.params);
            const std::int64_t count = call.params.integer("count");
            rd::each_lane<std::int64_t>(call, [&](rd::Words key, std::int64_t* out, std::int64_t) {
              rd::each_key(key, partitionable, count, [&](std::int64_t i, rd::Words w) {
                out[2 * i] = w.a;
                out[2 * i + 1] = w.b;
              });
            });
          },
      .samples = rd::samples_of({{"count", std::int64_t{3}}}),
      .plain = [](const Sample& s) -> rd::PlainResult {
        const std::int64_t count = s.params.integer("count");
        return rd::plain_loop(
            s, 2 * count, [&](rd::Words key, bool partitionable, std::uint32_t i, std::uint32_t, auto) {
              const rd::Words w = rd::plain_key(key, partitionable, i / 2, static_cast<std::uint32_t>(count));
              return i % 2 ? w.b : w.a;
            });
      },
  });
  return op;
}

const Op& random_fold_in_op() {
  static const Op op = rd::random_op({
      .op = random_fold_in_op,
      .name = "random_fold_in",
      .infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
        if (rd::lanes_of(in[0]) != in[1].shape) throw std::logic_error("random_fold_in: one number for each key");
        return {in[0]};
      },
      .kernel =
          [](const KernelCall& call) {
            const auto* data = static_cast<const std::int64_t*>(call.in[1]);
            rd::each_lane<std::int64_t>(call, [&](rd::Words key, std::int64_t* out, std::int64_t lane) {
              const rd::Words w = rd::threefry(key, {0, static_cast<std::uint32_t>(data[lane])});
              out[0] = w.a;
              out[1] = w.b;
            });
          },
      .samples = {{{rd::one_key(), rd::words({5}, {})}, {}},
                  {{rd::three_keys(), rd::words({0, -1, 1LL << 32}, {3})}, {}}},
      .plain = [](const Sample& s) -> rd::PlainResult {
        Sample with_stream = s;
        with_stream.params.set("stream", std::string("original"));
        const auto data = s.in[1].to_vector<std::int64_t>();
        return rd::plain_loop(
            with_stream, 2, [&](rd::Words key, bool, std::uint32_t i, std::uint32_t, std::int64_t lane) {
              const rd::Words w =
                  rd::plain_cipher(key, 0, static_cast<std::uint32_t>(data[static_cast<std::size_t>(lane)]));
              return i ? w.b : w.a;
            });
      },
  });
  return op;
}

// ---- Draws -------------------------------------------------------------------------------------------------------------

const Op& random_bits_op() {
  static const Op op = rd::random_op({
      .op = random_bits_op,
      .name = "random_bits",
      .infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
        return {rd::of(Dtype::int64, rd::lanes_of(in[0]) + p.shape("shape"))};
      },
      .kernel =
          [](const KernelCall& call) {
            const bool partitionable = rd::is_partitionable(call.params), wide = call.params.integer("width") == 64;
            const std::int64_t n = call.params.shape("shape").size();
            rd::each_lane<std::int64_t>(call, [&](rd::Words key, std::int64_t* out, std::int64_t) {
              const auto put = [out](std::int64_t i, auto word) { out[i] = static_cast<std::int64_t>(word); };
              if (wide)
                rd::each_long_word(key, partitionable, n, put);
              else
                rd::each_word(key, partitionable, n, put);
            });
          },
      .samples =
          [] {
            std::vector<Sample> all = rd::samples_of({{"shape", Shape{5, 7}}, {"width", std::int64_t{32}}});
            for (Sample& s : rd::samples_of({{"shape", Shape{3}}, {"width", std::int64_t{64}}}))
              all.push_back(std::move(s));
            return all;
          }(),
      .plain = [](const Sample& s) -> rd::PlainResult {
        const bool wide = s.params.integer("width") == 64;
        return rd::plain_loop(s, s.params.shape("shape").size(), [&](rd::Words key, bool p, auto i, auto n, auto) {
          return static_cast<std::int64_t>(wide ? rd::plain_long_word(key, p, i, n) : rd::plain_word(key, p, i, n));
        });
      },
  });
  return op;
}

OpList random_ops() {
  static const Op* const ops[] = {
      &random_key_op(),      &random_split_op(),       &random_fold_in_op(), &random_bits_op(),   &random_uniform_op(),
      &random_integers_op(), &random_permutation_op(), &random_scale_op(),   &random_normal_op(),
  };
  return ops;
}

}  // namespace dini
