// Every case of the one table by the solvers that are for it, in float32: what each has to solve, and that none claims what is not so.
// (In float64: cases_test.cpp, constrained_test.cpp, roots_test.cpp. The table in full: bench/solve_rates.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/library.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"
#include "tests/solvers/known_cases.hpp"

namespace solvers_of_cases_test {

using namespace dini;
using namespace dini::tests;

// By how much of its size z is away from the nearest solution that is known; 0 where none is.
double apart(const KnownCase& c, const Array& z) {
  if (c.solutions.empty()) return 0;
  double least = 1e300;
  for (const auto& s : c.solutions) {
    const Array known = array(s.z);
    least = std::min(least, largest((astype(z, Dtype::float64) - known) / maximum(abs(known), ones_like(known))));
  }
  return least;
}

// What a solver does not solve in float32; all else it has to.
struct Miss {
  const char *solver, *problem;
};
const Miss misses[] = {
    // A rotation has no symmetric part; A's spectrum has two signs.
    {"df_sane", "rotation by π/3"},
    {"df_sane", "Powell's badly scaled"},
    {"df_sane", "two axes"},
    // Least points of ‖F‖ that are no roots, and where A is singular.
    {"dogleg", "two axes"},
    {"dogleg", "Freudenstein and Roth"},
    {"coleman_li", "two axes"},
    {"coleman_li", "Freudenstein and Roth"},
    {"limited_memory_broyden", "Rosenbrock"},
    {"limited_memory_broyden", "Wood"},
    {"limited_memory_broyden", "cubed norm"},
    {"newton_krylov", "Powell's singular"},
    {"newton_krylov", "trigonometric"},
    {"pseudo_transient", "Brown's almost linear"},
    // A corner of two curves that are nearly parallel.
    {"sqp", "HS19"},
};
bool missed(const std::string& solver, const std::string& problem) {
  return std::any_of(std::begin(misses), std::end(misses),
                     [&](const Miss& m) { return m.solver == solver && m.problem == problem; });
}

TEST(SolversOfCases, InFloat32) {
  int tried = 0;
  std::size_t number = 0;
  for (const KnownCase& c : known_cases()) {
    ++number;
    if (!sampled(number, 10)) continue;
    if (c.start.size() > 30 || c.stiff || c.name == "bad scales") continue;
    std::vector<std::pair<std::string, Solver>> solvers{{"auto", Solver()}};
    // Of those for one kind each has every third case, so that a case has some of them.
    const auto& known = solvers_for(c.kind);
    for (std::size_t k = 0; k < known.size(); ++k) {
      const bool applies = known[k].automatic && known[k].takes >= c.restriction();
      if (applies && k % 3 == number % 3) solvers.emplace_back(known[k].name, known[k].make({}));
    }
    for (const auto& [name, solver] : solvers) {
      const std::int64_t most = name == "gradient_descent" || name == "nonlinear_cg" ? 1000 : -1;
      const MinimizeOptions options{.solver = solver, .max_steps = most, .on_failure = OnFailure::best};
      const Solved s = solve(c, array(c.theta, Dtype::float32), {.options = options, .dtype = Dtype::float32});
      const bool good = s.code() == c.status || (s.code() == StatusCode::converged && c.singular);
      EXPECT_TRUE(good || missed(name, c.name)) << c.name << " by " << name << ": " << dini::name(s.code()) << s.z;
      ++tried;
      if (s.code() != StatusCode::converged) continue;
      // What it says of its error holds.
      const double said = 20 * astype(s.error_estimate, Dtype::float64).item();
      EXPECT_LE(apart(c, s.z), c.singular ? 1e-2 : said + 2e-5) << c.name << " by " << name << ": " << s.z;
    }
  }
  std::printf("%d solves\n", tried);
}

}  // namespace solvers_of_cases_test
