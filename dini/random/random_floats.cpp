// Floating draws, and the bounds of uniform ones.
#include <algorithm>
#include <bit>
#include <cmath>

#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/kernels/vector.hpp"
#include "dini/random/random_build.hpp"

namespace dini {

namespace rd = random::detail;

namespace random::detail {

// Shapes for both dtypes and both streams.
std::vector<Sample> draw_samples() {
  std::vector<Sample> all = samples_of({{"shape", Shape{4, 3}}, {"dtype", Dtype::float32}});
  for (Sample& s : samples_of({{"shape", Shape{5}}, {"dtype", Dtype::float64}})) all.push_back(std::move(s));
  return all;
}

// The leading bits as the mantissa of a number in [1, 2), less 1.
inline float unit(std::uint32_t word) { return std::bit_cast<float>(word >> 9 | 0x3F800000u) - 1.0f; }
inline double unit(std::uint64_t word) { return std::bit_cast<double>(word >> 12 | 0x3FF0000000000000u) - 1.0; }

}  // namespace random::detail

const Op& random_uniform_op() {
  static const Op op = rd::random_op({
      .op = random_uniform_op,
      .name = "random_uniform",
      .infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
        return {rd::of(p.dtype("dtype"), rd::lanes_of(in[0]) + p.shape("shape"))};
      },
      .kernel =
          [](const KernelCall& call) {
            const bool partitionable = rd::is_partitionable(call.params);
            const std::int64_t n = call.params.shape("shape").size();
            if (call.params.dtype("dtype") == Dtype::float32) {
              rd::each_lane<float>(call, [&](rd::Words key, float* out, std::int64_t) {
                rd::each_word(key, partitionable, n,
                              [out](std::int64_t i, std::uint32_t word) { out[i] = rd::unit(word); });
              });
            } else {
              rd::each_lane<double>(call, [&](rd::Words key, double* out, std::int64_t) {
                rd::each_long_word(key, partitionable, n,
                                   [out](std::int64_t i, std::uint64_t word) { out[i] = rd::unit(word); });
              });
            }
          },
      .samples = rd::draw_samples(),
      .plain = [](const Sample& s) -> rd::PlainResult {
        const bool wide = s.params.dtype("dtype") == Dtype::float64;
        return rd::plain_loop(s, s.params.shape("shape").size(), [&](rd::Words key, bool p, auto i, auto n, auto) {
          if (wide) return std::ldexp(static_cast<long double>(rd::plain_long_word(key, p, i, n) >> 12), -52);
          return std::ldexp(static_cast<long double>(rd::plain_word(key, p, i, n) >> 9), -23);
        });
      },
  });
  return op;
}

namespace random::detail {

// Giles, "Approximating the erfinv function", GPU Computing Gems Jade Edition, 2011: the single-precision version, which
// is what XLA has. An exact erfinv would be up to 5 units in the last place away from jax.random.
inline float giles_erfinv(float x) {
  static constexpr float near[] = {2.81022636e-08f, 3.43273939e-07f, -3.5233877e-06f, -4.39150654e-06f, 0.00021858087f,
                                   -0.00125372503f, -0.00417768164f, 0.246640727f,    1.50140941f};
  static constexpr float far[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f,
                                  -0.0076224613f,   0.00943887047f,  1.00167406f,    2.83297682f};
  float w = -std::log1p(-x * x);
  const float(&c)[9] = w < 5 ? near : far;
  w = w < 5 ? w - 2.5f : std::sqrt(w) - 3;
  float p = c[0];
  for (int i = 1; i < 9; ++i) p = std::fma(p, w, c[i]);
  return p * x;
}

// √2 erfinv(u), u uniform on (-1, 1): 2v - (1 - ε/2) for v uniform on [0, 1), and never less than -(1 - ε/2).
template <class T> T symmetric(T v) {
  static const T low = std::nextafter(T(-1), T(0));
  return std::max(low, std::fma(v, T(1) - low, low));
}

// y with erf(y/√2) = u, by halving.
long double plain_quantile(long double u) {
  long double low = -12, high = 12;
  for (int i = 0; i < 80; ++i) {
    const long double middle = (low + high) / 2;
    (std::erf(middle / std::sqrt(2.0L)) < u ? low : high) = middle;
  }
  return low;
}

void draw_normals(const KernelCall& call) {
  const bool partitionable = is_partitionable(call.params);
  const std::int64_t n = call.params.shape("shape").size();
  if (call.params.dtype("dtype") == Dtype::float32) {
    each_lane<float>(call, [&](Words key, float* out, std::int64_t) {
      each_word(key, partitionable, n, [out](std::int64_t i, std::uint32_t word) {
        out[i] = std::sqrt(2.0f) * giles_erfinv(symmetric(unit(word)));
      });
    });
  } else {
    const auto erfinv = kernels::vector_kernels<double>().erfinv;
    each_lane<double>(call, [&](Words key, double* out, std::int64_t) {
      each_long_word(key, partitionable, n,
                     [out](std::int64_t i, std::uint64_t word) { out[i] = symmetric(unit(word)); });
      erfinv(out, out, static_cast<std::size_t>(n));
      for (std::int64_t i = 0; i < n; ++i) out[i] *= std::sqrt(2.0);
    });
  }
}

}  // namespace random::detail

const Op& random_normal_op() {
  static const Op op = rd::random_op({
      .op = random_normal_op,
      .name = "random_normal",
      .infer = [](std::span<const Aval> in, const Params& p) -> std::vector<Aval> {
        return {rd::of(p.dtype("dtype"), rd::lanes_of(in[0]) + p.shape("shape"))};
      },
      .kernel = rd::draw_normals,
      .samples = rd::draw_samples(),
      .plain = [](const Sample& s) -> rd::PlainResult {
        const bool wide = s.params.dtype("dtype") == Dtype::float64;
        return rd::plain_loop(s, s.params.shape("shape").size(), [&](rd::Words key, bool p, auto i, auto n, auto) {
          const int bits = wide ? 52 : 23;
          const std::uint64_t word = wide ? rd::plain_long_word(key, p, i, n) >> 12 : rd::plain_word(key, p, i, n) >> 9;
          const long double u = std::ldexp(static_cast<long double>(word), 1 - bits) - 1 + std::ldexp(0.5L, -bits);
          return rd::plain_quantile(u);
        });
      },
  });
  return op;
}

// ---- Bounds --------------------------------------------------------------------------------------------------------------

namespace random::detail {

template <class T> void scale_elements(const void* const* in, void* out, std::size_t n) {
  const T *u = static_cast<const T*>(in[0]), *low = static_cast<const T*>(in[1]), *high = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  // One rounding for product and sum: that is how XLA compiles jax.random.uniform. NaN bounds give NaN.
  for (std::size_t i = 0; i < n; ++i) {
    const T value = std::fma(u[i], high[i] - low[i], low[i]);
    y[i] = value < low[i] ? low[i] : value;
  }
}

ElementKernel scale_element(std::span<const Aval>, const Aval& out) {
  return out.dtype == Dtype::float32 ? scale_elements<float> : scale_elements<double>;
}

}  // namespace random::detail

const Op& random_scale_op() {
  static const Op op = [] {
    Op o;
    o.name = "random_scale";
    o.infer = [](std::span<const Aval> in, const Params&) { return detail::infer_elementwise(in, false); };
    o.kernel = detail::run_elementwise<&rd::scale_element>;
    o.element = rd::scale_element;
    o.jvp = [](const JvpCall& call) -> Leaves {
      const Array &u = call.in[0], &low = call.in[1], &high = call.in[2];
      Array dy;
      const auto add = [&dy](const Array& term) { dy = dy.defined() ? dy + term : term; };
      if (call.tangents[0].defined()) add(call.tangents[0] * (high - low));
      if (call.tangents[1].defined()) add(call.tangents[1] * (detail::literal(1, u) - u));
      if (call.tangents[2].defined()) add(call.tangents[2] * u);
      return {dy};
    };
    o.batch = [](const BatchCall& call) { return detail::batch_elementwise(random_scale_op(), call); };
    o.samples = [](Dtype dtype) -> std::vector<Sample> {
      const Shape shape{5};
      return {{{detail::sample_array({0.25, 0.5, 0.125, 0.875, 0.3}, shape, dtype),
                detail::sample_array({-1, 0.5, 2, -300, 1e-3}, shape, dtype),
                detail::sample_array({2, 1.25, 100, 7, 2e-3}, shape, dtype)},
               {}}};
    };
    o.reference = [](const long double* x) { return x[1] + x[0] * (x[2] - x[1]); };
    o.in_place = true;
    return o;
  }();
  return op;
}

}  // namespace dini
