// Systems of nonlinear equations from the literature, each by the default solver from the start that is customary, without
// options: that the point found is a root, that it is a root that is known, and that its derivative in a parameter put into
// the equations is what re-solving with that parameter moved shows.
//
// Sources: Moré, Garbow and Hillstrom, ACM Trans. Math. Software 7 (1981); the test problems of MINPACK, KINSOL and PETSc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace systems_test {

using namespace dini;

const double pi = std::numbers::pi, e = std::numbers::e;
constexpr int n = 10;  // unknowns, where a system may have any number

using Residual = std::function<Array(const Array&)>;
using Point = std::vector<double>;

struct System {
  std::string name;
  Point start;
  Residual f;
  std::vector<Point> roots = {};  // one of which is found; to the digits that the sources print
  double digits = 1e-6;
  double sum = std::nan("");  // Σz, where that is what is known
  bool singular = false;      // ∂F/∂z at the root: there is no derivative
  bool stiff = false;         // so badly conditioned that differences show nothing of a derivative
};
void PrintTo(const System& s, std::ostream* out) { *out << s.name; }

Point times(double x) { return Point(n, x); }
Array positions() { return arange(1.0, n + 1.0); }
// The neighbours of each element, with values beyond the ends.
Array left(const Array& x, const Array& first) { return concatenate({reshape(first, {1}), x(slice(0, x.size() - 1))}); }
Array right(const Array& x, const Array& last) { return concatenate({x(slice(1, end)), reshape(last, {1})}); }
Array second_difference(const Array& x, double first, double last) {
  return left(x, array(first)) - 2 * x + right(x, array(last));
}
// Σ of the four neighbours less 4u on a grid, 0 around it.
Array laplacian(const Array& u) {
  const std::int64_t m = u.shape()[0];
  const Array p = pad(u, {{1, 1}, {1, 1}});
  return p(slice(0, m), slice(1, m + 1)) + p(slice(2, m + 2), slice(1, m + 1)) + p(slice(1, m + 1), slice(0, m)) +
         p(slice(1, m + 1), slice(2, m + 2)) - 4 * u;
}

Point quadratic_start() {
  Point x;
  for (int k = 1; k <= n; ++k) x.push_back(k / 11.0 * (k / 11.0 - 1));
  return x;
}

Array watson(const Array& x) {
  const Array t = arange(1.0, 30.0) / 29.0, line = x(0) + t * x(1), s = x(1) - square(line) - 1;
  const Array w = x(1) - square(x(0)) - 1;
  return stack({sum(s / t * (-2 * t * line)) + x(0) * (1 - 2 * w), sum(s * (1 - 2 * t * line)) + w});
}
Array integral_equation(const Array& x) {
  const double h = 1.0 / 11;
  const Array t = h * positions(), g = power(x + t + 1, 3);
  const Array below = cumsum(t * g), above = sum((1 - t) * g) - cumsum((1 - t) * g) + (1 - t) * g;
  return x + h / 2 * ((1 - t) * below + t * above);
}
Array broyden_banded(const Array& x) {
  Array sums = zeros({n});
  const Array y = x * (1 + x), p = concatenate({zeros({5}), y, zeros({1})});
  for (int k = 0; k <= 6; ++k) {
    if (k != 5) sums = sums + p(slice(k, k + n));
  }
  return x * (2 + 5 * square(x)) + 1 - sums;
}
Residual hammarling(int m) {
  return [m](const Array& x) {
    const Array X = reshape(x, {m, m});
    return ravel(dot(X, X) - 1e-4 * eye(m, m) - zeros({m, m}).at(0, 1).set(1.0));
  };
}
Point unit_matrix(int m) {
  Point x(static_cast<std::size_t>(m * m), 0.0);
  for (int k = 0; k < m; ++k) x[static_cast<std::size_t>(k * m + k)] = 1;
  return x;
}
Array chandrasekhar(const Array& x) {
  const Array mu = positions() / 10, column = reshape(mu, {n, 1});
  return x - 1 / (1 - 0.045 * sum(column * x / (column + mu), 1));
}
Array freudenstein(const Array& v) {
  const Array x = v(0), y = v(1);
  return stack({x - power(y, 3) + 5 * square(y) - 2 * y - 13, x + power(y, 3) + square(y) - 14 * y - 29});
}
Array robot(const Array& z) {
  const Array a = z(0), b = z(1), c = z(2), d = z(3), v = z(4), f = z(5), g = z(6), h = z(7);
  return stack({-.1238 * a + g - .001637 * b - .9338 * d + .004731 * a * c - .3578 * b * c - .3571,
                .2638 * a - g - .07745 * b - .6734 * d + .2238 * a * c + .7623 * b * c - .6022,
                .3578 * a + .004731 * b + f * h, -.7623 * a + .2238 * b + .3461, a * a + b * b - 1, c * c + d * d - 1,
                v * v + f * f - 1, g * g + h * h - 1});
}
// Periodic N × N, u beside v; the exact mean of u is 1 + the mean of f.
constexpr int brusselator_side = 16;
Array brusselator_source() {
  constexpr int N = brusselator_side;
  const Array at = arange(1.0 * N) / (N - 1.0), x = reshape(at, {N, 1}), y = reshape(at, {1, N});
  return where(square(x - 0.3) + square(y - 0.6) <= 0.01, 5.0, 0.0) * ones({N, N});
}
Array brusselator(const Array& z) {
  constexpr int N = brusselator_side;
  const Array u = reshape(z(slice(0, N * N)), {N, N}), v = reshape(z(slice(N * N, end)), {N, N});
  auto diffusion = [](const Array& w) {
    return 10.0 * (N - 1) * (N - 1) * (roll(w, 1, 0) + roll(w, -1, 0) + roll(w, 1, 1) + roll(w, -1, 1) - 4 * w);
  };
  const Array cubic = square(u) * v;
  return concatenate(
      {ravel(diffusion(u) + 1 + cubic - 4.4 * u + brusselator_source()), ravel(diffusion(v) + 3.4 * u - cubic)});
}
Point brusselator_start() {
  constexpr int N = brusselator_side;
  Point z;
  auto bump = [](double c, int k) { return c * std::pow(k * (N - 1.0 - k) / ((N - 1.0) * (N - 1.0)), 1.5); };
  for (int i = 0; i < N; ++i) {
    for (int j = 0; j < N; ++j) z.push_back(bump(22, j));
  }
  for (int i = 0; i < N; ++i) {
    for (int j = 0; j < N; ++j) z.push_back(bump(27, i));
  }
  return z;
}

std::vector<System> systems() {
  return {
      {"Rosenbrock",
       {-1.2, 1, 1, 1, 1, 1, 1, 1, 1, 1},
       [](const Array& x) {
         return concatenate({1 - x(slice(0, 1)), 10 * (x(slice(1, end)) - square(x(slice(0, n - 1))))});
       },
       {times(1)}},
      {.name = "Powell's singular",
       .start = {3, -1, 0, 1},
       .f =
           [](const Array& x) {
             return stack({x(0) + 10 * x(1), std::sqrt(5.0) * (x(2) - x(3)), square(x(1) - 2 * x(2)),
                           std::sqrt(10.0) * square(x(0) - x(3))});
           },
       .roots = {{0, 0, 0, 0}},
       .digits = 1e-3,
       .singular = true},
      {"Powell's badly scaled",
       {0, 1},
       [](const Array& x) {
         return stack({1e4 * x(0) * x(1) - 1, exp(-x(0)) + exp(-x(1)) - 1.0001});
       },
       {{1.098159e-5, 9.106147}}},
      {"Wood",
       {-3, -1, -3, -1},
       [](const Array& x) {
         const Array a = x(1) - square(x(0)), b = x(3) - square(x(2));
         return stack({-200 * x(0) * a - 1 + x(0), 200 * a + 20.2 * (x(1) - 1) + 19.8 * (x(3) - 1),
                       -180 * x(2) * b - 1 + x(2), 180 * b + 20.2 * (x(3) - 1) + 19.8 * (x(1) - 1)});
       },
       {{1, 1, 1, 1}, {-.967974, .947139, -.969516, .951248}}},
      {"helical valley",
       {-1, 0, 0},
       [](const Array& x) {
         const Array angle = (arctan(x(1) / x(0)) + where(x(0) < 0.0, pi, 0.0)) / (2 * pi);
         return stack({10 * (x(2) - 10 * angle), 10 * (sqrt(square(x(0)) + square(x(1))) - 1), x(2)});
       },
       {{1, 0, 0}}},
      {"Watson", {0, 0}, watson, {{-.501367, 1.073650}}},
      {"Chebyquad",
       {0, 2.0 / 3},
       [](const Array& x) {
         return stack({mean(x), mean(2 * square(x) - 1) + 1.0 / 3});
       },
       {{-.5773503, .5773503}, {.5773503, -.5773503}}},
      {"Brown's almost linear",
       times(0.5),
       [](const Array& x) {
         return concatenate({x(slice(0, n - 1)) + sum(x) - 11.0, reshape(prod(x) - 1.0, {1})});
       },
       {}},
      {.name = "boundary value",
       .start = quadratic_start(),
       .f =
           [](const Array& x) {
             return -second_difference(x, 0, 0) + power(x + positions() / 11 + 1, 3) / (2 * 121.0);
           },
       .digits = 1e-7,
       .sum = -1.2350993},
      {.name = "integral equation",
       .start = quadratic_start(),
       .f = integral_equation,
       .digits = 1e-7,
       .sum = -1.4010644},
      {"trigonometric", times(0.1),
       [](const Array& x) { return n - sum(cos(x)) + positions() * (1 - cos(x)) - sin(x); }},
      {"variably dimensioned",
       {.9, .8, .7, .6, .5, .4, .3, .2, .1, 0},
       [](const Array& x) {
         const Array s = sum(positions() * (x - 1));
         return x - 1 + positions() * s * (1 + 2 * square(s));
       },
       {times(1)}},
      {.name = "Broyden tridiagonal",
       .start = times(-1),
       .f = [](const Array& x) { return (3 - 2 * x) * x + 1 - left(x, array(0.0)) - 2 * right(x, array(0.0)); },
       .digits = 1e-7,
       .sum = -6.4367858},
      {.name = "Broyden banded", .start = times(-1), .f = broyden_banded, .digits = 1e-7, .sum = -5.6512171},
      {.name = "Hammarling 2",
       .start = unit_matrix(2),
       .f = hammarling(2),
       .roots = {{.01, 50, 0, .01}},
       .stiff = true},
      {.name = "Hammarling 3",
       .start = unit_matrix(3),
       .f = hammarling(3),
       .roots = {{.01, 50, 0, 0, .01, 0, 0, 0, .01}},
       .stiff = true},
      {"circle and line",
       {1, 5},
       [](const Array& x) {
         return stack({x(0) + x(1) - 3, square(x(0)) + square(x(1)) - 9});
       },
       {{0, 3}, {3, 0}}},
      {.name = "two axes",
       .start = {2, 2},
       .f =
           [](const Array& x) {
             return stack({square(x(1)) * -expm1(-square(x(0))) / x(0), x(0) * -expm1(-square(x(1))) / x(1)});
           },
       .singular = true},
      {.name = "cubed norm",
       .start = {3, 3},
       .f = [](const Array& x) { return x * sum(square(x)); },
       .roots = {{0, 0}},
       .digits = 2e-3,
       .singular = true},
      {"simple beside a double root", {1}, [](const Array& x) { return x * square(x - 5); }, {{0}}},
      {"Freudenstein and Roth",
       {4, 5},  // from the customary (0.5, -2), see below
       freudenstein,
       {{5, 4}}},
      {"Boggs",
       {1, 0},
       [](const Array& v) {
         return stack({square(v(0)) - v(1) + 1, v(0) - cos(pi / 2 * v(1))});
       },
       {{0, 1}, {-1, 2}, {-std::sqrt(0.5), 1.5}}},
      {.name = "Chandrasekhar's H", .start = times(1), .f = chandrasekhar, .digits = 1e-7, .sum = 15.1949385},
      {"Brusselator", brusselator_start(), brusselator},
      {"Ferraris and Tronconi",
       {.25, 1.5},
       [](const Array& v) {
         const Array x = v(0), y = v(1);
         return stack(
             {0.5 * sin(x * y) - y / (4 * pi) - x / 2, (1 - 1 / (4 * pi)) * (exp(2 * x) - e) + e * y / pi - 2 * e * x});
       },
       {{.299449, 2.836928}}},
      {"Ferraris and Tronconi, from elsewhere",
       {.625, 3.8916},
       [](const Array& v) {
         const Array x = v(0), y = v(1);
         return stack(
             {0.5 * sin(x * y) - y / (4 * pi) - x / 2, (1 - 1 / (4 * pi)) * (exp(2 * x) - e) + e * y / pi - 2 * e * x});
       },
       {{.5, pi}}},
      {"Roberts's kinetics",
       {1, 0, 0},
       [](const Array& y) {
         const Array r = 0.1 * (-.04 * y(0) + 1e4 * y(1) * y(2)), q = 30.0 * square(y(1));
         return stack({1 + r, -r - q, q}) - y;
       },
       {{.9967854, 2.953006e-3, 2.616074e-4}},
       1e-7},
      {"robot kinematics",
       Point(8, std::sqrt(0.5)),
       robot,
       {{.671554, .740955, .951893, -.306431, .963811, -.266587, .404641, .914475}}},
      {"kinAnalytic",
       {.1, .1, -.1},
       [](const Array& v) {
         const Array x = v(0), y = v(1), z = v(2);
         return stack({3 * x - cos((y - 1) * z) - 0.5, square(x) - 81 * square(y - 0.9) + sin(z) + 1.06,
                       exp(-x * (y - 1)) + 20 * z + (10 * pi - 3) / 3});
       },
       {{.498145, .800394, -.528826}, {.5, 1, -pi / 6}}},
      {.name = "u'' + u²",
       .start = times(0.5),
       .f =
           [](const Array& u) {
             const Array x = positions() / 11;
             return 121.0 * second_difference(u, 0, 1) + square(u) - 6 * x - power(x, 6);
           },
       .roots = {[] {
         Point x;
         for (int k = 1; k <= n; ++k) x.push_back(std::pow(k / 11.0, 3));
         return x;
       }()},
       .digits = 1e-12},
  };
}

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
  const auto s = root(freudenstein, array({.5, -2.0}), {.on_failure = OnFailure::best});
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
