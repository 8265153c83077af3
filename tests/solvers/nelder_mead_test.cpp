// Nelder and Mead's method: where its values lead, and what it says where they lead nowhere.
#include "dini/solvers/nelder_mead.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/automatic.hpp"
#include "tests/solvers/accurate.hpp"

namespace nelder_mead_test {

using namespace dini;
using tests::largest;

Array valley(const Array& a, const Array& z) { return 100 * square(z(1) - square(z(0))) + square(a - z(0)); }

TEST(NelderMead, FindsAllDigitsAndTheirDerivatives) {
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    auto solved = [&](const Array& a) { return minimize(valley, array({-1.2, 1.0}, d), {.solver = NelderMead{}}, a); };
    const auto s = solved(array(1.0, d));
    EXPECT_EQ(s.status, StatusCode::converged);
    EXPECT_LE(largest(s.value - 1), d == Dtype::float64 ? 1e-14 : 1e-6) << s.value;
    // As many evaluations as the simplex method takes, and little more.
    EXPECT_LE(s.evaluations.item<std::int64_t>(), 300);
    EXPECT_LE(
        largest(jacrev([&](const Array& a) { return solved(a).value; })(array(1.0, d)) - astype(array({1.0, 2.0}), d)),
        d == Dtype::float64 ? 1e-11 : 1e-3);
  }
}

TEST(NelderMead, OfOneAndOfManyUnknowns) {
  for (std::int64_t n : {1, 3, 12}) {
    const Array at = 1.0 + arange(1.0 * static_cast<double>(n));
    auto e = [&](const Array& z) { return sum(square(z - at)) + 0.1 * power(sum(z - at), 4); };
    const auto s = minimize(e, zeros({n}), {.solver = NelderMead{}});
    EXPECT_LE(largest(s.value - at), 1e-13) << n;
  }
  EXPECT_EQ(minimize([](const Array& z) { return sum(z); }, zeros({0}), {.solver = NelderMead{}}).status,
            StatusCode::converged);
}

TEST(NelderMead, GoesOverNoiseAndAroundWhatIsNoNumber) {
  // A ripple too short for a gradient to show the way.
  auto rippled = [](const Array& z) { return sum(square(z - 3.0)) + 1e-3 * sum(1 - cos(200.0 * (z - 3.0))); };
  const auto s = minimize(rippled, array({-1.0, 2.0}), {.solver = NelderMead{}, .on_failure = OnFailure::best});
  EXPECT_LE(s.objective.item(), 5e-3) << s.value;
  auto half = [](const Array& z) { return sum(z - log(z)); };
  EXPECT_LE(largest(minimize(half, array({0.01, 5.0}), {.solver = NelderMead{.size = 1}}).value - 1), 1e-13);
}

TEST(NelderMead, AKinkIsNoMinimumWithADerivative) {
  auto e = [](const Array& z) { return sum(abs(z - array({1.0, -2.0}))); };
  const auto s = minimize(e, array({3.0, 3.0}), {.solver = NelderMead{}, .on_failure = OnFailure::best});
  EXPECT_NE(s.status, StatusCode::converged);
  EXPECT_LE(largest(s.value - array({1.0, -2.0})), 1e-4) << s.value;
  const auto falling = minimize([](const Array& z) { return -sum(square(z)); }, array({1.0, 2.0}),
                                {.solver = NelderMead{}, .on_failure = OnFailure::best});
  EXPECT_EQ(falling.status, StatusCode::unbounded);
}

TEST(NelderMead, OptionsAndNames) {
  auto e = [](const Array& z) { return valley(array(1.0), z); };
  const NelderMead plain{.expansion = 2, .contraction = 0.5, .shrinkage = 0.5};
  const Array z0 = array({-1.2, 1.0});
  // Of two unknowns Gao and Han's coefficients are those of Nelder and Mead.
  EXPECT_EQ(minimize(e, z0, {.solver = plain}).steps.item<std::int64_t>(),
            minimize(e, z0, {.solver = NelderMead{}}).steps.item<std::int64_t>());
  EXPECT_THROW(minimize(e, z0, {.solver = NelderMead{.shrinkage = 1}}), ValueError);
  EXPECT_THROW(minimize(e, z0, {.solver = NelderMead{.size = 0}}), ValueError);
  EXPECT_THROW(least_squares([](const Array& z) { return z; }, z0, {.solver = NelderMead{}}), ValueError);
  const auto tried = detail::automatic_sequence(Kind::minimize, 2);
  EXPECT_EQ(std::count(tried.begin(), tried.end(), "nelder_mead"), 0);
}

TEST(NelderMead, LanesAndFunctionsThatReadValues) {
  const Array a = array({0.5, 1.0, 1.5});
  auto one = [](const Array& a) { return minimize(valley, array({-1.2, 1.0}), {.solver = NelderMead{}}, a); };
  const auto lanes = vmap(one)(a);
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(lanes.steps(k).item<std::int64_t>(), one(a(k)).steps.item<std::int64_t>());
    EXPECT_LE(largest(lanes.value(k) - one(a(k)).value), 1e-14);
  }
  auto reads = [](const Array& z) { return square(z(0) - 2) + (z(1).item() > 0 ? square(z(1) - 1) : 1 - z(1)); };
  const auto s = minimize(reads, array({0.5, 0.3}), {.solver = NelderMead{}, .stage = false});
  EXPECT_LE(largest(s.value - array({2.0, 1.0})), 1e-13);
}

}  // namespace nelder_mead_test
