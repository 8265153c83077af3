// The code of docs/solving.md, and its numbers. snippets_test.cpp looks that the code is the same there.
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "dini/dini.hpp"

namespace dini {
namespace {

using Numbers = std::vector<double>;

void expect_near(const Array& a, const Numbers& wanted, double error) {
  const Numbers got = a.to_vector<double>();
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t k = 0; k < got.size(); ++k) EXPECT_NEAR(got[k], wanted[k], error) << k;
}
// Within a factor of two or so, as a page rounds numbers that depend on the last bits.
void expect_about(double got, double wanted) {
  EXPECT_GT(got, 0.3 * wanted);
  EXPECT_LT(got, 3 * wanted);
}
template <class F> StatusCode failure_of(F f) {
  try {
    f();
  } catch (const SolveError& e) { return e.code; }
  return StatusCode::converged;
}

TEST(SolvingPage, Start) {
  auto equation = [](const Array& a, const Array& z) { return z * z - a; };
  auto s = root(equation, array(1.0), {}, array(2.0));
  double z = s.value.item<double>();               // 1.4142135623730951
  double error = s.error_estimate.item<double>();  // 2e-16
  std::string by = s.solver();                     // "newton"
  EXPECT_EQ(z, 1.4142135623730951);
  expect_about(error, 2e-16);
  EXPECT_EQ(by, "newton");
  EXPECT_EQ(s.steps.item<std::int64_t>(), 4);
  auto far = root(equation, array(1e12), {}, array(2.0));
  EXPECT_EQ(far.value.item<double>(), z);
  EXPECT_EQ(far.steps.item<std::int64_t>(), 44);
  // The derivative at the point returned.
  auto slope = [&](const Tolerance& t) {
    return grad([&](const Array& a) { return root(equation, array(1.0), {.tolerance = t}, a).value; })(2.0)
        .item<double>();
  };
  EXPECT_NEAR(slope(1e-2), 0.35294, 1e-5);
  EXPECT_NEAR(slope(1e-4), 0.3535529, 1e-7);
  EXPECT_NEAR(slope({}), 0.35355339059327, 1e-14);
}

TEST(SolvingPage, Brackets) {
  auto kepler = [](const Array& mean, const Array& z) { return z - 0.999 * sin(z) - mean; };
  const Array mean = array({0.001, 0.01, 3.0});
  auto anomaly = root(kepler, Bracket{0.0, 4.0}, {}, mean);  // 0.17085, 0.38746, 3.07073
  Array speed = grad([&](const Array& m) { return sum(root(kepler, Bracket{0.0, 4.0}, {}, m).value); })(mean);
  expect_near(anomaly.value, {0.17085, 0.38746, 3.07073}, 1e-5);
  EXPECT_LE(max(abs(speed * (1 - 0.999 * cos(anomaly.value)) - 1)).item(), 1e-12);
  const double infinity = std::numeric_limits<double>::infinity();
  auto cubic = [](const Array& z) { return z * z * z - 2; };
  auto steps = [&](const Solver& by, double a, double b) {
    return root(cubic, Bracket{a, b}, {.solver = by}).steps.item<std::int64_t>();
  };
  EXPECT_EQ(steps(Chandrupatla{}, 0, 3), 8);
  EXPECT_EQ(steps(ITP{}, 0, 3), 11);
  EXPECT_EQ(steps(Bisection{}, 0, 3), 62);
  EXPECT_EQ(steps(Chandrupatla{}, -infinity, infinity), 21);
  auto failure = [](auto f, double a, double b) { return failure_of([&] { root(f, Bracket{a, b}); }); };
  EXPECT_EQ(failure([](const Array& z) { return sign(z) - 0.5; }, -1, 3), StatusCode::stagnated);
  EXPECT_EQ(failure([](const Array& z) { return 1 / (z - 1); }, -1, 3), StatusCode::stagnated);
  EXPECT_EQ(failure([](const Array& z) { return (z + 1e20) - 1e20 - 1; }, -1e5, 1e5), StatusCode::stagnated);
  EXPECT_EQ(failure([](const Array& z) { return z - 1; }, -3, 0), StatusCode::bracket);
  const auto triple = root([](const Array& z) { return ((z - 3) * z + 3) * z - 1; }, Bracket{-2.0, 5.0});
  EXPECT_NEAR(triple.value.item(), 1, 1e-5);
  expect_about(triple.error_estimate.item(), 8e-5);
}

TEST(SolvingPage, UnitsOfTheirOwn) {
  auto f = [](const Array& z) { return stack({z(0) - 101325.0, z(1) * z(1) - 0.01}); };
  const Array z0 = array({1e5, 0.5});
  EXPECT_NEAR(root(f, z0).value(1).item<double>(), 0.1, 1e-15);
  EXPECT_NEAR(root(f, astype(z0, float32)).value(1).item<float>(), 0.1f, 1e-8);
  EXPECT_NEAR(norm(f(z0)).item<double>(), 1325, 0.1);
  EXPECT_NEAR(root(f, z0, {.tolerance = 1e-4}).value(1).item<double>(), 0.26, 1e-12);
}

TEST(SolvingPage, ToleranceOnTheResidual) {
  auto slow = [](const Array& z) { return 0.999 * z + 0.001 * cos(z); };
  auto loose = fixed_point(slow, array(0.0), {.solver = ForwardIteration{}, .tolerance = 1e-6});
  double residual = loose.residual_norm.item<double>();  // 1.0e-6
  double away = loose.error_estimate.item<double>();     // 8.1e-4, and so it is
  auto best = fixed_point(slow, array(0.0));
  double left = best.error_estimate.item<double>();  // 2e-13
  EXPECT_NEAR(residual, 1e-6, 1e-8);
  EXPECT_NEAR(away, 8.1e-4, 1e-5);
  const double solution = 0.7390851332151607, z = loose.value.item<double>();
  EXPECT_NEAR(std::fabs(z / solution - 1), 8.1e-4, 1e-5);
  expect_about(left, 2e-13);
  EXPECT_NEAR(best.value.item<double>(), solution, 2e-13);
  EXPECT_EQ(best.steps.item<std::int64_t>(), 14493);
  EXPECT_EQ(fixed_point(slow, array(0.0), {.solver = Newton{}}).steps.item<std::int64_t>(), 5);
}

TEST(SolvingPage, Noise) {
  auto cubic = [](const Array& z) { return power(z, 3) - 3.0 * z * z + 3.0 * z - 1.0; };  // (z - 1)³, multiplied out
  double noise = rounding_noise(cubic)(array(1.0)).item<double>();                        // about 1e-15
  auto triple = root(cubic, array(3.0));
  double found = triple.value.item<double>();              // 1.0000049
  double estimate = triple.error_estimate.item<double>();  // 1.8e-5
  EXPECT_NEAR(noise, 1.2e-15, 4e-16);  // the signs go by the order in which a compiler evaluates operands
  EXPECT_NEAR(found, 1, 2e-5);
  expect_about(estimate, 1.8e-5);

  auto shifted = root([](const Array& z) { return (z + 1e10) - 1e10 - 0.1; }, array(1.0));
  EXPECT_NEAR(shifted.value.item<double>(), 0.0999996, 1e-7);
  EXPECT_NEAR(shifted.error_estimate.item<double>(), 2.3e-5, 1e-6);
  EXPECT_EQ(failure_of([] { root([](const Array& z) { return (z + 1e16) - 1e16 - 3.0; }, array(1.0)); }),
            StatusCode::stagnated);

  auto twice = root([](const Array& z) { return square(z - 1.0); }, array(0.0));
  expect_about(std::fabs(twice.value.item<double>() - 1), 1e-11);
  expect_about(twice.error_estimate.item<double>(), 2e-12);
}

TEST(SolvingPage, Statuses) {
  auto f = [](const Array& z) { return 2.0 * z + 1.0; };
  EXPECT_EQ(failure_of([&] { fixed_point(f, array(1.0), {.solver = ForwardIteration{}}); }), StatusCode::diverged);
  EXPECT_EQ(failure_of([] { root([](const Array& z) { return z * z + 1.0; }, array(1.0)); }), StatusCode::singular);
  EXPECT_EQ(failure_of([] { root([](const Array& z) { return log(z) + 1.0; }, array(-1.0)); }), StatusCode::nonfinite);
  EXPECT_EQ(failure_of([] {
              fixed_point([](const Array& z) { return cos(z); }, array(1.0),
                          {.solver = ForwardIteration{}, .max_steps = 10});
            }),
            StatusCode::max_steps);
  EXPECT_EQ(failure_of([] { minimize([](const Array& z) { return -exp(z); }, array(2.0)); }), StatusCode::unbounded);
}

TEST(SolvingPage, FailedLanes) {
  std::ostringstream printed;
  std::streambuf* before = std::cout.rdbuf(printed.rdbuf());
  auto parabola = [](const Array& a, const Array& z) { return a * z * z + 0.1; };
  try {
    fixed_point(parabola, array(0.0), {}, array(3.0));
  } catch (const SolveError& e) {
    std::cout << e.what() << "\n";  // auto: stagnated after … steps, residual norm 0.0167: …
  }
  std::cout.rdbuf(before);
  EXPECT_EQ(printed.str().find("auto: stagnated after "), 0u) << printed.str();
  EXPECT_NE(printed.str().find(" steps, residual norm 0.0167: "), std::string::npos) << printed.str();

  auto lane = [&](const Array& a) { return fixed_point(parabola, array(0.0), {.on_failure = OnFailure::nan}, a); };
  auto loss = [&](const Array& a) {
    auto s = vmap(lane)(a);
    return sum(where(s.status.code == 0, s.value, 0.0));
  };
  Array slopes = grad(loss)(array({0.5, 3.0, 1.0}));  // 0.01246, 0, 0.01640
  expect_near(slopes, {0.01246, 0, 0.01640}, 1e-5);
}

TEST(SolvingPage, DerivativeAnyway) {
  auto layer = [](const Array& a, const Array& z) { return cos(a * z); };
  auto ten_steps = [&](const Array& a) {
    return fixed_point(layer, array(1.0),
                       {.solver = ForwardIteration{},
                        .max_steps = 10,
                        .on_failure = OnFailure::best,
                        .derivative_anyway = true},
                       a)
        .value;
  };
  double rough = grad(ten_steps)(1.0).item<double>();  // -0.3006; of the solution -0.2975
  EXPECT_NEAR(rough, -0.3006, 1e-4);
  auto exact = [&](const Array& a) { return fixed_point(layer, array(1.0), {}, a).value; };
  EXPECT_NEAR(grad(exact)(1.0).item<double>(), -0.2975, 1e-4);
}

TEST(SolvingPage, Solvers) {
  auto steps = [](auto f, double z0, const Solver& s) {
    return fixed_point(f, array(z0), {.solver = s}).steps.template item<std::int64_t>();
  };
  auto logistic = [](const Array& z) { return 3.0 * z * (1.0 - z) + 0.2; };
  EXPECT_EQ(steps(logistic, 0.5, {}), 1007);
  EXPECT_EQ(steps(logistic, 0.5, Newton{}), 4);
  auto cosine = [](const Array& z) { return cos(z); };
  EXPECT_EQ(steps(cosine, 1, {}), 62);
  EXPECT_EQ(steps(cosine, 1, Anderson{}), 4);
  const double z = fixed_point(cosine, array(1.0), {.solver = fwd_solver}).value.item<double>();
  EXPECT_NEAR(std::fabs(z / 0.7390851332151607 - 1), 4e-6, 5e-7);
}

TEST(SolvingPage, ATrapForTheResidual) {
  auto trap = [](const Array& v) {  // ‖F‖ has a minimum at (11.4, -0.9), which is no root
    const Array x = v(0), y = v(1);
    return stack({x - power(y, 3) + 5.0 * square(y) - 2.0 * y - 13.0, x + power(y, 3) + square(y) - 14.0 * y - 29.0});
  };
  auto out_of_it = root(trap, array({0.5, -2.0}));
  std::string found_by = out_of_it.solver();  // "pseudo_transient"
  EXPECT_EQ(found_by, "pseudo_transient");
  expect_near(out_of_it.value, {5, 4}, 1e-12);
  for (const Solver& by : {Solver(Newton{}), Solver(Dogleg{}), Solver(LevenbergMarquardtRoot{})}) {
    EXPECT_EQ(failure_of([&] { root(trap, array({0.5, -2.0}), {.solver = by}); }), StatusCode::stagnated) << by.name();
  }
}

TEST(SolvingPage, InexactAdjoints) {
  const int n = 200;
  const Array W = random::normal(random::key(0), {n, n}) * (0.45 / std::sqrt(double(n)));
  const Array x = random::normal(random::key(1), {n});
  auto layer = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
  auto slopes = [&](const Adjoint& a) {
    return grad(
        [&](const Array& W) { return sum(square(fixed_point(layer, zeros({n}), {.adjoint = a}, W, x).value)); })(W);
  };
  const Array exact = slopes({});
  auto error = [&](const Adjoint& a) { return (norm(slopes(a) - exact) / norm(exact)).item<double>(); };
  EXPECT_NEAR(error(OneStep{}), 0.28, 0.01);
  EXPECT_NEAR(error(Neumann{}), 0.0022, 1e-4);
  expect_about(error(Neumann{.terms = 20}), 3e-11);
  EXPECT_EQ(failure_of([&] { slopes(CG{}); }), StatusCode::breakdown);
}

TEST(SolvingPage, Preconditioner) {
  const int n = 2000;
  const Array d = linspace(1.0, 1000.0, n);
  auto balance = [&](const Array& x, const Array& z) { return d * z + 0.1 * tanh(roll(z, 1)) - x; };
  Array z = ones({n}) / d;
  for (int k = 0; k < 30; ++k) z = (ones({n}) - 0.1 * tanh(roll(z, 1))) / d;
  auto slope = [&](const GMRES& by) {
    return grad([&](const Array& x) { return sum(implicit_function(balance, z, {.adjoint = by}, x)); })(ones({n}));
  };
  Array g = slope(GMRES{.max_steps = 6, .preconditioner = [&](const Array& v) { return v / d; }});
  EXPECT_LT((norm(g - slope({})) / norm(g)).item<double>(), 1e-10);
  EXPECT_EQ(failure_of([&] { slope({.max_steps = 100}); }), StatusCode::max_steps);
}

TEST(SolvingPage, Structure) {
  auto each = [](const Array& a, const Array& z) { return z * z * z + z - a; };
  const Array a = linspace(1.0, 2.0, 20);
  const Array known = root(each, ones({20}), {.structure = {.diagonal = true}}, a).value;
  EXPECT_LT(max(abs(known - root(each, ones({20}), {}, a).value)).item<double>(), 1e-15);
}

TEST(SolvingPage, Watching) {
  auto slow = [](const Array& z) { return 0.999 * z + 0.001 * cos(z); };
  CancelToken token;
  auto enough = [&](const StepReport& report) {
    if (report.step == 100) token.cancel();
  };
  auto ended = fixed_point(slow, array(0.0),
                           {.solver = ForwardIteration{},
                            .tolerance = 1e-12,
                            .on_failure = OnFailure::best,
                            .watch = {.monitor = enough, .token = token, .deadline = Deadline::in(60)}});
  std::string status = name(ended.status.get());  // "cancelled"
  EXPECT_EQ(status, "cancelled");
  EXPECT_EQ(ended.steps.item<std::int64_t>(), 100);
  EXPECT_GT(ended.value.item<double>(), 0.09);

  auto endless = [] {
    CancelScope scope(Deadline::in(0.05));
    return while_loop([](const Array& k) { return k >= 0; }, [](const Array& k) { return k + 1.0; }, array(0.0));
  };
  EXPECT_THROW(endless(), CancelledError);
}

TEST(SolvingPage, Minima) {
  auto cosine = [](const Array& z) { return cos(z); };
  EXPECT_NEAR(minimize(cosine, array(0.3)).value.item<double>(), std::acos(-1.0), 1e-15);
  EXPECT_NEAR(std::fabs(minimize(cosine, array(0.0)).value.item<double>()), std::acos(-1.0), 1e-15);
  EXPECT_EQ(failure_of([&] { minimize([](const Array& z) { return power(z, 3); }, array(1.0)); }),
            StatusCode::unbounded);
  auto rosenbrock = [](const Array& z) { return square(1.0 - z(0)) + 100.0 * square(z(1) - square(z(0))); };
  auto found = minimize(rosenbrock, array({-1.2, 1.0}));
  EXPECT_EQ(found.value.to_vector<double>(), (Numbers{1, 1}));
  EXPECT_EQ(found.steps.item<std::int64_t>(), 26);
}

TEST(SolvingPage, Fit) {
  const Array t = arange(5.0), y = array({5.1, 2.9, 2.0, 1.1, 0.9});
  auto decay = [&](const Array& y, const Array& z) { return z(0) * exp(-z(1) * t) - y; };
  auto fit = [&](const Array& y) { return least_squares(decay, array({4.0, 0.3}), {}, y); };
  auto f = fit(y);                                                            // 5.02332, 0.48436 in 5 steps
  Array by_data = jacobian([&](const Array& y) { return fit(y).value; })(y);  // (0, 1): 0.25989; by JᵀJ 0.26527
  Array j = jacobian([&](const Array& z) { return decay(y, z); })(f.value);
  Array shortened = solve(dot(j.T(), j), j.T());
  Array of_objective = grad([&](const Array& y) { return fit(y).objective; })(y);  // y less the model
  expect_near(f.value, {5.02332, 0.48436}, 1e-5);
  EXPECT_EQ(f.steps.item<std::int64_t>(), 5);
  EXPECT_NEAR(by_data(0, 1).item<double>(), 0.25989, 1e-5);
  EXPECT_NEAR(shortened(0, 1).item<double>(), 0.26527, 1e-5);
  const double h = 1e-5;
  const Array difference = (fit(y.at(1).add(h)).value - fit(y.at(1).add(-h)).value) / (2 * h);
  EXPECT_LT(max(abs(difference - by_data(ellipsis, 1))).item<double>(), 1e-9);
  expect_near(of_objective + decay(y, f.value), Numbers(5, 0), 1e-13);

  Array errors = standard_errors(decay, f.value, {}, y);                            // 0.1633, 0.0313
  Array as_packages = standard_errors(decay, f.value, {.full_hessian = false}, y);  // 0.1623, 0.0306
  auto rate_error = [&](const Array& y) { return standard_errors(decay, fit(y).value, {}, y)(1); };
  Array influence = grad(rate_error)(y);  // 0.0285, -0.0749, 0.0261, -0.0307, 0.0596
  expect_near(errors, {.1633, .0313}, 1e-4);
  expect_near(as_packages, {.1623, .0306}, 1e-4);
  expect_near(influence, {.0285, -.0749, .0261, -.0307, .0596}, 1e-4);

  const Array wrong = y.at(3).set(4.0);
  auto by_squares = least_squares(decay, array({4.0, 0.3}), {}, wrong).value;                 // 4.671, 0.259
  auto robust = least_squares(decay, array({4.0, 0.3}), {.loss = cauchy(0.1)}, wrong).value;  // 5.082, 0.461
  expect_near(by_squares, {4.671, .259}, 1e-3);
  expect_near(robust, {5.082, .461}, 1e-3);
}

TEST(SolvingPage, GivenPoint) {
  auto equation = [](const Array& a, const Array& z) { return z * z - a; };
  auto from_elsewhere = [&](const Array& a) { return implicit_function(equation, array(1.41421356), {}, a); };
  Array same = from_elsewhere(array(2.0));                 // 1.41421356
  double rate = grad(from_elsewhere)(2.0).item<double>();  // 0.35355339
  EXPECT_EQ(same.item<double>(), 1.41421356);
  EXPECT_NEAR(rate, 0.35355339, 1e-8);
  EXPECT_EQ(failure_of([&] { implicit_function(equation, array(1.43), {}, array(2.0)); }), StatusCode::not_a_solution);
}

TEST(SolvingPage, SolverOfOnesOwn) {
  auto shrink = [](const Array& t) {
    Array active = abs(t) > 0.5;
    return std::pair(where(active, t - 0.5 * sign(t), 0.0 * t), active);
  };
  auto conditions = [](const Array& t, const Array& z, const Array& active) {
    return where(active, z - t + 0.5 * sign(z), z);
  };
  auto sparse = [&](const Array& t) { return implicit_function(shrink, conditions, {}, t).first; };
  Array slopes = diagonal(jacobian(sparse)(array({2.0, 0.25})));  // [1, 0]
  expect_near(slopes, Numbers{1, 0}, 1e-15);
}

TEST(SolvingPage, MultipleRoots) {
  auto touching = [](const Array& c, const Array& z) { return z * z - 2.0 * z + c; };
  auto upper = [&](const Array& c) { return root(touching, array(3.0), {.on_failure = OnFailure::nan}, c).value; };
  double there = upper(array(1.0)).item<double>();      // 1.0000000075: the root is found
  double none = grad(upper)(1.0).item<double>();        // nan; with OnFailure::raise a SolveError, `singular`
  double close = grad(upper)(1 - 1e-8).item<double>();  // -5000, right to 3e-9
  EXPECT_NEAR(there, 1, 5e-8);
  EXPECT_TRUE(std::isnan(none));
  EXPECT_NEAR(close / -5000, 1, 3e-9);
  for (auto [d, error] : {std::pair(1e-4, 1e-8), {1e-5, 1e-6}, {1e-6, 1e-4}, {1e-7, 1e-2}}) {
    const double c = 1 - d * d, slope = -0.5 / std::sqrt(1 - c), got = grad(upper)(c).item<double>();
    EXPECT_NEAR(got / slope, 1, error) << d;
  }
}

}  // namespace
}  // namespace dini
