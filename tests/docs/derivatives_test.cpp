// The code of docs/derivatives.md, and its table. snippets_test.cpp looks that the code is the same there.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "dini/dini.hpp"

namespace dini {
namespace {

using Numbers = std::vector<double>;
const double infinite = std::numeric_limits<double>::infinity();

// Equal, NaN being equal to NaN.
void expect_numbers(const Array& a, const Numbers& wanted) {
  const Numbers got = a.to_vector<double>();
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    if (std::isnan(wanted[k]))
      EXPECT_TRUE(std::isnan(got[k])) << k << ": " << got[k];
    else
      EXPECT_EQ(got[k], wanted[k]) << k;
  }
}
template <class F> Array slope(F f, const Array& x) {
  const Array forward = jacfwd([&](const Array& v) { return sum(f(v)); })(x);
  const Array reverse = grad([&](const Array& v) { return sum(f(v)); })(x);
  expect_numbers(forward, reverse.to_vector<double>());
  return reverse;
}

TEST(DerivativesPage, Table) {
  const double nan_value = std::nan("");
  expect_numbers(slope([](const Array& x) { return abs(x); }, array(0.0)), {1});
  expect_numbers(slope([](const Array& x) { return sqrt(x); }, array(0.0)), {infinite});
  expect_numbers(slope([](const Array& x) { return norm(x); }, zeros({2})), {nan_value, nan_value});
  expect_numbers(slope([](const Array& x) { return hypot(x(0), x(1)); }, zeros({2})), {nan_value, nan_value});
  for (auto f : {sign, floor, ceil, round, trunc})
    expect_numbers(grad(static_cast<Array (*)(const Array&)>(f))(0.0), {0});
  expect_numbers(slope([](const Array& x) { return relu(x); }, array(0.0)), {0});
  expect_numbers(slope([](const Array& x) { return where(x > 0, x, 0); }, array(0.0)), {0});
  expect_numbers(slope([](const Array& x) { return maximum(x, 2.0) + minimum(3.0, x); }, array({2.0, 3.0})),
                 {1.5, 1.5});
  expect_numbers(slope([](const Array& x) { return max(x); }, array({1.0, 4.0, 4.0})), {0, 0.5, 0.5});
  expect_numbers(slope([](const Array& x) { return min(x); }, array({4.0, 4.0, 5.0, 4.0, 4.0})),
                 {0.25, 0.25, 0, 0.25, 0.25});
  expect_numbers(slope([](const Array& x) { return clip(x, 0, 1); }, array({0.0, 0.3, 1.0})), {0.5, 1, 0.5});
  expect_numbers(slope([](const Array& x) { return power(x, 0); }, array(0.0)), {0});
  expect_numbers(slope([](const Array& x) { return power(x, 2); }, array(0.0)), {0});
  expect_numbers(slope([](const Array& b) { return power(array(0.0), b); }, array(0.0)), {0});
  EXPECT_EQ(power(array(0.0), array(0.0)).item<double>(), 1.0);
  expect_numbers(slope([](const Array& x) { return prod(x); }, array({0.0, 3.0, 5.0})), {15, 0, 0});
  expect_numbers(slope([](const Array& x) { return cumprod(x); }, array({2.0, 0.0, 5.0})), {1, 12, 0});
  expect_numbers(slope([](const Array& x) { return sum(x); }, zeros({0})), {});
  EXPECT_THROW(max(zeros({0})), ShapeError);
  expect_numbers(slope([](const Array& x) { return tanh(x); }, array(1000.0)), {0});
  expect_numbers(slope([](const Array& x) { return softplus(x); }, array({1000.0, -1000.0})), {1, 0});
  expect_numbers(slope([](const Array& x) { return logsumexp(x); }, array({1e4, 1e4})), {0.5, 0.5});
  expect_numbers(slope(
                     [](const Array& x) {
                       return sort(x) * array({1.0, 2.0, 3.0});
                     },
                     array({5.0, -1.0, 2.0})),
                 {3, 1, 2});
}

TEST(DerivativesPage, WhereNeedsAGuard) {
  auto unguarded = [](const Array& x) { return sum(where(x > 0, sqrt(x), 0)); };
  Array spoiled = grad(unguarded)(array({4.0, 0.0}));  // 0.25, nan
  expect_numbers(spoiled, {0.25, std::nan("")});
  auto guarded = [](const Array& x) {
    const Array safe = where(x > 0, x, 1);  // any point where the root is smooth
    return sum(where(x > 0, sqrt(safe), 0));
  };
  Array good = grad(guarded)(array({4.0, 0.0}));  // 0.25, 0
  expect_numbers(good, {0.25, 0});
}

TEST(DerivativesPage, StopGradient) {
  auto rounded = [](const Array& x) { return x + stop_gradient(round(x) - x); };
  double value = rounded(2.7).item<double>();                  // 3
  double straight = grad(rounded)(2.7).item<double>();         // 1
  double curvature = grad(grad(rounded))(2.7).item<double>();  // 0
  EXPECT_DOUBLE_EQ(value, 3.0);
  EXPECT_EQ(straight, 1.0);
  EXPECT_EQ(curvature, 0.0);
}

TEST(DerivativesPage, LinearAlgebra) {
  // Repeated eigenvalues: NaN for the vectors, the trace's derivative right.
  const Array twice = array({{2.0, 0.0}, {0.0, 2.0}});
  const Array vectors = grad([](const Array& a) {
    return sum(linalg::eigh(a).eigenvectors * array({{1.0, 2.0}, {3.0, 4.0}}));
  })(twice);
  EXPECT_TRUE(any(isnan(vectors)).item<bool>());
  expect_numbers(grad([](const Array& a) { return sum(linalg::eigvalsh(a)); })(twice), {1, 0, 0, 1});
  // Cofactors of a singular matrix.
  const Numbers cofactors =
      grad([](const Array& a) { return det(a); })(array({{1.0, 2.0}, {2.0, 4.0}})).to_vector<double>();
  const Numbers wanted{4, -2, -2, 1};
  for (int k = 0; k < 4; ++k) EXPECT_NEAR(cofactors[k], wanted[k], 1e-14);
  // pinv at constant rank 1: of diag(a, 0) it is diag(1/a, 0).
  const Array p = grad([](const Array& a) { return linalg::pinv(a)(0, 0); })(array({{2.0, 0.0}, {0.0, 0.0}}));
  EXPECT_NEAR(p(0, 0).item<double>(), -0.25, 1e-14);
  EXPECT_FALSE(all(isfinite(inv(zeros({2, 2})))).item<bool>());
}

TEST(DerivativesPage, Solves) {
  auto f = [](const Array& a, const Array& z) { return cos(a * z); };
  const Array by_start = grad([&](const Array& z0) { return fixed_point(f, z0, {}, array(0.7)).value; })(0.5);
  EXPECT_EQ(by_start.item<double>(), 0.0);
}

TEST(DerivativesPage, Checkpoint) {
  auto block = [](const Array& x) { return tanh(sin(x) * exp(x)); };
  auto deep = [&](const Array& x) {
    return sum(fori_loop(
        0, 100, [&](const Array&, const Array& z) { return checkpoint(block)(z); }, x));  // keeps 100 z
  };
  Array g = grad(deep)(array({0.1, 0.2}));
  auto plain = [&](const Array& x) {
    return sum(fori_loop(
        0, 100, [&](const Array&, const Array& z) { return block(z); }, x));
  };
  const Numbers got = g.to_vector<double>(), wanted = grad(plain)(array({0.1, 0.2})).to_vector<double>();
  for (int k = 0; k < 2; ++k) EXPECT_NEAR(got[k], wanted[k], 1e-12 * std::fabs(wanted[k]));
}

TEST(DerivativesPage, CheckingARule) {
  auto softabs = custom_jvp([](const Array& x) { return sqrt(x * x + 1e-3); },
                            [](const Array& x, const Array& dx) {
                              const Array y = sqrt(x * x + 1e-3);
                              return std::pair(y, dx * (x / y));
                            });
  GradientReport report = check_grads(softabs, array({-1.0, 0.2, 3.0}), {.order = 2});
  double worst = report.worst().error;  // 1e-10 or so; where it is too large check_grads throws, with a table
  EXPECT_LT(worst, 1e-7);
}

}  // namespace
}  // namespace dini
