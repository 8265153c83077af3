#include "tests/solvers/known_cases.hpp"

namespace dini::tests {

namespace {

using Case = KnownCase;
const double infinity = std::numeric_limits<double>::infinity();
const double unknown = std::numeric_limits<double>::quiet_NaN();

Case::Bound numbers(const Point& v) {
  return [v](const Array&) { return array(v); };
}
// A vector with one of its elements taken from θ.
Case::Bound with_theta(Point v, std::int64_t place, std::int64_t from) {
  return [v, place, from](const Array& t) { return array(v).at(place).set(t(from)); };
}

std::vector<Case> made() {
  std::vector<Case> out;
  out.push_back(
      {.name = "HS7",
       .theta = {4},
       .f = [](const Array&, const Array& z) { return log(1 + square(z(0))) - z(1); },
       .equal = [](const Array& t, const Array& z) { return array({square(1 + square(z(0))) + square(z(1)) - t(0)}); },
       .start = {2, 2},
       .solutions = {{.z = {0, std::sqrt(3)},
                      .objective = -std::sqrt(3),
                      .equal = {.5 / std::sqrt(3)},
                      .slopes = {{0, .2886751345948}},
                      .bends = {{0, -.04811252243247}},
                      .equal_slopes = {{-.04811252243247}}}}});
  out.push_back(
      {.name = "HS10",
       .theta = {1},
       .f = [](const Array&, const Array& z) { return z(0) - z(1); },
       .at_most = [](const Array& t,
                     const Array& z) { return array({3 * square(z(0)) - 2 * z(0) * z(1) + square(z(1)) - t(0)}); },
       .start = {-10, 10},
       .solutions = {{.z = {0, 1},
                      .objective = -1,
                      .at_most = {.5},
                      .slopes = {{0, .5}},
                      .bends = {{0, -.25}},
                      .at_most_slopes = {{-.25}}}}});
  out.push_back(
      {.name = "HS14",
       .theta = {1, -1},
       .f = [](const Array&, const Array& z) { return square(z(0) - 2) + square(z(1) - 1); },
       .equal = [](const Array& t, const Array& z) { return array({z(0) - 2 * z(1) - t(1)}); },
       .at_most = [](const Array& t, const Array& z) { return array({square(z(0)) / 4 + square(z(1)) - t(0)}); },
       .start = {2, 2},
       .solutions = {{.z = {(std::sqrt(7) - 1) / 2, (std::sqrt(7) + 1) / 4},
                      .equal = {1.594491118252},
                      .at_most = {1.846591439606},
                      .slopes = {{.7559289460185, .3779644730092}, {.6889822365046, -.1555088817477}},
                      .equal_slopes = {{-1.187888343743}, {}},
                      .at_most_slopes = {{-2.483766536918}, {-1.187888343743}}}}});
  out.push_back({.name = "HS15",
                 .theta = {1, .5},
                 .f = [](const Array&, const Array& z) { return 100 * square(z(1) - square(z(0))) + square(1 - z(0)); },
                 .upper =
                     [](const Array& t) {
                       return array({t(1), Array(infinity)});
                     },
                 .at_most =
                     [](const Array& t, const Array& z) {
                       return array({t(0) - z(0) * z(1), -z(0) - square(z(1))});
                     },
                 .start = {-2, 1},
                 .solutions = {{.z = {.5, 2},
                                .objective = 306.5,
                                .at_most = {700, 0},
                                .upper = {1751, 0},
                                .slopes = {{0, 2}, {1, -4}},
                                .at_most_slopes = {{800, 0}, {-3400, 0}}},
                               {.z = {-.79212, -1.26243}, .objective = 360.379767}}});
  out.push_back(
      {.name = "HS19",
       .theta = {100, 82.81},
       .f = [](const Array&, const Array& z) { return power(z(0) - 10, 3) + power(z(1) - 20, 3); },
       .lower = numbers({13, 0}),
       .upper = numbers({100, 100}),
       .at_most =
           [](const Array& t, const Array& z) {
             return array({t(0) - square(z(0) - 5) - square(z(1) - 5), square(z(0) - 6) + square(z(1) - 5) - t(1)});
           },
       .start = {20.1, 5.84},
       .solutions = {{.z = {14.095, .8429607892155},
                      .at_most = {1097.118936788, 1229.542086793},
                      .slopes = {{.5, .9736497046984}, {-.5, -1.09392761757}}}}});
  const double r = 2 * std::sqrt(2);
  auto hs29 = [&](double a, double b, double c) {
    return Case::Solution{.z = {4 * a, r * b, 2 * c},
                          .objective = -16 * std::sqrt(2),
                          .at_most = {1 / std::sqrt(2)},
                          .slopes = {{4 * a / 96, r * b / 96, 2 * c / 96}}};
  };
  out.push_back(
      {.name = "HS29",
       .theta = {48},
       .f = [](const Array&, const Array& z) { return -prod(z); },
       .at_most = [](const Array& t,
                     const Array& z) { return array({square(z(0)) + 2 * square(z(1)) + 4 * square(z(2)) - t(0)}); },
       .start = {1, 1, 1},
       .solutions = {hs29(1, 1, 1), hs29(1, -1, -1), hs29(-1, 1, -1), hs29(-1, -1, 1)}});
  out.push_back(
      {.name = "HS40",
       .theta = {1, 0, 0},
       .f = [](const Array&, const Array& z) { return -prod(z); },
       .equal =
           [](const Array& t, const Array& z) {
             return array(
                 {power(z(0), 3) + square(z(1)) - t(0), square(z(0)) * z(3) - z(2) - t(1), square(z(3)) - z(1) - t(2)});
           },
       .start = {.8, .8, .8, .8},
       .solutions = {{.z = {std::pow(2, -1. / 3), std::pow(2, -.5), std::pow(2, -11. / 12), std::pow(2, -.25)},
                      .objective = -.25,
                      .equal = {.5, -.4719371563408, .3535533905933},
                      .slopes = {{.2645668419947, .3535533905933, .4855872515813, .2102241038134},
                                 {.1040491025609, -.1390458181427, -.9131944444444, -.08267713812334}},
                      .equal_slopes = {{.5, -.5112652527026, .5303300858899}}}}});
  out.push_back(
      {.name = "HS43",
       .theta = {8, 5},
       .f = [](const Array&,
               const Array& z) { return sum(square(z)) + square(z(2)) - 5 * z(0) - 5 * z(1) - 21 * z(2) + 7 * z(3); },
       .at_most =
           [](const Array& t, const Array& z) {
             const Array a = square(z(0)), b = square(z(1)), c = square(z(2)), d = square(z(3));
             return array({a + b + c + d + z(0) - z(1) + z(2) - z(3) - t(0), a + 2 * b + c + 2 * d - z(0) - z(3) - 10,
                           2 * a + b + c + 2 * z(0) - z(1) - z(3) - t(1)});
           },
       .start = {0, 0, 0, 0},
       .solutions = {{.z = {0, 1, 2, -1},
                      .objective = -44,
                      .at_most = {1, 0, 2},
                      .slopes = {{-.1433998100665, -.04178537511871, -.02849002849003, -.4425451092118},
                                 {.2611585944919, .1092117758784, .2108262108262, .4748338081671}},
                      .at_most_slopes = {{-1.052231718898, 0, 1.386514719848}}}}});
  out.push_back({.name = "HS63",
                 .theta = {56, 25},
                 .f =
                     [](const Array&, const Array& z) {
                       return 1000 - square(z(0)) - 2 * square(z(1)) - square(z(2)) - z(0) * z(1) - z(0) * z(2);
                     },
                 .lower = numbers({0, 0, 0}),
                 .equal =
                     [](const Array& t, const Array& z) {
                       return array({8 * z(0) + 14 * z(1) + 7 * z(2) - t(0), sum(square(z)) - t(1)});
                     },
                 .start = {2, 2, 2},
                 .solutions = {{.z = {3.512121341875, .2169879415152, 3.552171154827},
                                .objective = 961.7151721301,
                                .equal = {.2749371020656, 1.223463560484},
                                .slopes = {{.01939043429369, .07213752593703, -.02357840535255},
                                           {.04852514042856, -.07645427021916, .0974512370914}}}}});
  out.push_back(
      {.name = "HS65",
       .theta = {48},
       .f = [](const Array&,
               const Array& z) { return square(z(0) - z(1)) + square(z(0) + z(1) - 10) / 9 + square(z(2) - 5); },
       .lower = numbers({-4.5, -4.5, -5}),
       .upper = numbers({4.5, 4.5, 5}),
       .at_most = [](const Array& t, const Array& z) { return array({sum(square(z)) - t(0)}); },
       .start = {-5, 5, 0},
       .solutions = {{.z = {3.650461725213, 3.650461725213, 4.62041755532},
                      .at_most = {.08215327730346},
                      .slopes = {{.05589209715634, .05589209715634, .01989778544408}}}}});
  out.push_back({.name = "HS71",
                 .theta = {25, 40, 1},
                 .f = [](const Array&, const Array& z) { return z(0) * z(3) * (z(0) + z(1) + z(2)) + z(2); },
                 .lower = with_theta({1, 1, 1, 1}, 0, 2),
                 .upper = numbers({5, 5, 5, 5}),
                 .equal = [](const Array& t, const Array& z) { return array({sum(square(z)) - t(1)}); },
                 .at_most = [](const Array& t, const Array& z) { return array({t(0) - prod(z)}); },
                 .start = {1, 5, 5, 1},
                 .solutions = {{.z = {1, 4.742999637264, 3.821149984185, 1.379408293173},
                                .objective = 17.01401728916,
                                .equal = {.1614685667705},
                                .at_most = {.5522936601207},
                                .lower = {1.087871228667, 0, 0, 0},
                                .slopes = {{0, -.03128005884924, .01796521378725, .05778820657456},
                                           {0, .08642907098174, .03753619390114, -.03868650008221},
                                           {1, .1499617890718, .07572814730949, -1.450359063351}},
                                .lower_slopes = {{}, {}, {2.185350755861, 0, 0, 0}}}}});
  out.push_back(
      {.name = "HS100",
       .theta = {127, 0},
       .f =
           [](const Array&, const Array& z) {
             return square(z(0) - 10) + 5 * square(z(1) - 12) + power(z(2), 4) + 3 * square(z(3) - 11) +
                    10 * power(z(4), 6) + 7 * square(z(5)) + power(z(6), 4) - 4 * z(5) * z(6) - 10 * z(5) - 8 * z(6);
           },
       .at_most =
           [](const Array& t, const Array& z) {
             return array(
                 {2 * square(z(0)) + 3 * power(z(1), 4) + z(2) + 4 * square(z(3)) + 5 * z(4) - t(0),
                  7 * z(0) + 3 * z(1) + 10 * square(z(2)) + z(3) - z(4) - 282,
                  23 * z(0) + square(z(1)) + 6 * square(z(5)) - 8 * z(6) - 196,
                  4 * square(z(0)) + square(z(1)) - 3 * z(0) * z(1) + 2 * square(z(2)) + 5 * z(5) - 11 * z(6) - t(1)});
           },
       .start = {1, 2, 0, 4, 0, 1, 1},
       .solutions = {{.z = {2.33049937288, 1.9513723729, -.477541392389, 4.36572623366, -.624486970527, 1.03813101861,
                            1.59422671161},
                      .objective = 680.630057374,
                      .at_most = {1.13971995917, 0, 0, .368614517187},
                      .slopes = {{.00289265060243, unknown, unknown, .0172462816846, unknown, unknown, unknown},
                                 {.0570440228929, unknown, unknown, unknown, unknown, unknown, unknown}},
                      .at_most_slopes = {{-.00746511370081, 0, 0, .00364281709914}}}}});
  for (double p : {5., 4.5}) {
    Case::Solution s{.z = {31. / 49, 19. / 49, 1. / 49}, .equal = {-8. / 49, -14. / 49}};
    s.slopes = {{11. / 98, 2. / 98, 13. / 98}, {-3. / 343, -82. / 343, 132. / 343}};
    if (p == 4.5) s = {.z = {.5, .5, 0}, .equal = {0, -1}, .lower = {0, 0, 1}, .slopes = {{1. / 3, -1. / 3, 0}}};
    out.push_back({.name = "a sum of squares, p = " + std::to_string(p).substr(0, 3),
                   .theta = {p, 1},
                   .f = [](const Array&, const Array& z) { return sum(square(z)); },
                   .lower = numbers({0, 0, 0}),
                   .equal =
                       [](const Array& t, const Array& z) {
                         return array({6 * z(0) + 3 * z(1) + 2 * z(2) - t(0), t(1) * z(0) + z(1) - z(2) - 1});
                       },
                   .start = {.15, .15, 0},
                   .solutions = {s}});
  }
  const Point x = {.5761168847658, .2119415576171, .2119415576171};
  auto entropy_slope = [&](std::size_t k) {
    Point d;
    for (std::size_t j = 0; j < 3; ++j) d.push_back((j == k ? x[j] : 0) - x[j] * x[k]);
    return d;
  };
  out.push_back({.name = "entropy",
                 .theta = {1, 0, 0},
                 .f = [](const Array& t, const Array& z) { return sum(z * log(z)) - dot(t, z); },
                 .equal = [](const Array&, const Array& z) { return array({sum(z) - 1}); },
                 .start = {.2, .3, .4},
                 .solutions = {{.z = x,
                                .equal = {.5514447139321},
                                .slopes = {entropy_slope(0), entropy_slope(1), entropy_slope(2)}}}});
  out.push_back(
      {.name = "the nearest point of an ellipse",
       .theta = {2, 1, 1},
       .f = [](const Array& t, const Array& z) { return .5 * (square(z(0) - t(0)) + square(z(1) - t(1))); },
       .at_most = [](const Array& t, const Array& z) { return array({square(z(0)) / 4 + square(z(1)) - t(2)}); },
       .start = {1, 0},
       .solutions = {{.z = {1.664968547232, .5540486749213},
                      .at_most = {.4024477859657},
                      .slopes = {{.4504649334928, -.3384224075632}, {}, {.5512305439048, .4883228365624}},
                      .bends = {{-.5465761406686, .1123522779139}},
                      .at_most_slopes = {{}, {}, {-.795391962186}}}}});
  out.push_back({.name = "HS13",
                 .f = [](const Array&, const Array& z) { return square(z(0) - 2) + square(z(1)); },
                 .lower = numbers({0, 0}),
                 .at_most = [](const Array&, const Array& z) { return array({z(1) - power(1 - z(0), 3)}); },
                 .start = {-2, -2},
                 .solutions = {{.z = {1, 0}}},
                 .status = StatusCode::singular});
  out.push_back(
      {.name = "HS26",
       .f = [](const Array&, const Array& z) { return square(z(0) - z(1)) + power(z(1) - z(2), 4); },
       .equal = [](const Array&, const Array& z) { return array({(1 + square(z(1))) * z(0) + power(z(2), 4) - 3}); },
       .start = {-2.6, 2, 2},
       .solutions = {{.z = {1, 1, 1}, .objective = 0}},
       .singular = true});
  out.push_back({.name = "x² + 1 ≤ 0",
                 .f = [](const Array&, const Array& z) { return sum(z); },
                 .at_most = [](const Array&, const Array& z) { return square(z) + 1; },
                 .start = {2},
                 .status = StatusCode::infeasible});
  out.push_back({.name = "a disc and a half-plane apart",
                 .f = [](const Array&, const Array& z) { return sum(square(z - 1)); },
                 .at_most =
                     [](const Array&, const Array& z) {
                       return array({sum(square(z)) - 1, 3 - sum(z)});
                     },
                 .start = {1, 0},
                 .status = StatusCode::infeasible});
  out.push_back({.name = "down a line without end",
                 .f = [](const Array&, const Array& z) { return -sum(z); },
                 .equal = [](const Array&, const Array& z) { return array({z(0) - z(1)}); },
                 .start = {1, 0},
                 .status = StatusCode::unbounded});
  return out;
}

}  // namespace

const std::vector<KnownCase>& cases_with_constraints() {
  static const std::vector<KnownCase> all = made();
  return all;
}

}  // namespace dini::tests
