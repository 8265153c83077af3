// Solves that begin with what an earlier one found: value, multipliers and active set.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace warm_start_test {

using namespace dini;
using tests::largest;

const Array start_of_all = array({0.5, 0.1, 0.2});

// The nearest point to c of a disc, on a plane, within bounds.
auto nearest(const Array& c, const Array& radius, const auto& start, const MinimizeOptions& options = {}) {
  const Array u = array({0.7, 2.0, 9.0});
  return minimize([](const Array& c, const Array&, const Array& z) { return sum(square(z - c)); }, start,
                  subject_to(Bounds{0.0, u}, AtMost{[](const Array&, const Array& r, const Array& z) {
                               return sum(square(z)) - r * r;
                             }},
                             Equal{[](const Array&, const Array&, const Array& z) { return z(1) - 0.5 * z(2); }}),
                  options, c, radius);
}

TEST(WarmStart, AnEarlierOptimumIsTriedFirst) {
  const Array c = array({2.0, 1.0, 1.5}), r = array(1.0);
  const auto first = nearest(c, r, start_of_all);
  EXPECT_GT(first.steps.item<std::int64_t>(), 0);
  for (const Solver& solver : {Solver(), Solver(InteriorPoint{}), Solver(AugmentedLagrangian{}), Solver(SQP{})}) {
    const MinimizeOptions options{.solver = solver};
    // The same problem, and one whose active set is the same.
    for (double by : {1.0, 1.001}) {
      const auto again = nearest(by * c, r, first, options);
      EXPECT_EQ(again.solver(), "start") << solver.name();
      EXPECT_EQ(again.steps.item<std::int64_t>(), 0) << solver.name();
      const auto cold = nearest(by * c, r, start_of_all, options);
      EXPECT_LE(largest(again.value - cold.value), 1e-14) << solver.name();
      EXPECT_LE(largest(again.duals.upper - cold.duals.upper), 1e-13) << solver.name();
      EXPECT_LE(largest(again.duals.at_most - cold.duals.at_most), 1e-13) << solver.name();
    }
  }
}

TEST(WarmStart, WhereItLeadsNowhereTheSolverGoesOn) {
  const Array r = array(1.0);
  const auto first = nearest(array({2.0, 1.0, 1.5}), r, start_of_all);
  auto lost = first;
  lost.duals.at_most = lost.duals.at_most * std::nan("");
  const auto cold = nearest(array({-1.0, 3.0, 0.0}), r, start_of_all);
  const auto warm = nearest(array({-1.0, 3.0, 0.0}), r, lost);
  EXPECT_EQ(warm.solver(), "interior_point");
  EXPECT_LE(largest(warm.value - cold.value), 1e-13);
}

TEST(WarmStart, NoDerivativeFlowsFromIt) {
  const Array c = array({2.0, 1.0, 1.5}), r = array(3.0);
  auto chained = [&](const Array& first, const Array& second) {
    return nearest(second, r, nearest(first, r, start_of_all)).value;
  };
  EXPECT_EQ(largest(jacrev<0>(chained)(c, c)), 0);
  EXPECT_EQ(largest(jacfwd<0>(chained)(c, c)), 0);
  const Array cold = jacrev([&](const Array& c) { return nearest(c, r, start_of_all).value; })(c);
  EXPECT_LE(largest(jacrev<1>(chained)(c, c) - cold), 1e-12);
  EXPECT_LE(largest(jacfwd<1>(jit(chained))(c, c) - cold), 1e-12);
  EXPECT_GT(largest(cold), 0.01);
}

TEST(WarmStart, LanesBeginWithTheirOwn) {
  const Array r = array(1.0), c = array({{2.0, 1.0, 1.5}, {0.1, 0.2, 0.3}});
  const auto first = vmap([&](const Array& c) { return nearest(c, r, start_of_all); })(c);
  const auto again = vmap([&](const Array& c, const auto& from) { return nearest(c, r, from); })(c, first);
  EXPECT_EQ(again.steps.to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 0}));
  EXPECT_LE(largest(again.value - first.value), 1e-14);
}

TEST(WarmStart, Unconstrained) {
  auto valley = [](const Array& a, const Array& z) { return 3 * square(z(1) - square(z(0))) + square(a - z(0)); };
  auto residuals = [](const Array& a, const Array& z) { return stack({z(1) - square(z(0)), a - z(0)}); };
  const auto first = minimize(valley, array({0.2, 0.3}), {}, array(0.9));
  EXPECT_LE(minimize(valley, first, {}, array(0.9)).steps.item<std::int64_t>(), 1);
  EXPECT_LE(largest(minimize(valley, first, {}, array(0.8)).value - array({0.8, 0.64})), 1e-13);
  EXPECT_LE(largest(least_squares(residuals, first, {}, array(0.8)).value - array({0.8, 0.64})), 1e-13);
  const auto bounds = subject_to(Bounds{0.0, 0.5});
  const auto fit = least_squares(residuals, array({0.2, 0.3}), bounds, {}, array(0.9));
  EXPECT_EQ(least_squares(residuals, fit, bounds, {}, array(0.9)).solver(), "start");
}

TEST(WarmStart, OfAProgram) {
  const QuadraticProgram p{.P = array({{4.0, 2.0, 2.0}, {2.0, 4.0, 0.0}, {2.0, 0.0, 2.0}}),
                           .q = array({-8.0, -6.0, -4.0}),
                           .G = array({{1.0, 1.0, 2.0}}),
                           .h = array({3.0}),
                           .lower = zeros({3})};
  const auto first = quadratic_program(p);
  EXPECT_GT(first.steps.item<std::int64_t>(), 3);
  QuadraticProgram moved = p;
  moved.q = array({-8.1, -5.0, -4.2});
  for (const QuadraticProgram& of : {p, moved}) {
    const auto again = quadratic_program(of, {}, first), cold = quadratic_program(of);
    EXPECT_EQ(again.solver(), "start");
    EXPECT_EQ(again.steps.item<std::int64_t>(), 0);
    EXPECT_LE(largest(again.value - cold.value), 1e-14);
    EXPECT_LE(largest(again.duals.at_most - cold.duals.at_most), 1e-14);
  }
  auto by_q = [&](const Array& q, bool warm) {
    QuadraticProgram of = p;
    of.q = q;
    return warm ? quadratic_program(of, {}, first).value : quadratic_program(of).value;
  };
  EXPECT_LE(largest(jacrev([&](const Array& q) { return by_q(q, true); })(p.q) -
                    jacrev([&](const Array& q) { return by_q(q, false); })(p.q)),
            1e-13);
  // What has no solution has none from any start.
  QuadraticProgram saddle = p, empty = p;
  saddle.P = diag(array({1.0, -1.0, 1.0}));
  empty.h = array({-1.0});
  EXPECT_EQ(quadratic_program(saddle, {.on_failure = OnFailure::best}, first).status, StatusCode::not_a_minimum);
  EXPECT_EQ(quadratic_program(empty, {.on_failure = OnFailure::best}, first).status, StatusCode::infeasible);
}

TEST(WarmStart, SaysWhatDoesNotFit) {
  const QuadraticProgram two{.P = eye(2), .q = zeros({2}), .G = eye(2), .h = 1.0};
  const auto start = quadratic_program(two);
  QuadraticProgram other = two;
  other.G = ones({1, 2});
  try {
    quadratic_program(other, {}, start);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ShapeError& e) {
    EXPECT_NE(std::string(e.what()).find("2 multipliers in duals.at_most for 1 rows"), std::string::npos) << e.what();
  }
  EXPECT_THROW(quadratic_program({.P = eye(3), .q = zeros({3})}, {}, start), ShapeError);
}

}  // namespace warm_start_test
