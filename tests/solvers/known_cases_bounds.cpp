#include "tests/solvers/known_cases.hpp"

namespace dini::tests {

namespace {

using Case = KnownCase;
const double infinite = std::numeric_limits<double>::infinity(), pi = std::acos(-1.0);

// Bounds made of numbers and of elements of θ.
Case::Bound fixed(const Point& v) {
  return [v](const Array&) { return array(v); };
}

Array rosenbrock(const Array& a, const Array& b, const Array& z) {
  return a * square(z(1) - square(z(0))) + square(b - z(0));
}
Array rosenbrock_residuals(const Array& z) { return array({10 * (z(1) - square(z(0))), 1 - z(0)}); }

Array kowalik_osborne(const Array& x) {
  static const Array y = array({.1957, .1947, .1735, .16, .0844, .0627, .0456, .0342, .0323, .0235, .0246});
  static const Array u = array({4., 2., 1., .5, .25, .167, .125, .1, .0833, .0714, .0625});
  return y - x(0) * (square(u) + u * x(1)) / (square(u) + u * x(2) + x(3));
}

std::vector<Case> made() {
  std::vector<Case> out;
  out.push_back({.name = "HS1",
                 .theta = {100, 1, -1.5},
                 .f = [](const Array& t, const Array& z) { return rosenbrock(t(0), t(1), z); },
                 .lower =
                     [](const Array& t) {
                       return array({Array(-infinite), t(2)});
                     },
                 .start = {-2, 1},
                 .solutions = {{.z = {1, 1}, .objective = 0, .lower = {0, 0}, .slopes = {{0, 0}, {1, 2}, {0, 0}}}}});
  out.push_back({.name = "HS2",
                 .theta = {1.5},
                 .f = [](const Array&, const Array& z) { return rosenbrock(100, 1, z); },
                 .lower =
                     [](const Array& t) {
                       return array({Array(-infinite), t(0)});
                     },
                 .start = {-2, 1},
                 .solutions = {{.z = {1.224370748736, 1.5},
                                .objective = .05042618789361,
                                .lower = {0, .1832539277567},
                                .slopes = {{.4078175578288, 1}},
                                .bends = {{-.1352829473027, 0}},
                                .lower_slopes = {{0, .2720445493265}}},
                               {.z = {-1.221026242107, 1.5},
                                .objective = 4.941229317989,
                                .lower = {0, 1.818983217162},
                                .slopes = {{-.4100547362252, 1}}}}});
  out.push_back({.name = "HS3",
                 .theta = {0},
                 .f = [](const Array&, const Array& z) { return z(1) + 1e-5 * square(z(1) - z(0)); },
                 .lower =
                     [](const Array& t) {
                       return array({Array(-infinite), t(0)});
                     },
                 .start = {10, 1},
                 .solutions = {{.z = {0, 0}, .objective = 0, .lower = {0, 1}, .slopes = {{1, 1}}}}});
  out.push_back({.name = "HS4",
                 .theta = {1, 0},
                 .f = [](const Array&, const Array& z) { return power(z(0) + 1, 3) / 3 + z(1); },
                 .lower = [](const Array& t) { return t; },
                 .start = {1.125, .125},
                 .solutions = {{.z = {1, 0},
                                .objective = 8. / 3,
                                .lower = {4, 1},
                                .slopes = {{1, 0}, {0, 1}},
                                .lower_slopes = {{4, 0}, {}}}}});
  out.push_back(
      {.name = "HS5",
       .theta = {1.5, 2.5},
       .f = [](const Array& t,
               const Array& z) { return sin(z(0) + z(1)) + square(z(0) - z(1)) - t(0) * z(0) + t(1) * z(1) + 1; },
       .lower = fixed({-1.5, -3}),
       .upper = fixed({4, 3}),
       .start = {0, 0},
       .solutions = {{.z = {.5 - pi / 3, -.5 - pi / 3},
                      .objective = -std::sqrt(3) / 2 - pi / 3,
                      .lower = {0, 0},
                      .upper = {0, 0},
                      .slopes = {{.4136751345948, .1636751345948}, {-.1636751345948, -.4136751345948}},
                      .bends = {{-.09622504486494, -.09622504486494}, {-.09622504486494, -.09622504486494}}}}});
  out.push_back(
      {.name = "HS45",
       .theta = {1, 2, 3, 4, 5},
       .f = [](const Array&, const Array& z) { return 2 - prod(z) / 120; },
       .lower = fixed({0, 0, 0, 0, 0}),
       .upper = [](const Array& t) { return t; },
       .start = {2, 2, 2, 2, 2},
       .solutions = {{.z = {1, 2, 3, 4, 5},
                      .objective = 1,
                      .lower = {0, 0, 0, 0, 0},
                      .upper = {1, 1. / 2, 1. / 3, 1. / 4, 1. / 5},
                      .slopes = {
                          {1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 0, 1}}}}});
  out.push_back(
      {.name = "HS110",
       .theta = {.2},
       .f = [](const Array& t,
               const Array& z) { return sum(square(log(z - 2)) + square(log(10 - z))) - power(prod(z), t(0)); },
       .lower = fixed(Point(10, 2.001)),
       .upper = fixed(Point(10, 9.999)),
       .start = Point(10, 9),
       .solutions = {{.z = Point(10, 9.350265833069),
                      .objective = -45.77846970745,
                      .lower = Point(10, 0),
                      .slopes = {Point(10, 7.81734367022)}}}});
  out.push_back(
      {.name = "Beale",
       .theta = {1.5, 2.25, 2.625, 2.5},
       .f =
           [](const Array& t, const Array& z) {
             Array s = square(t(0) - z(0) + z(0) * z(1));
             s = s + square(t(1) - z(0) + z(0) * square(z(1)));
             return s + square(t(2) - z(0) + z(0) * power(z(1), 3));
           },
       .upper =
           [](const Array& t) {
             return array({t(3), Array(infinite)});
           },
       .start = {1, 1},
       .solutions = {{.z = {2.5, .3500634945251},
                      .objective = .07270005065353,
                      .upper = {.3811967459234, 0},
                      .slopes = {
                          {0, -.2144147976983}, {0, -.1501175867204}, {0, -.07882603049551}, {1, .3465220386876}}}}});
  out.push_back({.name = "Rosenbrock's residuals",
                 .kind = Kind::least_squares,
                 .theta = {.5},
                 .f = [](const Array&, const Array& z) { return rosenbrock_residuals(z); },
                 .upper =
                     [](const Array& t) {
                       return array({t(0), Array(infinite)});
                     },
                 .start = {-1.2, 1},
                 .solutions = {{.z = {.5, .25}, .objective = .125, .upper = {.5, 0}, .slopes = {{1, 1}}}}});
  out.push_back({.name = "Kowalik and Osborne",
                 .kind = Kind::least_squares,
                 .theta = {.15},
                 .f = [](const Array&, const Array& z) { return kowalik_osborne(z); },
                 .lower =
                     [](const Array& t) {
                       return array({Array(-infinite), Array(-infinite), Array(-infinite), t(0)});
                     },
                 .start = {.25, .39, .415, .39},
                 .solutions = {{.z = {.191499894839, .221729568335, .129221381824, .15},
                                .objective = 1.5453176503e-4,
                                .lower = {0, 0, 0, 1.0655882003e-4},
                                .slopes = {{-.0901687540833, 2.21368557094, .494776655999, 1}}}}});
  out.push_back(
      {.name = "non-negative least squares",
       .kind = Kind::least_squares,
       .theta = {2, 1, -1},
       .f =
           [](const Array& t, const Array& z) {
             return dot(array({{1., 0.}, {1., 1.}, {0., 1.}}), z) - t;
           },
       .lower = fixed({0, 0}),
       .start = {1, 1},
       .solutions = {{.z = {1.5, 0}, .objective = 1.25, .lower = {0, 1.5}, .slopes = {{.5, 0}, {.5, 0}, {0, 0}}}}});
  // The nearest point of a box, which the point is in or not.
  for (bool within : {true, false}) {
    out.push_back(
        {.name = within ? "a point of a box" : "a point outside of a box",
         .theta = {1, -2, .5},
         .f = [](const Array& t, const Array& z) { return sum(square(z - t)); },
         .lower = fixed(within ? Point{0, -5, 0} : Point{0, 0, 0}),
         .upper = fixed(within ? Point{2, 0, 1} : Point{1.5, 1, .4}),
         .start = {0, 0, 0},
         .solutions = {within ? Case::Solution{.z = {1, -2, .5}, .slopes = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
                              : Case::Solution{.z = {1, 0, .4}, .slopes = {{1, 0, 0}, {0, 0, 0}, {0, 0, 0}}}}});
  }
  for (double k : {1., 100.}) {
    out.push_back({.name = "a tie, times " + std::to_string(static_cast<int>(k)),
                   .theta = {0, 0},
                   .f = [k](const Array& t, const Array& z) { return .5 * k * square(z(0) - t(0)); },
                   .lower = [](const Array& t) { return array({t(1)}); },
                   .start = {3},
                   .solutions = {{.z = {0}, .objective = 0, .lower = {0}, .slopes = {{.5}, {.5}}}},
                   .weakly_active = 1,
                   .smooth = false});
  }
  out.push_back(
      {.name = "equal bounds",
       .kind = Kind::least_squares,
       .theta = {.5, .5},
       .f = [](const Array&, const Array& z) { return rosenbrock_residuals(z); },
       .lower =
           [](const Array& t) {
             return array({t(0), Array(-infinite)});
           },
       .upper =
           [](const Array& t) {
             return array({t(1), Array(infinite)});
           },
       .start = {-1.2, 1},
       .solutions =
           {{.z = {.5, .25}, .objective = .125, .lower = {0, 0}, .upper = {.5, 0}, .slopes = {{0, 0}, {1, 1}}}},
       .smooth = false});
  out.push_back({.name = "bounds that contradict",
                 .f = [](const Array&, const Array& z) { return sum(square(z)); },
                 .lower = fixed({1, 0}),
                 .upper = fixed({0, 1}),
                 .start = {0, 0},
                 .status = StatusCode::infeasible});
  out.push_back({.name = "Rosenbrock, a bound at its minimum",
                 .theta = {1},
                 .f = [](const Array&, const Array& z) { return rosenbrock(100, 1, z); },
                 .upper =
                     [](const Array& t) {
                       return array({Array(infinite), t(0)});
                     },
                 .start = {-1.2, .5},
                 .solutions = {{.z = {1, 1}, .objective = 0, .upper = {0, 0}, .slopes = {{100. / 401, .5}}}},
                 .weakly_active = 1,
                 .smooth = false});
  // Roots with bounds.
  out.push_back(
      {.name = "a root between its bounds",
       .kind = Kind::root,
       .theta = {2},
       .f =
           [](const Array& t, const Array& z) {
             return array({square(z(0)) - t(0), z(1) - z(0)});
           },
       .lower = fixed({0, 0}),
       .upper = fixed({10, 10}),
       .start = {1, 1},
       .solutions = {{.z = {std::sqrt(2), std::sqrt(2)}, .slopes = {{.5 / std::sqrt(2), .5 / std::sqrt(2)}}}}});
  // F₁ = 3 > 0 at the bound 1.
  out.push_back({.name = "a root at a bound",
                 .kind = Kind::root,
                 .theta = {1},
                 .f =
                     [](const Array&, const Array& z) {
                       return array({square(z(0)) + 2, z(1) - z(0)});
                     },
                 .lower =
                     [](const Array& t) {
                       return array({t(0), Array(-infinite)});
                     },
                 .start = {4, 0},
                 .solutions = {{.z = {1, 1}, .slopes = {{1, 1}}}}});
  // Kojima and Shindo's nonlinear complementarity problem. At this one of its solutions z₃ and F₃ are both 0; the other is (1, 0, 3, 0).
  out.push_back({.name = "Kojima and Shindo",
                 .kind = Kind::root,
                 .f =
                     [](const Array&, const Array& z) {
                       const Array a = z(0), b = z(1), c = z(2), d = z(3);
                       return array({3 * a * a + 2 * a * b + 2 * b * b + c + 3 * d - 6,
                                     2 * a * a + a + b * b + 10 * c + 2 * d - 2,
                                     3 * a * a + a * b + 2 * b * b + 2 * c + 9 * d - 9,
                                     a * a + 3 * b * b + 2 * c + 3 * d - 3});
                     },
                 .lower = fixed({0, 0, 0, 0}),
                 .start = {1, 1, 1, 1},
                 .solutions = {{.z = {std::sqrt(6) / 2, 0, 0, .5}}},
                 .weakly_active = 1,
                 .smooth = false});
  return out;
}

}  // namespace

const std::vector<KnownCase>& cases_with_bounds() {
  static const std::vector<KnownCase> all = made();
  return all;
}

}  // namespace dini::tests
