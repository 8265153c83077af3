// Brackets by every method for them, in both dtypes: how a solve ends, how far from the root, and how far it says.
#include "dini/solvers/bracketing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"
#include "tests/solvers/brackets.hpp"

namespace bracketing_test {

using namespace dini;

const double root2 = std::sqrt(2.0);

using Case = tests::BracketCase;

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

INSTANTIATE_TEST_SUITE_P(All, Brackets, testing::ValuesIn(tests::bracket_cases()), [](const auto& info) {
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
