// Bounds and constraints as the public functions have them: solvers by name, fixed variables, ties, what does not fit, and what
// must not matter.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/library.hpp"
#include "tests/solvers/accurate.hpp"

namespace constrained_layer_test {

using namespace dini;
using tests::largest;

const double inf = std::numeric_limits<double>::infinity();

TEST(Constrained, SolversOfProblemsWithBoundsTakeOneWithout) {
  // The minimum of b(z₂ - z₁²)² + (a - z₁)² is (a, a²).
  auto valley = [](const Array& a, const Array& z) { return 3 * square(z(1) - square(z(0))) + square(a - z(0)); };
  int asked = 0;
  for (const auto& info : library_solvers()) {
    if (!info.kinds.has(Kind::minimize) || info.takes == Restriction::none) continue;
    ++asked;
    auto z = [&](const Array& a) { return minimize(valley, array({0.2, 0.3}), {.solver = info.make({})}, a).value; };
    const Array a = array(0.9);
    EXPECT_LE(largest(z(a) - array({0.9, 0.81})), 1e-12) << info.name;
    EXPECT_LE(largest(jit(jacrev(z))(a) - array({1.0, 1.8})), 1e-10) << info.name;
  }
  EXPECT_GE(asked, 5);
}

TEST(Constrained, AFixedVariableGoesWithItsBounds) {
  auto z = [](const Array& y, const Array& l, const Array& u) {
    return minimize([](const Array& y, const Array& z) { return 0.5 * square(z - y); }, array(0.0),
                    subject_to(Bounds{l, u}), {}, y);
  };
  auto value = [&](const Array& y, const Array& l, const Array& u) { return z(y, l, u).value; };
  const Array one = array(1.0);
  struct {
    double y, lower, upper, by_lower, by_upper;  // multipliers, slopes
  } const cases[] = {{3, 0, 2, 0, 1}, {-1, 2, 0, 1, 0}, {1, 0, 0, .5, .5}};
  for (const auto& c : cases) {
    const Array y = array(c.y);
    EXPECT_EQ(z(y, one, one).value.item(), 1);
    EXPECT_NEAR(z(y, one, one).duals.lower.item(), c.lower, 1e-14) << c.y;
    EXPECT_NEAR(z(y, one, one).duals.upper.item(), c.upper, 1e-14) << c.y;
    EXPECT_NEAR(grad<1>(value)(y, one, one).item(), c.by_lower, 1e-14) << c.y;
    EXPECT_NEAR(grad<2>(value)(y, one, one).item(), c.by_upper, 1e-14) << c.y;
    EXPECT_NEAR(grad<0>(value)(y, one, one).item(), 0, 1e-14) << c.y;
  }
}

TEST(Constrained, TiesAreAsAskedFor) {
  for (double k : {1.0, 1e6}) {
    auto slope = [&](Ties ties) {
      return grad([&](const Array& y) {
               return minimize([&](const Array& y, const Array& z) { return k * square(z - y); }, array(2.0),
                               subject_to(Bounds{0.0, inf}), {.ties = ties}, y)
                   .value;
             })(0.0)
          .item<double>();
    };
    EXPECT_NEAR(slope(Ties::average), 0.5, 1e-14) << k;
    EXPECT_NEAR(slope(Ties::active), 0, 1e-14) << k;
    EXPECT_NEAR(slope(Ties::inactive), 1, 1e-14) << k;
    try {
      slope(Ties::raise);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const SolveError& e) { EXPECT_NE(std::string(e.what()).find("two sides"), std::string::npos) << e.what(); }
  }
}

TEST(Constrained, SaysWhatDoesNotFit) {
  auto f = [](const Array& z) { return sum(square(z)); };
  const auto message = [&](const std::function<void()>& run) {
    try {
      run();
    } catch (const Error& e) { return std::string(e.what()); }
    return std::string("nothing was thrown");
  };
  const Array z0 = zeros({2});
  struct {
    std::function<void()> run;
    const char* part;
  } const cases[] = {
      {[&] {
         minimize(f, z0, subject_to(Bounds{std::nan(""), 1.0}));
       },
       "NaN"},
      {[&] {
         minimize(f, z0, subject_to(Bounds{zeros({3}), 1.0}));
       },
       "(3,)"},
      {[&] {
         minimize(f, z0, subject_to(Bounds{0.0, 1.0}), {.solver = Newton{}});
       },
       "projected_newton"},
      {[&] { minimize(f, z0, subject_to(Equal{[](const Array& z) { return z; }}), {.solver = ProjectedNewton{}}); },
       "interior_point"},
      {[&] { minimize(f, z0, subject_to(AtMost{[](const Array& z) { return z <= 0; }})); }, "truth values"},
  };
  for (const auto& c : cases) {
    const std::string said = message(c.run);
    EXPECT_NE(said.find(c.part), std::string::npos) << said;
  }
}

// Hock and Schittkowski's 71, its unknowns in other units and another order, its rows in other units.
struct Turned {
  std::vector<double> units = {1, 1, 1, 1};
  std::vector<std::int64_t> order = {0, 1, 2, 3};
  double row = 1;
  std::string name;

  // In the units of the book, and p = (25, 40).
  Array solve(const Array& p) const {
    const Array u = array(units), places = array(order), back = argsort(places);
    auto book = [&](const Array& y) { return take(y * u, back); };
    auto turned = [&](const Array& z) { return take(z, places) / u; };
    auto cost = [&](const Array&, const Array& y) {
      const Array z = book(y);
      return z(0) * z(3) * (z(0) + z(1) + z(2)) + z(2);
    };
    const Array one = ones({4});
    const auto found =
        minimize(cost, turned(array({1.0, 5.0, 5.0, 1.0})),
                 subject_to(Bounds{turned(one), turned(5 * one)},
                            Equal{[&](const Array& p, const Array& y) { return row * (sum(square(book(y))) - p(1)); }},
                            AtMost{[&](const Array& p, const Array& y) { return row * (p(0) - prod(book(y))); }}),
                 {}, p);
    return concatenate({book(found.value), expand_dims(row * found.duals.equal, 0),
                        expand_dims(row * found.duals.at_most, 0), book(found.duals.lower / square(u))});
  }
};

TEST(Constrained, UnitsAndOrderDoNotMatter) {
  const Array p = array({25.0, 40.0});
  const Array wanted = array(
      {1, 4.742999637264, 3.821149984185, 1.379408293173, .1614685667705, .5522936601207, 1.087871228667, 0, 0, 0});
  const Array slopes = array({{0, 0},
                              {-.03128005884924, .08642907098174},
                              {.01796521378725, .03753619390114},
                              {.05778820657456, -.03868650008221}});
  for (const Turned& t : {Turned{.name = "as in the book"}, Turned{.units = {1e3, 1e-3, 1, 1e5}, .name = "units"},
                          Turned{.order = {2, 0, 3, 1}, .name = "order"}, Turned{.row = 1e6, .name = "rows"},
                          Turned{.units = {1e-4, 10, 1e2, 1}, .order = {3, 2, 1, 0}, .row = 1e-5, .name = "all"}}) {
    EXPECT_LE(largest(t.solve(p) - wanted), 1e-10) << t.name;
    const Array j = jacrev([&](const Array& p) { return t.solve(p); })(p);
    EXPECT_LE(largest(j(slice(0, 4)) - slopes), 1e-9) << t.name;
    // ∂f*/∂data are the multipliers, so that these have a symmetric derivative: ∂λ/∂p₂ = -∂ν/∂p₁.
    EXPECT_LE(std::abs(j(5, 1).item() + j(4, 0).item()), 1e-9) << t.name;
  }
}

}  // namespace constrained_layer_test
