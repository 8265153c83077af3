// Projections: the closed forms are what the quadratic program says, values and derivatives, ties included.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace projections_test {

using namespace dini;
using tests::largest;

const double inf = std::numeric_limits<double>::infinity();

// A closed form and the same set as rows, both of x and of one parameter of the set.
struct Set {
  std::string name;
  std::function<Array(const Array& x, const Array& p)> closed;
  std::function<QuadraticProgram(const Array& p)> rows;
  Array parameter;
  std::vector<Array> points;
};

std::vector<Set> sets() {
  const Array spread = array({0.9, -0.3, 0.4, 1.7, 0.1}), far = 5.0 * cos(1.0 + 2.1 * arange(5));
  const Array inside = array({0.2, 0.1, 0.3, 0.25, 0.15}), normal = array({1.0, -2.0, 0.5, 0.0, 3.0});
  const Array signs = array({{1.0, 1.0, 1.0, 1.0, 1.0}, {1.0, 1.0, 1.0, -1.0, 1.0}});
  const Array A = array({{1.0, 2.0, 0.0, -1.0, 0.5}, {0.0, 1.0, 1.0, 1.0, -3.0}});
  return {
      {"box",
       [](const Array& x, const Array& u) { return project_box(x, -0.25, u); },
       [](const Array& u) { return QuadraticProgram{.lower = -0.25, .upper = u}; },
       array(0.5),
       {spread, far, inside}},
      {"simplex",
       [](const Array& x, const Array& s) { return project_simplex(x, s); },
       [](const Array& s) {
         return QuadraticProgram{.A = ones({1, 5}), .b = s, .lower = 0.0};
       },
       array(1.0),
       {spread, far, inside, zeros({5}), array({1.0, 0.0, 0.0, 0.0, 0.0}), array({0.75, 0.5, 0.125, 0.125, -1.0})}},
      {"box section",
       [=](const Array& x, const Array& b) {
         return project_box_section(x, normal, b, array({-inf, 0.0, -1.0, 0.0, 0.5}), array({1.0, 1.0, inf, 0.0, 2.0}));
       },
       [=](const Array& b) {
         return QuadraticProgram{.A = reshape(normal, {1, 5}),
                                 .b = b,
                                 .lower = array({-inf, 0.0, -1.0, 0.0, 0.5}),
                                 .upper = array({1.0, 1.0, inf, 0.0, 2.0})};
       },
       array(1.5),
       {spread, far, inside}},
      {"half-space",
       [=](const Array& x, const Array& b) { return project_halfspace(x, normal, b); },
       [=](const Array& b) {
         return QuadraticProgram{.G = reshape(normal, {1, 5}), .h = b};
       },
       array(1.0),
       {spread, far, inside, array({1.0, 0.0, 0.0, 2.0, 0.0})}},
      {"affine",
       [=](const Array& x, const Array& b) {
         return project_affine(x, A, b * array({1.0, -2.0}));
       },
       [=](const Array& b) {
         return QuadraticProgram{.A = A, .b = b * array({1.0, -2.0})};
       },
       array(0.5),
       {spread, far, inside}},
      {"ball of the largest entry",
       [](const Array& x, const Array& r) { return project_ball(x, r, inf); },
       [](const Array& r) { return QuadraticProgram{.lower = -r, .upper = r}; },
       array(0.5),
       {spread, far, inside}},
  };
}

Array by_program(const Set& s, const Array& x, const Array& p) { return project_polyhedron(x, s.rows(p)); }

TEST(Projections, AreWhatTheQuadraticProgramSays) {
  for (const Set& s : sets()) {
    for (std::size_t k = 0; k < s.points.size(); ++k) {
      const Array &x = s.points[k], &p = s.parameter;
      const std::string what = s.name + ", point " + std::to_string(k);
      EXPECT_LE(largest(s.closed(x, p) - by_program(s, x, p)), 1e-14) << what;
      auto closed = [&](const Array& v, const Array& q) { return s.closed(v, q); };
      auto program = [&](const Array& v, const Array& q) { return by_program(s, v, q); };
      const auto forward = jacfwd<0, 1>(closed)(x, p), backward = jacrev<0, 1>(closed)(x, p);
      const auto wanted = jacrev<0, 1>(program)(x, p);
      EXPECT_LE(largest(std::get<0>(forward) - std::get<0>(wanted)), 1e-13) << what << ", by x";
      EXPECT_LE(largest(std::get<1>(forward) - std::get<1>(wanted)), 1e-13) << what << ", by its parameter";
      EXPECT_LE(largest(std::get<0>(backward) - std::get<0>(wanted)), 1e-13) << what << ", by x, reverse";
      EXPECT_LE(largest(std::get<1>(backward) - std::get<1>(wanted)), 1e-13) << what << ", by its parameter, reverse";
    }
  }
}

TEST(Projections, AreCompiledAndTakeLanes) {
  for (const Set& s : sets()) {
    auto f = [&](const Array& x) { return s.closed(x, s.parameter); };
    const Array lanes = vmap(f)(stack(s.points));
    for (std::size_t k = 0; k < s.points.size(); ++k) {
      const Array alone = f(s.points[k]);
      EXPECT_LE(largest(lanes(static_cast<int>(k)) - alone), 1e-15) << s.name;
      EXPECT_LE(largest(jit(f)(s.points[k]) - alone), 1e-15) << s.name;
      // (What the other sets capture is float64.)
      const bool single_set = s.name == "box" || s.name == "simplex" || s.name == "ball of the largest entry";
      const Array single = s.closed(astype(s.points[k], float32), astype(s.parameter, float32));
      EXPECT_EQ(single.dtype(), single_set ? float32 : float64) << s.name;
      EXPECT_LE(largest(astype(single, float64) - alone), 2e-6) << s.name;
    }
  }
}

TEST(Projections, OnBalls) {
  const Array x = array({3.0, -4.0, 0.0});
  EXPECT_LE(largest(project_ball(x, 2.0) - array({1.2, -1.6, 0.0})), 1e-15);
  EXPECT_LE(largest(project_ball(x, 6.0) - x), 0);
  EXPECT_LE(largest(project_ball(x, 3.0, 1) - array({1.0, -2.0, 0.0})), 1e-15);
  EXPECT_LE(largest(project_ball(x, 8.0, 1) - x), 0);
  EXPECT_LE(largest(project_ball(zeros({3}), 0.5)), 0);
  for (double ord : {1.0, 2.0}) {
    check_grads([ord](const Array& v, const Array& r) { return project_ball(v, r, ord); }, std::tuple(x, array(2.5)));
    check_grads([ord](const Array& v, const Array& r) { return project_ball(v, r, ord); }, std::tuple(x, array(9.5)));
  }
  // On the sphere: half of the way out is taken away.
  const Array unit = array({0.6, 0.8});
  EXPECT_LE(
      largest(jacrev([](const Array& v) { return project_ball(v, 1.0); })(unit) - (eye(2) - 0.5 * outer(unit, unit))),
      1e-15);
  EXPECT_LE(largest(jacfwd([&](const Array& r) { return project_ball(unit, r); })(array(1.0)) - 0.5 * unit), 1e-15);
}

TEST(Projections, SecondDerivatives) {
  // Of the ball: a curved set. Of the section: how its multiplier goes with its normal.
  const Array x = array({2.0, -1.0, 0.5});
  check_grads([](const Array& v) { return project_ball(v, 1.5); }, std::tuple(x), {.order = 2});
  check_grads([](const Array& v, const Array& a) { return project_box_section(v, a, 0.75, 0.0, 1.0); },
              std::tuple(x, array({1.0, 2.0, 0.5})), {.order = 2});
  check_grads([](const Array& v, const Array& a) { return project_halfspace(v, a, 0.5); },
              std::tuple(x, array({1.0, 2.0, 0.5})), {.order = 2});
}

TEST(Projections, OnEmptySetsAreNan) {
  const Array x = array({0.5, 2.0});
  for (const Array& z : {project_simplex(x, -1.0), project_box_section(x, 1.0, 3.0, 0.0, 1.0),
                         project_box_section(x, 1.0, 1.0, 1.0, 0.0), project_ball(x, -1.0), project_ball(x, -1.0, 1),
                         project_halfspace(x, zeros({2}), -1.0), project_box(x, 1.0, 0.0)}) {
    EXPECT_TRUE(all(isnan(z)).item<bool>());
  }
  EXPECT_LE(largest(project_simplex(x, 0.0)), 0);
  EXPECT_LE(largest(project_halfspace(x, zeros({2}), 0.0) - x), 0);
  EXPECT_EQ(project_simplex(zeros({0}), 1.0).size(), 0);
  EXPECT_THROW(project_polyhedron(x, {.G = ones({1, 2}), .h = -1.0, .lower = 0.0}), SolveError);
}

TEST(Projections, SayWhatDoesNotFit) {
  const Array x = ones({2});
  EXPECT_THROW(project_ball(x, 1.0, 3), ValueError);
  EXPECT_THROW(project_simplex(eye(2)), ShapeError);
  EXPECT_THROW(project_affine(x, ones({1, 3}), 1.0), ShapeError);
  EXPECT_THROW(project_polyhedron(x, {.q = x}), ValueError);
  EXPECT_THROW(project_polyhedron(eye(2), {}), ShapeError);
}

}  // namespace projections_test
