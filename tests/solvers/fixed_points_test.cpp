// Solvers of fixed points that form no Jacobian, with their options; and what is no solution though F is 0.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace fixed_points_test {

using namespace dini;

Array layer(double slope, const Array& z) {
  const std::int64_t n = z.size();
  const Array W =
      astype(random::normal(random::key(3), {n, n}) * (slope / std::sqrt(static_cast<double>(n))), z.dtype());
  return tanh(dot(W, z) + astype(cos(arange(static_cast<double>(n))), z.dtype()));
}

template <class F> auto found(const F& f, const Array& z0, const Solver& solver, std::int64_t steps = -1) {
  return fixed_point(f, z0, {.solver = solver, .max_steps = steps, .on_failure = OnFailure::best});
}

TEST(Anderson, EveryOptionFindsTheSamePointInBothDtypes) {
  struct Options {
    std::string name;
    Anderson solver;
  };
  const Options all[] = {{"plain", {}},
                         {"long", {.history = 10}},
                         {"type 1", {.type = 1}},
                         {"mixing", {.mixing = 0.5}},
                         {"ridge", {.ridge = 1e-6}},
                         {"safeguard", {.safeguard = 1}},
                         {"restart", {.history = 8, .restart = 8}},
                         {"all", {8, 0.7, 1e-12, 1, 2, 20}}};
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    auto f = [](const Array& z) { return layer(1.2, z); };
    const Array z0 = zeros({20}, d), wanted = fixed_point(f, z0, {.solver = Newton{}}).value;
    for (const Options& o : all) {
      const auto s = found(f, z0, o.solver);
      EXPECT_TRUE(s.status == StatusCode::converged) << o.name << name(d) << s.status;
      EXPECT_LE(tests::largest(s.value - wanted), d == Dtype::float64 ? 1e-13 : 1e-5) << o.name << name(d);
      // To the bit the same with another lane beside it, where a safeguard is evaluated for both.
      const auto lanes = vmap([&](const Array& z) { return found(f, z, o.solver); })(stack({z0, z0 + 1}));
      EXPECT_LE(tests::largest(lanes.value(0) - wanted), d == Dtype::float64 ? 1e-13 : 1e-5) << o.name << name(d);
    }
  }
}

// Of linear maps in n unknowns n + 1 iterates are enough, of both types (Walker and Ni).
TEST(Anderson, SolvesLinearEquationsInAsManyStepsAsUnknowns) {
  const Array M = array({{1.2, 0.3, 0.0}, {-0.4, 0.8, 0.2}, {0.1, 0.5, -1.5}}), b = array({1.0, 2.0, 3.0});
  auto f = [&](const Array& z) { return dot(M, z) + b; };
  const Array wanted = solve(eye(3) - M, b);
  for (int type : {1, 2}) {
    const auto s = found(f, zeros({3}), Anderson{.type = type});
    EXPECT_TRUE(s.status == StatusCode::converged) << type << s.status;
    EXPECT_LE(tests::largest(s.value - wanted), 1e-13) << type;
    EXPECT_LE(s.steps.item<std::int64_t>(), 6) << type;
  }
}

TEST(Anderson, ASafeguardKeepsAwayFromWhereThereIsNoValue) {
  // Extrapolation from 0.99 leads beyond 1, where the root has none.
  auto f = [](const Array& z) { return 0.9 - sqrt(1 - z) * 0.4; };
  const auto without = found(f, array({0.99}), Anderson{}), with = found(f, array({0.99}), Anderson{.safeguard = 1});
  EXPECT_TRUE(with.status == StatusCode::converged) << with.status;
  EXPECT_LE(tests::largest(f(with.value) - with.value), 1e-15);
  EXPECT_GE(with.evaluations.item<std::int64_t>(), with.steps.item<std::int64_t>());
  if (without.status == StatusCode::converged) { EXPECT_LE(tests::largest(without.value - with.value), 1e-13); }
}

TEST(Aitken, IsQuadraticInEachElement) {
  const Array a = array({0.3, 1.0, 2.5, 3.0});
  auto f = [&](const Array& z) { return a * cos(z); };  // contracts for the first two alone
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    const auto s = found([&](const Array& z) { return astype(f(z), d); }, full({4}, Array(0.8), d), Aitken{});
    EXPECT_TRUE(s.status == StatusCode::converged) << name(d) << s.status;
    EXPECT_LE(s.steps.item<std::int64_t>(), 12) << name(d);
    EXPECT_LE(tests::largest(astype(f(s.value), d) - s.value), d == Dtype::float64 ? 1e-14 : 1e-6) << name(d);
  }
}

TEST(Aitken, ByOneFactorTakesAwayWhatDecaysSlowest) {
  const Array M = array({{0.95, 0.04}, {0.02, 0.3}}), b = array({1.0, 2.0});
  auto f = [&](const Array& z) { return dot(M, z) + b; };
  const Array wanted = solve(eye(2) - M, b);
  const auto plain = found(f, zeros({2}), ForwardIteration{}), s = found(f, zeros({2}), Aitken{.vector = 1});
  EXPECT_TRUE(s.status == StatusCode::converged) << s.status;
  EXPECT_LE(tests::largest(s.value / wanted - 1), 1e-13);
  EXPECT_LE(4 * s.evaluations.item<std::int64_t>(), plain.evaluations.item<std::int64_t>());
}

TEST(Newton, GoesWhereTheMapGoesOnceItsStepLeavesTheDomain) {
  // Its first step from 1.001 leads below 1, where the logarithm has no value; halves of it to the pole at 1.
  auto f = [](const Array& z) { return log(3.0 / z) / log(3.7477525683 * z / (z - 1)) + 1; };
  const auto s = found(f, array(1.001), Newton{});
  EXPECT_TRUE(s.status == StatusCode::converged) << s.status;
  EXPECT_NEAR(s.value.item(), 1.3000000000007972, 1e-12);
}

TEST(Criterion, WhatVanishesEverywhereIsNoRoot) {
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    for (const auto& info : tests::solvers_for(Kind::root)) {
      // chord judges by the slope of an earlier point, beside which the smallest numbers of float32 look like a short way.
      if (info.takes != Restriction::none || info.name == "chord") continue;
      const auto s = root([](const Array& z) { return exp(-z); }, array({2.0}, d),
                          {.solver = info.make({}), .on_failure = OnFailure::best});
      EXPECT_FALSE(s.status == StatusCode::converged) << info.name << name(d) << s.value;
    }
    const auto s = root([](const Array& z) { return exp(-z); }, array({2.0}, d), {.on_failure = OnFailure::best});
    EXPECT_FALSE(s.status == StatusCode::converged) << name(d) << s.value << s.solver();
  }
}

}  // namespace fixed_points_test
