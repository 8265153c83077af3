// Brackets by every method for them, in both dtypes: how a solve ends, how far from the root, and how far it says.
#include "dini/solvers/bracketing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace bracketing_test {

using namespace dini;

constexpr double infinity = std::numeric_limits<double>::infinity();
const double root2 = std::sqrt(2.0), pi = std::numbers::pi;

struct Case {
  std::string name;
  std::function<Array(const Array&)> f;
  double a, b;
  StatusCode status = StatusCode::converged;
  double root = std::nan("");
  double digits = 1e-15;       // how far from it in float64, relative, or absolute where it is 0
  StatusCode single = status;  // in float32
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// In float32 the constants, too, are float32's.
std::vector<Case> cases() {
  const StatusCode good = StatusCode::converged, none = StatusCode::bracket, stuck = StatusCode::stagnated;
  return {
      {"cubic", [](const Array& z) { return z * z * z - 2; }, 0, 3, good, std::cbrt(2.0)},
      {"the other way round", [](const Array& z) { return 2 - z * z; }, 3, 0, good, root2},
      {"a wide bracket", [](const Array& z) { return z * z - 2; }, 0, 1e6, good, root2},
      {"all numbers", [](const Array& z) { return z * z * z - 2; }, -infinity, infinity, good, std::cbrt(2.0)},
      {"up to infinity", [](const Array& z) { return log(z) - 3; }, 0, infinity, good, std::exp(3.0)},
      {"infinite at an end", [](const Array& z) { return log(z); }, 0, 3, good, 1},
      {"overflowing ends", [](const Array& z) { return exp(z / 1e3) - 2; }, -1e30, 1e30, good, 1e3 * std::log(2.0)},
      {"underflowing products", [](const Array& z) { return 1e-20 * (z * z * z - 2); }, 0, 3, good, std::cbrt(2.0)},
      {"steep at one end", [](const Array& z) { return exp(z) - 1e6; }, 0, 80, good, 6 * std::log(10.0), 1e-14},
      {"near 0", [](const Array& z) { return z - 1e-30; }, -1, 1, good, 1e-30},
      {"0", [](const Array& z) { return z; }, -1, 2, good, 0},
      {"triple, at 0", [](const Array& z) { return z * z * z; }, -1, 2, good, 0},
      {"triple, beside 0", [](const Array& z) { return power(z - root2, 3); }, -1, 4, good, root2},
      // Rounding hides such a root up to the cube root of eps, which is too much in float32.
      {"triple, expanded", [](const Array& z) { return ((z - 3) * z + 3) * z - 1; }, -2, 5, good, 1, 1e-4, stuck},
      {"cube root", [](const Array& z) { return cbrt(z - root2); }, -1, 4, good, root2},
      {"ninth root", [](const Array& z) { return sign(z - 0.7) * power(abs(z - 0.7), 1.0 / 9); }, -1, 4, good, 0.7},
      {"a root at the lower end", [](const Array& z) { return z + 1; }, -1, 1, good, -1},
      {"a root at the upper end", [](const Array& z) { return z - 1; }, -1, 1, good, 1},
      {"a root at the end of the domain", [](const Array& z) { return sqrt(z); }, 0, 1, good, 0},
      {"of size 0", [](const Array& z) { return z - 1; }, 1, 1, good, 1},
      {"noise as large as the root", [](const Array& z) { return cos(z + pi / 2); }, -1, 1, good, 0, 1e-15},
      {"no root in it", [](const Array& z) { return z - 1; }, -3, 0, none},
      {"two roots in it", [](const Array& z) { return z * z - 1; }, -3, 2, none},
      {"of size 0, without a root", [](const Array& z) { return z - 1; }, 2, 2, none},
      {"NaN at an end", [](const Array& z) { return sqrt(2 - z) - 1; }, 0, 3, none},
      {"an end that is no number", [](const Array& z) { return z - 1; }, std::nan(""), 3, none},
      {"a jump", [](const Array& z) { return sign(z - 0.3) - 0.5; }, -2, 3, stuck},
      {"a jump at 0", [](const Array& z) { return sign(z) - 0.5; }, -2, 3, stuck},
      {"a jump between slopes", [](const Array& z) { return z + where(z > 0.3, 1.0, -2.0); }, -2, 3, stuck},
      {"a pole", [](const Array& z) { return 1 / (z - 1); }, 0, 3, stuck},
      {"a pole in noise", [](const Array& z) { return 1 / (2 - z * z * z); }, 0, 3, stuck},
      {"a tangent's pole", [](const Array& z) { return tan(z); }, 1, 2, stuck},
      {"nothing but noise", [](const Array& z) { return (z + 1e20) - 1e20 - 1; }, -1e5, 1e5, stuck, 0, 0, none},
      {"vanishing about the root", [](const Array& z) { return (z - 0.7) * exp(-1 / square(z - 0.7)); }, -10, 10.5,
       stuck},
      {"NaN inside", [](const Array& z) { return z - 1 + 0 * log(square(z - 1) - 0.01); }, -5, 2,
       StatusCode::nonfinite},
  };
}

class Brackets : public testing::TestWithParam<Case> {};

TEST_P(Brackets, EndAsTheyShould) {
  const Case& c = GetParam();
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    const bool single = d == Dtype::float32;
    const double eps = single ? 1.2e-7 : 2.2e-16, digits = single ? std::cbrt(c.digits / 1e-15) * 1.2e-7 : c.digits;
    for (const auto& info : tests::solvers_for(Kind::bracketed_root)) {
      const auto s =
          root(c.f, Bracket{array(c.a, d), array(c.b, d)}, {.solver = info.make({}), .on_failure = OnFailure::best});
      const StatusCode wanted = single ? c.single : c.status;
      EXPECT_TRUE(s.status == wanted) << info.name << name(d) << s.status << s.value;
      // Each half has three evaluations, of which there are 64 and some, or 32 and some.
      EXPECT_LE(s.steps.item<std::int64_t>(), single ? 150 : 280) << info.name << name(d);
      if (!(s.status == StatusCode::converged)) {
        EXPECT_TRUE(std::isinf(s.error_estimate.item<double>()) || wanted == StatusCode::nonfinite)
            << info.name << name(d);
        continue;
      }
      const double z = s.value.item<double>(), size = c.root == 0 ? 1 : std::fabs(c.root),
                   off = std::fabs(z - c.root) / size;
      if (c.digits < 1e-6) { EXPECT_LE(off, std::max(digits, eps)) << info.name << name(d); }
      // What it says is no less than what it is; of a root at 0 there is nothing to be said in relation to it.
      if (c.root != 0) { EXPECT_LE(off, s.error_estimate.item<double>() + eps) << info.name << name(d); }
      if (c.digits <= 1e-14 && c.root != 0) {
        EXPECT_LE(s.error_estimate.item<double>(), 1e3 * eps) << info.name << name(d);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Brackets, testing::ValuesIn(cases()), [](const auto& info) {
  std::string out;
  for (char c : info.param.name) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return out;
});

TEST(Brackets, TakeFewStepsWhereFIsSmooth) {
  auto steps = [](const Solver& solver) {
    const auto s = root([](const Array& z) { return cos(z) - z; }, Bracket{0.0, 1.0}, {.solver = solver});
    return s.steps.item<std::int64_t>();
  };
  EXPECT_LE(steps(Chandrupatla{}), 8);
  EXPECT_LE(steps(ITP{}), 10);
  EXPECT_GE(steps(Bisection{}), 50);
  // Its worst case is that of bisection and `slack` more.
  auto hard = [](const Array& z) { return power(z - root2, 19); };
  for (int slack : {0, 1, 4}) {
    const auto s = root(hard, Bracket{1.0, 2.0}, {.solver = ITP{.slack = slack}});
    EXPECT_LE(s.steps.item<std::int64_t>(), 53 + slack) << slack;
  }
}

TEST(Brackets, EachElementIsAProblemOfItsOwn) {
  const Array a = array({{1e-8, 2.0, 3.0}, {4.0, 5e8, 6.0}}), upper = array({{1.0}, {1e6}});
  auto f = [&](const Array& z) { return z * z - a; };
  for (const auto& info : tests::solvers_for(Kind::bracketed_root)) {
    const auto all = root(f, Bracket{zeros({2, 3}), upper * ones({2, 3}) + 2}, {.solver = info.make({})});
    EXPECT_LE(max(abs(all.value / sqrt(a) - 1)).item(), 3e-16) << info.name;
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 3; ++j) {
        const auto one = root([&](const Array& z) { return z * z - a(i, j); }, Bracket{array(0.0), upper(i, 0) + 2},
                              {.solver = info.make({})});
        EXPECT_EQ(one.value.item(), all.value(i, j).item()) << info.name << i << j;
      }
    }
  }
}

TEST(Brackets, ToleranceMaxStepsAndHistory) {
  auto f = [](const Array& z) { return z * z - 2; };
  for (const auto& info : tests::solvers_for(Kind::bracketed_root)) {
    const auto loose = root(f, Bracket{0.0, 4.0}, {.solver = info.make({}), .tolerance = 1e-3, .history = 100});
    const auto steps = loose.steps.item<std::int64_t>();
    EXPECT_LE(loose.residual_norm.item(), 2e-3) << info.name;
    EXPECT_EQ(loose.history(0).item(), 2) << info.name;
    EXPECT_EQ(loose.history(steps).item(), loose.residual_norm.item()) << info.name;
    EXPECT_GT(loose.history(steps - 1).item(), 2e-3) << info.name;
    EXPECT_TRUE(std::isnan(loose.history(steps + 1).item())) << info.name;
    EXPECT_LE(std::fabs(loose.value.item() / root2 - 1), loose.error_estimate.item()) << info.name;
    // Where the bracket has come to its end without.
    const auto never = root([](const Array& z) { return z * z - 2 + 0.3 * sin(1e6 * z); }, Bracket{0.0, 4.0},
                            {.solver = info.make({}), .tolerance = {1e-30, 0}, .on_failure = OnFailure::best});
    EXPECT_TRUE(never.status == StatusCode::stagnated || never.residual_norm.item() == 0) << info.name << never.status;
    const auto few =
        root(f, Bracket{0.0, 4.0}, {.solver = info.make({}), .max_steps = 3, .on_failure = OnFailure::best});
    EXPECT_TRUE(few.status == StatusCode::max_steps) << info.name << few.status;
    EXPECT_EQ(few.steps.item<std::int64_t>(), 3) << info.name;
    const auto nothing =
        root([](const Array& z) { return z; }, Bracket{0.0, 4.0}, {.solver = info.make({}), .max_steps = 0});
    EXPECT_EQ(nothing.value.item(), 0) << info.name;
  }
}

TEST(Brackets, AreWatched) {
  for (const auto& info : tests::solvers_for(Kind::bracketed_root)) {
    CancelToken token;
    std::int64_t told = 0;
    auto monitor = [&](const StepReport& r) {
      told = r.step;
      if (r.step == 2) token.cancel();
    };
    const auto s =
        root([](const Array& z) { return exp(z) - 3; }, Bracket{0.0, 40.0},
             {.solver = info.make({}), .on_failure = OnFailure::best, .watch = {.monitor = monitor, .token = token}});
    EXPECT_TRUE(s.status == StatusCode::cancelled) << info.name << s.status;
    EXPECT_EQ(told, 2) << info.name;
    EXPECT_EQ(s.steps.item<std::int64_t>(), 2) << info.name;
  }
}

TEST(MiddleOf, HalvesTheNumbersBetween) {
  struct Middle {
    double lo, hi, least, most;
  };
  const double tiny = std::numeric_limits<double>::min(), most = std::numeric_limits<double>::max();
  const Middle all[] = {{-3, 5, 0, 0},
                        {1, 3, 2, 2},
                        {-3, -1, -2, -2},
                        {1, 1e10, 9e4, 1.1e5},
                        {-1e10, -1, -1.1e5, -9e4},
                        {0, 1, 1e-155, 1e-153},
                        {-1, 0, -1e-153, -1e-155},
                        {0, tiny, 0.4 * tiny, 0.6 * tiny},
                        {0.5 * most, most, 0.7 * most, 0.8 * most}};
  for (const Middle& m : all) {
    const double found = detail::middle_of(array({m.lo}), array({m.hi}))(0).item();
    EXPECT_GE(found, m.least) << m.lo;
    EXPECT_LE(found, m.most) << m.hi;
  }
}

}  // namespace bracketing_test
