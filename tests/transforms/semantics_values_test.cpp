// What derivatives mean at the edges: one test for each statement about values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "dini/dini.hpp"

namespace dini {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
using Scalar = std::function<Array(const Array&)>;

// The slope by both modes, eagerly and compiled, which must agree.
double slope(const Scalar& f, double x) {
  const double reverse = grad(f)(array(x)).item(), forward = jvp(f, array(x), array(1.0)).tangent.item(),
               compiled = jit(grad(f))(array(x)).item();
  auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  EXPECT_TRUE(same(forward, reverse)) << forward << " forward, " << reverse << " reverse";
  EXPECT_TRUE(same(compiled, reverse)) << compiled << " compiled, " << reverse << " eagerly";
  return reverse;
}
void equal(const Array& got, const std::vector<double>& wanted, double tolerance = 0) {
  const auto values = got.to_vector<double>();
  ASSERT_EQ(values.size(), wanted.size());
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    if (values[k] != wanted[k]) { EXPECT_NEAR(values[k], wanted[k], tolerance) << k; }
  }
}

TEST(Semantics, S21_LiteralsAreWeak) {
  const Array a = ones({2}, float32), b = ones({2}, float64), i = array({1, 2}), j = astype(i, int32);
  EXPECT_EQ((2.0 * a).dtype(), float32);
  EXPECT_EQ((a + 1).dtype(), float32);
  EXPECT_EQ((a * b).dtype(), float64);
  EXPECT_EQ((i * a).dtype(), float32);
  EXPECT_EQ((j + 1).dtype(), int32);
  EXPECT_EQ((j + i).dtype(), int64);
  EXPECT_EQ((i * 2.0).dtype(), float64);
  EXPECT_EQ(jit([](const Array& x) { return 2.0 * x + 1; })(a).dtype(), float32);
  EXPECT_EQ(grad([](const Array& x) { return sum(3.5 * x * x); })(a).dtype(), float32);
  EXPECT_EQ(vmap([](const Array& x) { return x * 2.0; })(a).dtype(), float32);
}

TEST(Semantics, S22_PowersAndProductsAtZero) {
  EXPECT_EQ(slope([](const Array& x) { return power(x, 0); }, 0), 0);
  EXPECT_EQ(slope([](const Array& x) { return power(x, 2); }, 0), 0);
  EXPECT_EQ(slope([](const Array& x) { return power(x, array(2.0)); }, 0), 0);
  EXPECT_EQ(slope([](const Array& x) { return power(x, array(0.0)); }, 0), 0);
  EXPECT_EQ(power(array(0.0), array(0.0)).item(), 1);
  EXPECT_EQ(slope([](const Array& y) { return power(array(0.0), y); }, 0), 0);
  equal(grad([](const Array& x) { return prod(x); })(array({2.0, 0.0, 3.0})), {0, 6, 0});
  equal(grad([](const Array& x) { return prod(x); })(array({0.0, 0.0, 3.0})), {0, 0, 0});
  equal(hessian([](const Array& x) { return prod(x); })(array({0.0, 0.0, 3.0})), {0, 3, 0, 3, 0, 0, 0, 0, 0});
  equal(jacobian([](const Array& x) { return cumprod(x); })(array({2.0, 0.0, 3.0})), {1, 0, 0, 0, 2, 0, 0, 6, 0});
}

TEST(Semantics, S23_AbsRootAndNormAtZero) {
  EXPECT_EQ(slope([](const Array& x) { return abs(x); }, 0), 1);
  EXPECT_EQ(slope([](const Array& x) { return sqrt(x); }, 0), inf);
  for (double d : grad([](const Array& x) { return norm(x); })(zeros({3})).to_vector<double>())
    EXPECT_TRUE(std::isnan(d));
}

TEST(Semantics, S24_TiesAndKinks) {
  EXPECT_EQ(slope([](const Array& x) { return maximum(x, 1.0); }, 1), 0.5);
  EXPECT_EQ(slope([](const Array& x) { return minimum(1.0, x); }, 1), 0.5);
  equal(grad([](const Array& x) { return max(x); })(array({2.0, 1.0, 2.0, 2.0})), {1.0 / 3, 0, 1.0 / 3, 1.0 / 3},
        1e-16);
  equal(grad([](const Array& x) { return sum(min(x, 0)); })(array({{2.0, 1.0}, {2.0, 3.0}})), {0.5, 1, 0.5, 0});
  EXPECT_EQ(slope([](const Array& x) { return relu(x); }, 0), 0);
  EXPECT_EQ(slope([](const Array& x) { return where(x > 0, x, 0.0); }, 0), 0);
  EXPECT_EQ(slope([](const Array& x) { return clip(x, 0.0, 1.0); }, 0), 0.5);
  EXPECT_EQ(slope([](const Array& x) { return clip(x, 0.0, 1.0); }, 1), 0.5);
  EXPECT_EQ(slope([](const Array& x) { return floor(x); }, 0.5), 0);
  EXPECT_EQ(slope([](const Array& x) { return sign(x); }, 0.5), 0);
}

TEST(Semantics, S25_WhereDifferentiatesBothSides) {
  // Reverse mode multiplies the infinite slope of the side not taken by zero; forward mode selects between the tangents.
  const Scalar unguarded = [](const Array& x) { return where(x > 0, sqrt(x), 0.0); };
  EXPECT_TRUE(std::isnan(grad(unguarded)(array(0.0)).item()));
  EXPECT_TRUE(std::isnan(jit(grad(unguarded))(array(0.0)).item()));
  EXPECT_EQ(jvp(unguarded, array(0.0), array(1.0)).tangent.item(), 0);
  EXPECT_EQ(slope([](const Array& x) { return where(x > 0, sqrt(where(x > 0, x, 1.0)), 0.0); }, 0), 0);
}

TEST(Semantics, S26_LimitsAreExact) {
  EXPECT_EQ(tanh(array(1000.0)).item(), 1);
  EXPECT_EQ(slope([](const Array& x) { return tanh(x); }, 1000), 0);
  EXPECT_EQ(erf(array(10.0)).item(), 1);
  const double erf_slope = 2 / std::sqrt(std::acos(-1.0)) * std::exp(-100.0);
  EXPECT_NEAR(slope([](const Array& x) { return erf(x); }, 10), erf_slope, 1e-13 * erf_slope);
  EXPECT_EQ(exp(array(-1000.0)).item(), 0);
  EXPECT_EQ(slope([](const Array& x) { return exp(x); }, -1000), 0);
  EXPECT_EQ(log1p(array(-1.0)).item(), -inf);
  EXPECT_EQ(softplus(array(1000.0)).item(), 1000);
  EXPECT_EQ(softplus(array(-1000.0)).item(), 0);
  EXPECT_EQ(slope([](const Array& x) { return softplus(x); }, 1000), 1);
  EXPECT_EQ(slope([](const Array& x) { return softplus(x); }, -1000), 0);
  EXPECT_EQ(logsumexp(array({-inf, -inf})).item(), -inf);
  EXPECT_EQ(logsumexp(array({inf, 1.0})).item(), inf);
  EXPECT_NEAR(logsumexp(array({1e4, 1e4})).item(), 1e4 + std::log(2.0), 1e-11);
  equal(grad([](const Array& x) { return logsumexp(x); })(array({1e4, 1e4})), {0.5, 0.5});
  equal(grad([](const Array& x) { return logsumexp(x); })(array({-inf, 0.0})), {0, 1});
}

TEST(Semantics, S27_SixthDerivativeOfTheReciprocal) {
  auto f = [](const Array& x) { return 1 / x; };
  EXPECT_EQ(grad(grad(grad(grad(grad(grad(f))))))(array(4.0)).item(), 0.0439453125);
  auto forward = [](const Scalar& g) -> Scalar {
    return [g](const Array& x) { return jvp(g, x, array(1.0)).tangent; };
  };
  EXPECT_EQ(forward(forward(forward(forward(forward(forward(f))))))(array(4.0)).item(), 0.0439453125);
  EXPECT_EQ(forward(grad(forward(grad(forward(grad(f))))))(array(4.0)).item(), 0.0439453125);
}

TEST(Semantics, S28_ReductionsOverNothing) {
  EXPECT_EQ(sum(zeros({0})).item(), 0);
  EXPECT_EQ(prod(zeros({0})).item(), 1);
  equal(sum(zeros({0, 2}), 0), {0, 0});
  equal(prod(zeros({0, 2}), 0), {1, 1});
  EXPECT_EQ(logsumexp(zeros({0})).item(), -inf);
  EXPECT_FALSE(any(zeros({0})).item<bool>());
  EXPECT_TRUE(all(zeros({0})).item<bool>());
  EXPECT_THROW(max(zeros({0})), ShapeError);
  EXPECT_THROW(min(zeros({0, 2}), 0), ShapeError);
  EXPECT_EQ(grad([](const Array& x) { return sum(x); })(zeros({0})).shape(), Shape{0});
  EXPECT_EQ(grad([](const Array& x) { return prod(x); })(zeros({0})).shape(), Shape{0});
  EXPECT_EQ(grad([](const Array& x) { return logsumexp(x); })(zeros({0})).shape(), Shape{0});
}

}  // namespace
}  // namespace dini
