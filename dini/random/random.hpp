// Random numbers from keys: a counter-based generator, so that a draw is a pure function of its key, and is the same
// eagerly, under jit and in a lane of vmap.
//
// The generator is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC 2011). A key is two 32-bit words; it enciphers the counters 0, 1, 2, ... There is no state: draws with one key
// are equal, so split the key for each further draw:
//
//     Array k = random::key(0);
//     Array ks = random::split(k);
//     Array W = random::normal(ks(0), {10, 10}), b = random::uniform(ks(1), {10});
//
// Draws are equal to jax.random's for the same key, shape, dtype and stream: bits, uniforms, integers and permutations to
// the bit, normals to 4 units in the last place.
//
// Dini has no unsigned dtype. A key is an int64 array of shape (2,) with values in [0, 2³²): the words that
// jax.random.key_data shows. For many keys use vmap.
#pragma once

#include <optional>

#include "dini/core/array.hpp"

namespace dini::random {

using dini::detail::Lengths;

/// How counters are laid out. `original` is JAX's layout before version 0.5, in which textbooks' and papers' numbers were
/// drawn; it is the default here. `partitionable` is JAX's default since (jax_threefry_partitionable): there element i
/// depends on i alone and not on how many are drawn. The stream is read when a function is called; traced by jit, it is
/// part of what was traced.
enum class Stream { original, partitionable };

/// The stream of every thread that is in no StreamScope.
void set_stream(Stream stream);
/// The stream that draws on this thread take now.
Stream current_stream();

/// Another stream for this thread while the object lives.
class StreamScope {
 public:
  explicit StreamScope(Stream stream);
  ~StreamScope();
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;

 private:
  std::optional<Stream> before_;
};

/// The key of an integer seed: its 64 bits in two words, the upper one first (so -3 is (2³² - 1, 2³² - 3)). ShapeError
/// unless the seed is a scalar, DtypeError unless it is an integer.
Array key(const Array& seed);

/// `count` new keys, of shape (count, 2): split(k)(0), split(k)(1), ...
Array split(const Array& key, std::int64_t count = 2);

/// A new key from a key and an integer, of which the lower 32 bits count: a key for each step of a loop.
Array fold_in(const Array& key, const Array& data);

/// Random bits as int64: 32 of them, in [0, 2³²), or with `width` 64 all 64 of an int64. ValueError for other widths.
Array bits(const Array& key, const Lengths& shape = {}, int width = 32);

/// Uniform on [low, high): the leading mantissa bits of [1, 2), less 1, times (high - low), plus low in one rounding.
/// The bounds broadcast to `shape` and may be differentiated by. DtypeError unless the dtype is floating.
Array uniform(const Array& key, const Lengths& shape = {}, Dtype dtype = float64, const Array& low = 0.0,
              const Array& high = 1.0);

/// Normal with mean 0 and variance 1: √2 erfinv(u), u uniform on (-1, 1).
Array normal(const Array& key, const Lengths& shape = {}, Dtype dtype = float64);

/// Exponential with rate 1, -log(1 - u); standard Gumbel, -log(-log u), u uniform on [tiny, 1).
Array exponential(const Array& key, const Lengths& shape = {}, Dtype dtype = float64);
Array gumbel(const Array& key, const Lengths& shape = {}, Dtype dtype = float64);
/// Indices along `axis` of logits (log-probabilities, up to a constant for each draw): int64, of the shape that is left, or of
/// `shape`, which ends with that.
Array categorical(const Array& key, const Array& logits, int axis = -1, std::optional<Lengths> shape = {});

/// Integers from low up to but not including high (low itself where high <= low). The bounds are integers and broadcast
/// to `shape`. Off a true uniform by less than (high - low)/2³² (int64: 2⁶⁴) in probability. DtypeError unless the
/// dtype is int32 or int64.
Array randint(const Array& key, const Lengths& shape, const Array& low, const Array& high, Dtype dtype = int64);

/// True with probability p: bool of p's shape, or of `shape`, to which p broadcasts.
Array bernoulli(const Array& key, const Array& p = 0.5, std::optional<Lengths> shape = {});

/// 0 .. n-1 (int64) in random order for an integer n; for an array of one axis or more, its entries along `axis` in
/// random order. Sorts by random 32-bit words, as often as it takes for ties not to matter.
Array permutation(const Array& key, const Array& x, int axis = 0);

/// `shape` entries drawn from the first axis of `a`, or from 0 .. a-1 for an integer a; each with probability p[i] where p
/// is given. Without replacement p must be absent (ValueError), and there cannot be more draws than entries.
Array choice(const Array& key, const Array& a, const Lengths& shape = {}, bool replace = true, const Array& p = {});

}  // namespace dini::random
