#include "dini/solvers/from_multipliers.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "dini/dini.hpp"

namespace dini {
namespace from_multipliers_test {

// ‖z - (1, 2)‖² with z₁ + z₂ = b, z₁ ≥ 1/5, solved from z0, ν and λ.
auto solved(double b, const Array& z0, const Array& equal, const Array& at_most, const Solver& then,
            const MinimizeOptions& from = {}) {
  MinimizeOptions o = from;
  o.solver = Solver(detail::from_multipliers(then.method()));
  return minimize(
      [](const Array&, const Array&, const Array& z) {
        return sum(square(z - array({1.0, 2.0})));
      },
      z0,
      subject_to(Equal{[b](const Array&, const Array&, const Array& z) { return sum(z) - b; }},
                 AtMost{[](const Array&, const Array&, const Array& z) { return 0.2 - z(0); }}),
      o, equal, at_most);
}

TEST(FromMultipliers, ASolutionStays) {
  const auto o = solved(1, array({0.2, 0.8}), array({2.4}), array({0.8}), InteriorPoint{});
  EXPECT_EQ(o.solver(), "start");
  EXPECT_EQ(o.steps.item<std::int64_t>(), 0);
  EXPECT_NEAR(o.value(1).item<double>(), 0.8, 1e-15);
  EXPECT_NEAR(o.duals.at_most.item<double>(), 0.8, 1e-14);
}

TEST(FromMultipliers, AnotherProblemsSolutionIsFinished) {
  const auto o = solved(3.5, array({0.2, 0.8}), array({2.4}), array({0.8}), InteriorPoint{}, {.history = 3});
  EXPECT_EQ(o.solver(), "start");
  EXPECT_NEAR(o.value(0).item<double>(), 1.25, 1e-14);
  EXPECT_EQ(o.active.item<std::int64_t>(), 0);
  EXPECT_LT(o.history(0).item<double>(), 1e-15);
}

TEST(FromMultipliers, ElseTheSolverGoesOnFromThere) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto o = solved(3.5, array({0.2, 0.8}), array({nan}), array({nan}), InteriorPoint{});
  EXPECT_EQ(o.solver(), "interior_point");
  EXPECT_GT(o.steps.item<std::int64_t>(), 0);
  EXPECT_NEAR(o.value(0).item<double>(), 1.25, 1e-14);
  const auto by_auto = solved(3.5, array({0.2, 0.8}), array({nan}), array({nan}), Solver());
  EXPECT_EQ(by_auto.solver(), "interior_point");
}

// Each lane by itself: the first is there already, the second is not.
TEST(FromMultipliers, Lanes) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto f = [](const Array& equal) {
    const auto o = solved(1, array({0.2, 0.8}), equal, array({0.8}), InteriorPoint{});
    return std::tuple(o.value, o.method, o.steps);
  };
  const auto [z, method, steps] = vmap(f)(array({{2.4}, {nan}}));
  EXPECT_EQ(method.to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(steps.to_vector<std::int64_t>()[0], 0);
  EXPECT_LT(max(abs(z - array({0.2, 0.8}))).item<double>(), 1e-14);
}

}  // namespace from_multipliers_test
}  // namespace dini
