// Watched solves: monitors, tokens and deadlines, eagerly, compiled and in lanes.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <thread>
#include <vector>

#include "dini/dini.hpp"

namespace watch_solve_test {

using namespace dini;
using Clock = std::chrono::steady_clock;

Array slow_map(const Array& c, const Array& z) { return c * z + 1.0; }  // to 1/(1 - c)

bool all_equal(const Array& status, StatusCode c) { return all(status == static_cast<std::int64_t>(c)).item<bool>(); }

TEST(WatchedSolve, TheMonitorSeesEveryStep) {
  for (bool compiled : {false, true}) {
    std::vector<StepReport> seen;
    Watch watch{.monitor = [&](const StepReport& r) { seen.push_back(r); }};
    auto solve = [&](const Array& c) {
      const auto s =
          fixed_point(slow_map, zeros({1}), {.solver = ForwardIteration{}, .history = 200, .watch = watch}, c);
      return std::tuple(s.value, s.steps, s.history);
    };
    const Array c = array({0.5});
    const auto [z, steps, history] = compiled ? jit(solve)(c) : solve(c);
    EXPECT_NEAR(z(0).item(), 2, 1e-15);
    ASSERT_EQ(static_cast<std::int64_t>(seen.size()), steps.item<std::int64_t>() + 1) << compiled;
    for (std::size_t k = 0; k < seen.size(); ++k) {
      EXPECT_EQ(seen[k].step, static_cast<std::int64_t>(k));
      EXPECT_EQ(seen[k].lane, 0);
      EXPECT_EQ(seen[k].residual_norm, history(static_cast<std::int64_t>(k)).item());
      EXPECT_LE(seen[k].best_norm, seen[k].residual_norm);
    }
  }
}

TEST(WatchedSolve, LanesHaveTheirNumbersAndTheirOwnEnds) {
  std::vector<std::int64_t> last(3, -1);
  Watch watch{.monitor = [&](const StepReport& r) { last[static_cast<std::size_t>(r.lane)] = r.step; }};
  const auto s = vmap([&](const Array& c) {
    return fixed_point(slow_map, zeros({1}), {.solver = ForwardIteration{}, .watch = watch}, c);
  })(array({{0.1}, {0.9}, {0.5}}));
  for (std::int64_t k = 0; k < 3; ++k) {
    EXPECT_EQ(last[static_cast<std::size_t>(k)], s.steps(k).item<std::int64_t>()) << k;
  }
  EXPECT_GT(last[1], last[2]);
  EXPECT_GT(last[2], last[0]);
}

TEST(WatchedSolve, ATokenEndsItWithTheBestPoint) {
  for (bool compiled : {false, true}) {
    for (bool lanes : {false, true}) {
      CancelToken token;
      Watch watch{.monitor =
                      [&](const StepReport& r) {
                        if (r.step == 7) token.cancel();
                      },
                  .token = token};
      auto one = [&](const Array& c) {
        const auto s = fixed_point(slow_map, zeros({1}),
                                   {.solver = ForwardIteration{}, .on_failure = OnFailure::best, .watch = watch}, c);
        return std::tuple(s.value, s.status.code, s.steps);
      };
      auto all = [&](const Array& c) { return lanes ? vmap(one)(c) : one(c); };
      const Array c = lanes ? array({{0.999}, {0.0}}) : array({0.999});
      const auto [z, status, steps] = compiled ? jit(all)(c) : all(c);
      const auto at = [&](const Array& a) { return lanes ? a(0) : a; };
      EXPECT_EQ(at(status).item<std::int64_t>(), static_cast<std::int64_t>(StatusCode::cancelled)) << compiled << lanes;
      EXPECT_EQ(at(steps).item<std::int64_t>(), 7) << compiled << lanes;
      EXPECT_NEAR(at(z)(0).item(), (1 - std::pow(0.999, 7)) / (1 - 0.999), 1e-9) << compiled << lanes;
      // What had ended by itself stays as it was.
      if (lanes) { EXPECT_EQ(status(1).item<std::int64_t>(), 0) << compiled; }
    }
  }
}

TEST(WatchedSolve, ADeadlineEndsItUnlessAskedOtherwiseByAnError) {
  auto solve = [&](OnFailure f) {
    return fixed_point(slow_map, zeros({1}),
                       {.solver = ForwardIteration{},
                        .tolerance = {0, 0},
                        .max_steps = 1000000000,
                        .on_failure = f,
                        .watch = {.deadline = Deadline::in(0.05)}},
                       array({1 - 1e-13}));
  };
  const auto start = Clock::now();
  EXPECT_EQ(solve(OnFailure::best).status.get(), StatusCode::cancelled);
  try {
    solve(OnFailure::raise);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SolveError& e) { EXPECT_EQ(e.code, StatusCode::cancelled); }
  EXPECT_LT(std::chrono::duration<double>(Clock::now() - start).count(), 20);
}

TEST(WatchedSolve, ItsStartMayBeEndedAsWell) {
  // Newton's matrix at z0 is factorised before the first step.
  CancelToken token;
  token.cancel();
  for (bool compiled : {false, true}) {
    for (bool lanes : {false, true}) {
      auto one = [&](const Array& c) {
        const auto s = root([](const Array& c, const Array& z) { return z * z * z + z - c; }, ones({2}),
                            {.solver = Newton{}, .on_failure = OnFailure::best, .watch = {.token = token}}, c);
        return std::tuple(s.value, s.status.code, s.steps, s.evaluations);
      };
      auto all = [&](const Array& c) { return lanes ? vmap(one)(c) : one(c); };
      const Array c = lanes ? array({{2.0, 5.0}, {3.0, 1.0}}) : array({2.0, 5.0});
      const auto [z, status, steps, evaluations] = compiled ? jit(all)(c) : all(c);
      EXPECT_TRUE((all_equal(status, StatusCode::cancelled))) << compiled << lanes;
      EXPECT_EQ(max(steps).item<std::int64_t>(), 0) << compiled << lanes;
      EXPECT_EQ(max(evaluations).item<std::int64_t>(), 0) << compiled << lanes;
      EXPECT_EQ(max(abs(z - 1.0)).item(), 0) << compiled << lanes;
    }
  }
}

// What was cancelled is not finished, which takes as long as some steps: near its end a program would be solved by that.
TEST(WatchedSolve, AProgramThatIsCancelledIsLeftAsItIs) {
  const std::int64_t n = 12;
  const Array G = random::normal(random::key(3), {2 * n, n}, float64), q = random::normal(random::key(4), {n}, float64);
  const auto solved = [&](const Watch& watch) {
    return quadratic_program({.P = eye(n, float64), .q = q, .G = G, .h = ones({2 * n}, float64)},
                             {.on_failure = OnFailure::best, .watch = watch});
  };
  const std::int64_t steps = solved({}).steps.item<std::int64_t>();
  for (std::int64_t last = 0; last < steps; ++last) {
    const CancelToken token;
    const auto s = solved({.monitor =
                               [&](const StepReport& r) {
                                 if (r.step == last) token.cancel();
                               },
                           .token = token});
    EXPECT_EQ(s.status.get(), StatusCode::cancelled) << last;
    EXPECT_EQ(s.steps.item<std::int64_t>(), last);
    EXPECT_GT(s.residual_norm.item<double>(), 1e-15) << last;
    EXPECT_TRUE(std::isinf(s.error_estimate.item<double>())) << last;  // nobody has looked
  }
}

TEST(WatchedSolve, WhatAMonitorThrowsComesOut) {
  for (bool compiled : {false, true}) {
    Watch watch{.monitor = [](const StepReport& r) {
      if (r.step == 3) throw std::runtime_error("enough");
    }};
    auto solve = [&](const Array& c) {
      return fixed_point(slow_map, zeros({1}), {.solver = ForwardIteration{}, .watch = watch}, c).value;
    };
    EXPECT_THROW(compiled ? jit(solve)(array({0.5})) : solve(array({0.5})), std::runtime_error) << compiled;
  }
}

TEST(WatchedSolve, AutomaticEndsAsAWhole) {
  CancelToken token;
  std::int64_t calls = 0;
  Watch watch{.monitor =
                  [&](const StepReport&) {
                    if (++calls == 5) token.cancel();
                  },
              .token = token};
  // No fixed point: every solver of the sequence would have its try.
  const auto s = fixed_point([](const Array& z) { return z + 1.0 + square(z); }, array({0.3}),
                             {.on_failure = OnFailure::best, .watch = watch});
  EXPECT_EQ(s.status.get(), StatusCode::cancelled);
  EXPECT_LE(calls, 6);
}

TEST(WatchedSolve, DerivativesAreThoseOfTheUnwatched) {
  Watch watch{.monitor = [](const StepReport&) {}};
  auto slope = [&](const Watch& w) {
    return grad([&](const Array& c) {
      return sum(
          root([](const Array& c, const Array& z) { return z * z * z + z - c; }, ones({2}), {.watch = w}, c).value);
    })(array({2.0, 5.0}));
  };
  EXPECT_EQ(slope(watch).to_vector<double>(), slope({}).to_vector<double>());
}

}  // namespace watch_solve_test
