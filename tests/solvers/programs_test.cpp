// The first of each set of random programs (all of them: bench/quadratic_programs): they end as they should, in few steps, solutions
// are exact and proofs prove.
#include "tests/solvers/programs.hpp"

#include <gtest/gtest.h>

#include "tests/solvers/accurate.hpp"

namespace programs_test {

using namespace dini;
using tests::largest;

double number(const Array& a) { return astype(a, float64).item<double>(); }

// What Farkas' lemma wants of multipliers, for rows without infinite sides.
void expect_proof(const Duals<Array, Array, Array>& c, const tests::ProgramData& p, const std::string& what) {
  EXPECT_GE(number(min(c.at_most)), 0) << what;
  const Array pull = dot(p.a.T(), c.equal) + dot(p.g.T(), c.at_most) - c.lower + c.upper;
  const double gap = -number(dot(p.b, c.equal) + dot(p.h, c.at_most));
  EXPECT_GT(gap, 0) << what;
  EXPECT_LE(number(sum(abs(pull))), 1e-8 * gap) << what;
}

void expect_ray(const Array& d, const tests::ProgramData& p, const std::string& what) {
  EXPECT_NEAR(largest(d), 1, 1e-15) << what;
  EXPECT_LT(number(dot(p.q, d)), -1e-6) << what;
  EXPECT_LE(largest(dot(p.p, d)), 1e-9 * (1 + largest(p.p))) << what;
  EXPECT_LE(number(max(dot(p.g, d))), 1e-9 * (1 + largest(p.g))) << what;
}

TEST(RandomPrograms, EndAsTheyShould) {
  for (const tests::Programs& set : tests::random_programs()) {
    if (set.name == "100 unknowns, 200 rows") continue;
    const auto solved = jit(
        [](const tests::ProgramData& d) { return quadratic_program(d.program(), {.on_failure = OnFailure::best}); });
    double steps = 0;
    constexpr int few = 6;
    for (int k = 0; k < few; ++k) {
      const tests::ProgramData p = set.make(k);
      const auto s = solved(p);
      const std::string what = set.name + ", number " + std::to_string(k);
      EXPECT_EQ(s.status, set.end) << what;
      EXPECT_TRUE(set.end != StatusCode::converged || number(s.residual_norm) <= 1e-13) << what;
      if (set.end == StatusCode::infeasible) expect_proof(s.certificate, p, what);
      if (set.end == StatusCode::unbounded) expect_ray(s.ray, p, what);
      steps += number(s.steps);
    }
    EXPECT_LE(steps / few, set.end == StatusCode::converged ? 15 : 30) << set.name;
  }
}

// In float32, unknowns in units that are up to 10⁸ apart.
TEST(RandomPrograms, WhereTheInteriorPointGivesUpPenaltiesGoOn) {
  tests::ProgramDraw d(9289);
  const Array at = d.normal({6}), units = power(10.0, 8 * d.uniform({6}) - 4), root = d.normal({6, 6}),
              g = d.normal({12, 6}) * units;
  tests::ProgramData p = tests::without_bounds(dot(root.T(), root) * outer(units, units), d.normal({6}) * units, g,
                                               dot(g, at) + abs(d.normal({12})));
  p.a = d.normal({2, 6}) * units;
  p.b = dot(p.a, at);
  const QuadraticProgram single = p.as(float32).program();
  const auto given_up = quadratic_program(single, {.solver = InteriorPointQP{}, .on_failure = OnFailure::best});
  EXPECT_EQ(given_up.status, StatusCode::stagnated);
  const auto s = quadratic_program(single, {.on_failure = OnFailure::best});
  EXPECT_EQ(s.status, StatusCode::converged);
  EXPECT_EQ(s.solver(), "augmented_lagrangian");
  const Array exact = quadratic_program(p.program()).value;
  EXPECT_LE(largest(astype(s.value, float64) - exact), 1e-3 * largest(exact)) << s.value << exact;
}

TEST(RandomPrograms, LanesHaveTheirOwnEnds) {
  // One that has a solution, one without a point, one that falls.
  tests::ProgramDraw a(1), b(2), c(3);
  const std::vector<tests::ProgramData> programs = {tests::with_gap(a, -1, 1), tests::with_gap(b, 1, 1),
                                                    tests::falling(c, false)};
  auto solved = [](const tests::ProgramData& d) {
    return quadratic_program(d.program(), {.on_failure = OnFailure::nan});
  };
  const auto lanes = vmap(solved)(tree_map(
      [](const Array& x, const Array& y, const Array& z) {
        return stack({x, y, z});
      },
      programs[0], programs[1], programs[2]));
  const std::vector<StatusCode> ends = {StatusCode::converged, StatusCode::infeasible, StatusCode::unbounded};
  for (int k = 0; k < 3; ++k) {
    const auto alone = solved(programs[static_cast<std::size_t>(k)]);
    const StatusCode end = ends[static_cast<std::size_t>(k)];
    EXPECT_EQ(static_cast<StatusCode>(lanes.status.code(k).item<std::int64_t>()), end);
    EXPECT_EQ(alone.status, end);
    // What has no solution ends when nothing is gained any more.
    if (end == StatusCode::converged) { EXPECT_NEAR(number(lanes.steps(k)), number(alone.steps), 1); }
    EXPECT_EQ(all(isfinite(lanes.value(k))).item<bool>(), end == StatusCode::converged);
  }
  EXPECT_LE(largest(lanes.value(0) - solved(programs[0]).value), 1e-14);
}

}  // namespace programs_test
