// What the records of random/'s ops are made with.
#pragma once

#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dini/ops/internal.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/random/random_ops.hpp"
#include "dini/random/threefry.hpp"
#include "dini/trace/emit.hpp"

namespace dini::random::detail {

// ---- What the ops share ------------------------------------------------------------------------------------------------

inline Aval of(Dtype dtype, const Shape& shape) { return {shape, dtype, false}; }

inline bool is_partitionable(const Params& params) { return params.text("stream") == "partitionable"; }

// The axes in front of a key's own.
inline Shape lanes_of(const Aval& key) {
  if (key.dtype != Dtype::int64 || key.shape.ndim() < 1 || key.shape.back() != 2) {
    throw std::logic_error("an op of random has a key " + key.str());
  }
  return key.shape.erased(key.shape.ndim() - 1);
}

inline Words key_at(const void* keys, std::int64_t lane) {
  const auto* words = static_cast<const std::int64_t*>(keys) + 2 * lane;
  return {static_cast<std::uint32_t>(words[0]), static_cast<std::uint32_t>(words[1])};
}

// Runs draw(key, out, lane) for every key; `out` is where a lane's results begin.
template <class T, class Draw> void each_lane(const KernelCall& call, Draw draw) {
  const std::int64_t lanes = call.in_avals[0].shape.size() / 2;
  const std::int64_t each = lanes ? call.out_avals[0].shape.size() / lanes : 0;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    draw(key_at(call.in[0], lane), static_cast<T*>(call.out[0]) + lane * each, lane);
  }
}

// All ops here take any number of axes in front: in a batch the op stays as it is.
inline Batched batch_in_front(const Op& op, const BatchCall& call) {
  Leaves in(call.in.begin(), call.in.end());
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!call.batched[i]) in[i] = dini::detail::emit_repeated(in[i], call.size);
  }
  return {emit(op, in, call.params), {true}};
}

struct Record {
  const Op& (*op)();
  const char* name;
  std::vector<Aval> (*infer)(std::span<const Aval>, const Params&);
  Kernel kernel;
  std::vector<Sample> samples;
  std::vector<std::vector<long double>> (*plain)(const Sample&);
};

inline Op random_op(Record record) {
  Op op;
  op.name = record.name;
  op.infer = record.infer;
  op.kernel = record.kernel;
  op.batch = [self = record.op](const BatchCall& call) { return batch_in_front(self(), call); };
  op.samples = [samples = std::move(record.samples)](Dtype dtype) {
    // Of floating draws those in this dtype, by whose precision they are judged.
    std::vector<Sample> out;
    for (const Sample& s : samples) {
      const bool floating = s.params.has("dtype") && is_floating(s.params.dtype("dtype"));
      if (!floating || s.params.dtype("dtype") == dtype) out.push_back(s);
    }
    return out;
  };
  op.plain = record.plain;
  op.differentiable = false;
  op.rounding = Rounding::exact;  // a draw is what it is
  return op;
}

inline Array words(const std::vector<std::int64_t>& values, const Shape& shape) {
  return from_data(values.data(), shape);
}
inline Array one_key() { return words({42, 4294967293}, {2}); }
inline Array three_keys() { return words({0, 1, 7, 0, 4294967295, 12}, {3, 2}); }

// Each stream, for one key and for several.
inline std::vector<Sample> samples_of(const Params& params) {
  std::vector<Sample> out;
  for (const char* stream : {"original", "partitionable"}) {
    Params p = params;
    p.set("stream", std::string(stream));
    out.push_back({{one_key()}, p});
    out.push_back({{three_keys()}, p});
  }
  return out;
}

// ---- References for the tests: one element at a time, as the streams' definitions say -------------------------------------

using PlainResult = std::vector<std::vector<long double>>;

inline Words plain_cipher(Words key, std::uint32_t x, std::uint32_t y) {
  const int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const std::uint32_t ks[3] = {key.a, key.b, 0x1BD11BDA ^ key.a ^ key.b};
  x += ks[0], y += ks[1];
  for (unsigned round = 0; round < 20; ++round) {
    x += y;
    y = std::rotl(y, rotations[round % 8]) ^ x;
    if (round % 4 == 3) {
      const unsigned g = round / 4 + 1;
      x += ks[g % 3], y += ks[(g + 1) % 3] + g;
    }
  }
  return {x, y};
}
inline std::uint32_t plain_word(Words key, bool partitionable, std::uint32_t i, std::uint32_t count) {
  if (partitionable) {
    const Words w = plain_cipher(key, 0, i);
    return w.a ^ w.b;
  }
  const std::uint32_t half = (count + 1) / 2, first = i % half, second = first + half;
  const Words w = plain_cipher(key, first, second < count ? second : 0);
  return i < half ? w.a : w.b;
}
inline std::uint64_t plain_long_word(Words key, bool partitionable, std::uint32_t i, std::uint32_t count) {
  const Words w = partitionable ? plain_cipher(key, 0, i) : plain_cipher(key, i, count + i);
  return static_cast<std::uint64_t>(w.a) << 32 | w.b;
}
inline Words plain_key(Words key, bool partitionable, std::uint32_t i, std::uint32_t count) {
  if (partitionable) return plain_cipher(key, 0, i);
  return {plain_word(key, false, 2 * i, 2 * count), plain_word(key, false, 2 * i + 1, 2 * count)};
}

// element(key, partitionable, i, n, lane) for all n elements of all keys.
template <class Element> PlainResult plain_loop(const Sample& s, std::int64_t n, Element element) {
  PlainResult out(1);
  for (std::int64_t lane = 0; lane < s.in[0].size() / 2; ++lane) {
    for (std::int64_t i = 0; i < n; ++i) {
      out[0].push_back(
          static_cast<long double>(element(key_at(s.in[0].raw(), lane), is_partitionable(s.params),
                                           static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(n), lane)));
    }
  }
  return out;
}

}  // namespace dini::random::detail
