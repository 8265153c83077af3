// The parts that solvers of minima are made of: steps within a radius against the best there is by eigenvalues, what becomes of a
// step, line searches, and quasi-Newton updates.
#include "dini/solvers/trust_region.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/line_search.hpp"
#include "dini/solvers/secant_pairs.hpp"
#include "tests/solvers/accurate.hpp"

namespace trust_region_test {

using namespace dini;
using namespace dini::detail;
using tests::largest;

// The least value of gᵀp + ½pᵀBp over ‖p‖ ≤ Δ, from B's eigenvalues w and g in its eigenvectors: bisection for λ.
double least_model(const std::vector<double>& w, const std::vector<double>& g, double radius) {
  auto length_at = [&](double shift) {
    double s = 0;
    for (std::size_t k = 0; k < w.size(); ++k) s += std::pow(g[k] / (w[k] + shift), 2);
    return std::sqrt(s);
  };
  double lowest = w[0];
  for (double v : w) lowest = std::min(lowest, v);
  double low = std::max(0.0, -lowest), high = low + 1;
  const double start = low * (1 + 1e-14) + 1e-300;
  double shift = low, missing = 0;
  if (!(length_at(start) > radius)) {  // inside, or the hard case
    shift = start;
    missing = low > 0 ? radius * radius - std::pow(length_at(start), 2) : 0;
  } else {
    while (length_at(high) > radius) high *= 4;
    for (int k = 0; k < 200; ++k) {
      shift = .5 * (low + high);
      (length_at(shift) > radius ? low : high) = shift;
    }
  }
  double value = .5 * lowest * missing;
  for (std::size_t k = 0; k < w.size(); ++k) {
    const double p = -g[k] / (w[k] + shift);
    value += g[k] * p + .5 * w[k] * p * p;
  }
  return value;
}

struct Model {
  std::string name;
  std::vector<double> eigenvalues, slope;  // in the eigenvectors
};
const std::vector<Model>& models() {
  static const std::vector<Model> all{
      {"definite", {1, 2, 5, 9}, {1, -1, .5, 2}},
      {"badly conditioned", {1e-6, 1, 1e3, 1e6}, {1, -1, .5, 2}},
      {"indefinite", {-3, -.5, 2, 7}, {1, -1, .5, 2}},
      {"negative definite", {-4, -3, -2, -1}, {.1, -.1, .5, .2}},
      {"hard: no slope along the lowest", {-3, 1, 2, 7}, {0, -1, .5, 2}},
      {"nearly hard", {-3, 1, 2, 7}, {1e-9, -1, .5, 2}},
      {"hard, two lowest", {-3, -3, 2, 7}, {0, 0, .5, 2}},
      {"a saddle", {-3, 1, 2, 7}, {0, 0, 0, 0}},
      {"a maximum", {-1e-8, -1e-8, -1e-8, -1e-8}, {0, 0, 0, 0}},
      {"semidefinite", {0, 1, 2, 7}, {1, -1, .5, 2}},
      {"semidefinite, hard", {0, 1, 2, 7}, {0, -1, .5, 2}},
      {"linear", {0, 0, 0, 0}, {1, -1, .5, 2}},
      {"of huge numbers", {-3e80, 1e80, 2e80, 7e80}, {1e80, -1e80, 5e79, 2e80}},
      {"of tiny numbers", {-3e-80, 1e-80, 2e-80, 7e-80}, {1e-80, -1e-80, 5e-81, 2e-80}},
  };
  return all;
}
// In other axes.
Array turned(const std::vector<double>& eigenvalues, Array& axes) {
  const std::int64_t n = static_cast<std::int64_t>(eigenvalues.size());
  const Array k = reshape(arange(0.0, static_cast<double>(n * n)), {n, n});
  axes = linalg::qr(cos(1.7 * k) + eye(n)).q;
  return dot(axes * array(eigenvalues), axes.T());
}

TEST(TrustRegion, ExactStepsAreNearlyTheBest) {
  for (const Model& m : models()) {
    Array axes;
    const Array b = turned(m.eigenvalues, axes), g = dot(axes, array(m.slope));
    for (double radius : {1e-3, .1, .3, 1.0, 10.0, 1e5}) {
      const Array l = linalg::cholesky(b), definite = all(isfinite(l));
      const Array newton = where(definite, -linalg::cho_solve(where(definite, l, eye(4)), g), zeros({4}));
      for (bool compiled : {false, true}) {
        auto step = [&](const Array& g) { return exact_step(b, g, array(radius), newton, definite); };
        const Array p = compiled ? jit(step)(g) : step(g);
        const double best = least_model(m.eigenvalues, m.slope, radius);
        const double value = -predicted_decrease(g, p, dot(b, p)).item();
        EXPECT_LE(norm(p).item(), 1.1001 * radius) << m.name << ' ' << radius;
        EXPECT_LE(value, .8 * best + 1e-12 * std::fabs(best)) << m.name << ' ' << radius << " of " << best;
      }
    }
  }
}

TEST(TrustRegion, ConjugateGradientsEndWhereTheyShould) {
  for (const Model& m : models()) {
    Array axes;
    const Array b = turned(m.eigenvalues, axes), g = dot(axes, array(m.slope));
    const double slope = norm(g).item();
    for (double radius : {1e-3, .3, 1.0, 1e5}) {
      const auto s =
          conjugate_step([&](const Array& v) { return dot(b, v); }, g, array(radius), array(1e-10 * slope), 50);
      EXPECT_LE(norm(s.step).item(), 1.0001 * radius) << m.name << radius;
      EXPECT_LE(largest(s.product - dot(b, s.step)), 1e-10 * largest(b) * largest(s.step)) << m.name << radius;
      // No worse than the best along -g.
      if (slope == 0) continue;
      const Array down = -g / slope;
      const double bend = dot(down, dot(b, down)).item(), length = bend > 0 ? std::min(radius, slope / bend) : radius;
      const double steepest = -slope * length + .5 * bend * length * length;
      const double value = -predicted_decrease(g, s.step, s.product).item();
      EXPECT_LE(value, steepest + 1e-12 * std::fabs(steepest)) << m.name << radius;
      const bool inside = s.inside.item<bool>();
      EXPECT_TRUE(!inside || norm(g + s.product).item() <= 1e-10 * slope) << m.name;
      EXPECT_TRUE(inside || m.name != "definite" || radius < 100) << m.name;
    }
  }
}

TEST(TrustRegion, WhatBecomesOfAStep) {
  struct Row {
    const char* what;
    double after, predicted, length, slope_after;
    bool newton, taken, exhausted;
    double radius;  // after 2 before
  };
  const double nan = std::nan("");
  const Row rows[] = {
      // E before is 10, the slope 1
      {"as predicted, at the border", 9, 1, 2, .5, false, true, false, 4},
      {"as predicted, inside", 9, 1, .5, .5, false, true, false, 2},
      {"half of it", 9.5, 1, 2, .5, false, true, false, 2},
      {"a tenth of it", 9.9, 1, 2, .5, false, true, false, .5},
      {"up", 10.5, 1, 2, .5, false, false, false, .5},
      {"not finite", nan, 1, 2, nan, false, false, false, .5},
      {"infinite", std::numeric_limits<double>::infinity(), 1, 1, nan, false, false, false, .25},
      {"-infinite", -std::numeric_limits<double>::infinity(), 1, 2, nan, false, false, false, .5},
      {"nothing predicted", 9, 0, 2, .5, false, false, false, .5},
      {"unseen, shorter gradient", 10 + 1e-13, 1e-14, .5, .5, true, true, false, 2},
      {"unseen, longer gradient", 10 + 1e-13, 1e-14, .5, 1.5, true, false, true, .125},
      {"unseen, but not Newton's", 10 + 1e-13, 1e-14, .5, .5, false, false, false, .125},
  };
  for (const Row& r : rows) {
    const Decision d = decide({array(10.0), array(r.after), array(r.predicted), array(r.length), array(2.0), array(1.0),
                               array(r.slope_after), array(r.newton)});
    EXPECT_EQ(d.taken.item<bool>(), r.taken) << r.what;
    EXPECT_EQ(d.exhausted.item<bool>(), r.exhausted) << r.what;
    EXPECT_EQ(d.radius.item(), r.radius) << r.what;
  }
}

// ---- line searches ---------------------------------------------------------------------------------------------------------

SolverProblem along(const std::function<Array(const Array&)>& e) {
  SolverProblem p;
  p.kind = Kind::minimize;
  p.objective = Function(e);
  p.residual = Function([e](const Array& z) { return grad(e)(z); });
  return p;
}

TEST(LineSearch, EndsWithTheStrongWolfeConditions) {
  struct Line {
    const char* name;
    std::function<Array(const Array&)> e;
    double start;
  };
  const Line lines[] = {
      {"a parabola", [](const Array& z) { return sum(square(z - 3)); }, 0},
      {"a steep one", [](const Array& z) { return 1e8 * sum(square(z - 3)); }, 0},
      {"a flat one", [](const Array& z) { return 1e-8 * sum(square(z - 3)); }, 0},
      {"a quartic", [](const Array& z) { return sum(power(z - 3, 4)); }, 0},
      {"waves", [](const Array& z) { return sum(cos(5 * z) + .1 * square(z)); }, .3},
      {"the end of a domain", [](const Array& z) { return sum(-log(1 - z) - 3 * z); }, 0},
      {"-log", [](const Array& z) { return sum(z - log(z)); }, 5},
      {"|z| smoothed", [](const Array& z) { return sum(sqrt(1e-6 + square(z))); }, 2},
  };
  for (const Line& l : lines) {
    const SolverProblem p = along(l.e);
    const Array z = array({l.start});
    const Slope here = slope_at(p, z);
    for (double first : {1e-4, .1, 1.0, 10.0, 1e3}) {
      for (double curvature : {.1, .9}) {
        const Array direction = -here.gradient / abs(here.gradient);
        const LineEnd end = wolfe_search(p, z, here, direction, array(first), {1e-4, curvature, 60});
        const double t = end.t.item(), slope = dot(here.gradient, direction).item();
        EXPECT_GT(t, 0) << l.name << first;
        EXPECT_LE(end.there.value.item(), here.value.item() + 1e-4 * t * slope) << l.name << ' ' << first;
        EXPECT_LE(std::fabs(dot(end.there.gradient, direction).item()), -curvature * slope) << l.name << ' ' << first;
        EXPECT_EQ(largest(end.z - (z + end.t * direction)), 0) << l.name;
        const LineEnd half = armijo_search(p, z, here, direction, array(first), 1e-4, 80);
        EXPECT_GT(half.t.item(), 0) << l.name << first;
        EXPECT_LE(half.there.value.item(), here.value.item() + 1e-4 * half.t.item() * slope) << l.name << first;
      }
    }
  }
}

TEST(LineSearch, FindsNothingUphill) {
  const SolverProblem p = along([](const Array& z) { return sum(square(z)); });
  const Array z = array({1.0});
  const Slope here = slope_at(p, z);
  EXPECT_EQ(wolfe_search(p, z, here, array({1.0}), array(1.0), {}).t.item(), 0);
  const LineEnd none = armijo_search(p, z, here, array({1.0}), array(1.0), 1e-4, 40);
  EXPECT_EQ(none.t.item(), 0);
  EXPECT_EQ(none.z(0).item(), 1);
  EXPECT_EQ(none.there.value.item(), 1);
}

// ---- updates ---------------------------------------------------------------------------------------------------------------

TEST(SecantPairs, BothFormsOfTheUpdateAreOne) {
  const std::int64_t n = 6;
  const Array k = reshape(arange(0.0, static_cast<double>(n * n)), {n, n}), m = cos(k), h = dot(m, m.T()) + eye(n);
  std::vector<Array> s, y;
  for (int i = 0; i < 3; ++i) {
    s.push_back(sin(1.3 * arange(0.0, static_cast<double>(n)) + i));
    y.push_back(dot(h, s.back()));
  }
  Array inverse = short_step(s[2], y[2]) * eye(n);
  for (int i = 0; i < 3; ++i) {
    inverse = bfgs_update(inverse, s[static_cast<std::size_t>(i)], y[static_cast<std::size_t>(i)]);
    EXPECT_LE(largest(dot(inverse, y[static_cast<std::size_t>(i)]) - s[static_cast<std::size_t>(i)]), 1e-12);
    EXPECT_LE(largest(inverse - inverse.T()), 1e-13);
  }
  EXPECT_TRUE(all(isfinite(linalg::cholesky(inverse))).item<bool>());
  const Array g = cos(arange(0.0, static_cast<double>(n)));
  const Array none = zeros({2, n});
  const Array rows = concatenate({none, stack(s)}), changes = concatenate({none, stack(y)});
  EXPECT_LE(largest(two_loops(rows, changes, g) - dot(inverse, g)), 1e-12 * largest(dot(inverse, g)));
  EXPECT_EQ(largest(two_loops(zeros({3, n}), zeros({3, n}), g) - g), 0);
}

}  // namespace trust_region_test
