// Sums of squares from the literature, with the starts that are customary and the least values that are known: Moré, Garbow and Hillstrom,
// Testing unconstrained optimization software, ACM Trans. Math. Software 7 (1981), by the numbers of its list.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace dini::tests {

struct SumOfSquares {
  std::string name;
  std::vector<double> start;
  std::function<Array(const Array&)> residuals;  // in z's dtype
  std::vector<double> minima;                    // of Σr², to the digits printed
  bool singular = false;  // the Hessian at the minimum: digits of z are few, and there is no derivative
};

namespace sums_of_squares {

/// Numbers in z's dtype.
inline Array data(const Array& z, const std::vector<double>& v) { return array(v, z.dtype()); }
inline Array steps(const Array& z, double first, double step, int count) {
  std::vector<double> v;
  for (int k = 0; k < count; ++k) v.push_back(first + k * step);
  return data(z, v);
}
inline Array column(const Array& v) { return reshape(v, {v.size(), 1}); }
inline std::vector<double> repeated(const std::vector<double>& v, int times) {
  std::vector<double> out;
  for (int k = 0; k < times; ++k) out.insert(out.end(), v.begin(), v.end());
  return out;
}

}  // namespace sums_of_squares

inline const std::vector<SumOfSquares>& sums_of_squares_of_the_literature() {
  using namespace sums_of_squares;
  static const std::vector<SumOfSquares> all{
      {"1 Rosenbrock",
       {-1.2, 1},
       [](const Array& z) {
         return stack({10 * (z(1) - square(z(0))), 1 - z(0)});
       },
       {0}},
      {"2 Freudenstein-Roth",
       {.5, -2},
       [](const Array& z) {
         const Array x = z(0), y = z(1);
         return stack({-13 + x + ((5 - y) * y - 2) * y, -29 + x + ((y + 1) * y - 14) * y});
       },
       {0, 48.9842536792}},
      {"3 Powell badly scaled",
       {0, 1},
       [](const Array& z) {
         return stack({1e4 * z(0) * z(1) - 1, exp(-z(0)) + exp(-z(1)) - 1.0001});
       },
       {0}},
      {"4 Brown badly scaled",
       {1, 1},
       [](const Array& z) {
         return stack({z(0) - 1e6, z(1) - 2e-6, z(0) * z(1) - 2});
       },
       {0}},
      {"5 Beale",
       {1, 1},
       [](const Array& z) {
         return data(z, {1.5, 2.25, 2.625}) - z(0) * (1 - power(z(1), data(z, {1, 2, 3})));
       },
       {0}},
      {"6 Jennrich-Sampson",
       {.3, .4},
       [](const Array& z) {
         const Array i = steps(z, 1, 1, 10);
         return 2 + 2 * i - (exp(i * z(0)) + exp(i * z(1)));
       },
       {124.362182356}},
      {"7 helical valley",
       {-1, 0, 0},
       [](const Array& z) {
         const Array turn = arctan2(z(1), z(0)) / (2 * M_PI);
         return stack({10 * (z(2) - 10 * turn), 10 * (sqrt(square(z(0)) + square(z(1))) - 1), z(2)});
       },
       {0}},
      {"8 Bard",
       {1, 1, 1},
       [](const Array& z) {
         const Array y = data(z, {.14, .18, .22, .25, .29, .32, .35, .39, .37, .58, .73, .96, 1.34, 2.10, 4.39});
         const Array u = steps(z, 1, 1, 15), v = 16 - u, w = minimum(u, v);
         return y - (z(0) + u / (v * z(1) + w * z(2)));
       },
       {8.21487730658e-3, 17.4286}},
      {"9 Gaussian",
       {.4, 1, 0},
       [](const Array& z) {
         const Array y = data(z, {.0009, .0044, .0175, .0540, .1295, .2420, .3521, .3989, .3521, .2420, .1295, .0540,
                                  .0175, .0044, .0009});
         const Array t = (8 - steps(z, 1, 1, 15)) / 2;
         return z(0) * exp(-z(1) * square(t - z(2)) / 2) - y;
       },
       {1.12793276962e-8}},
      {"10 Meyer",
       {.02, 4000, 250},
       [](const Array& z) {
         const Array y = data(z, {34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427,
                                  3820, 3307, 2872});
         const Array t = 45 + 5 * steps(z, 1, 1, 16);
         return z(0) * exp(z(1) / (t + z(2))) - y;
       },
       {87.9458551709}},
      {"11 Gulf",
       {5, 2.5, .15},
       [](const Array& z) {
         std::vector<double> t, y;
         for (int i = 1; i <= 99; ++i) {
           t.push_back(i / 100.0);
           y.push_back(25 + std::pow(-50 * std::log(i / 100.0), 2.0 / 3));
         }
         return exp(-power(abs(data(z, y) - z(1)), z(2)) / z(0)) - data(z, t);
       },
       {0, .0380, .0380}},
      {"12 Box",
       {0, 10, 20},
       [](const Array& z) {
         const Array t = steps(z, .1, .1, 10);
         return exp(-t * z(0)) - exp(-t * z(1)) - z(2) * (exp(-t) - exp(-10 * t));
       },
       {0, .0755887}},
      {"13 Powell singular",
       {3, -1, 0, 1},
       [](const Array& z) {
         return stack({z(0) + 10 * z(1), std::sqrt(5) * (z(2) - z(3)), square(z(1) - 2 * z(2)),
                       std::sqrt(10) * square(z(0) - z(3))});
       },
       {0},
       true},
      {"14 Wood",
       {-3, -1, -3, -1},
       [](const Array& z) {
         return stack({10 * (z(1) - square(z(0))), 1 - z(0), std::sqrt(90) * (z(3) - square(z(2))), 1 - z(2),
                       std::sqrt(10) * (z(1) + z(3) - 2), (z(1) - z(3)) / std::sqrt(10)});
       },
       {0}},
      {"15 Kowalik-Osborne",
       {.25, .39, .415, .39},
       [](const Array& z) {
         const Array y = data(z, {.1957, .1947, .1735, .1600, .0844, .0627, .0456, .0342, .0323, .0235, .0246});
         const Array u = data(z, {4, 2, 1, .5, .25, .167, .125, .1, .0833, .0714, .0625});
         return y - z(0) * (u * u + u * z(1)) / (u * u + u * z(2) + z(3));
       },
       {3.07505603849e-4, 1.02734e-3}},
      {"16 Brown-Dennis",
       {25, 5, -5, -1},
       [](const Array& z) {
         const Array t = steps(z, .2, .2, 20);
         return square(z(0) + t * z(1) - exp(t)) + square(z(2) + z(3) * sin(t) - cos(t));
       },
       {85822.2016264}},
      {"17 Osborne 1",
       {.5, 1.5, -1, .01, .02},
       [](const Array& z) {
         const Array y = data(
             z, {.844, .908, .932, .936, .925, .908, .881, .850, .818, .784, .751, .718, .685, .658, .628, .603, .580,
                 .558, .538, .522, .506, .490, .478, .467, .457, .448, .438, .431, .424, .420, .414, .411, .406});
         const Array t = steps(z, 0, 10, 33);
         return y - (z(0) + z(1) * exp(-t * z(3)) + z(2) * exp(-t * z(4)));
       },
       {5.46489469748e-5}},
      {"18 Biggs",
       {1, 2, 1, 1, 1, 1},
       [](const Array& z) {
         const Array t = steps(z, .1, .1, 13), y = exp(-t) - 5 * exp(-10 * t) + 3 * exp(-4 * t);
         return z(2) * exp(-t * z(0)) - z(3) * exp(-t * z(1)) + z(5) * exp(-t * z(4)) - y;
       },
       {0, 5.65564992e-3, .306366772}},
      {"20 Watson, 6 unknowns",
       std::vector<double>(6, 0),
       [](const Array& z) {
         const Array t = column(steps(z, 1, 1, 29)) / 29, j = reshape(steps(z, 0, 1, 6), {1, 6});
         const Array by = power(t, j), slopes = j * power(t, maximum(j - 1, zeros_like(j)));
         return concatenate({dot(slopes, z) - square(dot(by, z)) - 1, stack({z(0), z(1) - square(z(0)) - 1})});
       },
       {2.28767005355e-3}},
      {"21 extended Rosenbrock",
       repeated({-1.2, 1}, 5),
       [](const Array& z) {
         const Array w = reshape(z, {5, 2}), x = w(slice(), 0), y = w(slice(), 1);
         return concatenate({10 * (y - square(x)), 1 - x});
       },
       {0}},
      {"23 penalty I",
       {1, 2, 3, 4},
       [](const Array& z) {
         return concatenate({std::sqrt(1e-5) * (z - 1), reshape(sum(square(z)) - .25, {1})});
       },
       {2.24997750095e-5}},
      {"25 variably dimensioned",
       {.9, .8, .7, .6, .5, .4, .3, .2, .1, 0},
       [](const Array& z) {
         const Array s = dot(steps(z, 1, 1, 10), z - 1);
         return concatenate({z - 1, stack({s, square(s)})});
       },
       {0}},
      {"26 trigonometric",
       std::vector<double>(10, .1),
       [](const Array& z) { return 10 - sum(cos(z)) + steps(z, 1, 1, 10) * (1 - cos(z)) - sin(z); },
       {0, 2.79506122e-5}},
      {"30 Broyden tridiagonal",
       std::vector<double>(10, -1),
       [](const Array& z) {
         const Array p = pad(z, {{1, 1}});
         return (3 - 2 * z) * z - p(slice(0, 10)) - 2 * p(slice(2, 12)) + 1;
       },
       {0}},
      {"32 linear, full rank",
       std::vector<double>(5, 1),
       [](const Array& z) {
         const Array s = 2.0 / 10 * sum(z);
         return concatenate({z - s - 1, full_like(steps(z, 0, 1, 5), Array(-1.0)) - s});
       },
       {5}},
      {"35 Chebyquad, 8 unknowns",
       {1 / 9.0, 2 / 9.0, 3 / 9.0, 4 / 9.0, 5 / 9.0, 6 / 9.0, 7 / 9.0, 8 / 9.0},
       [](const Array& z) {
         const Array x = 2 * z - 1;
         std::vector<Array> r;
         Array before = ones_like(x), now = x;
         for (int i = 1; i <= 8; ++i) {
           r.push_back(mean(now) + (i % 2 ? 0.0 : 1.0 / (i * i - 1)));
           const Array next = 2 * x * now - before;
           before = now;
           now = next;
         }
         return stack(r);
       },
       {3.51687372568e-3}},
  };
  return all;
}

}  // namespace dini::tests
