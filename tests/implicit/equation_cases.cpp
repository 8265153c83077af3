#include "tests/implicit/equation_cases.hpp"

#include <cmath>
#include <numbers>

namespace dini::tests {

Array matrix_of(const EquationCase::Matrix& m) {
  EquationCase::Point all;
  for (const EquationCase::Point& row : m) all.insert(all.end(), row.begin(), row.end());
  return reshape(array(all), Shape{static_cast<std::int64_t>(m.size()), static_cast<std::int64_t>(m[0].size())});
}
namespace {

using Point = EquationCase::Point;
using Matrix = EquationCase::Matrix;
const double pi = std::numbers::pi;

Matrix diagonal(const Point& d) {
  Matrix m(d.size(), Point(d.size(), 0.0));
  for (std::size_t k = 0; k < d.size(); ++k) m[k][k] = d[k];
  return m;
}
Matrix column(const Point& d) {
  Matrix m;
  for (double x : d) m.push_back({x});
  return m;
}
const std::vector<std::string> contracting{"forward_iteration", "fwd_solver"};

EquationCase rotations() {
  const Point angles{pi / 2, pi / 3, pi / 4, pi / 5, pi / 6, pi / 1.27, pi / 1.73};
  Matrix m(14, Point(14, 0.0));
  Point c;
  for (std::size_t k = 0; k < 14; ++k) c.push_back(static_cast<double>(k + 1));
  for (std::size_t k = 0; k < 7; ++k) {
    m[2 * k][2 * k] = m[2 * k + 1][2 * k + 1] = std::cos(angles[k]);
    m[2 * k][2 * k + 1] = -std::sin(angles[k]);
    m[2 * k + 1][2 * k] = std::sin(angles[k]);
  }
  return {"seven rotations",
          true,
          [M = matrix_of(m)](const Array& c, const Array& x) { return dot(astype(M, x.dtype()), x - c) + c; },
          c,
          Point(14, 0.0),
          c,
          diagonal(Point(14, 1.0)),
          {"forward_iteration", "fwd_solver", "anderson", "anderson_solver"}};
}

EquationCase crank_nicolson() {
  Point y, slope, q;
  for (int k = 0; k < 100; ++k) {
    const double at = -1 + 2 * k / 99.0;
    q.push_back(at * at);
    y.push_back((-1 + std::sqrt(1 + 12 * q.back() - 4 * q.back() * q.back())) / 2);
    slope.push_back(y.back() / (0.5 + y.back()));
  }
  return {"Crank-Nicolson",
          true,
          [q](const Array& c, const Array& y) {
            const Array at = astype(array(q), y.dtype());
            return c * (at + 0.5 * ((1 - y) * y + (1 - at) * at));
          },
          {1},
          Point(100, 1.0),
          y,
          column(slope),
          {},
          true};
}

std::vector<EquationCase> made() {
  const double c = 0.7390851332151607, w = 0.5671432904097838, r = 1.5213797068045676, t = 0.961179751371539;
  const double tanh_slope = (1 - t * t) / (t * t), root2 = std::sqrt(2.0), at3 = 0.91209242766275;
  return {
      {"cosine at a slope of -1",
       true,
       [](const Array& b, const Array& y) { return cos(y) + b; },
       {0, pi / 2},
       {0.3, pi / 4},
       {c, pi / 2},
       diagonal({0.5975100456753035, 0.5}),
       contracting,
       true},
      {"exponential",
       true,
       [](const Array& c, const Array& y) { return exp(-c * y); },
       {1},
       {0.5},
       {w},
       {{-0.2052470337748895}},
       {},
       true},
      {"cubic",
       false,
       [](const Array& a, const Array& y) { return a * power(y, 3) - y - 2; },
       {1},
       {1.5},
       {r},
       {{-0.5924469933174597}},
       {},
       true},
      {"hyperbolic tangent",
       true,
       [](const Array& b, const Array& y) { return tanh(y + b); },
       {1},
       {0},
       {t},
       {{tanh_slope}},
       {},
       true},
      {"product",
       true,
       [](const Array& b, const Array& x) { return b * x; },
       {.05, .2},
       {1, -.5},
       {0, 0},
       {{0, 0}, {0, 0}},
       {},
       true},
      {"slow",
       true,
       [](const Array& d, const Array& x) { return d * x; },
       {.9, .99, .999},
       {1, .4, -.2},
       {0, 0, 0},
       {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}},
       {"fwd_solver", "anderson_solver"},
       true},
      rotations(),
      crank_nicolson(),
      {"linear",
       false,
       [](const Array& b, const Array& x) {
         return dot(astype(array({{4.0, 1.0, 0.0}, {-2.0, 3.0, 1.0}, {1.0, 0.0, 2.0}}), x.dtype()), x) - b;
       },
       {9, 4, -3},
       {0, 0, 0},
       // By Cramer's rule; the determinant is 29.
       {43.0 / 29, 89.0 / 29, -65.0 / 29},
       {{6.0 / 29, -2.0 / 29, 1.0 / 29}, {5.0 / 29, 8.0 / 29, -4.0 / 29}, {-3.0 / 29, 1.0 / 29, 14.0 / 29}},
       {"bicgstab"}},
      {"hyperbolic tangents",
       false,
       [](const Array& s, const Array& v) {
         return tanh(v * astype(array({1.0, 1.0, 2.0}), v.dtype()) + s);
       },
       {.1, -.5, 0},
       {.5, -.3, .5},  // from 0.7 in the last one, see below
       {-.1, .5, 0},
       diagonal({-1, -1, -.5})},
      {"identity", false, [](const Array& a, const Array& y) { return y - a; }, {1}, {0}, {1}, {{1}}, {}, true},
      {"two equations",
       false,
       [](const Array& b, const Array& x) {
         return dot(astype(array({{1.0, 5.0}, {-2.0, -2.0}}), x.dtype()), x) - b;
       },
       {3, 4},
       {0, 0},
       {-3.25, 1.25},
       {{-.25, -.625}, {.25, .125}}},
      {"quotient",
       false,
       [](const Array& x, const Array& y) {
         return x * y - astype(array({4.0, 9.0}), y.dtype());
       },
       {2, -3},
       {1, 1},
       {2, -3},
       diagonal({-1, -1})},
      {"ill conditioned",
       false,
       [](const Array& b, const Array& x) {
         return dot(astype(array({{3.9, 1.65}, {6.845, 2.9}}), x.dtype()), x) - b;
       },
       {5.5, 9.7},
       {0, 0},
       {-220.0 / 63, 730.0 / 63},
       // The determinant is 0.01575.
       {{2.9 / .01575, -1.65 / .01575}, {-6.845 / .01575, 3.9 / .01575}},
       {},
       false,
       4647},
      {"cube root",
       false,
       [](const Array& a, const Array& y) { return power(y, 3) - a; },
       {8},
       {1},
       {2},
       {{1.0 / 12}},
       {},
       true},
      {"Heron",
       true,
       [](const Array& a, const Array& z) { return 0.5 * (z + a / z); },
       {2},
       {1},
       {root2},
       {{1 / (2 * root2)}},
       {},
       true},
      {"cosine",
       true,
       [](const Array& b, const Array& z) { return cos(z) + b; },
       {0.3},
       {1},
       {at3},
       {{0.55841394343907}},
       {},
       true},
      {"triangular map",
       true,
       [](const Array& b, const Array& z) {
         return dot(astype(array({{.2, .1}, {0.0, .4}}), z.dtype()), z) + b;
       },
       {1, 2},
       {0, 0},
       {5.0 / 3, 10.0 / 3},
       {{1.25, 1.25 / 6}, {0, 1 / .6}}},
      {"expansive map",
       true,
       [](const Array& b, const Array& z) { return sum(z) * ones_like(z) + b; },
       {1, 1, 1},
       {0, 0, 0},
       {-.5, -.5, -.5},
       {{.5, -.5, -.5}, {-.5, .5, -.5}, {-.5, -.5, .5}},
       {"forward_iteration", "fwd_solver", "anderson_solver", "bicgstab"}},
      {"rotation by π/3",
       true,
       [](const Array& c, const Array& z) {
         const double s = std::sqrt(0.75);
         return dot(astype(array({{.5, -s}, {s, .5}}), z.dtype()), z - c) + c;
       },
       {1, 2},
       {0, 0},
       {1, 2},
       diagonal({1, 1}),
       {"forward_iteration", "fwd_solver", "anderson_solver"}},
  };
}

}  // namespace

const std::vector<EquationCase>& equation_cases() {
  static const std::vector<EquationCase> all = made();
  return all;
}

}  // namespace dini::tests
