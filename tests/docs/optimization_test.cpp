// The code of docs/optimization.md, and its numbers. snippets_test.cpp looks that the code is the same there.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace dini {
namespace {

TEST(OptimizationPage, Start) {
  auto cost = [](const Array& c, const Array& z) { return sum(square(z - c)); };
  auto disc = [](const Array&, const Array& z) { return sum(square(z)) - 1.0; };
  const Array u = array({0.7, 2.0});
  auto s = minimize(cost, array({0.5, 0.1}), subject_to(Bounds{0.0, u}, AtMost{disc}), {}, array({2.0, 1.0}));
  Array z = s.value;               // (0.7, 0.714143)
  Array mu = s.duals.upper;        // (2.03961, 0)
  Array lambda = s.duals.at_most;  // 0.40028
  // z₂ = √(1 - 0.49), λ = (1 - z₂)/z₂, μ = 2(2 - z₁) - 2λz₁.
  EXPECT_NEAR(z(1).item(), 0.714143, 1e-6);
  EXPECT_EQ(z(0).item(), 0.7);
  EXPECT_NEAR(lambda.item(), 0.40028, 1e-5);
  EXPECT_NEAR(mu(0).item(), 2.03961, 1e-5);
  EXPECT_EQ(mu(1).item(), 0);

  auto moved = minimize(cost, s, subject_to(Bounds{0.0, u}, AtMost{disc}), {}, array({2.1, 1.0}));
  std::string by = moved.solver();                // "start"
  auto steps = moved.steps.item<std::int64_t>();  // 0
  EXPECT_EQ(by, "start");
  EXPECT_EQ(steps, 0);
  EXPECT_NEAR(moved.value(1).item(), 0.714143, 1e-6);
}

TEST(OptimizationPage, Ties) {
  auto nearest = [](const Array& y) {  // of the numbers from 0 up
    return minimize([](const Array& y, const Array& z) { return 50.0 * square(z - y); }, array(3.0),
                    subject_to(Bounds{0.0, std::numeric_limits<double>::infinity()}), {}, y)
        .value;
  };
  double left = grad(nearest)(-1.0).item<double>();  // 0
  double tie = grad(nearest)(0.0).item<double>();    // 0.5
  double right = grad(nearest)(1.0).item<double>();  // 1
  EXPECT_EQ(left, 0);
  EXPECT_NEAR(tie, 0.5, 1e-12);
  EXPECT_NEAR(right, 1, 1e-12);
}

}  // namespace
}  // namespace dini
