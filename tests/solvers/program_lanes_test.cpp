// Random quadratic programs in batches: each lane ends as the program does alone, and its bits do not depend on what is beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "dini/core/pool.hpp"
#include "tests/solvers/accurate.hpp"
#include "tests/solvers/programs.hpp"

namespace program_lanes_test {

using namespace dini;
using detail::Leaves;
using tests::ProgramData;

struct End {
  Array status, steps, active, dependent, value, certificate, ray;
  auto tree() { return std::tie(status, steps, active, dependent, value, certificate, ray); }
};
End end_of(const ProgramData& d) {
  const auto s = quadratic_program(d.program(), {.on_failure = OnFailure::best});
  return {s.status.code, s.steps, s.active, s.dependent, s.value, s.certificate.at_most, s.ray};
}

ProgramData stacked(const std::vector<ProgramData>& programs) {
  std::vector<std::vector<Array>> columns;
  for (const ProgramData& p : programs) {
    const Leaves leaves = flatten(p);
    columns.resize(leaves.size());
    for (std::size_t k = 0; k < leaves.size(); ++k) columns[k].push_back(leaves[k]);
  }
  Leaves all;
  for (const std::vector<Array>& c : columns) all.push_back(stack(c));
  return unflatten(programs[0], all);
}
template <class T> T lane_of(const T& all, std::int64_t k) {
  return tree_map([&](const Array& a) { return a(k); }, all);
}
std::int64_t integer(const Array& a) { return a.item<std::int64_t>(); }
bool finite(const Array& a) { return all(isfinite(a)).item<bool>(); }
bool same(const Array& a, const Array& b) { return all((a == b) | (isnan(a) & isnan(b))).item<bool>(); }

TEST(ProgramLanes, EndAsTheyDoAlone) {
  for (const tests::Programs& set : tests::random_programs()) {
    if (set.make(0).q.size() > 10) continue;
    std::vector<ProgramData> programs;
    for (int k = 0; k < std::min(set.count, 70); ++k) programs.push_back(set.make(k));
    const auto alone = jit(end_of);
    const auto lanes = jit([](const ProgramData& d) { return vmap(end_of)(d); })(stacked(programs));
    for (std::size_t k = 0; k < programs.size(); ++k) {
      const std::string what = set.name + ", number " + std::to_string(k);
      const End its = alone(programs[k]), got = lane_of(lanes, static_cast<std::int64_t>(k));
      EXPECT_EQ(integer(got.status), integer(its.status)) << what;
      EXPECT_EQ(integer(got.active), integer(its.active)) << what;
      EXPECT_EQ(integer(got.dependent), integer(its.dependent)) << what;
      EXPECT_EQ(finite(got.certificate), finite(its.certificate)) << what;
      EXPECT_EQ(finite(got.ray), finite(its.ray)) << what;
      if (set.end == StatusCode::converged) {
        // At an error of 1e-13 the method ends; one lane in hundreds is beside that.
        EXPECT_LE(std::abs(integer(got.steps) - integer(its.steps)), 1) << what;
        if (set.name == "assignments, of many solutions") continue;
        EXPECT_LE(tests::largest(got.value - its.value), 1e-9 * std::max(1.0, tests::largest(its.value))) << what;
      }
    }
  }
}

// Programs of one shape that have a solution, none, or one at the edge, beside some of no meaning.
std::vector<ProgramData> mixed() {
  std::vector<ProgramData> out;
  for (int k = 0; k < 25; ++k) {
    tests::ProgramDraw a(100 + k), b(200 + k), c(300 + k), d(400 + k);
    out.push_back(tests::with_gap(a, -1, 1));
    out.push_back(tests::with_gap(b, 1, 1));
    out.push_back(tests::with_gap(c, 0, 1e3));
    out.push_back(tests::with_gap(d, 1e-6, 1));
    if (k % 5 == 0) out.back().q = std::nan("") * out.back().q;
  }
  return out;
}

TEST(ProgramLanes, HaveTheirBitsWhateverIsBesideThem) {
  const std::vector<ProgramData> programs = mixed();
  const auto f = jit([](const ProgramData& d) { return vmap(end_of)(d); });
  const Leaves all = flatten(f(stacked(programs)));
  for (std::size_t size : {1, 3, 63, 64, 65}) {
    const std::vector<ProgramData> some(programs.begin(), programs.begin() + static_cast<std::ptrdiff_t>(size));
    const Leaves got = flatten(f(stacked(some)));
    for (std::size_t r = 0; r < got.size(); ++r)
      EXPECT_TRUE(same(got[r], all[r](slice(0, static_cast<std::int64_t>(size))))) << size << ", result " << r;
  }
  const std::vector<ProgramData> backwards(programs.rbegin(), programs.rend());
  const int threads = num_threads();
  for (int n : {1, 3}) {
    set_num_threads(n);
    const Leaves got = flatten(f(stacked(backwards)));
    for (std::size_t r = 0; r < got.size(); ++r) EXPECT_TRUE(same(flip(got[r], 0), all[r])) << "result " << r;
  }
  set_num_threads(threads);
}

TEST(ProgramLanes, HaveTheDerivativesOfEach) {
  const tests::Programs set = tests::random_programs()[1];
  std::vector<ProgramData> programs;
  for (int k = 0; k < 66; ++k) programs.push_back(set.make(k));
  const Array weights = 1 + 0.5 * sin(1.0 * arange(10));
  const auto loss = [=](const Array& p, const Array& q, const Array& g, const Array& h) {
    const auto s = quadratic_program({.P = p, .q = q, .G = g, .h = h});
    return dot(weights, s.value) + sum(s.duals.at_most);
  };
  const auto slopes = [&](const Array& p, const Array& q, const Array& g, const Array& h) {
    return grad<0, 1, 2, 3>(loss)(p, q, g, h);
  };
  const ProgramData all = stacked(programs);
  const Leaves got = flatten(jit(vmap(slopes))(all.p, all.q, all.g, all.h));
  const auto alone = jit(slopes);
  const auto dependent = jit([](const ProgramData& d) { return end_of(d).dependent; });
  for (std::size_t k = 0; k < programs.size(); k += 5) {
    const ProgramData& d = programs[k];
    const Leaves its = flatten(alone(d.p, d.q, d.g, d.h));
    // Where active rows depend on each other the multipliers are not the only ones, and the slopes by G are theirs.
    const bool unique = integer(dependent(d)) == 0;
    for (std::size_t r = 0; r < its.size(); ++r) {
      if (r == 2 && !unique) continue;
      const Array lane = got[r](static_cast<std::int64_t>(k));
      EXPECT_LE(tests::largest(lane - its[r]), 1e-11 * std::max(1.0, tests::largest(its[r]))) << k << ", " << r;
    }
  }
}

}  // namespace program_lanes_test
