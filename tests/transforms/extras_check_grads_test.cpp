// check_grads: passes right derivatives, and finds wrong ones where they are.
#include <gtest/gtest.h>

#include <sstream>

#include "dini/dini.hpp"

namespace dini {
namespace {

const Array W = array({{0.3, -1.2, 0.7}, {-0.4, 0.9, 1.6}});
const Array v = array({0.6, -0.2, 1.3});

TEST(CheckGrads, PassesSmoothFunctions) {
  auto f = [](const Array& A, const Array& x) { return tanh(dot(A, x)) * exp(A(0, 1)); };
  const GradientReport report = check_grads(f, std::tuple(W, v));
  EXPECT_TRUE(report.ok);
  ASSERT_EQ(report.comparisons.size(), 6u);  // jvp, vjp, dot for each of the two
  EXPECT_LT(report.worst().error, 1e-9);
  EXPECT_EQ(report.comparisons[0].kind, "jvp");
  EXPECT_EQ(report.comparisons[0].compared, 12u);  // 6 elements, 2 outputs
  EXPECT_EQ(report.comparisons[3].argument, 1u);
}

TEST(CheckGrads, SecondAndThirdOrder) {
  auto f = [](const Array& x) { return sum(sin(x) * exp(x(0))); };
  const GradientReport report = check_grads(f, v, {.order = 3});
  EXPECT_EQ(report.comparisons.back().kind, "dot of vjp of vjp");
  EXPECT_LT(report.worst().error, 1e-7);
}

TEST(CheckGrads, TreesAndIntegers) {
  auto f = [](const std::pair<Array, Array>& p, const Array& k) { return std::pair(p.first * p.second, p.first(k)); };
  const GradientReport report = check_grads(f, std::tuple(std::pair(v, v * 2.0), array({1, 1, 0})));
  EXPECT_EQ(report.comparisons.size(), 6u);
  EXPECT_EQ(report.comparisons[3].leaf, 1u);
}

TEST(CheckGrads, LargeLeavesInRandomDirections) {
  const Array big = random::normal(random::key(3), {40, 5});
  const GradientReport report = check_grads([](const Array& x) { return sum(x * x * x); }, big, {.directions = 3});
  EXPECT_EQ(report.comparisons[0].compared, 3u);
  EXPECT_NE(report.comparisons[0].place.find("random"), std::string::npos);
}

TEST(CheckGrads, SinglePrecisionAndNumbers) {
  EXPECT_TRUE(check_grads([](const Array& x) { return sum(sin(x) * x); }, astype(v, float32)).ok);
  EXPECT_TRUE(check_grads([](const Array& x, const Array& c) { return sum(x * c * c); }, std::tuple(v, 1.7)).ok);
}

// The derivative of sin with the sign of one element's slope wrong.
Array wrong_slope(const Array& x, double factor) {
  return custom_jvp([](const Array& a) { return sin(a); },
                    [factor](const Array& a, const Array& da) {
                      return std::pair(sin(a), da * cos(a) * where(arange(3) == 1, factor, 1.0));
                    })(x);
}

TEST(CheckGrads, FindsAWrongRule) {
  auto f = [](const Array& x) { return wrong_slope(x, 0.99); };
  EXPECT_TRUE(check_grads([](const Array& x) { return wrong_slope(x, 1.0); }, v).ok);
  try {
    check_grads(f, v);
    FAIL();
  } catch (const GradientCheckError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("argument 0, leaf 0, element (1), output at (1)"), std::string::npos) << text;
    EXPECT_NE(text.find("WRONG"), std::string::npos) << text;
  }
  const GradientReport report = GradientChecker(f).probe(v);
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.worst().kind, "jvp");
  EXPECT_NEAR(report.worst().error, 0.01, 1e-3);
  EXPECT_NEAR(report.worst().derivative / report.worst().difference, 0.99, 1e-9);
  // Forward and reverse come from the same rule, so that they agree with each other.
  EXPECT_TRUE(report.comparisons[2].ok);
}

TEST(CheckGrads, FindsARuleThatIsRightOnceOnly) {
  // The value of the slope is right, but its own derivative is cut off.
  auto f = [](const Array& x) {
    return custom_jvp([](const Array& a) { return sin(a); },
                      [](const Array& a, const Array& da) { return std::pair(sin(a), da * stop_gradient(cos(a))); })(x);
  };
  EXPECT_TRUE(check_grads(f, v).ok);
  EXPECT_THROW(check_grads(f, v, {.order = 2}), GradientCheckError);
}

TEST(CheckGrads, OneModeOnly) {
  auto f = custom_vjp([](const Array& x) { return x * x; }, [](const Array& x) { return std::pair(x * x, x); },
                      [](const Array& x, const Array& c) { return 2 * x * c; });
  EXPECT_THROW(check_grads(f, v), TraceError);  // no forward mode
  EXPECT_EQ(check_grads(f, v, {.order = 2, .forward = false}).comparisons.size(), 2u);
}

TEST(CheckGrads, KinksAndUndefinedSlopesFail) {
  EXPECT_THROW(check_grads([](const Array& x) { return abs(x); }, 0.0), GradientCheckError);
  EXPECT_THROW(check_grads([](const Array& x) { return norm(x); }, zeros({2})), GradientCheckError);
  EXPECT_TRUE(check_grads([](const Array& x) { return log(x); }, array({1e-3, 1.0})).ok);  // steps beyond the domain
}

TEST(CheckGrads, ImplicitLayers) {
  auto f = [](const Array& a, const Array& b, const Array& z) { return tanh(dot(a, z) + b); };
  const Array A = array({{0.2, -0.3, 0.1}, {0.4, 0.1, -0.2}, {-0.1, 0.3, 0.2}});
  auto layer = [&](const Array& a, const Array& b) { return fixed_point(f, zeros({3}), {}, a, b).value; };
  EXPECT_TRUE(check_grads(layer, std::tuple(A, v), {.order = 2}).ok);
}

TEST(CheckGrads, SaysWhatItCannotDo) {
  EXPECT_THROW(check_grads([](const Array& x) { return x; }, v, {.order = 0}), ValueError);
  EXPECT_THROW(grad([](const Array& x) {
                 check_grads([](const Array& y) { return y * y; }, x);
                 return sum(x);
               })(v),
               TraceError);
  EXPECT_THROW(GradientReport{}.worst(), ValueError);
}

TEST(CheckGrads, PrintsATable) {
  std::ostringstream out;
  out << GradientChecker([](const Array& x) { return sum(x * x); }).probe(v);
  EXPECT_NE(out.str().find("vjp"), std::string::npos);
  EXPECT_EQ(out.str().find("WRONG"), std::string::npos);
}

}  // namespace
}  // namespace dini
