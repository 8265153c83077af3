// Systems of nonlinear equations from the literature, each by the default solver from the start that is customary, without
// options: that the point found is a root, that it is a root that is known, and that its derivative in a parameter put into
// the equations is what re-solving with that parameter moved shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"
#include "tests/solvers/systems.hpp"

namespace systems_test {

using namespace dini;
using namespace dini::tests::literature;

double distance(const Point& a, const Point& b) {
  double d = 0;
  for (std::size_t k = 0; k < a.size(); ++k) d = std::max(d, std::fabs(a[k] - b[k]));
  return d;
}
using tests::largest;

// A direction in which the equations are moved, of their own size and without symmetry.
Array direction(std::size_t size) {
  Point w;
  for (std::size_t k = 0; k < size; ++k) w.push_back(std::sin(1.7 * static_cast<double>(k + 1)) + 0.3);
  return array(w);
}

class Systems : public testing::TestWithParam<System> {};

TEST_P(Systems, RootByTheDefaultSolver) {
  const System& s = GetParam();
  const auto found = root(s.f, array(s.start), {.on_failure = OnFailure::best});
  EXPECT_TRUE(found.status == StatusCode::converged) << found.status;
  EXPECT_LE(largest(s.f(found.value)), 1e-8);
  const Point z = found.value.to_vector<double>();
  if (!s.roots.empty()) {
    double nearest = 1e300;
    for (const Point& r : s.roots) nearest = std::min(nearest, distance(z, r));
    EXPECT_LE(nearest, s.digits) << found.value;
  }
  if (!std::isnan(s.sum)) { EXPECT_NEAR(sum(found.value).item(), s.sum, s.digits); }
}

TEST_P(Systems, DerivativeIsThatOfTheMovedProblem) {
  const System& s = GetParam();
  const Array w = direction(s.start.size());
  Array z0 = array(s.start);
  auto solved = [&](const Array& t) {
    return root([&](const Array& t, const Array& z) { return s.f(z) - t * w; }, z0, {}, t).value;
  };
  const Array t0 = array(0.0);
  if (s.singular) {
    try {
      jvp(solved, t0, ones_like(t0));
      ADD_FAILURE() << "a singular point has been given a derivative";
    } catch (const SolveError& error) { EXPECT_EQ(error.code, StatusCode::singular) << error.what(); }
    return;
  }
  auto tangent = [&](const Array& t) { return jvp(solved, t, ones_like(t)).tangent; };
  const Array z = solved(t0), dz = tangent(t0);
  EXPECT_LE(largest(jvp(s.f, z, dz).tangent - w), 1e-11 * norm(jacobian(s.f)(z)).item() * largest(dz));
  if (s.stiff) return;
  // Richardson's extrapolation of central differences, in steps that are short beside z and its curvature.
  const double curvature = largest(jvp(tangent, t0, ones_like(t0)).tangent);
  const double h = 1e-2 * std::min(std::max(largest(z), 1e-3) / largest(dz), largest(dz) / (curvature + 1e-300));
  z0 = z;
  auto difference = [&](double step) { return (solved(array(step)) - solved(array(-step))) / (2 * step); };
  const Array d1 = difference(h), d2 = difference(h / 2), d4 = difference(h / 4);
  const Array first = (4 * d2 - d1) / 3, second = (4 * d4 - d2) / 3, wanted = (16 * second - first) / 15;
  EXPECT_LE(largest(dz - wanted), 1e-8 * largest(dz)) << dz << wanted;
  // Reverse mode is its transpose.
  const Array c = cos(arange(static_cast<double>(s.start.size())));
  const Array slope = grad([&](const Array& t) { return sum(c * solved(t)); })(t0);
  EXPECT_NEAR(slope.item(), sum(c * dz).item(), 1e-10 * sum(abs(c * dz)).item());
}

INSTANTIATE_TEST_SUITE_P(Literature, Systems, testing::ValuesIn(systems()), [](const auto& info) {
  std::string name;
  for (char c : info.param.name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(SystemsWithTraps, ALeastResidualThatIsNoRootIsNoSuccess) {
  // ‖F‖ has a minimum near (11.41, -0.8968), into which it falls from the customary start.
  const auto s = root(freudenstein, array({.5, -2.0}), {.solver = Newton{}, .on_failure = OnFailure::best});
  EXPECT_TRUE(s.status == StatusCode::stagnated) << s.status;
  EXPECT_GT(s.residual_norm.item(), 6);
}

TEST(SystemsOnGrids, BrusselatorKeepsItsMean) {
  const auto s = root(brusselator, array(brusselator_start()));
  const std::int64_t half = brusselator_side * brusselator_side;
  EXPECT_NEAR(mean(s.value(slice(0, half))).item(), 1 + mean(brusselator_source()).item(), 1e-12);
}

TEST(SystemsOnGrids, BratuInOneDimension) {
  // u(½) = 2 log cosh(θ/4) with θ = √(2λ) cosh(θ/4).
  auto middle = [](const Array& lambda) {
    const Array t = root([](const Array& l, const Array& t) { return t - sqrt(2 * l) * cosh(t / 4); },
                         Array(array(1.0)), {}, lambda)
                        .value;
    return 2 * log(cosh(t / 4));
  };
  EXPECT_NEAR(middle(array(1.0)).item(), .140539214400, 1e-12);
  EXPECT_NEAR(grad(middle)(array(1.0)).item(), .159202806197, 1e-12);
}

// Δu + λeᵘ = 0 on the unit square, 31 × 31 points inside.
auto bratu_residual() {
  return [](const Array& lambda, const Array& u) { return 1024.0 * laplacian(u) + lambda * exp(u); };
}
TEST(SystemsOnGrids, BratuInTwoDimensions) {
  auto u = [](const Array& lambda) { return root(bratu_residual(), zeros({31, 31}), {}, lambda).value; };
  const auto [value, slope] = jvp(u, array(6.0), array(1.0));
  EXPECT_NEAR(max(value).item(), .7969498614, 1e-9);
  // λ dt moves the equation by eᵘ dt: the tangent solves the linearised equation.
  EXPECT_LE(largest(1024.0 * laplacian(slope) + 6.0 * exp(value) * slope + exp(value)), 1e-8);
}
TEST(SystemsOnGrids, BratuBeyondItsFoldHasNoRoot) {
  const auto s = root(bratu_residual(), zeros({31, 31}), {.max_steps = 15, .on_failure = OnFailure::best}, array(6.9));
  EXPECT_TRUE(s.status != StatusCode::converged) << s.status;
  EXPECT_TRUE(all(isfinite(s.value)).item<bool>());
}
TEST(SystemsOnGrids, CubicLaplace) {
  const auto s = root([](const Array& u) { return 1024.0 * laplacian(u) - (power(u, 3) - u - 2.0); }, zeros({31, 31}));
  EXPECT_NEAR(s.value(15, 15).item(), .155645, 5e-7);
}

}  // namespace systems_test
