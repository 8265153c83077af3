// Systems of nonlinear equations from the literature, each with the start that is customary and what is known of its roots.
//
// Sources: Moré, Garbow and Hillstrom, ACM Trans. Math. Software 7 (1981); the test problems of MINPACK, KINSOL and PETSc.
#pragma once

#include <cmath>
#include <functional>
#include <numbers>
#include <ostream>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace dini::tests::literature {

inline constexpr double pi = std::numbers::pi, e = std::numbers::e;
inline constexpr int n = 10;  // unknowns, where a system may have any number

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
  /// Whether z is one of the roots that are known, and a root in any case.
  bool solved_by(const Array& z) const {
    if (!(max(abs(f(z))).item() <= 1e-8)) return false;
    if (!std::isnan(sum) && !(std::fabs(dini::sum(z).item() - sum) <= digits)) return false;
    bool known = roots.empty();
    for (const Point& r : roots) known = known || max(abs(z - array(r))).item() <= digits;
    return known;
  }
};
inline void PrintTo(const System& s, std::ostream* out) { *out << s.name; }

inline Point times(double x) { return Point(n, x); }
inline Array positions() { return arange(1.0, n + 1.0); }
// The neighbours of each element, with values beyond the ends.
inline Array left(const Array& x, const Array& first) {
  return concatenate({reshape(first, {1}), x(slice(0, x.size() - 1))});
}
inline Array right(const Array& x, const Array& last) { return concatenate({x(slice(1, end)), reshape(last, {1})}); }
inline Array second_difference(const Array& x, double first, double last) {
  return left(x, array(first)) - 2 * x + right(x, array(last));
}
// Σ of the four neighbours less 4u on a grid, 0 around it.
inline Array laplacian(const Array& u) {
  const std::int64_t m = u.shape()[0];
  const Array p = pad(u, {{1, 1}, {1, 1}});
  return p(slice(0, m), slice(1, m + 1)) + p(slice(2, m + 2), slice(1, m + 1)) + p(slice(1, m + 1), slice(0, m)) +
         p(slice(1, m + 1), slice(2, m + 2)) - 4 * u;
}

inline Point quadratic_start() {
  Point x;
  for (int k = 1; k <= n; ++k) x.push_back(k / 11.0 * (k / 11.0 - 1));
  return x;
}

inline Array watson(const Array& x) {
  const Array t = arange(1.0, 30.0) / 29.0, line = x(0) + t * x(1), s = x(1) - square(line) - 1;
  const Array w = x(1) - square(x(0)) - 1;
  return stack({sum(s / t * (-2 * t * line)) + x(0) * (1 - 2 * w), sum(s * (1 - 2 * t * line)) + w});
}
inline Array integral_equation(const Array& x) {
  const double h = 1.0 / 11;
  const Array t = h * positions(), g = power(x + t + 1, 3);
  const Array below = cumsum(t * g), above = sum((1 - t) * g) - cumsum((1 - t) * g) + (1 - t) * g;
  return x + h / 2 * ((1 - t) * below + t * above);
}
inline Array broyden_banded(const Array& x) {
  Array sums = zeros({n});
  const Array y = x * (1 + x), p = concatenate({zeros({5}), y, zeros({1})});
  for (int k = 0; k <= 6; ++k) {
    if (k != 5) sums = sums + p(slice(k, k + n));
  }
  return x * (2 + 5 * square(x)) + 1 - sums;
}
inline Residual hammarling(int m) {
  return [m](const Array& x) {
    const Array X = reshape(x, {m, m});
    return ravel(dot(X, X) - 1e-4 * eye(m, m) - zeros({m, m}).at(0, 1).set(1.0));
  };
}
inline Point unit_matrix(int m) {
  Point x(static_cast<std::size_t>(m * m), 0.0);
  for (int k = 0; k < m; ++k) x[static_cast<std::size_t>(k * m + k)] = 1;
  return x;
}
inline Array chandrasekhar(const Array& x) {
  const Array mu = positions() / 10, column = reshape(mu, {n, 1});
  return x - 1 / (1 - 0.045 * sum(column * x / (column + mu), 1));
}
inline Array freudenstein(const Array& v) {
  const Array x = v(0), y = v(1);
  return stack({x - power(y, 3) + 5 * square(y) - 2 * y - 13, x + power(y, 3) + square(y) - 14 * y - 29});
}
inline Array robot(const Array& z) {
  const Array a = z(0), b = z(1), c = z(2), d = z(3), v = z(4), f = z(5), g = z(6), h = z(7);
  return stack({-.1238 * a + g - .001637 * b - .9338 * d + .004731 * a * c - .3578 * b * c - .3571,
                .2638 * a - g - .07745 * b - .6734 * d + .2238 * a * c + .7623 * b * c - .6022,
                .3578 * a + .004731 * b + f * h, -.7623 * a + .2238 * b + .3461, a * a + b * b - 1, c * c + d * d - 1,
                v * v + f * f - 1, g * g + h * h - 1});
}
// Periodic N × N, u beside v; the exact mean of u is 1 + the mean of f.
inline constexpr int brusselator_side = 16;
inline Array brusselator_source() {
  constexpr int N = brusselator_side;
  const Array at = arange(1.0 * N) / (N - 1.0), x = reshape(at, {N, 1}), y = reshape(at, {1, N});
  return where(square(x - 0.3) + square(y - 0.6) <= 0.01, 5.0, 0.0) * ones({N, N});
}
inline Array brusselator(const Array& z) {
  constexpr int N = brusselator_side;
  const Array u = reshape(z(slice(0, N * N)), {N, N}), v = reshape(z(slice(N * N, end)), {N, N});
  auto diffusion = [](const Array& w) {
    return 10.0 * (N - 1) * (N - 1) * (roll(w, 1, 0) + roll(w, -1, 0) + roll(w, 1, 1) + roll(w, -1, 1) - 4 * w);
  };
  const Array cubic = square(u) * v;
  return concatenate(
      {ravel(diffusion(u) + 1 + cubic - 4.4 * u + brusselator_source()), ravel(diffusion(v) + 3.4 * u - cubic)});
}
inline Point brusselator_start() {
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

inline std::vector<System> systems() {
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
       .roots = {{.01, 50, 0, .01}, {-.01, -50, 0, -.01}},
       .stiff = true},
      {.name = "Hammarling 3",
       .start = unit_matrix(3),
       .f = hammarling(3),
       .roots = {{.01, 50, 0, 0, .01, 0, 0, 0, .01},
                 {-.01, -50, 0, 0, -.01, 0, 0, 0, .01},
                 {.01, 50, 0, 0, .01, 0, 0, 0, -.01},
                 {-.01, -50, 0, 0, -.01, 0, 0, 0, -.01}},
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
      {"simple beside a double root", {1}, [](const Array& x) { return x * square(x - 5); }, {{0}, {5}}},
      {"Freudenstein and Roth",
       {.5, -2},  // ‖F‖ has a minimum near (11.41, -0.8968), into which it falls from here
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

}  // namespace dini::tests::literature
