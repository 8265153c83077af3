// The code of docs/quadratic-programs.md, and its numbers. snippets_test.cpp looks that the code is the same there.
#include <gtest/gtest.h>

#include <string>

#include "dini/dini.hpp"

namespace quadratic_programs_page {
namespace {

using namespace dini;

void expect_near(const Array& a, const Array& wanted) {
  ASSERT_EQ(a.shape(), wanted.shape());
  EXPECT_LE(max(abs(a - wanted)).item<double>(), 1e-14);
}

TEST(QuadraticProgramsPage, Start) {
  QuadraticProgram program{.P = diag(array({2.0, 4.0})), .q = zeros({2}), .A = ones({1, 2}), .b = 3.0, .lower = 0.0};
  auto s = quadratic_program(program);
  Array x = s.value;                              // [2. 1.]
  Array price = s.duals.equal;                    // [-4.]
  double cost = s.objective.item<double>();       // 6
  double error = s.residual_norm.item<double>();  // 1e-16
  expect_near(x, array({2.0, 1.0}));
  expect_near(price, array({-4.0}));
  EXPECT_NEAR(cost, 6, 1e-14);
  EXPECT_LE(error, 1e-15);
}

TEST(QuadraticProgramsPage, Derivatives) {
  auto best = [](const Array& q, const Array& h) {
    return quadratic_program({.P = eye(2), .q = q, .G = ones({1, 2}), .h = h}).value;
  };
  Array by_q = jacrev<0>(best)(array({-2.0, -1.0}), array({1.0}));  // [[-0.5 0.5] [0.5 -0.5]]
  Array by_h = jacfwd<1>(best)(array({-2.0, -1.0}), array({1.0}));  // [[0.5] [0.5]]
  expect_near(by_q, array({{-0.5, 0.5}, {0.5, -0.5}}));
  expect_near(by_h, array({{0.5}, {0.5}}));
}

TEST(QuadraticProgramsPage, NoSolution) {
  auto none = quadratic_program({.q = zeros({1}), .G = array({{1.0}, {-1.0}}), .h = array({0.0, -1e-6})},
                                {.on_failure = OnFailure::best});
  std::string why = name(none.status.get());  // "infeasible"
  Array proof = none.certificate.at_most;     // [1. 1.]: the sum of both rows is 0 <= -1e-6
  EXPECT_EQ(why, "infeasible");
  expect_near(proof, ones({2}));
}

TEST(QuadraticProgramsPage, Projections) {
  Array weights = project_simplex(array({0.9, -0.3, 0.5}));  // [0.7 0. 0.3]
  Array slope = jacrev([](const Array& v) { return project_simplex(v); })(array({0.9, -0.3, 0.5}));
  // [[0.5 0. -0.5] [0. 0. 0.] [-0.5 0. 0.5]]
  expect_near(weights, array({0.7, 0.0, 0.3}));
  expect_near(slope, array({{0.5, 0.0, -0.5}, {0.0, 0.0, 0.0}, {-0.5, 0.0, 0.5}}));
}

}  // namespace
}  // namespace quadratic_programs_page
