// Elementwise functions: values against the C library in long double, and the meanings of edges and of their slopes.
#include "dini/ops/elementwise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {
namespace {

const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
using Fn = std::function<Array(const Array&)>;

void expect_same(double got, double wanted, const std::string& what, double tolerance = 1e-14) {
  if (std::isnan(wanted))
    EXPECT_TRUE(std::isnan(got)) << what << ": got " << got << ", wanted NaN";
  else if (std::isinf(wanted) || wanted == 0)
    EXPECT_EQ(got, wanted) << what;
  else
    EXPECT_NEAR(got, wanted, tolerance * std::fabs(wanted)) << what;
}
double slope(const Fn& f, double x) { return grad(f)(array(x)).item<double>(); }
double second_slope(const Fn& f, double x) {
  return grad([&](const Array& t) { return grad(f)(t); })(array(x)).item<double>();
}

TEST(Elementwise, OpsAgreeWithTheirReferences) {
  for (const Op* op : elementwise_ops()) {
    for (Dtype dtype : {float32, float64}) {
      ASSERT_TRUE(op->samples) << op->name;
      for (const Sample& s : op->samples(dtype)) {
        const Array y = emit_one(*op, s.in, s.params);
        ASSERT_GT(y.size(), 0) << op->name;
        const auto values = y.to_vector<double>();
        std::vector<std::vector<long double>> in;
        for (const Array& a : s.in) in.push_back(a.to_vector<long double>());
        for (std::size_t i = 0; i < values.size(); ++i) {
          long double x[3] = {};
          for (std::size_t k = 0; k < in.size(); ++k) x[k] = in[k][i];
          const double wanted = static_cast<double>(op->reference(x));
          expect_same(values[i], dtype == float32 ? static_cast<float>(wanted) : wanted,
                      op->name + " " + name(dtype) + " at " + std::to_string(static_cast<double>(x[0])),
                      4 * epsilon(dtype) * (op->name == "digamma" || op->name == "polygamma" ? 4 : 1));
        }
      }
    }
  }
}

TEST(Elementwise, ScalarsStayScalars) {
  static_assert(std::is_same_v<decltype(sin(1.0)), double>);
  static_assert(std::is_same_v<decltype(abs(-1.5)), double>);
  static_assert(std::is_same_v<decltype(exp(1.0f)), float>);
  static_assert(std::is_same_v<decltype(pow(2.0, 3)), double>);
  static_assert(std::is_same_v<decltype(sin(array(1.0))), Array>);
  static_assert(std::is_same_v<decltype(atan2(array(1.0), 2.0)), Array>);
  static_assert(std::is_same_v<decltype(pow(2, array(1.0))), Array>);
  EXPECT_EQ(abs(-1.5), 1.5);
}

TEST(Elementwise, Limits) {
  struct Case {
    const char* what;
    Fn f;
    double x, wanted;
  };
  const Case cases[] = {
      {"tanh", [](const Array& x) { return tanh(x); }, 1000, 1},
      {"erf", [](const Array& x) { return erf(x); }, 10, 1},
      {"exp", [](const Array& x) { return exp(x); }, -1000, 0},
      {"log1p", [](const Array& x) { return log1p(x); }, -1, -inf},
      {"softplus", [](const Array& x) { return softplus(x); }, 1000, 1000},
      {"softplus", [](const Array& x) { return softplus(x); }, -1000, 0},
      {"sigmoid", [](const Array& x) { return sigmoid(x); }, -1000, 0},
      {"relu", [](const Array& x) { return relu(x); }, -3, 0},
      {"logit", [](const Array& x) { return logit(x); }, 0.5, 0},
      {"logaddexp", [](const Array& x) { return logaddexp(x, -inf); }, -inf, -inf},
      {"logaddexp", [](const Array& x) { return logaddexp(x, 1.0); }, -inf, 1},
      {"logaddexp", [](const Array& x) { return logaddexp(x, inf); }, inf, inf},
      {"logaddexp", [](const Array& x) { return logaddexp(x, 1e4); }, 1e4, 1e4 + 0.69314718055994530942},
      {"logaddexp", [](const Array& x) { return logaddexp(x, 1.0); }, -1e20, 1},
      {"xlogy", [](const Array& x) { return xlogy(x, 0.0); }, 0, 0},
      {"xlogy", [](const Array& x) { return xlogy(x, nan); }, 0, nan},
      {"xlogy", [](const Array& x) { return xlogy(x, 2.0); }, 3, 2.0794415416798357},
      {"xlog1py", [](const Array& x) { return xlog1py(x, -1.0); }, 0, 0},
      {"betaln", [](const Array& x) { return betaln(x, 3.0); }, 2, -2.4849066497880004},  // B(2, 3) = 1/12
      {"polygamma", [](const Array& x) { return polygamma(1, x); }, 1, 1.6449340668482264},
      {"polygamma", [](const Array& x) { return polygamma(2, x); }, 1, -2.4041138063191885},
      {"polygamma", [](const Array& x) { return polygamma(3, x); }, 0.5, 97.40909103400244},
      {"polygamma", [](const Array& x) { return polygamma(1, x); }, -0.5, 8.934802200544679},  // π²/2 + 4
      {"power", [](const Array& x) { return power(x, 0.0); }, 0, 1},
      {"power", [](const Array& x) { return power(x, array(0.0)); }, 0, 1},
      {"power", [](const Array& x) { return power(x, -3); }, -2, -0.125},
      {"power", [](const Array& x) { return power(x, 3.0); }, -2, -8},
      {"power", [](const Array& x) { return power(x, array(3.0)); }, -2, -8},
      {"power", [](const Array& x) { return power(x, 0.5); }, 2, 1.4142135623730951},
      {"mod", [](const Array& x) { return x % 3.0; }, -7, 2},
      {"mod", [](const Array& x) { return mod(x, -3.0); }, 7, -2},
      {"floor_divide", [](const Array& x) { return floor_divide(x, 2.0); }, -7, -4},
      {"floor_divide", [](const Array& x) { return floor_divide(x, 0.1); }, 1, 9},  // NumPy: 1 // 0.1
      {"round", [](const Array& x) { return round(x); }, 2.5, 2},
      {"sign", [](const Array& x) { return sign(x); }, nan, nan},
      {"maximum", [](const Array& x) { return maximum(x, 1.0); }, nan, nan},
      {"minimum", [](const Array& x) { return minimum(1.0, x); }, nan, nan},
      {"clip", [](const Array& x) { return clip(x, -1, 1); }, 5, 1},
      {"clip", [](const Array& x) { return clip(x, Array(), 1); }, -5, -5},
      {"rsqrt", [](const Array& x) { return rsqrt(x); }, 4, 0.5},
      {"reciprocal", [](const Array& x) { return reciprocal(x); }, 4, 0.25},
      {"nan_to_num", [](const Array& x) { return nan_to_num(x); }, nan, 0},
      {"nan_to_num", [](const Array& x) { return nan_to_num(x); }, -inf, -std::numeric_limits<double>::max()},
      {"nan_to_num", [](const Array& x) { return nan_to_num(x, 7); }, nan, 7},
      {"hypot", [](const Array& x) { return hypot(x, 4e200); }, 3e200, 5e200},
      {"arctan2", [](const Array& x) { return arctan2(x, -1.0); }, 1, 2.356194490192345},
  };
  for (const Case& c : cases) {
    expect_same(c.f(array(c.x)).item<double>(), c.wanted, std::string(c.what) + "(" + std::to_string(c.x) + ")");
  }
}

TEST(Elementwise, Integers) {
  const Array a = array(std::vector<int>{7, -7, 7, -7, 5}), b = array(std::vector<int>{3, 3, -3, -3, 0});
  const auto values = [](const Array& y) {
    EXPECT_EQ(y.dtype(), int64);
    return y.to_vector<int>();
  };
  using Ints = std::vector<int>;
  EXPECT_EQ(values(a + b), (Ints{10, -4, 4, -10, 5}));
  EXPECT_EQ(values(a - b), (Ints{4, -10, 10, -4, 5}));
  EXPECT_EQ(values(a * b), (Ints{21, -21, -21, 21, 0}));
  EXPECT_EQ(values(a % b), (Ints{1, 2, -2, -1, 0}));
  EXPECT_EQ(values(floor_divide(a, b)), (Ints{2, -3, -3, 2, 0}));
  EXPECT_EQ(values(maximum(a, b)), (Ints{7, 3, 7, -3, 5}));
  EXPECT_EQ(values(minimum(a, b)), (Ints{3, -7, -3, -7, 0}));
  EXPECT_EQ(values(abs(a)), (Ints{7, 7, 7, 7, 5}));
  EXPECT_EQ(values(sign(b)), (Ints{1, 1, -1, -1, 0}));
  EXPECT_EQ(values(-a), (Ints{-7, 7, -7, 7, -5}));
  EXPECT_EQ(values(square(a)), (Ints{49, 49, 49, 49, 25}));
  EXPECT_EQ(values(power(a, 3)), (Ints{343, -343, 343, -343, 125}));
  EXPECT_EQ(values(power(a, abs(b))), (Ints{343, -343, 343, -343, 1}));
  EXPECT_EQ(values(a & b), (Ints{7 & 3, -7 & 3, 7 & -3, -7 & -3, 0}));
  EXPECT_EQ(values(a | b), (Ints{7 | 3, -7 | 3, 7 | -3, -7 | -3, 5}));
  EXPECT_EQ(values(a ^ b), (Ints{7 ^ 3, -7 ^ 3, 7 ^ -3, -7 ^ -3, 5}));
  EXPECT_EQ(values(~a), (Ints{-8, 6, -8, 6, -6}));
  EXPECT_EQ(values(clip(a, -5, 6)), (Ints{6, -5, 6, -5, 5}));
  EXPECT_EQ((a < b).to_vector<int>(), (Ints{0, 1, 0, 1, 0}));
  EXPECT_EQ((a >= b).to_vector<int>(), (Ints{1, 0, 1, 0, 1}));
  EXPECT_EQ((a != 5).to_vector<int>(), (Ints{1, 1, 1, 1, 0}));
  const std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ((array(lowest) % array(std::int64_t{-1})).item<std::int64_t>(), 0);
  EXPECT_EQ(abs(array(lowest)).item<std::int64_t>(), lowest);
  EXPECT_THROW(power(a, -2), DtypeError);
  EXPECT_EQ(power(a, 2.0).dtype(), float64);
}

TEST(Elementwise, Booleans) {
  const Array a = array({1.0, 1.0, 0.0, 0.0}) > 0, b = array({1.0, 0.0, 1.0, 0.0}) > 0;
  using Ints = std::vector<int>;
  const auto values = [](const Array& y) {
    EXPECT_EQ(y.dtype(), bool_);
    return y.to_vector<int>();
  };
  EXPECT_EQ(values(a & b), (Ints{1, 0, 0, 0}));
  EXPECT_EQ(values(a | b), (Ints{1, 1, 1, 0}));
  EXPECT_EQ(values(a ^ b), (Ints{0, 1, 1, 0}));
  EXPECT_EQ(values(~a), (Ints{0, 0, 1, 1}));
  EXPECT_EQ(values(a + b), (Ints{1, 1, 1, 0}));
  EXPECT_EQ(values(a * b), (Ints{1, 0, 0, 0}));
  EXPECT_EQ(values(a == b), (Ints{1, 0, 0, 1}));
  EXPECT_EQ(values(a < b), (Ints{0, 0, 1, 0}));
  EXPECT_EQ(values(logical_and(array({2.0, 0.0, nan, -0.0}), 1)), (Ints{1, 0, 1, 0}));
  EXPECT_EQ(values(logical_or(array({2.0, 0.0}), 0)), (Ints{1, 0}));
  EXPECT_EQ(values(logical_xor(array({2.0, 0.0}), 3)), (Ints{0, 1}));
  EXPECT_EQ(values(logical_not(array({2.0, 0.0}))), (Ints{0, 1}));
  EXPECT_EQ(values(isnan(array({2.0, inf, nan}))), (Ints{0, 0, 1}));
  EXPECT_EQ(values(isfinite(array({2.0, -inf, nan}))), (Ints{1, 0, 0}));
  EXPECT_EQ(values(isinf(array({2.0, -inf, nan}))), (Ints{0, 1, 0}));
  EXPECT_EQ(values(isfinite(arange(2))), (Ints{1, 1}));
  EXPECT_THROW(-a, DtypeError);
  EXPECT_THROW(a - b, DtypeError);
  EXPECT_THROW(array(1.0) & a, DtypeError);
  EXPECT_THROW(~array(1.0), DtypeError);
}

// Against 60 digits.
TEST(Elementwise, BetalnOfLargeAndOfUnlikeArguments) {
  const struct {
    double a, b, value;
  } rows[] = {{1e10, 1e-10, 23.025850927580151506}, {1e8, 0.5, -8.6379754278014821978},
              {12.5, 1e6, -153.95960633732948963},  {30, 20, -33.968820791977385909},
              {9.5, 10.5, -13.709925546998462664},  {1e300, 1e300, -1.3862943611198907458e300},
              {10, 1e-300, 690.77552789821368151},  {1e5, 2e5, -190958.88527911686106},
              {3, 11, -6.7546040994879623653}};
  for (const auto& [a, b, value] : rows) {
    EXPECT_NEAR(betaln(a, b).item<double>(), value, 8e-16 * std::fabs(value)) << a << ", " << b;
    EXPECT_EQ(betaln(b, a).item<double>(), betaln(a, b).item<double>()) << a << ", " << b;
    if (a > 1e30) continue;
    const double single = betaln(array(static_cast<float>(a)), array(static_cast<float>(b))).item<double>();
    const double there =
        betaln(static_cast<double>(static_cast<float>(a)), static_cast<double>(static_cast<float>(b))).item<double>();
    if (std::isfinite(there)) { EXPECT_NEAR(single, there, epsilon(float32) * std::fabs(there)) << a << ", " << b; }
  }
  EXPECT_EQ(betaln(std::numeric_limits<double>::infinity(), 2.0).item<double>(),
            -std::numeric_limits<double>::infinity());
  const Array slope = grad([](const Array& a) { return betaln(a, 0.5); })(array(1e8));
  EXPECT_NEAR(slope.item<double>(), (digamma(array(1e8)) - digamma(array(1e8 + 0.5))).item<double>(), 0);
}

TEST(Elementwise, TailsOfTheNormalDistribution) {
  // scipy.special.log_ndtr
  const std::pair<double, double> rows[] = {{-1000, -500007.82669481216}, {-30, -454.32124395634327},
                                            {-20, -203.9171553710973},    {-5, -15.064998393988725},
                                            {6, -9.86587645524372e-10},   {30, -4.906713927147908e-198}};
  for (const auto& [x, value] : rows) {
    EXPECT_NEAR(special::log_ndtr(array(x)).item<double>(), value, (x > 0 ? 1e-13 : 4e-15) * std::fabs(value)) << x;
    const float single = static_cast<float>(x);
    EXPECT_NEAR(special::log_ndtr(array(single)).item<double>(), value,
                (x > 0 ? 1e-5 : 1e-6) * std::fabs(value) + 1e-38)
        << x;
  }
  // Its slope φ/Φ and curvature, on both sides of where the formula changes: -x - 1/x, -1 + 1/x² far left.
  using Function = std::function<Array(const Array&)>;
  const Function slope = grad([](const Array& x) { return special::log_ndtr(x); });
  for (double x : {-20.0, 5.0}) {
    for (const Function& f : {slope, Function(grad(slope))}) {
      const double before = f(array(std::nextafter(x, -100))).item<double>(),
                   after = f(array(std::nextafter(x, 100))).item<double>();
      EXPECT_NEAR(before, after, 1e-11 * std::fabs(after)) << x;
    }
  }
  EXPECT_EQ(grad(grad([](const Array& x) { return special::i0(x); }))(array(0.0)).item<double>(), 0.5);
  EXPECT_EQ(grad([](const Array& x) { return special::i1(x); })(array(0.0)).item<double>(), 0.5);
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(special::i0(array({-inf, inf})).to_vector<double>(), (std::vector<double>{inf, inf}));
  EXPECT_EQ(special::i1(array({-inf, inf})).to_vector<double>(), (std::vector<double>{-inf, inf}));
  EXPECT_NEAR(special::i0(array(713.0)).item<double>(), 6.705128263670997e307, 1e294);
}

TEST(Elementwise, OperatorsInPlaceAndByName) {
  Array x = array({3, 4, 5});
  x %= 3;
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(clip(array({1.0, 5.0}), 2.0).to_vector<double>(), (std::vector<double>{2, 5}));
}

TEST(Elementwise, Where) {
  const Array c = array({1.0, 0.0, 2.0});
  EXPECT_EQ(where(c > 0, c, -1.0).to_vector<double>(), (std::vector<double>{1, -1, 2}));
  EXPECT_EQ(where(c, 1, 2).to_vector<int>(), (std::vector<int>{1, 2, 1}));  // not zero is true
  EXPECT_EQ(where(array({{1.0}, {0.0}}), c, 7.0).shape(), (Shape{2, 3}));
  EXPECT_EQ(where(true, ones({2, 1}), zeros({3})).shape(), (Shape{2, 3}));
  EXPECT_EQ(where(true, array(1.0f), 2).dtype(), float32);
  EXPECT_THROW(where(c, ones({2}), ones({2})), ShapeError);
}

// ---- Slopes ---------------------------------------------------------------------------------------------------------

TEST(Elementwise, SlopesAtEdges) {
  struct Case {
    const char* what;
    Fn f;
    double x, slope;
  };
  const Case cases[] = {
      {"abs", [](const Array& x) { return abs(x); }, 0, 1},
      {"abs", [](const Array& x) { return abs(x); }, -2, -1},
      {"sqrt", [](const Array& x) { return sqrt(x); }, 0, inf},
      {"cbrt", [](const Array& x) { return cbrt(x); }, 0, inf},
      {"x**0", [](const Array& x) { return power(x, 0); }, 0, 0},
      {"x**0 + x", [](const Array& x) { return power(x, 0) + x; }, 0, 1},
      {"x**1", [](const Array& x) { return power(x, 1); }, 0, 1},
      {"x**2", [](const Array& x) { return power(x, 2); }, 0, 0},
      {"x**3", [](const Array& x) { return power(x, 3); }, -2, 12},
      {"x**array(0)", [](const Array& x) { return power(x, array(0.0)); }, 0, 0},
      {"x**array(1)", [](const Array& x) { return power(x, array(1.0)); }, 0, 1},
      {"x**array(2)", [](const Array& x) { return power(x, array(2.0)); }, 0, 0},
      {"x**array(3)", [](const Array& x) { return power(x, array(3.0)); }, -2, 12},
      {"0**b", [](const Array& x) { return power(array(0.0), x); }, 0, 0},
      {"0**b", [](const Array& x) { return power(array(0.0), x); }, 2, 0},
      {"x**(x + 2)", [](const Array& x) { return power(x, x + 2); }, 0, 0},
      {"2**b", [](const Array& x) { return power(2.0, x); }, 3, 8 * 0.69314718055994530942},
      {"maximum", [](const Array& x) { return maximum(x, 1.0); }, 1, 0.5},
      {"maximum", [](const Array& x) { return maximum(1.0, x); }, 1, 0.5},
      {"minimum", [](const Array& x) { return minimum(x, 1.0); }, 1, 0.5},
      {"minimum", [](const Array& x) { return minimum(1.0, x); }, 1, 0.5},
      {"maximum(x, x)", [](const Array& x) { return maximum(x, x); }, 1, 1},
      {"relu", [](const Array& x) { return relu(x); }, 0, 0},
      {"where", [](const Array& x) { return where(x > 0, x, 0.0); }, 0, 0},
      {"clip", [](const Array& x) { return clip(x, -1, 1); }, 1, 0.5},
      {"clip", [](const Array& x) { return clip(x, -1, 1); }, -1, 0.5},
      {"clip", [](const Array& x) { return clip(x, -1, 1); }, 2, 0},
      {"clip", [](const Array& x) { return clip(x, -1, 1); }, 0.5, 1},
      {"floor", [](const Array& x) { return floor(x); }, 1, 0},
      {"sign", [](const Array& x) { return sign(x); }, 0, 0},
      {"where, guarded", [](const Array& x) { return where(x > 0, sqrt(where(x > 0, x, 1.0)), 0.0); }, 0, 0},
      {"tanh", [](const Array& x) { return tanh(x); }, 1000, 0},
      {"erf", [](const Array& x) { return erf(x); }, 10, 1.1283791670955126 * std::exp(-100.0)},
      {"exp", [](const Array& x) { return exp(x); }, -1000, 0},
      {"log1p", [](const Array& x) { return log1p(x); }, -1, inf},
      {"softplus", [](const Array& x) { return softplus(x); }, 1000, 1},
      {"softplus", [](const Array& x) { return softplus(x); }, -1000, 0},
      {"logaddexp", [](const Array& x) { return logaddexp(x, 2.0); }, 2, 0.5},
      {"logaddexp", [](const Array& x) { return logaddexp(2.0, x); }, 2, 0.5},
      {"logaddexp", [](const Array& x) { return logaddexp(x, -inf); }, 2, 1},
      {"logaddexp", [](const Array& x) { return logaddexp(-inf, x); }, 2, 1},
      {"xlogy", [](const Array& x) { return xlogy(x, 2.0); }, 0, 0.69314718055994530942},
      {"i1e", [](const Array& x) { return i1e(x); }, 0, 0.5},
      {"stop_gradient", [](const Array& x) { return stop_gradient(x) * x; }, 3, 3},
      {"mod", [](const Array& x) { return mod(7.5, x); }, 2, -3},
      {"atan2", [](const Array& x) { return arctan2(x, 1e200); }, 1e200, 5e-201},
      {"astype", [](const Array& x) { return astype(astype(x, float32), float64) * 2; }, 3, 2},
  };
  for (const Case& c : cases) {
    expect_same(slope(c.f, c.x), c.slope, std::string("slope of ") + c.what + " at " + std::to_string(c.x));
    const double forward = jvp(c.f, array(c.x), array(1.0)).tangent.item<double>();
    expect_same(forward, c.slope, std::string("forward slope of ") + c.what + " at " + std::to_string(c.x));
    // Of an array the constants in a rule are broadcast.
    const double elementwise = jvp(c.f, array({c.x}), array({1.0})).tangent(0).item<double>();
    expect_same(elementwise, c.slope, std::string("slope of an array's ") + c.what + " at " + std::to_string(c.x));
  }
}

// Reverse mode multiplies the 0 that goes to the side not taken by that side's infinite slope.
TEST(Elementwise, WhereDifferentiatesBothSides) {
  expect_same(slope([](const Array& x) { return where(x > 0, sqrt(x), 0.0); }, 0), nan, "where");
}

TEST(Elementwise, SecondSlopes) {
  struct Case {
    const char* what;
    Fn f;
    double x, wanted;
  };
  const Case cases[] = {
      {"x**2", [](const Array& x) { return power(x, 2); }, 0, 2},
      {"x**3", [](const Array& x) { return power(x, 3); }, 0, 0},
      {"x**array(0)", [](const Array& x) { return power(x, array(0.0)); }, 0, 0},
      {"x**array(2)", [](const Array& x) { return power(x, array(2.0)); }, 0, 2},
      {"x**array(3)", [](const Array& x) { return power(x, array(3.0)); }, 0, 0},
      {"x**array(1)", [](const Array& x) { return power(x, array(1.0)); }, 0, 0},
      {"abs", [](const Array& x) { return abs(x) * x; }, 0, 2},
      {"i1e", [](const Array& x) { return i1e(x); }, 0, 0},
      {"logaddexp", [](const Array& x) { return logaddexp(x, 2.0); }, 2, 0.25},
      {"logaddexp", [](const Array& x) { return logaddexp(2.0, x); }, 2, 0.25},
      {"stop_gradient", [](const Array& x) { return stop_gradient(square(x)) * x; }, 3, 0},
      {"gammaln", [](const Array& x) { return gammaln(x); }, 1, 1.6449340668482264},
      {"asinh", [](const Array& x) { return arcsinh(x); }, 2, -2 / std::pow(5.0, 1.5)},
      {"softplus", [](const Array& x) { return softplus(x); }, 0, 0.25},
      {"1/x", [](const Array& x) { return 1 / x; }, 2, 0.25},
      {"hypot", [](const Array& x) { return hypot(x, 4.0); }, 3, 16 / 125.0},
  };
  for (const Case& c : cases) {
    expect_same(second_slope(c.f, c.x), c.wanted,
                std::string("second slope of ") + c.what + " at " + std::to_string(c.x), 1e-13);
    const Fn forward = [&](const Array& t) { return jvp(c.f, t, ones_like(t)).tangent; };
    expect_same(jvp(forward, array({c.x}), array({1.0})).tangent(0).item<double>(), c.wanted,
                std::string("second slope of an array's ") + c.what + " at " + std::to_string(c.x), 1e-13);
  }
}

// Where the value has no digit left to say what its slope is: next to an asymptote, or overflown. Against 60 digits.
TEST(Elementwise, SlopesWhereValuesSaturateOrOverflow) {
  struct Case {
    const char* what;
    Fn f;
    double x, slope, second;
  };
  const Case cases[] = {
      {"sigmoid", [](const Array& x) { return sigmoid(x); }, 37.42994775023705, 5.55111512312577548e-17,
       -5.55111512312577486e-17},
      {"sigmoid", [](const Array& x) { return sigmoid(x); }, -40, 4.24835425529158896e-18, 4.24835425529158892e-18},
      {"sigmoid", [](const Array& x) { return sigmoid(x); }, 1e-300, 0.25, -1.25e-301},
      {"tanh", [](const Array& x) { return tanh(x); }, 20, 1.69934170211663558e-17, -3.39868340423327114e-17},
      {"tanh", [](const Array& x) { return tanh(x); }, -300, 1.06015862120172433e-260, 2.12031724240344865e-260},
      {"tanh", [](const Array& x) { return tanh(x); }, 1e-300, 1, -2e-300},
      {"tanh", [](const Array& x) { return tanh(x); }, 1e9, 0, 0},
      {"expm1", [](const Array& x) { return expm1(x); }, -40, 4.248354255291589e-18, 4.248354255291589e-18},
      {"exp2", [](const Array& x) { return exp2(x); }, 1024.25, 1.48183046727083723e308, 1.02712661045660714e308},
      {"exp2", [](const Array& x) { return exp2(x); }, -1000, 6.46889045884678573e-302, 4.48389318290078045e-302},
      {"2**b", [](const Array& b) { return power(2.0, b); }, 1024.0000000000002, 1.24606592794198018e308,
       8.63707084744795539e307},
      {"1.001**b", [](const Array& b) { return power(1.001, b); }, 710130, 1.78329557402820328e305,
       1.78240452022738345e302},
      {"0**b", [](const Array& b) { return power(0.0, b); }, 1, 0, 0},
      {"i0e", [](const Array& x) { return i0e(x); }, -1e4, 1.99478621069841881e-7, 2.99225413175358687e-11},
      {"i0e", [](const Array& x) { return i0e(x); }, 1e17, -6.30783130505040014e-27, 9.46174695757560024e-44},
      {"i1e", [](const Array& x) { return i1e(x); }, 1e4, -1.99448698528524345e-7, 2.99150604951531884e-11},
      {"i1e", [](const Array& x) { return i1e(x); }, -1e10, -1.99471140178275836e-16, -2.9920671024497325e-26},
  };
  for (const Case& c : cases) {
    const std::string where = std::string(c.what) + " at " + std::to_string(c.x);
    expect_same(slope(c.f, c.x), c.slope, "slope of " + where, 1e-12);
    expect_same(second_slope(c.f, c.x), c.second, "second slope of " + where, 1e-12);
  }
}

TEST(Elementwise, SixthDerivativeOfReciprocal) {
  std::function<Array(const Array&, int)> d = [&](const Array& x, int order) -> Array {
    if (!order) return 1 / x;
    return grad([&](const Array& t) { return d(t, order - 1); })(x);
  };
  EXPECT_EQ(d(array(4.0), 6).item<double>(), 0.0439453125);
}

TEST(Elementwise, SlopesKeepDtypes) {
  const Array x = array(0.75f);
  const std::vector<Fn> functions = {
      [](const Array& t) { return tanh(t) * 2.0; },
      [](const Array& t) { return abs(t) + relu(t) * 0.5; },
      [](const Array& t) { return maximum(t, 0.5); },
      [](const Array& t) { return power(t, 2.5) + power(2, t); },
      [](const Array& t) { return where(t > 0, t, 0); },
      [](const Array& t) { return i1e(t) + arctan2(t, 2) + hypot(1, t); },
      [](const Array& t) { return logaddexp(t, 0.5); },
      [](const Array& t) { return clip(t, 0, 1) + xlogy(t, 2); },
  };
  for (const Fn& f : functions) {
    EXPECT_EQ(f(x).dtype(), float32);
    EXPECT_EQ(grad(f)(x).dtype(), float32);
  }
}

}  // namespace
}  // namespace dini
