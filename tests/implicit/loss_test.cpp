// Robust losses, and how well a fit determines its parameters.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace loss_test {

using namespace dini;
using tests::largest;

struct Case {
  const char* name;
  Loss loss;
  std::function<double(double)> rho;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"squares", {}, [](double s) { return s; }},
      {"huber", huber(1.5), [](double s) { return s <= 1 ? s : 2 * std::sqrt(s) - 1; }},
      {"soft_l1", soft_l1(.7), [](double s) { return 2 * (std::sqrt(1 + s) - 1); }},
      {"cauchy", cauchy(.5), [](double s) { return std::log1p(s); }},
      {"tukey", tukey(3.0), [](double s) { return s <= 1 ? (1 - std::pow(1 - s, 3)) / 3 : 1.0 / 3; }},
  };
  return all;
}

TEST(Loss, HalfTheSquareIsWhatIsMadeLeast) {
  for (const Case& c : cases()) {
    for (double r : {0.0, 1e-9, -1e-4, .01, .2, -.7, 1.4, 1.6, -5.0, 1e3}) {
      const double w = c.loss.width, wanted = w * w * c.rho(r * r / (w * w));
      const Array f = c.loss(array({r, -r}));
      EXPECT_NEAR(f(0).item() * f(0).item(), wanted, 1e-14 * wanted + 1e-15 * w * w) << c.name << r;
      EXPECT_EQ(f(0).item(), -f(1).item()) << c.name;
    }
  }
}

TEST(Loss, DerivativesOfAllOrders) {
  for (const Case& c : cases()) {
    if (c.loss.shape == Loss::Shape::squares) continue;
    auto objective = [&](const Array& r) { return 0.5 * square(c.loss(r)); };
    auto first = grad(objective);
    auto second = grad([&](const Array& r) { return first(r); });
    auto third = grad([&](const Array& r) { return second(r); });
    const double w = c.loss.width;
    for (double r : {0.0, 1e-5, .1 * w, .316 * w, .5 * w, .9 * w, 1.2 * w, 4 * w}) {
      const double h = 1e-4 * w, s = r * r / (w * w);
      auto rho = [&](double at) { return .5 * w * w * c.rho(at * at / (w * w)); };
      const double slope = (rho(r + h) - rho(r - h)) / (2 * h);
      EXPECT_NEAR(first(array(r)).item(), slope, 1e-6 * w) << c.name << r;
      const double bend = (first(array(r + h)).item() - first(array(r - h)).item()) / (2 * h);
      EXPECT_NEAR(second(array(r)).item(), bend, 1e-6) << c.name << r << ' ' << s;
      const double twist = (second(array(r + h)).item() - second(array(r - h)).item()) / (2 * h);
      EXPECT_NEAR(third(array(r)).item(), twist, 1e-5 / w) << c.name << r;
    }
  }
}

// A line through points of which some are wrong.
const Array x = arange(0.0, 20.0);
const Array noise = .1 * sin(7 * arange(0.0, 20.0));
Array wrong() {
  Array y = 2 + .5 * x + noise;
  return y.at(3).add(30.0).at(11).add(-25.0).at(17).add(40.0);
}
auto line(const Array& y, const Array& z) { return z(0) + z(1) * x - y; }

TEST(Loss, WrongObservationsDoNotPullAFitAway) {
  const Array y = wrong();
  const Array plain = least_squares(line, array({0.0, 0.0}), {}, y).value;
  EXPECT_GT(largest(plain - array({2.0, .5})), .5);
  for (const Case& c : cases()) {
    if (c.loss.shape == Loss::Shape::squares) continue;
    const bool redescends = c.loss.shape == Loss::Shape::tukey || c.loss.shape == Loss::Shape::cauchy;
    const Array start = redescends ? array({1.5, .6}) : array({0.0, 0.0});
    const auto s = least_squares(line, start, {.loss = c.loss}, y);
    EXPECT_LE(largest(s.value - array({2.0, .5})), c.loss.shape == Loss::Shape::huber ? .35 : .2) << c.name << s.value;
    double objective = 0;
    for (double r : line(y, s.value).to_vector<double>())
      objective += .5 * c.loss.width * c.loss.width * c.rho(r * r / c.loss.width / c.loss.width);
    EXPECT_NEAR(s.objective.item(), objective, 1e-12 * objective) << c.name;
  }
}

TEST(Loss, TheDerivativeIsThatOfTheObjective) {
  const Array y = wrong();
  for (const Case& c : cases()) {
    const Array start = array({1.5, .6});
    auto fit = [&](const Array& y) { return least_squares(line, start, {.loss = c.loss}, y).value; };
    // The same as a minimum of the objective.
    auto minimum = [&](const Array& y) {
      return minimize([&](const Array& y, const Array& z) { return .5 * sum(square(c.loss(line(y, z)))); }, start, {},
                      y)
          .value;
    };
    const Array slope = jacrev(fit)(y);
    EXPECT_LE(largest(fit(y) - minimum(y)), 1e-11) << c.name;
    EXPECT_LE(largest(slope - jacrev(minimum)(y)), 1e-9) << c.name;
    const Array along = cos(3 * x), h = array(1e-4);
    EXPECT_LE(largest(dot(slope, along) - (fit(y + h * along) - fit(y - h * along)) / (2 * h)), 1e-6) << c.name;
    EXPECT_LE(largest(jit(jacfwd(fit))(y) - slope), 1e-11) << c.name;
    if (c.loss.shape == Loss::Shape::tukey) {
      EXPECT_LE(largest(slope(slice(), 3)), 1e-15) << "what is beyond the width has no say";
    }
  }
}

TEST(Loss, GoWithBounds) {
  const Array y = wrong();
  const auto free = least_squares(line, array({1.5, .6}), {.loss = cauchy(.5)}, y);
  const auto bounded =
      least_squares(line, array({1.5, .6}), subject_to(Bounds<Array, Array>{array({-10.0, -10.0}), array({10.0, .45})}),
                    {.loss = cauchy(.5)}, y);
  EXPECT_GT(free.value(1).item(), .45);
  EXPECT_NEAR(bounded.value(1).item(), .45, 1e-12);
  // At the bound the other is the best there is.
  auto rest = [&](const Array& z) { return cauchy(.5)(z(0) + .45 * x - y); };
  EXPECT_NEAR(bounded.value(0).item(), least_squares(rest, array({2.0})).value(0).item(), 1e-9);
}

TEST(Loss, WidthsHaveToBePositive) {
  for (double w : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    EXPECT_THROW(least_squares(line, array({0.0, 0.0}), {.loss = huber(w)}, wrong()), ValueError);
  }
}

TEST(Loss, OptionsGoThroughUnchanged) {
  LeastSquaresOptions o{.max_steps = 7,
                        .on_failure = OnFailure::nan,
                        .history = 3,
                        .stage = false,
                        .derivative_anyway = true,
                        .accept = .5,
                        .structure = {.symmetric = true},
                        .ties = Ties::inactive,
                        .strict = .25,
                        .loss = huber(2)};
  o.tolerance = 1e-3;
  const FixedPointOptions f = o;
  EXPECT_EQ(f.max_steps, 7);
  EXPECT_EQ(*f.tolerance.absolute, 1e-3);
  EXPECT_TRUE(f.on_failure == OnFailure::nan && f.history == 3 && !f.stage && f.derivative_anyway && f.accept == .5);
  EXPECT_TRUE(f.structure.symmetric && f.ties == Ties::inactive && f.strict == .25);
  const LeastSquaresOptions back = LeastSquaresOptions::of(f, o.loss);
  EXPECT_TRUE(back.max_steps == 7 && back.history == 3 && !back.stage && back.strict == .25 && back.loss.width == 2);
}

// ---- covariance ------------------------------------------------------------------------------------------------------------

TEST(Covariance, OfALineIsTheTextbooks) {
  const Array y = 2 + .5 * x + noise;
  const Array z = least_squares(line, array({0.0, 0.0}), {}, y).value;
  const double n = 20, mean_x = mean(x).item(), sxx = sum(square(x - mean_x)).item();
  const double variance = sum(square(line(y, z))).item() / (n - 2);
  for (bool full : {true, false}) {
    const Array c = covariance(line, z, {.full_hessian = full}, y);
    EXPECT_NEAR(c(1, 1).item(), variance / sxx, 1e-14) << full;
    EXPECT_NEAR(c(0, 0).item(), variance * (1 / n + mean_x * mean_x / sxx), 1e-14) << full;
    EXPECT_NEAR(c(0, 1).item(), -variance * mean_x / sxx, 1e-14) << full;
    EXPECT_LE(largest(square(standard_errors(line, z, {.full_hessian = full}, y)) - diagonal(c)), 1e-15);
  }
}

TEST(Covariance, IsATreeLikeTheParametersAndDifferentiable) {
  struct Decay {
    Array size, rate;
    auto tree() { return std::tie(size, rate); }
  };
  auto r = [](const Array& y, const Decay& d) { return d.size * exp(-d.rate * x / 5) - y; };
  const Array y = 3 * exp(-x / 10) + noise;
  auto fit = [&](const Array& y) { return least_squares(r, Decay{array(2.0), array(.3)}, {}, y).value; };
  const Decay found = fit(y), errors = standard_errors(r, found, {}, y);
  const Array c = covariance(r, found, {}, y);
  EXPECT_EQ(c.shape(), Shape({2, 2}));
  EXPECT_NEAR(errors.rate.item(), std::sqrt(c(1, 1).item()), 1e-16);
  // With the full Hessian it is not what JᵀJ says.
  EXPECT_GT(largest(c / covariance(r, found, {.full_hessian = false}, y) - 1), 1e-4);
  auto of = [&](const Array& y) { return standard_errors(r, fit(y), {}, y).rate; };
  const Array along = sin(2 * x), h = array(1e-4);
  EXPECT_NEAR(jvp(of, y, along).tangent.item(), ((of(y + h * along) - of(y - h * along)) / (2 * h)).item(), 1e-7);
  EXPECT_NEAR(dot(grad(of)(y), along).item(), jvp(of, y, along).tangent.item(), 1e-12);
}

TEST(Covariance, WantsMoreResidualsThanParameters) {
  auto r = [](const Array& z) { return z - 1; };
  EXPECT_THROW(covariance(r, array({1.0, 1.0})), ValueError);
}

}  // namespace loss_test
