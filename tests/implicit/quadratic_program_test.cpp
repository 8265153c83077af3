// Quadratic and linear programs whose solutions, multipliers and derivatives are known by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/implicit/quadratic_program.hpp"
#include "tests/solvers/accurate.hpp"

namespace quadratic_program_test {

using namespace dini;
using tests::expect_near;
using tests::Found;
using tests::inf;
using tests::largest;
using tests::Numbers;
using tests::result;

// A field of a program by its name.
Array& field(QuadraticProgram& p, const std::string& name) {
  if (name == "P") return p.P;
  if (name == "q") return p.q;
  if (name == "A") return p.A;
  if (name == "b") return p.b;
  if (name == "G") return p.G;
  if (name == "h") return p.h;
  if (name == "h_lower") return p.h_lower;
  return name == "lower" ? p.lower : p.upper;
}
const char* const fields[] = {"P", "q", "A", "b", "G", "h", "h_lower", "lower", "upper"};

Array everything(const Found& f) {
  std::vector<Array> parts;
  for (const char* name : {"x", "equal", "at_most", "lower", "upper", "objective"}) parts.push_back(result(f, name));
  return concatenate(parts);
}

struct Value {
  std::string of;
  Numbers is;
};
// The derivative of a result by an element of a field; of P by those on both sides of the diagonal together.
struct Slope {
  std::string of, by;
  std::int64_t row, column;
  Numbers is;
};
struct Case {
  std::string name;
  QuadraticProgram program;
  std::vector<Value> values;
  std::vector<Slope> slopes;
  std::int64_t weakly_active = 0, dependent = 0;
  bool smooth = true;  // differences are derivatives
  double digits = 1e-13;
};

std::vector<Case> cases() {
  const Array one_one = array({{1.0, 1.0}});
  const double third = 1.0 / 3, sixth = 1.0 / 6, eleventh = 1.0 / 11;
  return {
      {"an equation",
       {.P = diag(array({2.0, 4.0})), .q = zeros({2}), .A = one_one, .b = array({3.0})},
       {{"x", {2, 1}}, {"equal", {-4}}, {"objective", {6}}},
       {{"x", "b", 0, 0, {2 * third, third}},
        {"equal", "b", 0, 0, {-4 * third}},
        {"x", "q", 0, 0, {-sixth, sixth}},
        {"x", "P", 0, 0, {-third, third}},
        {"x", "P", 0, 1, {1.0 / 12, -1.0 / 12}},
        {"x", "A", 0, 0, {-2 * third, -4 * third}},
        {"equal", "A", 0, 0, {16 * third}}}},
      {"HS35",
       {.P = array({{4.0, 2.0, 2.0}, {2.0, 4.0, 0.0}, {2.0, 0.0, 2.0}}),
        .q = array({-8.0, -6.0, -4.0}),
        .G = array({{1.0, 1.0, 2.0}}),
        .h = array({3.0}),
        .lower = zeros({3})},
       {{"x", {12.0 / 9, 7.0 / 9, 4.0 / 9}}, {"at_most", {2.0 / 9}}, {"objective", {-80.0 / 9}}, {"lower", {0, 0, 0}}},
       {{"x", "h", 0, 0, {-3.0 / 9, 2.0 / 9, 5.0 / 9}},
        {"at_most", "h", 0, 0, {-2.0 / 9}},
        {"x", "q", 0, 0, {-0.5, sixth, sixth}},
        {"x", "G", 0, 0, {9.0 / 27, -7.0 / 27, -19.0 / 27}},
        {"x", "G", 0, 2, {15.0 / 81, -7.0 / 81, -22.0 / 81}}}},
      {"HS76",
       {.P = array({{2.0, 0.0, -1.0, 0.0}, {0.0, 1.0, 0.0, 0.0}, {-1.0, 0.0, 2.0, 1.0}, {0.0, 0.0, 1.0, 1.0}}),
        .q = array({-1.0, -3.0, 1.0, -1.0}),
        .G = array({{1.0, 2.0, 1.0, 1.0}, {3.0, 1.0, 2.0, -1.0}, {0.0, -1.0, -4.0, 0.0}}),
        .h = array({5.0, 4.0, -1.5}),
        .lower = zeros({4})},
       {{"x", {3 * eleventh, 23 * eleventh, 0, 6 * eleventh}},
        {"at_most", {5 * eleventh, 0, 0}},
        {"lower", {0, 0, 19 * eleventh, 0}},
        {"objective", {-103.0 / 22}}},
       {{"x", "h", 0, 0, {eleventh, 4 * eleventh, 0, 2 * eleventh}},
        {"x", "lower", 2, 0, {5 * eleventh, -2 * eleventh, 1, -12 * eleventh}},
        {"x", "q", 0, 0, {-5 * eleventh, 2 * eleventh, 0, eleventh}},
        {"x", "G", 0, 1, {-13.0 / 121, -107.0 / 121, 0, -26.0 / 121}}}},
      {"HS21",
       {.P = diag(array({0.02, 2.0})),
        .q = zeros({2}),
        .G = array({{-10.0, 1.0}}),
        .h = array({-10.0}),
        .lower = array({2.0, -50.0}),
        .upper = array({50.0, 50.0})},
       {{"x", {2, 0}}, {"lower", {0.04, 0}}, {"upper", {0, 0}}},
       {{"x", "lower", 0, 0, {1, 0}},
        {"lower", "lower", 0, 0, {0.02, 0}},
        {"x", "h", 0, 0, {0, 0}},
        {"x", "q", 1, 0, {0, -0.5}}}},
      {"a simplex",
       {.P = eye(3), .q = array({-1.0, -0.5, 1.0}), .A = ones({1, 3}), .b = 1.0, .lower = 0.0},
       {{"x", {0.75, 0.25, 0}}, {"equal", {0.25}}, {"lower", {0, 0, 1.25}}},
       {{"x", "q", 0, 0, {-0.5, 0.5, 0}}, {"x", "q", 2, 0, {0, 0, 0}}}},
      {"two rows of which one is active",
       {.P = array({{2.0, 1.0}, {1.0, 2.0}}),
        .q = array({-4.0, -4.0}),
        .G = array({{1.0, 0.0}, {1.0, 1.0}}),
        .h = array({1.0, 3.0})},
       {{"x", {1, 1.5}}, {"at_most", {0.5, 0}}},
       {{"x", "h", 0, 0, {1, -0.5}},
        {"x", "h", 1, 0, {0, 0}},
        {"at_most", "h", 0, 0, {-1.5, 0}},
        {"x", "G", 0, 1, {-1.5, 0.5}},
        {"at_most", "G", 0, 1, {2.5, 0}}}},
      {"P of one side",
       {.P = array({{2.0, 2.0}, {0.0, 2.0}}),
        .q = array({-4.0, -4.0}),
        .G = array({{1.0, 0.0}, {1.0, 1.0}}),
        .h = array({1.0, 3.0})},
       {{"x", {1, 1.5}}, {"at_most", {0.5, 0}}},
       {{"x", "h", 0, 0, {1, -0.5}}}},
      {"bounds of two variables",
       {.P = diag(array({1.0, 2.0, 3.0})),
        .q = array({-1.0, -2.0, -3.0}),
        .A = ones({1, 3}),
        .b = array({1.0}),
        .lower = array({0.1, 0.0, -inf})},
       {{"x", {0.1, 0.34, 0.56}}, {"equal", {33.0 / 25}}, {"lower", {21.0 / 50, 0, 0}}},
       {{"x", "lower", 0, 0, {1, -0.6, -0.4}},
        {"lower", "lower", 0, 0, {11.0 / 5, 0, 0}},
        {"x", "b", 0, 0, {0, 0.6, 0.4}},
        {"x", "q", 1, 0, {0, -0.2, 0.2}},
        {"x", "A", 0, 2, {0, -9.0 / 125, -61.0 / 125}},
        {"equal", "A", 0, 2, {18.0 / 125}}}},
      {"a linear program",
       {.q = array({-1.0, -2.0}), .G = array({{1.0, 1.0}, {1.0, 3.0}}), .h = array({4.0, 6.0}), .lower = zeros({2})},
       {{"x", {3, 1}}, {"at_most", {0.5, 0.5}}, {"objective", {-5}}},
       {{"x", "q", 0, 0, {0, 0}},
        {"x", "h", 0, 0, {1.5, -0.5}},
        {"x", "h", 1, 0, {-0.5, 0.5}},
        {"at_most", "q", 0, 0, {-1.5, 0.5}},
        {"x", "G", 0, 0, {-4.5, 1.5}},
        {"at_most", "G", 0, 0, {-0.75, 0.25}}}},
      {"bad scales",
       {.P = diag(array({1e8, 1e-8})), .q = array({-1e8, -1e-8}), .G = array({{1.0, 1e-6}}), .h = array({0.5})},
       {{"x", {10000499999.0 / 10001000000.0, -4999999999.0 / 10001}}, {"at_most", {50000100.0 / 10001}}},
       {},
       0,
       0,
       false},
      {"a tie",
       {.P = eye(2), .q = zeros({2}), .A = one_one, .b = array({1.0}), .G = array({{1.0, -2.0}}), .h = array({-0.5})},
       {{"x", {0.5, 0.5}}, {"at_most", {0}}},
       {{"x", "b", 0, 0, {7.0 / 12, 5.0 / 12}}},
       1,
       0,
       false},
      {"twice a row",
       {.P = array({{1.0}}), .q = array({-2.0}), .G = array({{1.0}, {1.0}}), .h = array({1.0, 1.0})},
       {{"x", {1}}, {"at_most", {0.5, 0.5}}},
       {{"x", "q", 0, 0, {0}}, {"x", "h", 0, 0, {0.5}}},
       0,
       1,
       false},
      {"twice an equation",
       {.P = eye(2), .q = zeros({2}), .A = ones({2, 2}), .b = ones({2})},
       {{"x", {0.5, 0.5}}, {"equal", {-0.25, -0.25}}},
       {{"x", "q", 0, 0, {-0.5, 0.5}}, {"x", "b", 0, 0, {0.25, 0.25}}},
       0,
       1,
       false},
      {"a multiplier of 0",
       {.P = eye(2), .q = zeros({2}), .A = array({{1.0, 0.0}}), .b = zeros({1})},
       {{"x", {0, 0}}, {"equal", {0}}},
       {{"x", "b", 0, 0, {1, 0}}, {"x", "q", 0, 0, {0, 0}}, {"x", "q", 1, 0, {0, -1}}, {"equal", "b", 0, 0, {-1}}}},
      {"the nearest doubly stochastic matrix",
       {.P = eye(4),
        .q = -array({1.0, 0.0, 0.5, 0.7}),
        .A = array({{1.0, 1.0, 0.0, 0.0}, {0.0, 0.0, 1.0, 1.0}, {1.0, 0.0, 1.0, 0.0}, {0.0, 1.0, 0.0, 1.0}}),
        .b = ones({4}),
        .lower = zeros({4})},
       {{"x", {0.8, 0.2, 0.2, 0.8}}},
       {{"x", "q", 0, 0, {-0.25, 0.25, 0.25, -0.25}}},
       0,
       1,
       false},
      {"a vertex of three rows",
       {.q = array({1.0, 2.0}), .G = array({{-1.0, -1.0}}), .h = zeros({1}), .lower = zeros({2})},
       {{"x", {0, 0}}},
       {{"x", "q", 0, 0, {0, 0}}},
       0,
       1,
       false},
      {"no rows",
       {.P = array({{2.0, 1.0}, {1.0, 2.0}}), .q = array({-4.0, -4.0})},
       {{"x", {4 * third, 4 * third}}},
       {{"x", "q", 0, 0, {-2 * third, third}}}},
      {"rows of two sides",
       {.P = eye(2),
        .q = array({-3.0, 2.0}),
        .G = array({{1.0, 0.0}, {0.0, 1.0}, {1.0, 1.0}}),
        .h = array({1.0, 5.0, inf}),
        .h_lower = array({-1.0, -1.5, -inf})},
       {{"x", {1, -1.5}}, {"at_most", {2, 0, 0, 0, 0.5, 0}}},
       {{"x", "h", 0, 0, {1, 0}}, {"x", "h_lower", 1, 0, {0, 1}}, {"at_most", "q", 0, 0, {-1, 0, 0, 0, 0, 0}}}},
      {"rows of two equal sides",
       {.P = eye(2),
        .q = array({-3.0, 2.0}),
        .G = array({{1.0, 1.0}, {1.0, -2.0}}),
        .h = array({1.0, 9.0}),
        .h_lower = array({1.0, -9.0})},
       {{"x", {3, -2}}, {"at_most", {0, 0, 0, 0}}},
       {{"x", "q", 0, 0, {-0.5, 0.5}}},
       0,
       0,
       false},
      {"rows of two equal sides, held from above",
       {.P = eye(2), .q = array({-3.0, 0.0}), .G = array({{1.0, 1.0}}), .h = array({1.0}), .h_lower = array({1.0})},
       {{"x", {2, -1}}, {"at_most", {1, 0}}},
       {{"x", "q", 0, 0, {-0.5, 0.5}}, {"x", "h", 0, 0, {0.5, 0.5}}, {"x", "h_lower", 0, 0, {0, 0}}},
       0,
       0,
       false},
      {"rows of two equal sides, held from below",
       {.P = eye(2), .q = array({1.0, 0.0}), .G = array({{1.0, 1.0}}), .h = array({1.0}), .h_lower = array({1.0})},
       {{"x", {0, 1}}, {"at_most", {0, 1}}},
       {{"x", "q", 0, 0, {-0.5, 0.5}}, {"x", "h", 0, 0, {0, 0}}, {"x", "h_lower", 0, 0, {0.5, 0.5}}},
       0,
       0,
       false},
      {"a fixed variable",
       {.P = array({{2.0, 1.0}, {1.0, 2.0}}),
        .q = array({-4.0, -4.0}),
        .lower = array({0.5, -inf}),
        .upper = array({0.5, inf})},
       {{"x", {0.5, 1.75}}, {"lower", {0, 0}}, {"upper", {1.25, 0}}},
       {{"x", "upper", 0, 0, {1, -0.5}}, {"x", "lower", 0, 0, {0, 0}}},
       0,
       0,
       false},
  };
}

// The program with t added to an element of a field.
QuadraticProgram moved(QuadraticProgram p, const std::string& by, std::int64_t row, std::int64_t column,
                       const Array& t) {
  Array& f = field(p, by);
  if (f.ndim() == 2) {
    f = f.at(row, column).add(by == "P" && row != column ? 0.5 * t : t);
    if (by == "P" && row != column) f = f.at(column, row).add(0.5 * t);
  } else {
    f = f.at(row).add(t);
  }
  return p;
}

TEST(QuadraticProgram, FindsWhatIsKnown) {
  for (const Case& c : cases()) {
    const Found f = quadratic_program(c.program, {.on_failure = OnFailure::best});
    EXPECT_EQ(f.status, StatusCode::converged) << c.name;
    for (const Value& v : c.values) expect_near(result(f, v.of), v.is, c.digits, c.name + ": " + v.of);
    EXPECT_EQ(f.weakly_active.item<std::int64_t>(), c.weakly_active) << c.name;
    EXPECT_EQ(f.dependent.item<std::int64_t>(), c.dependent) << c.name;
    EXPECT_LE(f.residual_norm.item<double>(), 1e-15) << c.name;
    EXPECT_LE(f.error_estimate.item<double>(), 1e-12) << c.name;
  }
}

TEST(QuadraticProgram, HasTheDerivativesThatAreKnown) {
  for (const Case& c : cases()) {
    for (const Slope& s : c.slopes) {
      auto f = [&](const Array& t) {
        return result(quadratic_program(moved(c.program, s.by, s.row, s.column, t)), s.of);
      };
      const std::string what = c.name + ": d" + s.of + "/d" + s.by;
      expect_near(jacrev(f)(array(0.0)), s.is, 1e-12, what);
    }
  }
}

// ---- Derivatives of one kind as those of another ---------------------------------------------------------------------------

TEST(QuadraticProgram, AllDerivativesAgreeWithEachOtherAndWithDifferences) {
  for (const Case& c : cases()) {
    for (const char* name : fields) {
      QuadraticProgram p = c.program;
      const Array at = field(p, name);
      if (!at.defined()) continue;
      auto f = [&](const Array& data) {
        QuadraticProgram q = c.program;
        field(q, name) = data;
        return everything(quadratic_program(q));
      };
      const std::string what = c.name + ", by " + name;
      const Array forward = jacfwd(jit(f))(at), backward = jacrev(jit(f))(at);
      EXPECT_LE(largest(forward - backward), 1e-12 * std::max(1.0, largest(forward))) << what;
      // Along one direction; infinities stay.
      if (!c.smooth) continue;
      const Array way = where(isfinite(at), reshape(cos(1.9 * arange(at.size()) + 0.4), at.shape()), zeros_like(at));
      const double h = 1e-6;
      const Array differences = (f(at + h * way) - f(at - h * way)) / (2 * h);
      EXPECT_LE(largest(differences - jvp(f, at, way).tangent), 1e-8 * std::max(1.0, largest(differences))) << what;
    }
  }
}

TEST(QuadraticProgram, SecondDerivativesAgreeWithDifferencesOfTheFirst) {
  for (const Case& c : cases()) {
    if (!c.smooth || c.name == "bad scales") continue;
    for (const char* name : {"P", "b", "G"}) {
      QuadraticProgram p = c.program;
      const Array at = field(p, name);
      if (!at.defined()) continue;
      const Array way = reshape(cos(1.9 * arange(at.size()) + 0.4), at.shape());
      // How a weighted sum of all that is found goes along the way, and how that goes.
      auto value = [&](const Array& t) {
        QuadraticProgram q = c.program;
        field(q, name) = at + t * way;
        const Array all = everything(quadratic_program(q));
        return sum(all * sin(1.0 + 1.0 * arange(all.size())));
      };
      auto slope = [&](const Array& t) { return grad(value)(t); };
      const double h = 1e-5;
      const double differences = ((slope(array(h)) - slope(array(-h))) / (2 * h)).item();
      const double bound = 1e-7 * std::max(1.0, std::abs(differences));
      EXPECT_NEAR(jvp(slope, array(0.0), array(1.0)).tangent.item(), differences, bound) << c.name << ", by " << name;
      EXPECT_NEAR(grad(slope)(array(0.0)).item(), differences, bound) << c.name << ", by " << name;
    }
  }
}

TEST(QuadraticProgram, LanesAreTheSolvesOneByOne) {
  for (const Case& c : cases()) {
    const Array q = stack({c.program.q, 1.5 * c.program.q + 0.25, -0.5 * c.program.q});
    auto f = [&](const Array& of) {
      QuadraticProgram p = c.program;
      p.q = of;
      const Found found = quadratic_program(p, {.on_failure = OnFailure::nan});
      return std::pair(found.value, found.status.code);
    };
    const auto [x, status] = vmap(f)(q);
    for (int k = 0; k < 3; ++k) {
      const auto [alone, its_status] = f(q(k));
      EXPECT_EQ(status(k).item<std::int64_t>(), its_status.item<std::int64_t>()) << c.name << ", lane " << k;
      if (its_status.item<std::int64_t>() != 0) continue;
      EXPECT_LE(largest(x(k) - alone), 1e-13 * std::max(1.0, largest(alone))) << c.name << ", lane " << k;
    }
  }
}

TEST(QuadraticProgram, InFloat32) {
  for (const Case& c : cases()) {
    if (c.name == "bad scales") continue;
    QuadraticProgram p = c.program;
    for (const char* name : fields) {
      if (field(p, name).defined()) field(p, name) = astype(field(p, name), float32);
    }
    const Found f = quadratic_program(p, {.on_failure = OnFailure::best});
    EXPECT_EQ(f.value.dtype(), float32) << c.name;
    EXPECT_EQ(f.status, StatusCode::converged) << c.name;
    for (const Value& v : c.values) expect_near(result(f, v.of), v.is, 2e-6, c.name + ": " + v.of);
  }
}

// ---- What has no solution --------------------------------------------------------------------------------------------------

}  // namespace quadratic_program_test
