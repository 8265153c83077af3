// What a user meets who chooses nothing, and what failed lanes leave to the others.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace defaults_test {

using namespace dini;
using tests::largest;

Array layer(const Array& W, const Array& x, const Array& z) { return tanh(2.0 * dot(W, z) / std::sqrt(20.0) + x); }

TEST(Default, SolvesLayersThatDoNotContract) {
  const int n = 20, draws = 200;
  const Array W = random::normal(random::key(7), {draws, n, n}), x = random::normal(random::key(8), {draws, n});
  const auto s = vmap([&](const Array& W, const Array& x) {
    return fixed_point(layer, zeros({n}), {.on_failure = OnFailure::best}, W, x);
  })(W, x);
  EXPECT_EQ(count_nonzero(s.status.code).item<std::int64_t>(), 0);
  for (int k = 0; k < draws; ++k) { EXPECT_LE(largest(layer(W(k), x(k), s.value(k)) - s.value(k)), 1e-12) << k; }
  // One alone, with the name of the solver that found it.
  const auto one = fixed_point([](const Array& z) { return cos(z); }, array({0.3}));
  EXPECT_EQ(one.solver(), "forward_iteration");
  const auto steep = fixed_point([](const Array& z) { return 3.0 * cos(z); }, array({1.0}));
  EXPECT_LE(largest(3.0 * cos(steep.value) - steep.value), 1e-14);
}

TEST(Default, MaxStepsIsForTheWholeSequence) {
  const auto s = fixed_point([](const Array& z) { return z + 1.0 + square(z); }, array({0.3}),
                             {.max_steps = 25, .on_failure = OnFailure::best});
  EXPECT_EQ(s.status.get(), StatusCode::max_steps);
  EXPECT_LE(s.steps.item<std::int64_t>(), 25);
}

// Lane 1 has no root, lane 2 a double one.
Array lane_roots(const Array& p, const Array& t, OnFailure f) {
  return vmap([&](const Array& t) {
    return root([](const Array& p, const Array& t, const Array& z) { return p * square(z) - t; }, Array(array(1.0)),
                {.on_failure = f}, p, t)
        .value;
  })(t);
}

TEST(MaskedLanes, LeaveTheGradientOfWhatIsSharedToTheGoodOnes) {
  const Array t = array({4.0, -1.0, 0.0, 9.0}), p = array(1.0), good = array({1.0, 0.0, 0.0, 1.0});
  auto loss = [&](const Array& p) {
    const Array z = lane_roots(p, t, OnFailure::nan);
    return sum(where(good > 0, z, 0.0));
  };
  // z = √(t/p): dz/dp = -½√t at p = 1.
  EXPECT_NEAR(grad(loss)(p).item(), -2.5, 1e-14);
  EXPECT_NEAR(jit(grad(loss))(p).item(), -2.5, 1e-14);
  EXPECT_NEAR(hessian(loss)(p).item(), 0.75 * 5, 1e-13);
  // Unmasked, the failure is seen, in both modes.
  const Array moved = jvp([&](const Array& t) { return lane_roots(p, t, OnFailure::nan); }, t, ones({4})).tangent;
  for (int k = 0; k < 4; ++k) EXPECT_EQ(std::isnan(moved(k).item()), k == 1 || k == 2) << k;
  EXPECT_TRUE(std::isnan(grad([&](const Array& p) { return sum(lane_roots(p, t, OnFailure::nan)); })(p).item()));
}

TEST(Adjoint, OnFailureHoldsForItsOwnFailure) {
  // Too few products for what is asked.
  const int n = 30;
  const Array k = arange(1.0 * n);
  auto z = [&](const FixedPointOptions& o) {
    return [&, o](const Array& t) {
      return sum(k * root([&](const Array& t, const Array& z) { return (1 + k * k) * z + sin(roll(z, 1)) - t; },
                          zeros({n}), o, t)
                         .value);
    };
  };
  FixedPointOptions o{.solver = Newton{}, .adjoint = GMRES{.restart = 2, .max_steps = 4}};
  const Array t = cos(k);
  EXPECT_THROW(grad(z(o))(t), SolveError);
  o.on_failure = OnFailure::nan;
  EXPECT_TRUE(all(isnan(grad(z(o))(t))).item<bool>());
  o.on_failure = OnFailure::best;
  EXPECT_THROW(grad(z(o))(t), SolveError);
  o.derivative_anyway = true;
  EXPECT_TRUE(all(isfinite(grad(z(o))(t))).item<bool>());
}

TEST(Adjoint, SameSolverHasItsOwnLimitOfSteps) {
  auto map = [](const Array& t, const Array& z) { return 0.9 * sin(z) + t; };
  auto z = [&](const FixedPointOptions& o) {
    return [&, o](const Array& t) { return sum(fixed_point(map, zeros({2}), o, t).value); };
  };
  const Array t = array({0.1, 0.4}), wanted = grad(z({.solver = ForwardIteration{}, .adjoint = Direct{}}))(t);
  // As many steps as the solve needs, and fewer than its adjoint would have with them.
  FixedPointOptions o{.solver = ForwardIteration{}, .max_steps = 400, .adjoint = SameSolver{}};
  EXPECT_LE(largest(grad(z(o))(t) - wanted), 1e-9);
  o.adjoint = SameSolver{.max_steps = 3};
  EXPECT_THROW(grad(z(o))(t), SolveError);
}

TEST(Errors, OfShapesSayThatZComesLast) {
  try {
    fixed_point(
        [](const Array& z, const Array& x) {
          return dot(z, ones({3, 3})) + sum(x);
        },
        zeros({2}), {}, ones({3}));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& e) { EXPECT_NE(std::string(e.what()).find("z last"), std::string::npos) << e.what(); }
  try {
    minimize([](const Array& z) { return square(z); }, zeros({2}));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ShapeError& e) { EXPECT_NE(std::string(e.what()).find("scalar"), std::string::npos) << e.what(); }
}

TEST(ImplicitFunction, DifferentiatesAPointThatOneHas) {
  // √t, from nowhere.
  auto z = [](const Array& t) {
    return implicit_function([](const Array& t, const Array& z) { return square(z) - t; }, array({2.0, 3.0}), {}, t);
  };
  const Array t = array({4.0, 9.0});
  EXPECT_EQ(z(t).to_vector<double>(), (std::vector<double>{2, 3}));
  EXPECT_LE(largest(diagonal(jacrev(z)(t)) - array({.25, 1.0 / 6})), 1e-15);
  EXPECT_LE(largest(diagonal(jacfwd(z)(t)) - array({.25, 1.0 / 6})), 1e-15);
  EXPECT_NEAR(hessian([&](const Array& t) { return z(t)(0); })(t)(0, 0).item(), -0.25 * 0.125, 1e-14);
  // Optimality conditions by themselves: the minimum of ½k(x - y)².
  auto x = [](const Array& y) {
    return implicit_function(
        [](const Array& y, const Array& x) {
          return grad([&](const Array& v) { return sum(1.5 * square(v - y)); })(x);
        },
        array({1.0}), {}, y);
  };
  EXPECT_NEAR(grad([&](const Array& y) { return sum(x(y)); })(array({1.0}))(0).item(), 1, 1e-15);
  // A point that does not meet them.
  try {
    implicit_function([](const Array& t, const Array& z) { return square(z) - t; }, array({2.5, 3.0}), {}, t);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SolveError& e) { EXPECT_EQ(e.code, StatusCode::not_a_solution); }
}

TEST(ImplicitFunction, TakesASolverOfOnesOwnAndWhatItsConditionsNeedBesides) {
  // The lasso of one variable each: z = argmin ½(z - t)² + λ|z|. Which z are 0 the solver says.
  auto solver = [](const Array& t, const Array& lambda) {
    const Array active = abs(t) > lambda;
    return std::pair<Array, Array>(where(active, t - sign(t) * lambda, zeros_like(t)), active);
  };
  auto conditions = [](const Array& t, const Array& lambda, const Array& z, const Array& active) {
    return where(active, z - t + lambda * sign(z), z);
  };
  auto z = [&](const Array& t, const Array& lambda) {
    return implicit_function(solver, conditions, {}, t, lambda).first;
  };
  const Array t = array({2.0, -3.0, 0.25}), lambda = array(0.5);
  EXPECT_EQ(z(t, lambda).to_vector<double>(), (std::vector<double>{1.5, -2.5, 0}));
  EXPECT_EQ(implicit_function(solver, conditions, {}, t, lambda).second.to_vector<bool>(),
            (std::vector<bool>{true, true, false}));
  for (const auto& by : {std::function<Array(const Array&, const Array&)>(jacrev<0>(z)),
                         std::function<Array(const Array&, const Array&)>(jit(jacfwd<0>(z)))}) {
    EXPECT_EQ(diagonal(by(t, lambda)).to_vector<double>(), (std::vector<double>{1, 1, 0}));
  }
  EXPECT_EQ(jacrev<1>(z)(t, lambda).to_vector<double>(), (std::vector<double>{-1, 1, 0}));
  const Array lanes = vmap([&](const Array& t) { return jacrev<1>(z)(t, lambda); })(stack({t, -t}));
  EXPECT_EQ(lanes.to_vector<double>(), (std::vector<double>{-1, 1, 0, 1, -1, 0}));
  // A solver of z alone: its steps have no part in the derivative.
  auto root_of = [](const Array& a) {
    return implicit_function([](const Array& a) { return floor(sqrt(a) * 1e6) / 1e6; },
                             [](const Array& a, const Array& z) { return z * z - a; }, {}, a);
  };
  EXPECT_NEAR(grad(root_of)(2.0).item(), 0.5 / std::sqrt(2.0), 1e-6);
}

}  // namespace defaults_test
