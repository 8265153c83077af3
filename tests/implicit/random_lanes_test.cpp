// Batches of random problems of every kind, up to a thousand, a tenth of them without a solution, are the solves one by one: values,
// statuses, steps, gradients, counts, certificates.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "tests/implicit/random_cases.hpp"
#include "tests/solvers/accurate.hpp"

namespace random_lanes_test {

using namespace dini;
using namespace dini::tests;

class RandomLanes : public testing::TestWithParam<RandomCase> {};

// The largest difference beside the size, where both are numbers; infinite where one is and the other is not.
double apart(const Array& a, const Array& b) {
  if (a.size() == 0) return 0;
  const Array size = maximum(abs(a), ones_like(a)), both = isnan(a) & isnan(b);
  const Array off = where(both | (a == b), 0.0, abs(a - b) / size);
  return max(where(isnan(off), std::numeric_limits<double>::infinity(), off)).item();
}

bool all_finite(const Array& a) { return dini::all(isfinite(a)).item<bool>(); }

TEST_P(RandomLanes, AreTheSolvesOneByOne) {
  const RandomCase& c = GetParam();
  Draw draw(search_seed(21));
  const int lanes = draws(c.lanes);
  std::vector<Array> data;
  auto solvable = [](int k) { return k % 10 != 3; };
  for (int k = 0; k < lanes; ++k) data.push_back(array(c.draw(draw, solvable(k))));
  How how;
  how.options.max_steps = 100;
  how.options.on_failure = OnFailure::nan;
  auto one = [&](const Array& t) { return solve(c.problem, t, how); };
  auto loss = [&](const Array& t) {
    const Array all = one(t).everything();
    return sum(all * sin(1.0 + 1.0 * arange(all.size())));
  };
  const Array all = stack(data);
  const Solved together = vmap(one)(all);
  const Array slopes = vmap(grad(loss))(all);

  const auto alone = jit(one);
  const auto slope_alone = jit(grad(loss));
  std::map<StatusCode, int> ends;
  double values = 0, gradients = 0, proofs = 0;
  for (int k = 0; k < lanes; ++k) {
    const std::string what = c.problem.name + ", lane " + std::to_string(k);
    const Solved a = alone(data[static_cast<std::size_t>(k)]);
    const Solved b = tree_map([&](const Array& x) { return x(k); }, together);
    const auto same = [&](const Array& x, const Array& y, const char* of) {
      EXPECT_EQ(x.item<std::int64_t>(), y.item<std::int64_t>()) << what << ": " << of;
    };
    same(a.status, b.status, "status");
    same(a.active, b.active, "active");
    same(a.weakly_active, b.weakly_active, "weakly active");
    same(a.dependent, b.dependent, "dependent");
    // Those of a quadratic program may end a step apart: its lanes are in tiles, whose sums are in another order.
    const std::int64_t apart_in_steps = std::abs(a.steps.item<std::int64_t>() - b.steps.item<std::int64_t>());
    EXPECT_LE(apart_in_steps, c.problem.kind == Kind::quadratic_program ? 1 : 0) << what << ": steps";
    values = std::max(values, apart(a.everything(), b.everything()));
    proofs = std::max({proofs, apart(a.certificate, b.certificate), apart(a.ray, b.ray)});
    const bool good = a.code() == StatusCode::converged;
    EXPECT_EQ(good, solvable(k)) << what << ": " << name(a.code());
    // What has failed has no number for a value, a multiplier or a slope.
    EXPECT_EQ(good, all_finite(b.everything())) << what;
    EXPECT_EQ(good, all_finite(slopes(k))) << what;
    if (k % 5 == 3) gradients = std::max(gradients, apart(slope_alone(data[static_cast<std::size_t>(k)]), slopes(k)));
    ++ends[a.code()];
  }
  EXPECT_LE(values, 1e-12);
  EXPECT_LE(gradients, 1e-10);
  EXPECT_LE(proofs, 1e-9);
  EXPECT_TRUE(c.failure == StatusCode::max_steps || ends[c.failure] * 10 >= lanes - 9) << ends[c.failure];
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomLanes, testing::ValuesIn(random_cases()), [](const auto& info) {
  std::string out;
  for (char ch : info.param.problem.name) out += std::isalnum(static_cast<unsigned char>(ch)) ? ch : '_';
  return out;
});

}  // namespace random_lanes_test
