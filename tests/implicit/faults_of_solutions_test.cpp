// What solves survive: points without a derivative, bad options, lanes that fail. Each test is one promise.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "faults.hpp"

namespace faults_test {

// ---- 15 to 24: derivatives that are not there --------------------------------------------------------------------------------

TEST(Faults, AMultipleRootHasNoDerivative) {
  for (const Adjoint& adjoint : {Adjoint(Direct{}), Adjoint(GMRES{})}) {
    for (bool stage : {true, false}) {
      for (int power : {2, 3}) {
        auto z = [&](const Array& t) {
          return root([&](const Array& t, const Array& z) { return dini::power(z, power) - t; }, vec({1}),
                      {.solver = Newton{}, .adjoint = adjoint, .stage = stage}, t)
              .value;
        };
        // The solve reports what it found; small it is, and finite.
        const Array found = z(vec({0}));
        EXPECT_LT(std::fabs(at(found, 0)), 1e-3);
        EXPECT_EQ(solve_error([&] { grad([&](const Array& t) { return sum(z(t)); })(vec({0})); }).code,
                  StatusCode::singular)
            << power << adjoint.name() << stage;
        EXPECT_EQ(solve_error([&] { jvp(z, vec({0}), vec({1})); }).code, StatusCode::singular) << power;
        if (stage) {
          auto compiled = jit([&](const Array& t) { return grad([&](const Array& t) { return sum(z(t)); })(t); });
          EXPECT_EQ(solve_error([&] { compiled(vec({0})); }).code, StatusCode::singular);
        }
      }
    }
  }
}

TEST(Faults, NearlySingularSaysSoWithTheConditionNumber) {
  // Rows that differ in the last bit only, whatever the scale.
  const Array A = array({{1.0, 2.0}, {0.5, 1.0 + 2e-16}}) * 1e6;
  auto z = [&](const Array& b) {
    return root([&](const Array& b, const Array& z) { return dot(A, z - 1.0) + b; }, vec({1, 1}), {}, b).value;
  };
  const SolveError e = solve_error([&] { grad([&](const Array& b) { return sum(z(b)); })(vec({0, 0})); });
  EXPECT_EQ(e.code, StatusCode::singular);
  expect_has(e.what(), {"condition number"});
  // Bad scaling alone is not singular.
  const Array D = vec({1e-9, 1, 1e9});
  auto scaled = [&](const Array& b) {
    return root([&](const Array& b, const Array& z) { return D * z - b; }, vec({0, 0, 0}), {}, b).value;
  };
  const Array g = grad([&](const Array& b) { return sum(scaled(b)); })(vec({1, 1, 1}));
  EXPECT_NEAR(at(g, 0), 1e9, 1);
  EXPECT_NEAR(at(g, 2), 1e-9, 1e-21);
}

TEST(Faults, AStalledAdjointIsAnError) {
  const Array P = array({{0.0, 1.0, 0.0, 0.0}, {0.0, 0.0, 1.0, 0.0}, {0.0, 0.0, 0.0, 1.0}, {1.0, 0.0, 0.0, 0.0}});
  auto loss = [&](const Adjoint& adjoint) {
    return [&, adjoint](const Array& b) {
      return sum(root([&](const Array& b, const Array& z) { return dot(P, z) - b; }, zeros({4}),
                      {.solver = Newton{}, .adjoint = adjoint}, b)
                     .value *
                 vec({1, 0, 0, 0}));
    };
  };
  const Array b = vec({1, 2, 3, 4});
  const Array g = grad(loss(GMRES{}))(b);
  EXPECT_NEAR(at(g, 3), 1, 1e-12);
  const SolveError e = solve_error([&] { grad(loss(GMRES{.restart = 2}))(b); });
  EXPECT_TRUE(e.code == StatusCode::stagnated || e.code == StatusCode::max_steps) << e.what();
  expect_has(e.what(), {"gmres"});
  solve_error([&] { jit([&](const Array& b) { return grad(loss(GMRES{.restart = 2}))(b); })(b); });
  // Conjugate gradients on an indefinite matrix.
  const Array S = array({{1.0, 0.0}, {0.0, -1.0}});
  auto indefinite = [&](const Array& b) {
    return sum(root([&](const Array& b, const Array& z) { return dot(S, z) - b; }, zeros({2}),
                    {.solver = Newton{}, .adjoint = CG{}}, b)
                   .value);
  };
  EXPECT_EQ(solve_error([&] { grad(indefinite)(vec({1, 1})); }).code, StatusCode::breakdown);
}

TEST(Faults, AnUnconvergedSolveHasNoDerivativeUnlessAskedFor) {
  for (bool stage : {true, false}) {
    FixedPointOptions o{.solver = ForwardIteration{}, .tolerance = 1e-12, .max_steps = 3, .stage = stage};
    auto z = [&](const FixedPointOptions& o) {
      return [&, o](const Array& t) {
        return sum(
            fixed_point([](const Array& t, const Array& z) { return 0.5 * sin(z) + t; }, zeros_like(t), o, t).value);
      };
    };
    EXPECT_EQ(solve_error([&] { z(o)(vec({1})); }).code, StatusCode::max_steps);
    EXPECT_EQ(solve_error([&] { grad(z(o))(vec({1})); }).code, StatusCode::max_steps);
    o.on_failure = OnFailure::best;
    EXPECT_TRUE(std::isfinite(z(o)(vec({1})).item()));
    EXPECT_EQ(solve_error([&] { grad(z(o))(vec({1})); }).code, StatusCode::max_steps);
    expect_has(solve_error([&] { grad(z(o))(vec({1})); }).what(), {"derivative_anyway"});
    o.derivative_anyway = true;
    // At the point returned: 1/(1 - cos(z)/2).
    const auto [value, slope] = value_and_grad(z(o))(vec({1}));
    EXPECT_NEAR(at(slope, 0), 1 / (1 - 0.5 * std::cos(value.item())), 1e-12);
    o.on_failure = OnFailure::nan;
    EXPECT_TRUE(std::isnan(z(o)(vec({1})).item()));
    EXPECT_TRUE(std::isnan(at(grad(z(o))(vec({1})), 0)));
  }
}

TEST(Faults, AValueThatIsNoSolution) {
  auto lazy = [](const Function& f, const Array& z) { return f(z) + 0.5; };
  for (const Adjoint& adjoint : {Adjoint(Direct{}), Adjoint(GMRES{}), Adjoint(SameSolver{})}) {
    for (bool stage : {true, false}) {
      auto z = [&](const Array& t) {
        return sum(fixed_point([](const Array& t, const Array& z) { return 0.5 * sin(z) + t; }, ones_like(t),
                               {.solver = owning(lazy), .adjoint = adjoint, .stage = stage}, t)
                       .value);
      };
      EXPECT_EQ(solve_error([&] { grad(z)(vec({1, 2})); }).code, StatusCode::not_a_solution) << adjoint.name() << stage;
    }
  }
}

TEST(Faults, AnExpansiveMapDiverges) {
  for (bool stage : {true, false}) {
    const SolveError e = solve_error([&] {
      fixed_point([](const Array& z) { return 2.0 * z + 1.0; }, vec({1, 2}),
                  {.solver = ForwardIteration{}, .stage = stage});
    });
    EXPECT_EQ(e.code, StatusCode::diverged);
    for (double v : e.value.to_vector<double>()) EXPECT_TRUE(std::isfinite(v));
    expect_has(e.what(), {"forward_iteration", "diverged"});
  }
}

TEST(Faults, AKinkAtTheSolution) {
  // |z| has slope +1 at 0: dz/dθ = ½.
  auto z = [](const Array& t) {
    return sum(
        root([](const Array& t, const Array& z) { return z + abs(z) - t; }, ones_like(t), {.solver = Newton{}}, t)
            .value);
  };
  EXPECT_NEAR(z(vec({0})).item(), 0, 1e-14);
  EXPECT_NEAR(at(grad(z)(vec({0})), 0), 0.5, 1e-14);
}

// ---- 25 to 31: options ----------------------------------------------------------------------------------------------------

TEST(Faults, OptionsOutOfRange) {
  auto f = [](const Array& z) { return 0.5 * z; };
  const Array z0 = vec({1});
  auto with = [&](const FixedPointOptions& o) { return message<ValueError>([&] { fixed_point(f, z0, o); }); };
  expect_has(with({.tolerance = nan}), {"fixed_point", "tolerance", "0 or more", "nan"});
  expect_has(with({.tolerance = -1e-3}), {"tolerance", "0 or more", "-0.001"});
  expect_has(with({.tolerance = {1e-3, -1}}), {"tolerance", "0 or more"});
  expect_has(with({.max_steps = -2}), {"max_steps", "0 or more", "-2"});
  expect_has(with({.history = -1}), {"history", "0 or more"});
  expect_has(with({.accept = nan}), {"accept", "0 or more"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.adjoint = GMRES{.restart = 0}}); }), {"gmres", "restart"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.adjoint = GMRES{.tolerance = nan}}); }), {"tolerance"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.adjoint = Neumann{.terms = 0}}); }), {"neumann", "terms"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.solver = ForwardIteration{.damping = 1}}); }),
             {"damping", "[0, 1)"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.solver = Anderson{.history = 0}}); }),
             {"history", "1 or more"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.solver = Anderson{.mixing = nan}}); }), {"mixing"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.solver = Newton{.max_halvings = -1}}); }),
             {"max_halvings"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.solver = FwdSolver{.tolerance = nan}}); }), {"tolerance"});
  expect_has(message<ValueError>([&] { fixed_point(f, z0, {.solver = AndersonSolver{.m = 1}}); }),
             {"anderson_solver", "m "});
  expect_has(message<ValueError>([&] { root(f, z0, {.solver = Anderson{}}); }),
             {"root", "anderson", "for fixed_point"});
  expect_has(message<ValueError>([&] { root(f, z0, {.adjoint = SameSolver{}}); }), {"same_solver", "for fixed_point"});
}

TEST(Faults, NoStepsAllowed) {
  for (bool stage : {true, false}) {
    for (const Solver& s : {Solver(Newton{}), Solver(ForwardIteration{}), Solver(Anderson{}), Solver(fwd_solver),
                            Solver(newton_solver), Solver(anderson_solver)}) {
      const auto r = fixed_point([](const Array& z) { return cos(z); }, vec({0.5, 2}),
                                 {.solver = s, .max_steps = 0, .on_failure = OnFailure::best, .stage = stage});
      EXPECT_TRUE(r.status == StatusCode::max_steps) << s.name();
      EXPECT_EQ(r.steps.item<int>(), 0) << s.name();
      EXPECT_EQ(r.value.to_vector<double>(), (std::vector<double>{0.5, 2})) << s.name();
    }
  }
}

TEST(Faults, TheStartIsASolution) {
  for (bool stage : {true, false}) {
    for (const Solver& s : {Solver(Newton{}), Solver(ForwardIteration{}), Solver(Anderson{})}) {
      for (std::int64_t most : {-1, 0}) {
        auto z = [&](const Array& t) {
          return fixed_point([](const Array& t, const Array& z) { return 0.5 * z + t; }, vec({2, 4}),
                             {.solver = s, .max_steps = most, .stage = stage}, t);
        };
        const auto r = z(vec({1, 2}));
        EXPECT_TRUE(r.status == StatusCode::converged);
        EXPECT_EQ(r.steps.item<int>(), 0);
        EXPECT_EQ(r.value.to_vector<double>(), (std::vector<double>{2, 4}));
        EXPECT_EQ(grad([&](const Array& t) { return sum(z(t).value); })(vec({1, 2})).to_vector<double>(),
                  (std::vector<double>{2, 2}));
      }
    }
  }
}

TEST(Faults, ASolverObjectUsedAgain) {
  for (const Solver& s : {Solver(Newton{}), Solver(Anderson{}), Solver(ForwardIteration{}), Solver(anderson_solver)}) {
    auto z = [&](const Array& t) {
      return fixed_point([](const Array& t, const Array& z) { return 0.25 * z + t; }, zeros_like(t), {.solver = s}, t)
          .value;
    };
    for (int n : {3, 1, 7, 3}) {
      const Array got = z(arange(n) * 1.0);
      for (int k = 0; k < n; ++k) EXPECT_NEAR(at(got, k), k / 0.75, 1e-4) << s.name();
    }
    EXPECT_EQ(z(astype(vec({3}), float32)).dtype(), float32);
  }
}

TEST(Faults, AnEmptyUnknown) {
  for (bool stage : {true, false}) {
    for (const Solver& s : {Solver(Newton{}), Solver(ForwardIteration{}), Solver(Anderson{})}) {
      auto z = [&](const Array& t) {
        return fixed_point([](const Array& t, const Array& z) { return 0.5 * z + t; }, zeros({0}),
                           {.solver = s, .stage = stage}, t);
      };
      const auto r = z(zeros({0}));
      EXPECT_TRUE(r.status == StatusCode::converged) << s.name();
      EXPECT_EQ(r.steps.item<int>(), 0);
      EXPECT_EQ(r.value.shape(), Shape{0});
      EXPECT_EQ(grad([&](const Array& t) { return sum(z(t).value); })(zeros({0})).shape(), Shape{0});
    }
    auto root_of = [&](const Array& t) {
      return root([](const Array& t, const Array& z) { return z - t; }, zeros({0}),
                  {.adjoint = GMRES{}, .stage = stage}, t)
          .value;
    };
    EXPECT_EQ(grad([&](const Array& t) { return sum(root_of(t)); })(zeros({0})).shape(), Shape{0});
  }
}

// ---- 35: lanes ----------------------------------------------------------------------------------------------------------------

// z² = t, z0 = 1: no real root for t < 0.
auto lane_root(FixedPointOptions o) {
  return [o](const Array& t) {
    return root([](const Array& t, const Array& z) { return square(z) - t; }, Array(array(1.0)), o, t);
  };
}

TEST(Faults, AFailingLaneLeavesTheOthersRight) {
  const Array t = vec({4, -1, 9, 2.25});
  const auto s = vmap(lane_root({.solver = Newton{}, .on_failure = OnFailure::best}))(t);
  const std::vector<std::int64_t> codes = s.status.code.to_vector<std::int64_t>();
  const double roots[] = {2, 0, 3, 1.5};
  for (std::size_t k : {0u, 2u, 3u}) {
    EXPECT_EQ(codes[k], 0);
    EXPECT_NEAR(at(s.value, static_cast<int>(k)), roots[k], 1e-14);
  }
  EXPECT_NE(codes[1], 0);
  EXPECT_TRUE(std::isfinite(at(s.value, 1)));

  const SolveError e = solve_error([&] { vmap(lane_root({.solver = Newton{}}))(t); });
  EXPECT_EQ(e.status.shape(), Shape{4});
  EXPECT_EQ(e.value.shape()[0], 4);
  EXPECT_EQ(e.steps.shape(), Shape{4});
  EXPECT_EQ(e.residual_norm.shape(), Shape{4});
  EXPECT_EQ(e.status.to_vector<std::int64_t>(), codes);
  EXPECT_NEAR(e.value.to_vector<double>()[2], 3, 1e-14);
  expect_has(e.what(), {"lane 1", "1 of 4"});

  auto loss = [](const Array& t) {
    return sum(vmap(lane_root({.solver = Newton{}, .on_failure = OnFailure::nan}))(t).value);
  };
  const Array z = vmap(lane_root({.solver = Newton{}, .on_failure = OnFailure::nan}))(t).value, g = grad(loss)(t);
  for (std::size_t k = 0; k < 4; ++k) {
    const int i = static_cast<int>(k);
    if (k == 1) {
      EXPECT_TRUE(std::isnan(at(z, i)));
      EXPECT_TRUE(std::isnan(at(g, i)));
    } else {
      EXPECT_NEAR(at(z, i), roots[k], 1e-14);
      EXPECT_NEAR(at(g, i), 0.5 / roots[k], 1e-14);
    }
  }
  // A lane whose derivative alone is singular: z² = 0.
  const Array with_zero = vec({4, 0, 9});
  const SolveError d = solve_error(
      [&] { grad([](const Array& t) { return sum(vmap(lane_root({.solver = Newton{}}))(t).value); })(with_zero); });
  EXPECT_EQ(d.code, StatusCode::singular);
  EXPECT_EQ(d.status.to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{0, static_cast<int>(StatusCode::singular), 0}));
  const Array h = grad(loss)(with_zero);
  EXPECT_NEAR(at(h, 0), 0.25, 1e-14);
  EXPECT_TRUE(std::isnan(at(h, 1)));
  EXPECT_NEAR(at(h, 2), 1.0 / 6, 1e-14);
}

TEST(Faults, TheReportOfAFailedSolve) {
  const SolveError e = solve_error([] {
    fixed_point([](const Array& z) { return cos(z); }, vec({0.5, 1}), {.solver = ForwardIteration{}, .max_steps = 4});
  });
  EXPECT_EQ(e.code, StatusCode::max_steps);
  EXPECT_EQ(e.steps.item<int>(), 4);
  EXPECT_EQ(e.value.shape(), Shape{2});
  const Array r = cos(e.value) - e.value;
  EXPECT_NEAR(e.residual_norm.item(), norm(r).item(), 1e-15);
  EXPECT_NE(e.solver.find("forward_iteration"), std::string::npos);
  expect_has(e.what(), {"forward_iteration", "max_steps", "4 steps", "residual norm"});
}

// ---- the textbook's solvers ------------------------------------------------------------------------------------------------------

TEST(Faults, TheTextbooksSolversEnd) {
  // A rotation: the residual never falls.
  auto rotation = [](const Array& z) { return stack({-z(1), z(0)}); };
  const auto s = fixed_point(rotation, vec({1, 0}), {.solver = fwd_solver, .on_failure = OnFailure::best});
  EXPECT_TRUE(s.status == StatusCode::stagnated);
  EXPECT_LE(s.steps.item<int>(), 1001);
  // float32 at ‖z‖ in the hundreds: 1e-5 is out of reach.
  auto slow = [](const Array& z) { return where(z > 400.0, z * 0.999 + 1.0e-4, z * 0.999 + 0.7); };
  const auto t =
      fixed_point(slow, array(std::vector<float>{500}), {.solver = fwd_solver, .on_failure = OnFailure::best});
  EXPECT_TRUE(t.status != StatusCode::converged);
  // NaN ends the plain loop as if converged.
  auto fails = [](const Array& z) { return where(z > 3.0, nan, z + 1.0); };
  EXPECT_TRUE(fixed_point(fails, vec({0}), {.solver = fwd_solver, .on_failure = OnFailure::best}).status ==
              StatusCode::nonfinite);
  EXPECT_TRUE(fixed_point(fails, vec({0}), {.solver = newton_solver, .on_failure = OnFailure::best}).status !=
              StatusCode::converged);
  EXPECT_TRUE(fixed_point(fails, vec({0}), {.solver = anderson_solver, .on_failure = OnFailure::best}).status !=
              StatusCode::converged);
  // max_steps.
  const auto u = fixed_point([](const Array& z) { return cos(z); }, vec({1}),
                             {.solver = FwdSolver{.max_steps = 7}, .on_failure = OnFailure::best});
  EXPECT_TRUE(u.status == StatusCode::max_steps);
  EXPECT_EQ(u.steps.item<int>(), 7);
}

}  // namespace faults_test
