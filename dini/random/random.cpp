#include "dini/random/random.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/random/random_ops.hpp"
#include "dini/trace/emit.hpp"

namespace dini::random {

namespace front {

std::atomic<Stream> everywhere{Stream::original};
thread_local std::optional<Stream> in_scope;

std::string stream_name() { return current_stream() == Stream::original ? "original" : "partitionable"; }

void check_key(const Array& key, const char* function) {
  dini::detail::check_defined(key, function);
  if (key.dtype() != int64) {
    throw DtypeError(std::string(function) + ": the key is " + key.aval().str() +
                     ", wanted int64(2,) as random::key makes");
  }
  if (key.shape() != Shape{2}) {
    throw ShapeError(std::string(function) + ": the key is " + key.aval().str() +
                     ", wanted int64(2,); for an array of keys use vmap");
  }
}

Array check_integer(const Array& a, const char* function, const char* what) {
  dini::detail::check_defined(a, function);
  if (!is_integer(a.dtype())) {
    throw DtypeError(std::string(function) + ": " + what + " is " + a.aval().str() + ", wanted an integer");
  }
  return dini::detail::as_operand(a, int64);
}

void check_floating(Dtype dtype, const char* function) {
  if (!is_floating(dtype))
    throw DtypeError(std::string(function) + ": got " + name(dtype) + ", wanted float32 or float64");
}

// Counters of the original stream are 32 bits wide.
void check_count(std::int64_t words, const char* function) {
  if (current_stream() == Stream::original && words >= 4294967295) {
    throw ShapeError(std::string(function) + ": one key of the original stream gives less than 2^32 words, asked for " +
                     std::to_string(words) + "; split the key, or take the partitionable stream");
  }
}

// What depends on key, shape and dtype alone.
Array draw(const Op& op, const Array& key, const Shape& shape, Dtype dtype, const char* function) {
  check_key(key, function);
  check_floating(dtype, function);
  check_count(dtype == float64 && shape.size() > 0 ? 2 * std::min(shape.size(), std::int64_t{1} << 40) : shape.size(),
              function);
  return emit_one(op, {key}, {{"shape", shape}, {"dtype", dtype}, {"stream", stream_name()}});
}

// Indices of `shape` into the first axis, of length n, of a (0 .. n-1 where a is an integer).
Array pick_entries(const Array& a, const Array& indices) { return a.ndim() == 0 ? indices : take(a, indices, 0); }

}  // namespace front

void set_stream(Stream stream) { front::everywhere = stream; }
Stream current_stream() { return front::in_scope ? *front::in_scope : front::everywhere.load(); }
StreamScope::StreamScope(Stream stream) : before_(front::in_scope) { front::in_scope = stream; }
StreamScope::~StreamScope() { front::in_scope = before_; }

Array key(const Array& seed) {
  const Array s = front::check_integer(seed, "random::key", "the seed");
  if (s.ndim() != 0) {
    throw ShapeError("random::key: the seed is " + seed.aval().str() + ", wanted a scalar; for several seeds use vmap");
  }
  return emit_one(random_key_op(), {s});
}

Array split(const Array& key, std::int64_t count) {
  front::check_key(key, "random::split");
  if (count < 0) throw ValueError("random::split: " + std::to_string(count) + " keys are less than none");
  front::check_count(std::min(count, std::int64_t{1} << 40) * 2, "random::split");
  return emit_one(random_split_op(), {key}, {{"count", count}, {"stream", front::stream_name()}});
}

Array fold_in(const Array& key, const Array& data) {
  front::check_key(key, "random::fold_in");
  const Array d = front::check_integer(data, "random::fold_in", "the data");
  if (d.ndim() != 0) {
    throw ShapeError("random::fold_in: the data is " + data.aval().str() + ", wanted a scalar; for several use vmap");
  }
  return emit_one(random_fold_in_op(), {key, d});
}

Array bits(const Array& key, const Lengths& lengths, int width) {
  const Shape shape = lengths.shape("random::bits");
  front::check_key(key, "random::bits");
  if (width != 32 && width != 64) {
    throw ValueError("random::bits: got a width of " + std::to_string(width) + ", wanted 32 or 64");
  }
  front::check_count(std::min(shape.size(), std::int64_t{1} << 40) * (width / 32), "random::bits");
  return emit_one(random_bits_op(), {key},
                  {{"shape", shape}, {"width", std::int64_t{width}}, {"stream", front::stream_name()}});
}

Array uniform(const Array& key, const Lengths& lengths, Dtype dtype, const Array& low, const Array& high) {
  const Shape shape = lengths.shape("random::uniform");
  const auto is = [](const Array& a, double value) {
    return a.defined() && dini::detail::is_literal(a) && a.item<double>() == value;
  };
  if (is(low, 0) && is(high, 1)) return front::draw(random_uniform_op(), key, shape, dtype, "random::uniform");
  dini::detail::check_defined(low, "random::uniform");
  dini::detail::check_defined(high, "random::uniform");
  const Array u = front::draw(random_uniform_op(), key, shape, dtype, "random::uniform");
  const auto bound = [&](const Array& a) {
    return dini::detail::as_shape(dini::detail::as_operand(a, dtype), shape, "random::uniform");
  };
  return emit_one(random_scale_op(), {u, bound(low), bound(high)});
}

Array normal(const Array& key, const Lengths& shape, Dtype dtype) {
  return front::draw(random_normal_op(), key, shape.shape("random::normal"), dtype, "random::normal");
}

Array exponential(const Array& key, const Lengths& shape, Dtype dtype) {
  return -log1p(
      -front::draw(random_uniform_op(), key, shape.shape("random::exponential"), dtype, "random::exponential"));
}

Array gumbel(const Array& key, const Lengths& shape, Dtype dtype) {
  shape.shape("random::gumbel");
  front::check_floating(dtype, "random::gumbel");
  const double tiny = dtype == float32 ? std::numeric_limits<float>::min() : std::numeric_limits<double>::min();
  return -log(-log(uniform(key, shape, dtype, tiny)));
}

Array categorical(const Array& key, const Array& logits, int axis, std::optional<Lengths> shape) {
  const Array x = dini::detail::as_floating(logits, "random::categorical");
  axis = normalize_axis(axis, x.ndim(), "random::categorical");
  const Shape left = x.shape().erased(axis), out = shape ? shape->shape("random::categorical") : left;
  const int more = out.ndim() - left.ndim();
  if (more < 0 || out.sub(more, out.ndim()) != left) {
    throw ShapeError("random::categorical: draws of shape " + out.str() + " for logits of shape " + x.shape().str());
  }
  return argmax(gumbel(key, out.inserted(more + axis, x.shape()[axis]), x.dtype()) + x, more + axis);
}

Array randint(const Array& key, const Lengths& lengths, const Array& low, const Array& high, Dtype dtype) {
  const Shape shape = lengths.shape("random::randint");
  front::check_key(key, "random::randint");
  if (!is_integer(dtype)) {
    throw DtypeError(std::string("random::randint: got ") + name(dtype) + ", wanted int32 or int64");
  }
  front::check_count(std::min(shape.size(), std::int64_t{1} << 40) * (dtype == int64 ? 2 : 1), "random::randint");
  const auto bound = [&](const Array& a, const char* what) {
    const Array whole =
        dini::detail::as_shape(front::check_integer(a, "random::randint", what), shape, "random::randint");
    return whole.weak() ? astype(whole, int64) : whole;
  };
  return emit_one(random_integers_op(), {key, bound(low, "low"), bound(high, "high")},
                  {{"shape", shape}, {"dtype", dtype}, {"stream", front::stream_name()}});
}

Array bernoulli(const Array& key, const Array& p, std::optional<Lengths> shape) {
  const Array chance = dini::detail::as_floating(p, "random::bernoulli");
  const Shape drawn = shape ? shape->shape("random::bernoulli") : p.shape();
  const Array u = front::draw(random_uniform_op(), key, drawn, chance.dtype(), "random::bernoulli");
  return u < dini::detail::as_shape(chance, drawn, "random::bernoulli");
}

Array permutation(const Array& key, const Array& x, int axis) {
  front::check_key(key, "random::permutation");
  dini::detail::check_defined(x, "random::permutation");
  std::int64_t length;
  if (x.ndim() == 0) {
    front::check_integer(x, "random::permutation", "what to permute");
    length = x.item<std::int64_t>();
    if (length < 0) throw ValueError("random::permutation: of " + std::to_string(length) + " numbers");
  } else {
    axis = normalize_axis(axis, x.ndim(), "random::permutation");
    length = x.shape()[axis];
  }
  if (length >= 4294967295)
    throw ShapeError("random::permutation: of " + std::to_string(length) + ", wanted less than 2^32 - 1");
  const Array order = emit_one(random_permutation_op(), {key}, {{"length", length}, {"stream", front::stream_name()}});
  return x.ndim() == 0 ? order : take(x, order, axis);
}

Array choice(const Array& key, const Array& a, const Lengths& lengths, bool replace, const Array& p) {
  const Shape shape = lengths.shape("random::choice");
  front::check_key(key, "random::choice");
  dini::detail::check_defined(a, "random::choice");
  if (a.ndim() == 0) front::check_integer(a, "random::choice", "what to choose from");
  const std::int64_t n = a.ndim() == 0 ? a.item<std::int64_t>() : a.shape()[0], draws = shape.size();
  if (draws > 0 && n <= 0) throw ValueError("random::choice: nothing to choose from");
  if (p.defined()) {
    const Array weights = dini::detail::as_floating(p, "random::choice");
    if (weights.shape() != Shape{n}) {
      throw ShapeError("random::choice: p has shape " + p.shape().str() + ", wanted " + Shape{n}.str());
    }
    if (!replace) throw ValueError("random::choice: probabilities without replacement are not supported");
    const Array total = cumsum(weights);
    const Array u = uniform(key, shape, weights.dtype());
    return front::pick_entries(a, searchsorted(total, total(-1) * (1 - u)));
  }
  if (replace) return front::pick_entries(a, randint(key, shape, std::int64_t{0}, n));
  if (draws > n) {
    throw ValueError("random::choice: " + std::to_string(draws) + " draws without replacement from " +
                     std::to_string(n));
  }
  return reshape(permutation(key, a)(slice(std::int64_t{0}, draws)),
                 a.ndim() == 0 ? shape : shape + a.shape().erased(0));
}

}  // namespace dini::random
