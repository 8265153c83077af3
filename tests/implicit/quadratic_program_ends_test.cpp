// Quadratic programs that have no solution, flat ones, empty ones, ties, and what does not fit.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/implicit/quadratic_program.hpp"

namespace quadratic_program_ends_test {

using namespace dini;
using tests::expect_near;
using tests::Found;
using tests::inf;
using tests::largest;
using tests::Numbers;
using tests::result;

TEST(QuadraticProgram, ProvesThatThereIsNoSolution) {
  struct None {
    const char* name;
    QuadraticProgram program;
    StatusCode status;
    std::string proof;  // a dual, or "ray"
    Numbers is;
  };
  const std::vector<None> programs = {
      {"three rows",
       {.P = eye(2), .q = zeros({2}), .G = array({{1.0, 1.0}, {-1.0, 0.0}, {0.0, -1.0}}), .h = array({-1.0, 0.0, 0.0})},
       StatusCode::infeasible,
       "at_most",
       {1, 1, 1}},
      {"two equations",
       {.P = eye(2), .q = zeros({2}), .A = ones({2, 2}), .b = array({1.0, 2.0})},
       StatusCode::infeasible,
       "equal",
       {1, -1}},
      {"a gap of 1e-6",
       {.P = array({{1.0}}), .q = zeros({1}), .G = array({{1.0}, {-1.0}}), .h = array({0.0, -1e-6})},
       StatusCode::infeasible,
       "at_most",
       {1, 1}},
      {"crossed bounds",
       {.P = eye(2), .q = zeros({2}), .lower = array({1.0, 0.0}), .upper = array({0.0, 1.0})},
       StatusCode::infeasible,
       "lower",
       {1, 0}},
      {"an equation beyond the bounds",
       {.P = eye(2), .q = zeros({2}), .A = ones({1, 2}), .b = 3.0, .upper = 1.0},
       StatusCode::infeasible,
       "upper",
       {1, 1}},
      {"a fixed variable and an equation",
       {.q = zeros({1}), .A = ones({1, 1}), .b = 2.0, .lower = 1.0, .upper = 1.0},
       StatusCode::infeasible,
       "equal",
       {-1}},
      {"a half-line",
       {.q = array({-1.0, 0.0}), .lower = 0.0, .upper = array({inf, 1.0})},
       StatusCode::unbounded,
       "ray",
       {1, 0}},
      {"a flat direction",
       {.P = diag(array({0.0, 1.0})), .q = array({-1.0, 0.0})},
       StatusCode::unbounded,
       "ray",
       {1, 0}},
      {"no rows at all", {.q = array({1.0})}, StatusCode::unbounded, "ray", {-1}},
      {"no unknowns, 0 = 1", {.q = zeros({0}), .A = zeros({1, 0}), .b = 1.0}, StatusCode::infeasible, "equal", {-1}},
      {"no unknowns, 0 <= -1",
       {.q = zeros({0}), .G = zeros({1, 0}), .h = -1.0},
       StatusCode::infeasible,
       "at_most",
       {1}},
      {"a row at the wrong infinity",
       {.P = eye(2), .q = zeros({2}), .G = eye(2), .h = array({1.0, -inf})},
       StatusCode::infeasible,
       "at_most",
       {0, 1}},
      {"a bound at the wrong infinity",
       {.P = eye(2), .q = zeros({2}), .lower = array({0.0, inf})},
       StatusCode::infeasible,
       "lower",
       {0, 1}},
      {"a NaN", {.P = eye(2), .q = array({0.0, std::nan("")})}, StatusCode::nonfinite, "", {}},
      {"a NaN among the rows",
       {.P = eye(2), .q = zeros({2}), .G = array({{1.0, std::nan("")}}), .h = 1.0},
       StatusCode::nonfinite,
       "",
       {}},
      {"an infinite cost", {.P = eye(2), .q = array({0.0, inf}), .lower = 0.0}, StatusCode::nonfinite, "", {}},
      {"a saddle",
       {.P = diag(array({1.0, -1.0})), .q = zeros({2}), .lower = -1.0, .upper = 1.0},
       StatusCode::not_a_minimum,
       "",
       {}},
      {"a saddle that rows hold",
       {.P = diag(array({1.0, -1.0})), .q = zeros({2}), .A = array({{0.0, 1.0}}), .b = 0.5},
       StatusCode::not_a_minimum,
       "",
       {}},
  };
  for (const None& c : programs) {
    const Found f = quadratic_program(c.program, {.on_failure = OnFailure::best});
    EXPECT_EQ(f.status, c.status) << c.name;
    EXPECT_THROW(quadratic_program(c.program), SolveError) << c.name;
    if (!c.proof.empty()) {
      Found of = f;
      of.duals = f.certificate;
      expect_near(c.proof == "ray" ? f.ray : result(of, c.proof), c.is, 1e-9, c.name);
    }
    EXPECT_TRUE(c.status == StatusCode::infeasible || all(isnan(f.certificate.lower)).item<bool>()) << c.name;
    EXPECT_TRUE(c.status == StatusCode::unbounded || all(isnan(f.ray)).item<bool>()) << c.name;
  }
}

TEST(QuadraticProgram, BoundsMayBeFarAway) {
  for (double far : {1e6, 1e10, 1e14, 1e20, 1e300}) {
    const Found f = quadratic_program({.P = eye(2), .q = array({-1.0, 2.0}), .lower = -far, .upper = far});
    expect_near(f.value, {1, -2}, 1e-15, std::to_string(far));
    EXPECT_EQ(f.active.item<std::int64_t>(), 0) << far;
  }
}

TEST(QuadraticProgram, OfNoUnknowns) {
  const Found f =
      quadratic_program({.q = zeros({0}), .A = zeros({1, 0}), .b = 0.0, .G = zeros({2, 0}), .h = array({0.0, 1.0})});
  EXPECT_EQ(f.status, StatusCode::converged);
  EXPECT_EQ(f.value.size(), 0);
}

TEST(QuadraticProgram, AnyPointOfAFlatOneIsASolutionWithoutADerivative) {
  auto f = [](const Array& q) { return quadratic_program({.P = zeros({1, 1}), .q = q, .lower = 0.0, .upper = 1.0}); };
  const Found found = f(zeros({1}));
  EXPECT_EQ(found.status, StatusCode::converged);
  EXPECT_GE(found.value.item(), 0);
  EXPECT_LE(found.value.item(), 1);
  EXPECT_THROW(jacrev([&](const Array& q) { return f(q).value; })(zeros({1})), SolveError);
}

TEST(QuadraticProgram, TiesAreAsAskedFor) {
  // ½(x - y)², x ≥ 0, at y = 0; also in other units.
  for (double k : {1.0, 100.0}) {
    const std::vector<std::pair<Ties, double>> sides = {{Ties::average, 0.5}, {Ties::active, 0}, {Ties::inactive, 1}};
    for (const auto& side : sides) {
      auto f = [&](const Array& y) {
        return quadratic_program({.P = k * eye(1), .q = -k * y, .lower = 0.0}, {.ties = side.first}).value;
      };
      EXPECT_NEAR(jacrev(f)(zeros({1})).item(), side.second, 1e-15);
      EXPECT_NEAR(jacfwd(f)(zeros({1})).item(), side.second, 1e-15);
    }
  }
}

TEST(QuadraticProgram, SaysWhatDoesNotFit) {
  const Array q = zeros({2});
  EXPECT_THROW(quadratic_program({.P = eye(2)}), ValueError);
  EXPECT_THROW(quadratic_program({.P = eye(3), .q = q}), ShapeError);
  EXPECT_THROW(quadratic_program({.q = eye(2)}), ShapeError);
  EXPECT_THROW(quadratic_program({.q = q, .A = ones({1, 2})}), ValueError);
  EXPECT_THROW(quadratic_program({.q = q, .b = ones({1})}), ValueError);
  EXPECT_THROW(quadratic_program({.q = q, .G = ones({1, 3}), .h = 1.0}), ShapeError);
  EXPECT_THROW(quadratic_program({.q = q, .G = ones({1, 2}), .h = ones({2})}), ShapeError);
  EXPECT_THROW(quadratic_program({.q = q, .lower = ones({3})}), ShapeError);
  EXPECT_THROW(quadratic_program({.q = q}, {}, zeros({3})), ShapeError);
  EXPECT_THROW(quadratic_program({.q = q}, {.solver = Newton{}}), ValueError);
}

}  // namespace quadratic_program_ends_test
