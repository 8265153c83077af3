// Chains, and how long plans are: numbers and short elementwise work as links of one step.
#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/dini.hpp"
#include "programs.hpp"

namespace dini::exec_tests {
namespace {

std::int64_t lines(const std::string& plan) { return std::count(plan.begin(), plan.end(), '\n'); }

// Everything that a link may be: arithmetic on one number of every dtype, conversions, choices, copies, short arrays.
TEST(Chains, OfNumbersOfEveryDtypeHaveTheInterpretersBits) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (Dtype dtype : {float32, float64, int32, int64}) {
    const bool floating = is_floating(dtype);
    auto f = [&](const Leaves& in) {
      const Array &a = in[0], &b = in[1];
      Leaves out{a + b,
                 a - b,
                 a * b,
                 a < b,
                 a <= b,
                 a == b,
                 a != b,
                 where(a < b, a, b),
                 maximum(a, b),
                 minimum(a, b),
                 (a < b) & ~(b < a),
                 (a < b) | (a == b),
                 (a < b) ^ (b <= a),
                 astype(a < b, dtype),
                 astype(a < b, int32),
                 broadcast_to(a, {3}) + 1,
                 a};
      if (floating) {
        for (const Array& x : {a / b, -a, abs(a), square(a), sqrt(abs(a)), astype(a, float32), astype(a, float64)})
          out.push_back(x);
        out.push_back(isfinite(a));
        out.push_back(isnan(a / b));
      } else {
        out.push_back(astype(a, int32));
        out.push_back(astype(a, float64));
      }
      return out;
    };
    for (double x : {0.0, -0.0, 1.5, -3.0, 1e30, nan, infinity, -infinity}) {
      for (double y : {0.0, -0.0, 2.25, nan, infinity}) {
        if (!floating && !(std::fabs(x) < 10 && std::fabs(y) < 10)) continue;
        const Case c = make_case(f, {astype(array(x), dtype), astype(array(y), dtype)});
        EXPECT_TRUE(agrees(c)) << name(dtype) << ' ' << x << ' ' << y;
      }
    }
  }
}

TEST(Chains, ACountersLoopIsOneStepATurn) {
  const Case c = make_case(
      [](const Leaves& in) {
        using State = std::tuple<Array, Array>;
        const State end = while_loop([](const State& s) { return (std::get<0>(s) < 100) & (std::get<1>(s) > 1e-3); },
                                     [](const State& s) {
                                       return State{std::get<0>(s) + 1, 0.5 * std::get<1>(s)};
                                     },
                                     State{array(std::int64_t{0}), in[0]});
        return Leaves{std::get<0>(end), std::get<1>(end)};
      },
      {array(8.0)});
  EXPECT_TRUE(agrees(c));
  // The start, the loop with its two parts, the end.
  EXPECT_LE(lines(Executable::compile(*c.program)->str()), 9) << Executable::compile(*c.program)->str();
}

// What a branch passes on is neither copied nor made anew.
TEST(Chains, BranchesPassOnWhatTheyGet) {
  const Case c = make_case(
      [](const Leaves& in) {
        const Leaves state{in[0] + 1.0, dot(in[0], in[0]), in[1] * 2.0};
        using State = std::tuple<Array, Array>;
        const State out = cond(
            state[2] > 0, [](const State& s) { return s; },
            [](const State& s) {
              return State{tanh(dot(std::get<1>(s), std::get<0>(s))), std::get<1>(s)};
            },
            State{state[0], state[1]});
        return Leaves{std::get<0>(out) + 1.0, std::get<1>(out) + 1.0};
      },
      {numbers({5, 5}, float64, 1), array(1.0)});
  EXPECT_TRUE(agrees(c));
  const std::string plan = Executable::compile(*c.program)->str();
  EXPECT_EQ(plan.find("copy"), std::string::npos) << plan;
}

// The Jacobian of z = tanh(W z + x) costs no transposition, and whether it is finite no array of truth values.
TEST(Chains, NewtonsPlanIsShort) {
  auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
  for (const Tolerance& tolerance : {Tolerance(), Tolerance(1e-10)}) {
    auto loss = [&](const Array& W, const Array& x) {
      return sum(fixed_point(f, zeros_like(x), {.solver = Newton{}, .tolerance = tolerance}, W, x).value);
    };
    auto both = [&](const Leaves& in) {
      const auto [value, gradient] = value_and_grad<0, 1>(loss)(in[0], in[1]);
      return Leaves{value, std::get<0>(gradient), std::get<1>(gradient)};
    };
    const Case c = make_case(both, {0.3 * numbers({10, 10}, float64, 1), numbers({10}, float64, 2)});
    const std::string plan = Executable::compile(*c.program)->str();
    EXPECT_LT(lines(plan), tolerance.given() ? 180 : 306) << plan;
    EXPECT_EQ(plan.find("isfinite 100"), std::string::npos);
    EXPECT_TRUE(agrees(c));
  }
}

}  // namespace
}  // namespace dini::exec_tests
