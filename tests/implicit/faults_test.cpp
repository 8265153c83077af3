// What solves survive: functions that are bad, that throw, that change. Each test is one promise.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "faults.hpp"

namespace faults_test {

// ---- 1 to 4: NaN and infinity --------------------------------------------------------------------------------------------

TEST(Faults, NanAtTheStartSaysSoWithTheIndex) {
  for (bool stage : {true, false}) {
    auto F = [](const Array& z) { return log(z) - 1.0; };
    const SolveError e = solve_error([&] { root(F, vec({1, 2, -3, 4}), {.solver = Newton{}, .stage = stage}); });
    EXPECT_EQ(e.code, StatusCode::nonfinite);
    expect_has(e.what(), {"newton", "nonfinite", "at the start", "index 2"});
    EXPECT_EQ(e.steps.item<int>(), 0);
    EXPECT_EQ(e.value.to_vector<double>(), (std::vector<double>{1, 2, -3, 4}));
    for (const Solver& s : {Solver(ForwardIteration{}), Solver(Anderson{}), Solver(fwd_solver), Solver(newton_solver),
                            Solver(anderson_solver)}) {
      auto f = [](const Array& z) { return log(z) + 2.0; };
      EXPECT_EQ(solve_error([&] {
                  fixed_point(f, vec({1, -2}), {.solver = s, .stage = stage});
                }).code,
                StatusCode::nonfinite)
          << s.name();
    }
  }
}

TEST(Faults, NanAtATrialPointIsBacktrackedFrom) {
  // Newton's full step from 3 goes to log's far side: 3 - 3·log 3 < 0.
  for (bool stage : {true, false}) {
    const auto s = root([](const Array& z) { return log(z); }, vec({3}), {.solver = Newton{}, .stage = stage});
    EXPECT_TRUE(s.status == StatusCode::converged);
    EXPECT_NEAR(at(s.value, 0), 1, 1e-14);
  }
}

TEST(Faults, NonfiniteWhereNoSmallerStepHelps) {
  // F has a value at the start alone.
  auto F = [](const Array& z) { return where(z == 1.0, z, nan); };
  EXPECT_EQ(solve_error([&] { root(F, vec({1}), {.solver = Newton{}}); }).code, StatusCode::nonfinite);
}

TEST(Faults, InfinityIsNeverConverged) {
  for (const Solver& s : {Solver(Newton{}), Solver(ForwardIteration{}), Solver(Anderson{}), Solver(fwd_solver),
                          Solver(newton_solver), Solver(anderson_solver)}) {
    auto f = [](const Array& z) { return exp(square(z)) * 1e200; };
    const auto r = fixed_point(f, vec({1, 1}), {.solver = s, .on_failure = OnFailure::best});
    EXPECT_TRUE(r.status != StatusCode::converged) << s.name();
    auto g = [](const Array& z) { return z + inf; };
    const auto q = fixed_point(g, vec({1, 1}), {.solver = s, .on_failure = OnFailure::best});
    EXPECT_TRUE(q.status == StatusCode::nonfinite) << s.name();
    EXPECT_EQ(q.steps.item<int>() > 2, false) << s.name();
  }
}

TEST(Faults, AnInfiniteSlopeIsNoCorrection) {
  // z = √(1 - z) + 2 from 0: the first step ends at z = 1, where the slope is infinite and the Newton correction 0.
  auto f = [](const Array& z) { return sqrt(1 - z) + 2; };
  const SolveError e = solve_error([&] { fixed_point(f, array(0.0), {.solver = Newton{}}); });
  EXPECT_NE(e.code, StatusCode::converged);
}

TEST(Faults, NanOnlyInTheJacobianWithRowAndColumn) {
  // |z₁ - 1|^(1/2)-like slope: the value at z₁ = 1 is finite, its derivative there is 0/0 (‖·‖ at 0).
  for (bool stage : {true, false}) {
    auto F = [](const Array& z) {
      return stack({z(0) - 2.0, z(0) + z(2), z(1) * 1.0 + norm(z(slice(1, 2)) - 1.0) + 1.0});
    };
    const SolveError e = solve_error([&] { root(F, vec({0, 1, 0}), {.solver = Newton{}, .stage = stage}); });
    EXPECT_EQ(e.code, StatusCode::nonfinite);
    expect_has(e.what(), {"row 2", "column 1"});
  }
}

// ---- 5 to 7: exceptions of the function ------------------------------------------------------------------------------------

struct Thrown {
  int call;
};

TEST(Faults, WhatTheFunctionThrowsComesOutAndNothingStaysBehind) {
  // Eager residuals: loops over the call that throws, through value, gradient and both nestings of second derivatives.
  const Array t = vec({0.3});
  int calls = 0, fatal = 0;
  auto f = [&](const Array& t, const Array& z) {
    if (++calls == fatal) throw Thrown{calls};
    return cos(z) + t;
  };
  auto solve = [&](const Array& t) {
    return fixed_point(f, zeros_like(t), {.solver = Newton{}, .stage = false}, t).value(0);
  };
  using Action = std::function<double()>;
  const Action actions[] = {
      [&] { return solve(t).item(); },
      [&] { return grad(solve)(t)(0).item(); },
      [&] { return grad([&](const Array& a) { return grad(solve)(a)(0); })(t)(0).item(); },
      [&] { return jvp([&](const Array& a) { return grad(solve)(a)(0); }, t, ones_like(t)).tangent.item(); },
  };
  const double wanted[] = {0.91209242766275, 0.55841394343907, -0.10658246707, -0.10658246707};
  for (int k = 0; k < 4; ++k) {
    calls = fatal = 0;
    EXPECT_NEAR(actions[k](), wanted[k], 1e-9);
    const int all = calls;
    EXPECT_GT(all, 3);
    for (int n = 1; n <= all; ++n) {
      calls = 0;
      fatal = n;
      try {
        actions[k]();
        ADD_FAILURE() << "action " << k << ", call " << n << ": nothing was thrown";
      } catch (const Thrown& thrown) { EXPECT_EQ(thrown.call, n); }
      ASSERT_EQ(current_trace(), nullptr) << "action " << k << ", call " << n;
    }
    calls = fatal = 0;
    EXPECT_NEAR(actions[k](), wanted[k], 1e-9);
  }
  // A staged residual is called once and throws while it is traced.
  auto traced = [](const Array&) -> Array { throw Thrown{1}; };
  EXPECT_THROW(root(traced, t), Thrown);
  EXPECT_THROW(jit([&](const Array& a) { return root(traced, a).value; })(t), Thrown);
  EXPECT_THROW(vmap([&](const Array& a) { return root(traced, a).value; })(reshape(t, {1, 1})), Thrown);
  EXPECT_EQ(current_trace(), nullptr);
}

TEST(Faults, AUsersSolverThatThrows) {
  int calls = 0, fatal = 0;
  auto solver = [&](const Function& f, const Array& z0) {
    Array z = z0;
    for (int k = 0; k < 60; ++k) {
      if (++calls == fatal) throw Thrown{calls};
      z = f(z);
    }
    return z;
  };
  auto solve = [&](const Array& t) {
    return sum(fixed_point([](const Array& t, const Array& z) { return 0.5 * sin(z) + t; }, zeros_like(t),
                           {.solver = solver}, t)
                   .value);
  };
  for (int n : {1, 7, 60}) {
    calls = 0;
    fatal = n;
    EXPECT_THROW(grad(solve)(vec({0.3})), Thrown);
    EXPECT_EQ(current_trace(), nullptr);
  }
  calls = fatal = 0;
  EXPECT_NEAR(solve(vec({0})).item(), 0, 1e-12);
}

TEST(Faults, AThrowInTheBackwardPassLeavesTheForwardResultIntact) {
  bool fatal = true;
  auto layer = custom_vjp<nondiff_argnums<>>([](const Array& x) { return 2.0 * x; },
                                             [](auto, const Array& x) { return std::pair(2.0 * x, x); },
                                             [&](const Array&, const Array& bar) {
                                               if (fatal) throw Thrown{1};
                                               return std::tuple(2.0 * bar);
                                             });
  auto h = [&](const Array& t) {
    return layer(fixed_point([](const Array& t, const Array& z) { return 0.5 * z + t; }, zeros_like(t), {}, t).value);
  };
  const auto r = vjp(h, vec({1}));
  EXPECT_THROW(r.pullback(vec({1})), Thrown);
  EXPECT_EQ(current_trace(), nullptr);
  EXPECT_NEAR(at(r.value, 0), 4, 1e-14);
  fatal = false;
  EXPECT_NEAR(at(r.pullback(vec({1})), 0), 4, 1e-14);
}

// ---- 8 to 14 ------------------------------------------------------------------------------------------------------------

TEST(Faults, AResidualOfTheWrongLength) {
  for (bool stage : {true, false}) {
    const std::string m = message<ShapeError>([&] {
      root([](const Array& z) { return z(slice(0, 2)); }, vec({1, 2, 3}), {.stage = stage});
    });
    expect_has(m, {"root", "(2,)", "(3,)"});
    expect_has(message<ShapeError>([&] {
                 fixed_point([](const Array& z) { return stack({z, z}); }, vec({1, 2, 3}), {.stage = stage});
               }),
               {"fixed_point", "(2, 3)", "(3,)"});
  }
}

TEST(Faults, AShapeOrDtypeThatChangesBetweenCalls) {
  int calls = 0;
  auto f = [&](const Array& z) { return ++calls < 3 ? 0.5 * z + 1.0 : stack({z, z}); };
  message<ShapeError>([&] { fixed_point(f, vec({1, 2}), {.solver = ForwardIteration{}, .stage = false}); });
  calls = 0;
  auto g = [&](const Array& z) { return ++calls < 3 ? 0.5f * z + 1.0f : astype(0.5 * z, float64); };
  expect_has(message<DtypeError>([&] {
               fixed_point(g, astype(vec({1, 2}), float32), {.solver = ForwardIteration{}, .stage = false});
             }),
             {"float64", "float32"});
  // From float32 to z's float64 is the documented promotion.
  auto h = [](const Array& z) { return astype(0.5 * z + 1.0, float32); };
  const auto s = fixed_point(h, vec({1}), {.solver = ForwardIteration{}, .tolerance = 1e-6});
  EXPECT_EQ(s.value.dtype(), float64);
  EXPECT_NEAR(at(s.value, 0), 2, 1e-5);
  // An integer residual has no derivative.
  expect_has(message<DtypeError>([&] { root([](const Array& z) { return astype(z, int64); }, vec({1})); }), {"int64"});
}

TEST(Faults, AResidualThatDoesNotDependOnZ) {
  for (bool stage : {true, false}) {
    EXPECT_EQ(
        solve_error([&] {
          root([](const Array& z) { return zeros_like(z) + 1.0; }, vec({1, 2}), {.solver = Newton{}, .stage = stage});
        }).code,
        StatusCode::singular);
    EXPECT_EQ(solve_error([&] {
                root(
                    [](const Array& z) {
                      return stack({z(0) - 2.0, z(0) - 1.0});
                    },
                    vec({1, 2}), {.solver = Newton{}, .stage = stage});
              }).code,
              StatusCode::singular);
  }
}

TEST(Faults, ANondeterministicFunctionEndsByItsBudget) {
  double state = 0.5;
  auto f = [&](const Array& z) {
    state = 3.9 * state * (1 - state);
    return z * 0.5 + state;
  };
  for (const Solver& s : {Solver(ForwardIteration{}), Solver(Anderson{})}) {
    const auto r =
        fixed_point(f, vec({1, 2}), {.solver = s, .max_steps = 200, .on_failure = OnFailure::best, .stage = false});
    EXPECT_TRUE(r.status != StatusCode::converged) << s.name();
    EXPECT_LE(r.steps.item<int>(), 200);
  }
}

}  // namespace faults_test
