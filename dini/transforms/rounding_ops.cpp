#include "dini/transforms/rounding_ops.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/ops/shaping_ops.hpp"

namespace dini::detail {

namespace rounding {

// rounding_weight of the elements of one output in one pattern.
class Weights {
 public:
  Weights(std::int64_t seed, std::int64_t pattern)
      : seed_(static_cast<std::uint64_t>(seed)),
        pattern_(static_cast<std::uint64_t>(pattern % rounding_patterns)),
        own_(scrambled(golden + seed_ + (static_cast<std::uint64_t>(pattern / rounding_patterns) << 32))) {}

  double operator()(std::int64_t element) const {
    // The sign is an entry of a Hadamard matrix, in a column that the op and the element choose, and turned over or not.
    const std::uint64_t place = static_cast<std::uint64_t>(element) * golden, bits = scrambled(own_ ^ place),
                        both = ((place >> 40) + seed_) & pattern_, sign = both ^ (both >> 1) ^ (bits >> 63);
    const double size =
        0.25 + 1.5 * 0x1p-15 * static_cast<double>(static_cast<std::int32_t>((bits >> (15 * pattern_)) & 0x7fff));
    return sign & 1 ? -size : size;
  }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
  // The bits of x in a new order that looks like none (the finalizer of splitmix64, Steele, Lea and Flood 2014).
  static std::uint64_t scrambled(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  std::uint64_t seed_, pattern_, own_;
};

// Unit roundoffs of T in rounding_unit.
template <class T> T unit_roundoff() { return static_cast<T>(std::numeric_limits<T>::epsilon() / 2 / rounding_unit); }

template <class T> T finite_or_zero(T x) { return std::fabs(x) <= std::numeric_limits<T>::max() ? x : T(0); }

std::int64_t elements(const Aval& out, const Params& params) {
  const int ndim = out.shape.ndim();
  return out.shape.sub(ndim - static_cast<int>(params.integer("rank")), ndim).size();
}

template <class T> void run(const KernelCall& call) {
  const std::int64_t total = call.out_avals[0].shape.size(), inner = elements(call.out_avals[0], call.params);
  if (total == 0) return;
  const auto size_of = [&](std::size_t k) { return call.in_avals[k].shape.size(); };
  const std::int64_t seed = call.params.integer("seed"), block = call.params.integer("block");
  const double* patterns = static_cast<const double*>(call.in[0]);
  const T* y = static_cast<const T*>(call.in[1]);
  const T* tangent = call.in.size() > 2 ? static_cast<const T*>(call.in[2]) : nullptr;
  T* out = static_cast<T*>(call.out[0]);
  const T unit = static_cast<T>(call.params.number("times")) * unit_roundoff<T>();
  for (std::int64_t row = 0; row < total / inner; ++row, out += inner) {
    const Weights weights(seed, static_cast<std::int64_t>(patterns[row % size_of(0)]));
    const T* own = y + row * inner % size_of(1);
    const T* before = tangent ? tangent + row * inner % size_of(2) : nullptr;
    const auto rounding = [&](std::int64_t k, T size) { return static_cast<T>(weights(k)) * unit * size; };
    for (std::int64_t start = 0; block > 1 && start < inner; start += block) {
      T largest = 0;
      for (std::int64_t k = start; k < start + block; ++k)
        largest = std::max(largest, std::fabs(finite_or_zero(own[k])));
      for (std::int64_t k = start; k < start + block; ++k) out[k] = rounding(k, largest);
    }
    for (std::int64_t k = 0; block == 1 && k < inner; ++k) out[k] = rounding(k, std::fabs(finite_or_zero(own[k])));
    for (std::int64_t k = 0; before && k < inner; ++k) out[k] = finite_or_zero(before[k]) + out[k];
  }
}

// The axes of B that operand k has.
int lanes(const Array& a, std::size_t k, std::int64_t rank) { return a.ndim() - (k ? static_cast<int>(rank) : 0); }

// A batched operand that lacks axes of B gets them behind the new one, so that the others still lack axes in front.
Batched batch(const BatchCall& call) {
  const std::int64_t rank = call.params.integer("rank");
  Leaves in(call.in.begin(), call.in.end());
  Shape full;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const int first = call.batched[k] ? 1 : 0, last = lanes(in[k], k, rank);
    if (last - first > full.ndim()) full = in[k].shape().sub(first, last);
  }
  for (std::size_t k = 0; k < in.size(); ++k) {
    const int missing = full.ndim() - lanes(in[k], k, rank) + 1;
    if (!call.batched[k] || missing == 0) continue;
    const Shape& shape = in[k].shape();
    Axes axes{0};
    for (int a = 1; a < shape.ndim(); ++a) axes.push_back(a + missing);
    const Shape rest = shape.sub(lanes(in[k], k, rank), shape.ndim());
    in[k] = emit_broadcast(in[k], prepend(call.size, full) + rest, axes);
  }
  return {emit(rounding_op(), in, call.params), {true}};
}

std::vector<Sample> samples(Dtype d) {
  std::vector<Sample> out;
  const auto add = [&](Leaves in, std::int64_t seed, double times, std::int64_t rank, std::int64_t block) {
    out.push_back({std::move(in), {{"seed", seed}, {"times", times}, {"rank", rank}, {"block", block}}});
  };
  const auto patterns = [](std::vector<double> p, const Shape& shape) {
    return sample_array(p, shape, Dtype::float64);
  };
  const Array y = sample({2, 3}, d), t = sample({3, 2, 3}, d, 1), lanes = sample({2, 3, 2, 3}, d, 2);
  add({patterns({1}, {}), y}, 0, 1, 2, 1);
  add({patterns({2}, {}), sample({}, d), sample({}, d, 1)}, 5, 1, 0, 1);
  add({patterns({0, 1, 2}, {3}), y}, 1, 2, 2, 1);
  add({patterns({0, 1, 2}, {3}), y, t}, 2, 1, 2, 6);
  add({patterns({0, 1, 2}, {3}), y, lanes}, 3, 4, 2, 3);
  add({patterns({0, 1, 2}, {3}), lanes, t}, 4, 1, 2, 1);
  add({patterns({0, 1, 2}, {3}), sample({0}, d), sample({3, 0}, d)}, 4, 1, 1, 1);
  return out;
}

std::vector<std::vector<long double>> plain(const Sample& s) {
  const Aval out =
      rounding_op().infer(std::vector<Aval>{s.in[0].aval(), s.in[1].aval(), s.in.back().aval()}, s.params)[0];
  const auto patterns = numbers(s.in[0]), y = numbers(s.in[1]);
  const auto tangent = s.in.size() > 2 ? numbers(s.in[2]) : std::vector<long double>();
  const auto n = static_cast<std::size_t>(out.shape.size()), inner = static_cast<std::size_t>(elements(out, s.params)),
             block = static_cast<std::size_t>(s.params.integer("block"));
  const long double unit = static_cast<long double>(s.params.number("times")) *
                           (out.dtype == Dtype::float32 ? 1 : std::numeric_limits<double>::epsilon() / 0x1p-23L);
  std::vector<long double> all;
  for (std::size_t i = 0; i < n; ++i) {
    long double size = 0;
    for (std::size_t k = 0; k < block; ++k) size = std::max(size, std::fabs(y[(i / block * block + k) % y.size()]));
    const double weight =
        rounding_weight(s.params.integer("seed"), static_cast<std::int64_t>(patterns[i / inner % patterns.size()]),
                        static_cast<std::int64_t>(i % inner));
    all.push_back((tangent.empty() ? 0 : tangent[i % tangent.size()]) + static_cast<long double>(weight) * unit * size);
  }
  return {all};
}

}  // namespace rounding

double rounding_weight(std::int64_t seed, std::int64_t pattern, std::int64_t element) {
  return rounding::Weights(seed, pattern)(element);
}

const Op& rounding_op() {
  static const Op op = [] {
    Op o;
    o.name = "rounding";
    o.rounding = Rounding::exact;
    o.differentiable = false;
    o.infer = [](std::span<const Aval> in, const Params& params) -> std::vector<Aval> {
      const int rank = static_cast<int>(params.integer("rank")), n = in[1].shape.ndim();
      Shape full = in[0].shape;
      for (std::size_t k = 1; k < in.size(); ++k) {
        if (in[k].shape.ndim() - rank > full.ndim()) full = in[k].shape.sub(0, in[k].shape.ndim() - rank);
      }
      return {{full + in[1].shape.sub(n - rank, n), in[1].dtype, false}};
    };
    o.kernel = [](const KernelCall& call) {
      if (call.out_avals[0].dtype == Dtype::float32)
        rounding::run<float>(call);
      else
        rounding::run<double>(call);
    };
    o.batch = rounding::batch;
    o.samples = rounding::samples;
    o.plain = rounding::plain;
    return o;
  }();
  return op;
}

const Op& rounded_op() {
  static const Op op = [] {
    Op o;
    o.name = "rounded";
    o.infer = [](std::span<const Aval> in, const Params&) { return std::vector<Aval>{in[0]}; };
    o.joint = [](const JvpCall& call) -> std::pair<Leaves, Leaves> {
      const Array &y = call.in[0], &pattern = call.tangents[1];
      Array size = y;
      if (call.params.has("measure")) {
        const auto& measure = static_cast<const RoundingMeasure&>(*call.params.get<OpaqueRef>("measure"));
        Leaves operands(call.in.begin() + 2, call.in.end());
        for (Array& a : operands) {
          if (is_floating(a.dtype())) a = emit_one(abs_op(), {a});
        }
        size = emit_one(measure.op, operands, measure.params);
      }
      Leaves in{pattern, size};
      if (call.tangents[0].defined()) in.push_back(call.tangents[0]);
      const Array tangent = emit_one(rounding_op(), in,
                                     {{"seed", call.params.integer("seed")},
                                      {"times", call.params.number("times")},
                                      {"rank", static_cast<std::int64_t>(y.ndim())},
                                      {"block", call.params.integer("block")}});
      return {{y}, {tangent}};
    };
    o.joint_when_linearized = true;
    return o;
  }();
  return op;
}

const Op& next_rounding_op() {
  static const Op op = [] {
    Op o;
    o.name = "next_rounding";
    o.infer = [](std::span<const Aval> in, const Params&) { return std::vector<Aval>{in[0]}; };
    o.joint = [](const JvpCall& call) -> std::pair<Leaves, Leaves> {
      return {{call.in[0]}, {call.tangents[0] + static_cast<double>(rounding_patterns)}};
    };
    o.joint_when_linearized = true;
    return o;
  }();
  return op;
}

}  // namespace dini::detail

namespace dini {
OpList rounding_ops() {
  static const Op* const list[] = {&detail::rounding_op()};
  return list;
}
}  // namespace dini
