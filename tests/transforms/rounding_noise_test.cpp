// rounding_noise against true errors: a table of functions in float32, and the same in float64 at the same points.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"
#include "dini/trace/internal.hpp"
#include "dini/transforms/control_ops.hpp"
#include "expect.hpp"

namespace dini {
namespace {

using Function = std::function<Array(const Array&)>;

struct Row {
  const char* name;
  std::int64_t n;  // z's length
  double low, high;
  Function f;
};

// Numbers with few bits, in z's dtype: the same in both.
Array number_like(const std::vector<double>& values, const Shape& shape, const Array& z) {
  EagerScope now;
  return astype(reshape(array(values), shape), z.dtype());
}
Array weights(std::int64_t rows, std::int64_t columns, const Array& z) {
  std::mt19937 draw(7);
  std::vector<double> values;
  for (std::int64_t k = 0; k < rows * columns; ++k) values.push_back((static_cast<double>(draw() % 128) - 64) / 64);
  return number_like(values, {rows, columns}, z);
}
// z's 9 elements as a matrix; one that is symmetric and one that is well-conditioned.
Array square_of(const Array& z) { return reshape(z, {3, 3}); }
Array symmetric(const Array& z) { return square_of(z) + transpose(square_of(z)); }
Array regular(const Array& z) { return square_of(z) + 4 * eye(3, z.dtype()); }
Array right(const Array& z) { return number_like({1, -0.5, 2}, {3}, z); }

std::vector<Row> table() {
  const auto halved = custom_jvp([](const Array& x) { return sqrt(x * x + 1) - x; },
                                 [](const Array& x, const Array& dx) {
                                   const Array y = sqrt(x * x + 1);
                                   return std::pair(y - x, dx * (x / y - 1));
                                 });
  const auto ruled =
      custom_vjp([](const Array& x) { return exp(x) - 1; }, [](const Array& x) { return std::pair(exp(x) - 1, x); },
                 [](const Array& x, const Array& ct) { return ct * exp(x); });
  return {
      {"(z - 1)^7 expanded", 1, 0.9, 1.1,
       [](const Array& z) { return ((((((z - 7) * z + 21) * z - 35) * z + 35) * z - 21) * z + 7) * z - 1; }},
      {"z^2 - 2", 4, 1.4, 1.43, [](const Array& z) { return z * z - 2; }},
      {"cos z - z", 4, 0.7, 0.8, [](const Array& z) { return cos(z) - z; }},
      {"tanh(W z + x) - z", 8, -1, 1, [](const Array& z) { return tanh(dot(weights(8, 8, z), z) * 0.25 + 0.5) - z; }},
      {"exp(log z) - z", 4, 0.1, 9, [](const Array& z) { return exp(log(z)) - z; }},
      {"log(exp z) - z", 4, -3, 3, [](const Array& z) { return log(exp(z)) - z; }},
      {"log1p(expm1 z) - z", 4, -3, 3, [](const Array& z) { return log1p(expm1(z)) - z; }},
      {"sum(z z) - 1", 9, -1, 1, [](const Array& z) { return sum(z * z) - 1; }},
      {"sum of 1000", 1000, -1, 1, [](const Array& z) { return sum(z); }},
      {"sum of 1000 positive", 1000, 0, 1, [](const Array& z) { return sum(z); }},
      {"dot of 1000", 1000, -1, 1, [](const Array& z) { return dot(z, flip(z, 0)); }},
      {"dot that cancels", 8, 0.5, 1,
       [](const Array& z) {
         return dot(number_like({1, -1, 1, -1, 1, -1, 1, -1}, {8}, z), z * z);
       }},
      {"mean(z^2) - mean(z)^2", 50, 10, 11, [](const Array& z) { return mean(z * z) - square(mean(z)); }},
      {"var", 50, 10, 11, [](const Array& z) { return var(z); }},
      {"norm", 5, -2, 2, [](const Array& z) { return norm(z); }},
      {"norm - 1", 3, 0.55, 0.6, [](const Array& z) { return norm(z) - 1; }},
      {"logsumexp", 6, -5, 5, [](const Array& z) { return logsumexp(z); }},
      {"softmax", 6, -5, 5, [](const Array& z) { return softmax(z); }},
      {"(1 - cos z)/z^2", 3, 0.01, 1, [](const Array& z) { return (1 - cos(z)) / (z * z); }},
      {"sqrt(z + 1) - sqrt z", 3, 1, 1000, [](const Array& z) { return sqrt(z + 1) - sqrt(z); }},
      {"sin(10 z)/z", 3, 0.1, 3, [](const Array& z) { return sin(10 * z) / z; }},
      {"tan z - 1/z", 3, 0.7, 1, [](const Array& z) { return tan(z) - 1 / z; }},
      {"z^2.5 - z^3", 3, 0.9, 1.1, [](const Array& z) { return power(z, 2.5) - power(z, 3); }},
      {"z^z", 3, 0.5, 3, [](const Array& z) { return power(z, z); }},
      {"hypot, atan2", 4, 0.5, 3, [](const Array& z) { return hypot(z, 1.5) - arctan2(z, flip(z, 0)); }},
      {"erf + erfc - 1", 4, -2, 2, [](const Array& z) { return erf(z) + erfc(z) - 1; }},
      {"gammaln", 4, 0.5, 5, [](const Array& z) { return gammaln(z + 1) - gammaln(z) - log(z); }},
      {"sigmoid, softplus", 4, -5, 5, [](const Array& z) { return softplus(z) - z * sigmoid(z); }},
      {"asinh(sinh z) - z", 4, -2, 2, [](const Array& z) { return arcsinh(sinh(z)) - z; }},
      {"1/(1/z) - z", 4, 0.1, 9, [](const Array& z) { return 1 / (1 / z) - z; }},
      {"(z + 1000) - 1000", 4, 0, 1, [](const Array& z) { return (z + 1000) - 1000; }},
      {"b - sqrt(b^2 - 4c)", 3, 10, 100, [](const Array& z) { return z - sqrt(z * z - 4); }},
      {"cumsum", 20, -1, 1, [](const Array& z) { return cumsum(z); }},
      {"cumprod, prod", 8, 0.5, 2, [](const Array& z) { return cumprod(z) / prod(z); }},
      {"Rosenbrock's gradient", 2, 0.9, 1.1,
       [](const Array& z) {
         return grad([](const Array& x) { return 100 * square(x(1) - x(0) * x(0)) + square(1 - x(0)); })(z);
       }},
      {"z'' - exp z", 12, 0, 1,
       [](const Array& z) {
         return 144 * (z(slice(2, 12)) - 2 * z(slice(1, 11)) + z(slice(0, 10))) - exp(z(slice(1, 11)));
       }},
      {"convolve", 6, -1, 1, [](const Array& z) { return convolve(z, z); }},
      {"polyval", 4, -1, 1,
       [](const Array& z) {
         return polyval(number_like({1, -3, 3, -1}, {4}, z), z);
       }},
      {"outer, matmul", 9, -1, 1,
       [](const Array& z) { return matmul(square_of(z), matmul(transpose(square_of(z)), square_of(z))); }},
      {"einsum", 9, -1, 1,
       [](const Array& z) {
         return einsum("ij,jk,ik->i", {square_of(z), square_of(z), square_of(z)});
       }},
      {"at(i).add", 6, -1, 1,
       [](const Array& z) {
         return z.at(array(std::vector<int>{1, 1, 3})).add(z(slice(0, 3)) * z(slice(3, 6)));
       }},
      {"interp", 4, 0, 3,
       [](const Array& z) {
         return interp(z, number_like({0, 1, 2, 3}, {4}, z), number_like({0, 1.375, 4.5, 9}, {4}, z));
       }},
      {"median", 7, -1, 1, [](const Array& z) { return z - median(z * z); }},
      {"where, maximum, clip", 5, -1, 1,
       [](const Array& z) { return where(z > 0, z * z, -exp(z)) + maximum(z, 0.5) * clip(z, -0.5, 0.25); }},
      {"solve", 9, -1, 1, [](const Array& z) { return linalg::solve(square_of(z), right(z)); }},
      {"A solve(A, b) - b", 9, -1, 1,
       [](const Array& z) { return dot(regular(z), linalg::solve(regular(z), right(z))) - right(z); }},
      {"inv", 9, -1, 1, [](const Array& z) { return linalg::inv(square_of(z)); }},
      {"det", 9, -1, 1, [](const Array& z) { return linalg::det(square_of(z)); }},
      {"cholesky", 9, -1, 1,
       [](const Array& z) { return linalg::cholesky(matmul(regular(z), transpose(regular(z)))); }},
      {"eigvalsh", 9, -1, 1, [](const Array& z) { return linalg::eigvalsh(symmetric(z)); }},
      {"svdvals", 9, -1, 1, [](const Array& z) { return linalg::svdvals(square_of(z)); }},
      {"lstsq", 8, -1, 1,
       [](const Array& z) {
         return linalg::lstsq(reshape(z, {4, 2}), number_like({1, 0, -1, 2}, {4}, z)).x;
       }},
      {"expm", 9, -1, 1, [](const Array& z) { return linalg::expm(square_of(z)); }},
      {"logistic map", 3, 0.1, 0.9,
       [](const Array& z) {
         return fori_loop(
             0, 20, [](const Array&, const Array& x) { return 3.5 * x * (1 - x); }, z);
       }},
      {"Newton's square root in while_loop", 3, 1, 4,
       [](const Array& z) {
         const auto [k, x] = while_loop(
             [](const std::pair<Array, Array>& s) { return s.first < 6; },
             [&](const std::pair<Array, Array>& s) { return std::pair(s.first + 1, 0.5 * (s.second + z / s.second)); },
             std::pair(array(0), z));
         return x * x - z;
       }},
      {"scan", 10, -1, 1,
       [](const Array& z) {
         const auto step = [](const Array& c, const Array& x) { return std::pair(c * x + 0.5, c - x * x); };
         return scan(step, zeros({}, z.dtype()), z).second;
       }},
      {"cond", 3, -1, 1,
       [](const Array& z) {
         return cond(
             z(0) > 0, [](const Array& x) { return exp(x) - 1; }, [](const Array& x) { return x * x - 1; }, z);
       }},
      {"jit, checkpoint", 3, 1, 2,
       [](const Array& z) {
         const auto f = jit([](const Array& x) { return log(x) * x; });
         return f(z) - checkpoint([](const Array& x) { return x * log(x * x); })(z);
       }},
      {"custom_jvp", 3, 1, 100, halved},
      {"custom_vjp", 3, -0.1, 0.1, ruled},
      {"fixed_point", 3, -1, 1,
       [](const Array& z) {
         return fixed_point([](const Array& x, const Array& y) { return 0.5 * tanh(y) + x; }, zeros_like(z),
                            {.solver = Newton{}}, z)
                    .value -
                z;
       }},
  };
}

Array points(const Row& row, int count) {
  std::mt19937 draw(static_cast<unsigned>(row.n) + 17);
  std::uniform_real_distribution<float> number(static_cast<float>(row.low), static_cast<float>(row.high));
  std::vector<float> values;
  for (std::int64_t k = 0; k < count * row.n; ++k) values.push_back(number(draw));
  return reshape(array(values), {count, row.n});
}

// |F32(z) - F64(z)| against η, at 1000 points.
TEST(RoundingNoise, CoversTheTrueErrorAndIsNotVacuous) {
  const int count = 1000;
  std::printf("%-36s %9s %9s %9s %9s %8s %8s\n", "", "error", "η", "η/error", "median", "err/η", "above 4η");
  for (const Row& row : table()) {
    SCOPED_TRACE(row.name);
    const Array z = points(row, count);
    const auto noise = jit(vmap(rounding_noise(row.f)));
    const std::vector<double> eta = noise(z).to_vector<double>(), single = jit(vmap(row.f))(z).to_vector<double>(),
                              exact = jit(vmap(row.f))(astype(z, float64)).to_vector<double>(),
                              eta64 = noise(astype(z, float64)).to_vector<double>();
    ASSERT_EQ(eta.size(), exact.size());
    double error = 0, largest = 0, worst = 0;
    std::vector<double> errors, etas, ratios;
    int above = 0;
    for (std::size_t k = 0; k < eta.size(); ++k) {
      ASSERT_TRUE(std::isfinite(eta[k]));
      const double e = std::fabs(single[k] - exact[k]);
      error = std::max(error, e);
      largest = std::max(largest, eta[k]);
      above += e > 4 * eta[k];
      if (e > 0) worst = std::max(worst, e / eta[k]);
      errors.push_back(e);
      etas.push_back(eta[k]);
      if (eta[k] > 0) ratios.push_back(eta64[k] / eta[k] * 0x1p29);
    }
    const auto middle = [](std::vector<double> v) {
      std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
      return v[v.size() / 2];
    };
    std::printf("%-36s %9.2g %9.2g %9.2g %9.2g %8.2g %8d\n", row.name, error, largest, largest / error,
                middle(etas) / middle(errors), worst, above);
    EXPECT_EQ(above, 0);
    EXPECT_LE(largest, 100 * error);
    // In float64 the same, 2^29 times smaller.
    EXPECT_NEAR(middle(ratios), 1, 0.05);
  }
}

TEST(RoundingNoise, IsZeroWhereNothingIsRounded) {
  const Row rows[] = {
      {"-z", 6, -3, 3, [](const Array& z) { return -z; }},
      {"2 z", 6, -3, 3, [](const Array& z) { return 2 * z; }},
      {"z/4", 6, -3, 3, [](const Array& z) { return z / 4; }},
      {"z * -0.125", 6, -3, 3, [](const Array& z) { return z * -0.125; }},
      {"0 z", 6, -3, 3, [](const Array& z) { return 0 * z; }},
      {"z + 0", 6, -3, 3, [](const Array& z) { return z + 0 - 0; }},
      {"abs", 6, -3, 3, [](const Array& z) { return abs(z); }},
      {"sort", 6, -3, 3, [](const Array& z) { return sort(z); }},
      {"flip, roll", 6, -3, 3, [](const Array& z) { return roll(flip(z, 0), 2); }},
      {"z[i]", 6, -3, 3,
       [](const Array& z) {
         return z(array(std::vector<int>{3, 3, 1}));
       }},
      {"at(i).set", 6, -3, 3,
       [](const Array& z) {
         return z.at(array(std::vector<int>{3, 1})).set(z(slice(0, 2)));
       }},
      {"where", 6, -3, 3, [](const Array& z) { return where(z > 0, z, -z); }},
      {"max, min", 6, -3, 3,
       [](const Array& z) {
         return stack({max(z), min(z), minimum(z(0), z(1))});
       }},
      {"relu, clip", 6, -3, 3, [](const Array& z) { return relu(clip(z, -1, 1)); }},
      {"floor, sign", 6, -3, 3,
       [](const Array& z) {
         return stack({floor(z), sign(z), round(z)});
       }},
      {"reshape, transpose", 6, -3, 3,
       [](const Array& z) {
         return transpose(reshape(z, {2, 3}));
       }},
      {"concatenate, pad", 6, -3, 3,
       [](const Array& z) {
         return concatenate({z, pad(z, {{1, 1}})});
       }},
      {"a wider type", 6, -3, 3, [](const Array& z) { return astype(z, float64); }},
      {"cond", 6, -3, 3,
       [](const Array& z) {
         return cond(
             z(0) > 0, [](const Array& x) { return flip(x, 0); }, [](const Array& x) { return -x; }, z);
       }},
      {"scan", 6, -3, 3,
       [](const Array& z) {
         return scan([](const Array& c, const Array& x) { return std::pair(x, c); }, z(0), z).second;
       }},
      {"captured", 6, -3, 3,
       [](const Array&) {
         return array({0.1f, 0.3f});
       }},
  };
  for (const Row& row : rows) {
    for (Dtype dtype : {float32, float64}) {
      const Array z = astype(points(row, 1)(0), dtype);
      const Array eta = rounding_noise(row.f)(z);
      EXPECT_EQ(eta.aval(), row.f(z).aval()) << row.name;
      EXPECT_EQ(max(abs(eta)).item<double>(), 0) << row.name;
    }
  }
}

TEST(RoundingNoise, IsTheSameEagerlyCompiledAndInLanes) {
  for (const Row& row : table()) {
    SCOPED_TRACE(row.name);
    const Array z = astype(points(row, 3), float64);
    const auto noise = rounding_noise(row.f);
    const Array lanes = vmap(noise)(z), compiled = jit(vmap(noise))(z);
    for (int k = 0; k < 3; ++k) {
      const Array one = noise(z(k)), size = max(one) * 1e-6 + 1e-30;
      EXPECT_LE(max(abs(jit(noise)(z(k)) - one) / size).item<double>(), 1);
      EXPECT_LE(max(abs(lanes(k) - one) / size).item<double>(), 1);
      EXPECT_LE(max(abs(compiled(k) - one) / size).item<double>(), 1);
    }
  }
}

TEST(RoundingNoise, HasNoDerivative) {
  const auto noise = rounding_noise([](const Array& z) { return exp(z) * sin(z); });
  const Array z = array({0.5, 1.0});
  EXPECT_GT(min(noise(z)).item<double>(), 0);
  close(grad([&](const Array& x) { return sum(x * x + noise(x)); })(z), 2 * z);
  close(jvp([&](const Array& x) { return noise(x); }, z, z).tangent, zeros({2}));
  close(hessian([&](const Array& x) { return sum(x * x + noise(x)); })(z), 2 * eye(2));
  // Nor by what it captures.
  const auto by_captured = [&](const Array& a) {
    return sum(a * a) + sum(rounding_noise([&](const Array& x) { return exp(a * x); })(z));
  };
  close(grad(by_captured)(z), 2 * z);
  close(jit(grad(by_captured))(z), 2 * z);
}

// One rounding of numbers in float64.
void expect_one_rounding(const Array& eta, const Array& value) {
  const Array ratio = eta / abs(value) * 0x1p53;
  EXPECT_EQ(eta.shape(), value.shape());
  EXPECT_GE(min(ratio).item<double>(), 0.3);
  EXPECT_LE(max(ratio).item<double>(), 1.76);
}

TEST(RoundingNoise, TakesTrees) {
  const auto f = [](const std::pair<Array, Array>& s, const Array& t) {
    return std::tuple(s.first * s.second, s.first + t, arange(3), 2 * s.first);
  };
  const std::pair s(array({0.1, 0.2}), array({0.3f, 0.7f}));
  const auto [product, shifted, integers, doubled] = rounding_noise(f)(s, 0.7);
  EXPECT_EQ(product.dtype(), float64);
  expect_one_rounding(product, s.first * s.second);
  expect_one_rounding(shifted, s.first + 0.7);
  EXPECT_EQ(integers.to_vector<int>(), (std::vector<int>{0, 0, 0}));
  close(doubled, zeros({2}));
}

// A callback's value is rounded once, and nothing goes through it; infinite slopes leave η finite.
TEST(RoundingNoise, EndsAtCallbacksAndAtInfiniteSlopes) {
  const auto noise = rounding_noise([](const Array& z) { return 2 * z * norm(z * 0.1 - z * 0.1); });
  EXPECT_EQ(noise(array({0.3, 0.7})).to_vector<double>(), (std::vector<double>{0, 0}));
  const auto root = rounding_noise([](const Array& z) { return sqrt(z * 0.1 - z * 0.1 + 0 * z); });
  EXPECT_EQ(root(array(0.3)).item<double>(), 0);
}

TEST(RoundingNoise, WithinSolves) {
  // The noise at the end of an iteration, of a residual that captures what is traced.
  const auto end = [](const Array& a) {
    const Array z = sqrt(a);
    return rounding_noise([&](const Array& x) { return x * x; })(z) / a;
  };
  for (const Array& r : {end(array(3.0)), jit(end)(array(3.0)), vmap(end)(array({3.0, 5.0}))(0)})
    expect_one_rounding(r, ones_like(r));
  const auto looped = [](const Array& a) {
    return fori_loop(
        0, 3,
        [&](const Array&, const Array& z) { return z + rounding_noise([&](const Array& x) { return x * a; })(z); },
        ones_like(a));
  };
  EXPECT_GT(jit(looped)(array(3.0)).item<double>(), 1);
}

TEST(RoundingNoise, ProgramsAreSharedAndKept) {
  const auto f = [](const Leaves& in) { return Leaves{in[0] * in[1], -in[0], exp(in[0])}; };
  const std::vector<Aval> avals(2, {{3}, float64, false});
  const ProgramRef p = stage_closed(f, avals, "test");
  EXPECT_EQ(detail::noise_program(p), detail::noise_program(p));
  const Leaves in{array({0.1, 0.2, 0.3}), array({0.7, 0.9, 1.1})}, value = f(in);
  const Leaves all = evaluate(*detail::value_and_noise_program(p), in);
  ASSERT_EQ(all.size(), 6u);
  for (std::size_t k = 0; k < 3; ++k) close(all[k], value[k], 0);
  const Leaves one = evaluate(*detail::noise_program(p, {false, false, true}), in);
  ASSERT_EQ(one.size(), 1u);
  close(one[0], all[5], 0);
  expect_one_rounding(all[5], value[2]);
  close(all[4], zeros({3}), 0);
}

// Of every op there is: no error, and numbers where the value has numbers.
TEST(RoundingNoise, OfEveryOp) {
  int compared = 0;
  for (const Op* op : all_ops()) {
    for (Dtype dtype : {float32, float64}) {
      for (const Sample& s : op->samples(dtype)) {
        if (!s.error.empty()) continue;
        SCOPED_TRACE(op->name);
        std::vector<Aval> avals;
        for (const Array& a : s.in) avals.push_back(a.aval());
        const ProgramRef p = stage_closed([&](const Leaves& in) { return emit(*op, in, s.params); }, avals, "test");
        const Leaves out = evaluate(*detail::value_and_noise_program(p), s.in);
        const std::size_t n = p->outputs.size();
        ASSERT_EQ(out.size(), 2 * n);
        for (std::size_t k = 0; k < n; ++k) {
          EXPECT_EQ(out[n + k].shape(), out[k].shape());
          EXPECT_EQ(out[n + k].dtype(), out[k].dtype());
          if (!is_floating(out[k].dtype())) continue;
          const auto value = out[k].to_vector<double>(), eta = out[n + k].to_vector<double>();
          for (std::size_t i = 0; i < eta.size(); ++i, ++compared) {
            EXPECT_TRUE(!std::isfinite(value[i]) || (eta[i] >= 0 && std::isfinite(eta[i]))) << eta[i];
          }
        }
      }
    }
  }
  std::printf("%d numbers\n", compared);
  EXPECT_GT(compared, 3000);
}

}  // namespace
}  // namespace dini
