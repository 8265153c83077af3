#include "tests/implicit/optimum_cases.hpp"

#include <cmath>

namespace dini::tests {

namespace {

// ‖Xw - y‖² + λm‖w‖², of m rows: w = (XᵀX + λmI)⁻¹Xᵀy and dw/dλ = -m(XᵀX + λmI)⁻¹w.
OptimumCase ridge_regression() {
  const double m = 10;
  const Array i = reshape(arange(10.0), {10, 1}), x = sin(1.3 * i + 0.7 * i * arange(3.0)), y = cos(arange(10.0));
  const Array matrix = dot(x.T(), x) + 5 * m * eye(3), w = linalg::solve(matrix, dot(x.T(), y));
  return {"ridge regression",
          true,
          [=](const Array& t, const Array& w) {
            return concatenate({dot(x, w) - y, sqrt(m * t(0)) * w});
          },
          array({5.0}),
          zeros({3}),
          w,
          reshape(-m * linalg::solve(matrix, w), {3, 1})};
}

}  // namespace

const std::vector<OptimumCase>& optimum_cases() {
  const Array enzyme_x = array({.038, .194, .425, .626, 1.253, 2.5, 3.74});
  const Array enzyme_y = array({.05, .127, .094, .2122, .2729, .2665, .3317});
  static const std::vector<OptimumCase> all{

      {"Himmelblau", false,
       [](const Array& t, const Array& z) {
         return square(square(z(0)) + z(1) - t(0)) + square(z(0) + square(z(1)) - t(1));
       },
       array({11.0, 7.0}), array({2.9, 2.1}), array({3.0, 2.0}), array({{4.0, -1.0}, {-1.0, 6.0}}) / 23.0},
      {"Himmelblau's residuals", true,
       [](const Array& t, const Array& z) {
         return stack({square(z(0)) + z(1) - t(0), z(0) + square(z(1)) - t(1)});
       },
       array({11.0, 7.0}), array({2.9, 2.1}), array({3.0, 2.0}), array({{4.0, -1.0}, {-1.0, 6.0}}) / 23.0},
      {"Beale", false,
       [](const Array& c, const Array& z) {
         return sum(square(c - z(0) + z(0) * power(z(1), array({1.0, 2.0, 3.0}))));
       },
       array({1.5, 2.25, 2.625}), array({2.9, .45}), array({3.0, .5}),
       array({{-32.0 / 21, 4.0 / 105, 208.0 / 105}, {-32.0 / 63, -38.0 / 315, 124.0 / 315}})},
      {"Beale's residuals", true,
       [](const Array& c, const Array& z) {
         return c - z(0) + z(0) * power(z(1), array({1.0, 2.0, 3.0}));
       },
       array({1.5, 2.25, 2.625}), array({2.9, .45}), array({3.0, .5}),
       array({{-32.0 / 21, 4.0 / 105, 208.0 / 105}, {-32.0 / 63, -38.0 / 315, 124.0 / 315}})},
      {"Matyas", false,
       [](const Array& t, const Array& z) { return t(0) * (square(z(0)) + square(z(1))) - t(1) * z(0) * z(1); },
       array({.26, .48}), array({6.0, 6.0}), zeros({2}), zeros({2, 2})},
      {"a chain", true,
       [](const Array& c, const Array& z) {
         return concatenate({100 * (z(slice(1, 4)) - z(slice(0, 3)) - (c(slice(1, 4)) - c(slice(0, 3)))), c - z});
       },
       array({1.0, -2.0, 3.0, .5}), zeros({4}), array({1.0, -2.0, 3.0, .5}), eye(4)},
      {"a quadratic form", false,
       [](const Array& b, const Array& y) {
         return dot(y, dot(array({{2.0, -1.0}, {-1.0, 3.0}}), y)) + dot(b, y) + 100;
       },
       array({-100.0, 5.0}), array({2.0, 3.0}), array({29.5, 9.0}), array({{-.3, -.1}, {-.1, -.2}})},
      // With Gauss and Newton's JᵀJ the last column would be (0.8590103, 2.8696318).
      {"enzyme kinetics", true,
       [=](const Array& y, const Array& p) {
         const Array all = concatenate({enzyme_y(slice(0, 6)), y});
         return all - p(0) * enzyme_x / (p(1) + enzyme_x);
       },
       array({.3317}), array({.3, .5}), array({.36183687202, .55626645709}), array({{.89802963}, {3.0922243}})},
      {"a narrow valley", true,
       [](const Array& t, const Array& z) {
         return std::sqrt(2) * stack({t(1) * (z(1) - square(z(0))), t(0) - z(0)});
       },
       array({1.0, 10.0}), array({.9, .8}), array({1.0, 1.0}), array({{1.0, 0.0}, {2.0, 0.0}})},
      ridge_regression(),
  };
  return all;
}

}  // namespace dini::tests
