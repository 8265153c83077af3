// What must not matter: the start, the solver, units, the order of equations, rows and unknowns. Random small problems of every kind.
#include "tests/implicit/random_cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dini/solvers/library.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"

namespace random_cases_test {

using namespace dini;
using namespace dini::tests;

std::vector<Solver> solvers_of(const KnownCase& c) {
  std::vector<Solver> out;
  for (const auto& info : library_solvers()) {
    // Slow ones, and those that contract, are not for all of these.
    const bool apart = info.name == "gradient_descent" || info.name == "forward_iteration" || info.name == "df_sane";
    if (info.automatic && !apart && info.kinds.has(c.kind) && info.takes >= c.restriction())
      out.push_back(info.make({}));
  }
  return out;
}

// The solution, and how all that was found goes along a way of θ and back.
struct Answer {
  Solved found;
  Array tangent, gradient;
};

class Invariance : public testing::TestWithParam<RandomCase> {
 protected:
  const RandomCase& c = GetParam();
  const KnownCase& problem = c.problem;

  // `solved` from θ.
  template <class F> Answer answer(const F& solved, const Array& theta) const {
    auto all = [&](const Array& t) { return solved(t).everything(); };
    const Array way = concatenate({zeros({1}), cos(1.0 + arange(theta.size() - 1.0))});
    Answer a{solved(theta), jvp(all, theta, way).tangent, {}};
    const Array weights = sin(1.0 + 1.0 * arange(a.tangent.size()));
    a.gradient = grad([&](const Array& t) { return sum(weights * all(t)); })(theta);
    return a;
  }
  void expect_same(const Answer& a, const Answer& b, double digits, const std::string& what) const {
    EXPECT_EQ(a.found.code(), StatusCode::converged) << what;
    EXPECT_EQ(b.found.code(), StatusCode::converged) << what;
    auto near = [&](const Array& x, const Array& y, double tolerance, const char* of) {
      EXPECT_LE(largest(x - y), tolerance * std::max(1.0, largest(x))) << what << ": " << of << x << y;
    };
    near(a.found.everything(), b.found.everything(), digits, "what was found");
    near(a.tangent, b.tangent, 1e2 * digits, "forward");
    near(a.gradient, b.gradient, 1e2 * digits, "reverse");
    for (const Array& m : {b.found.lower, b.found.upper, b.found.at_most})
      EXPECT_TRUE(dini::all(m >= 0).item<bool>()) << what << m;
    EXPECT_EQ(a.found.active.item<std::int64_t>(), b.found.active.item<std::int64_t>()) << what;
  }
  Answer plain(const Array& theta, const How& how) const {
    return answer([&](const Array& t) { return solve(problem, t, how); }, theta);
  }
};

TEST_P(Invariance, OfTheStartAndTheSolver) {
  Draw draw(search_seed(11));
  for (int k = 0; k < draws(3); ++k) {
    const Array theta = array(c.draw(draw, true));
    const Answer first = plain(theta, How());
    const std::string what = problem.name + ", draw " + std::to_string(k);
    if (!problem.start.empty()) {
      const auto n = static_cast<std::int64_t>(problem.start.size());
      Point start;
      for (std::int64_t j = 0; j < n; ++j) start.push_back(0.6 + 0.6 * draw.uniform());
      How elsewhere;
      elsewhere.start = array(start);
      expect_same(first, plain(theta, elsewhere), 1e-12, what + ", from elsewhere");
    }
    for (const Solver& solver : sample(solvers_of(problem), 2)) {
      How by;
      by.options.solver = solver;
      expect_same(first, plain(theta, by), 1e-12, what + ", by " + solver.name());
    }
  }
}

TEST_P(Invariance, OfUnitsAndOrder) {
  Draw draw(search_seed(12));
  for (int k = 0; k < draws(12); ++k) {
    const Array theta = array(c.draw(draw, true));
    const double largest_unit = k % 3 == 0 ? 1 : k % 3 == 1 ? 1e2 : 1e5;
    const Rewriting by = rewriting(c, theta, draw, largest_unit);
    const KnownCase other = rewritten(problem, by);
    const Answer again = answer([&](const Array& t) { return read_back(problem, solve(other, t), by); }, theta);
    expect_same(plain(theta, How()), again, 1e-11, problem.name + ", draw " + std::to_string(k));
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Invariance, testing::ValuesIn(random_cases()), [](const auto& info) {
  std::string out;
  for (char ch : info.param.problem.name) out += std::isalnum(static_cast<unsigned char>(ch)) ? ch : '_';
  return out;
});

}  // namespace random_cases_test
