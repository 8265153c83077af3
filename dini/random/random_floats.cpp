// Floating draws, and the bounds of uniform ones.
#include <algorithm>
#include <bit>
#include <cmath>

#include "dini/ops/elementwise_build.hpp"
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

// Giles, "Approximating the erfinv function", GPU Computing Gems Jade Edition, 2011: polynomials in w = -log(1 - x²) and
// its root, in the versions for single and double precision. It is what XLA has, with its rounding of w. An exact erfinv
// would be up to 5 units in the last place away from jax.random in float32, and hundreds in float64's tails.
template <class T, std::size_t n> T polynomial(const T (&c)[n], T w) {
  T p = c[0];
  for (std::size_t i = 1; i < n; ++i) p = std::fma(p, w, c[i]);
  return p;
}

inline float giles_erfinv(float x) {
  static constexpr float middle[] = {2.81022636e-08f,  3.43273939e-07f, -3.5233877e-06f,
                                     -4.39150654e-06f, 0.00021858087f,  -0.00125372503f,
                                     -0.00417768164f,  0.246640727f,    1.50140941f};
  static constexpr float tail[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f,
                                   -0.0076224613f,   0.00943887047f,  1.00167406f,    2.83297682f};
  const float w = -std::log1p(-x * x);
  return x * (w < 5 ? polynomial(middle, w - 2.5f) : polynomial(tail, std::sqrt(w) - 3));
}

// log(1 + x) for -1 < x <= 0 as XLA has it: a rational function from Cephes (Moshier; unity.c), also a little outside of
// the interval that it was made for, which is 1 + x > √½. There it is off by up to 128 units in the last place.
inline double cephes_log1p(double x) {
  if (x <= 1 - std::sqrt(2.0)) return std::log1p(x);
  static constexpr double p[] = {4.5270000862445199635215E-5, 4.9854102823193375972212E-1, 6.5787325942061044846969E0,
                                 2.9911919328553073277375E1,  6.0949667980987787057556E1,  5.7112963590585538103336E1,
                                 2.0039553499201281259648E1};
  static constexpr double q[] = {1,
                                 1.5062909083469192043167E1,
                                 8.3047565967967209469434E1,
                                 2.2176239823732856465394E2,
                                 3.0909872225312059774938E2,
                                 2.1642788614495947685003E2,
                                 6.0118660497603843919306E1};
  const double z = x * x;
  return x + (x * (z * polynomial(p, x) / polynomial(q, x)) - 0.5 * z);
}

inline double giles_erfinv(double x) {
  static constexpr double middle[] = {
      -3.6444120640178196996e-21, -1.685059138182016589e-19,  1.2858480715256400167e-18,  1.115787767802518096e-17,
      -1.333171662854620906e-16,  2.0972767875968561637e-17,  6.6376381343583238325e-15,  -4.0545662729752068639e-14,
      -8.1519341976054721522e-14, 2.6335093153082322977e-12,  -1.2975133253453532498e-11, -5.4154120542946279317e-11,
      1.051212273321532285e-09,   -4.1126339803469836976e-09, -2.9070369957882005086e-08, 4.2347877827932403518e-07,
      -1.3654692000834678645e-06, -1.3882523362786468719e-05, 0.0001867342080340571352,   -0.00074070253416626697512,
      -0.0060336708714301490533,  0.24015818242558961693,     1.6536545626831027356};
  static constexpr double outer[] = {
      2.2137376921775787049e-09,  9.0756561938885390979e-08, -2.7517406297064545428e-07, 1.8239629214389227755e-08,
      1.5027403968909827627e-06,  -4.013867526981545969e-06, 2.9234449089955446044e-06,  1.2475304481671778723e-05,
      -4.7318229009055733981e-05, 6.8284851459573175448e-05, 2.4031110387097893999e-05,  -0.0003550375203628474796,
      0.00095328937973738049703,  -0.0016882755560235047313, 0.0024914420961078508066,   -0.0037512085075692412107,
      0.005370914553590063617,    1.0052589676941592334,     3.0838856104922207635};
  static constexpr double tail[] = {-2.7109920616438573243e-11, -2.5556418169965252055e-10, 1.5076572693500548083e-09,
                                    -3.7894654401267369937e-09, 7.6157012080783393804e-09,  -1.4960026627149240478e-08,
                                    2.9147953450901080826e-08,  -6.7711997758452339498e-08, 2.2900482228026654717e-07,
                                    -9.9298272942317002539e-07, 4.5260625972231537039e-06,  -1.9681778105531670567e-05,
                                    7.5995277030017761139e-05,  -0.00021503011930044477347, -0.00013871931833623122026,
                                    1.0103004648645343977,      4.8499064014085844221};
  const double w = -cephes_log1p(-x * x);
  if (w < 6.25) return x * polynomial(middle, w - 3.125);
  const double root = std::sqrt(w);
  return x * (w < 16 ? polynomial(outer, root - 3.25) : polynomial(tail, root - 5));
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
    each_lane<double>(call, [&](Words key, double* out, std::int64_t) {
      each_long_word(key, partitionable, n, [out](std::int64_t i, std::uint64_t word) {
        out[i] = std::sqrt(2.0) * giles_erfinv(symmetric(unit(word)));
      });
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
