// Elementwise work on long arrays as one loop over blocks: what it reads is repeated within the loop where a broadcast would have
// written it out.
#include "dini/dini.hpp"
#include "programs.hpp"

namespace dini::exec_tests {
namespace {

struct Spread {
  std::string what;
  Shape small, large;
  std::vector<int> missing;  // axes, in the order in which they are put in
};

const std::vector<Spread> spreads{
    {"rows", {37}, {53, 37}, {0}},
    {"columns", {53}, {53, 37}, {1}},
    {"the middle axis", {5}, {30, 5, 23}, {0, 2}},
    {"the last two axes", {5, 23}, {30, 5, 23}, {0}},
    {"the first two axes", {30, 5}, {30, 5, 23}, {2}},
    {"rows longer than a block", {1500}, {3, 1500}, {0}},
    {"columns longer than a block", {3}, {3, 1500}, {1}},
    {"an axis of length 1", {53, 1}, {53, 37}, {}},
    {"axes that are not neighbours", {30, 23}, {30, 5, 23}, {1}},
    {"one number", {}, {53, 37}, {0, 1}},
    {"columns, by threads", {301}, {301, 257}, {1}},
};

Array spread(const Spread& s, Array a) {
  for (int axis : s.missing) a = expand_dims(a, axis);
  return broadcast_to(a, s.large);
}

TEST(FusedLoops, RepeatWhatIsBroadcast) {
  for (Dtype dtype : {float32, float64}) {
    for (const Spread& c : spreads) {
      SCOPED_TRACE(c.what);
      const Leaves in{numbers(c.small, dtype, 1), numbers(c.large, dtype, 2)};
      // Numbers, truth values, sums of what is repeated, alone and with others; by a loop, whose memory is used again.
      EXPECT_TRUE(agrees(make_case(
          [&](const Leaves& v) {
            const Array a = sin(v[0]), s = spread(c, a), &x = v[1];
            const Array y = where(spread(c, a > 0.0), s * x + 1.0, abs(x) - s);
            const Array z = fori_loop(
                0, 3, [&](const Array&, const Array& t) { return tanh(spread(c, cos(a) + sum(t))) * t; }, y);
            return Leaves{y, z, sum(y * s), sum(s * s), linalg::norm(s)};
          },
          in)));
      // What others read is written out as well.
      EXPECT_TRUE(agrees(make_case(
          [&](const Leaves& v) {
            const Array s = spread(c, cos(v[0]));
            return Leaves{s, s * v[1] + 1.0, cumsum(s, 0)};
          },
          in)));
    }
  }
}

TEST(FusedLoops, WriteOutNoBroadcastForThemselves) {
  for (const Spread& c : spreads) {
    const auto has = [&](bool shared) {
      const Case k = make_case(
          [&](const Leaves& v) {
            const Array s = spread(c, sin(v[0]));
            return Leaves{exp(v[1] * s) - s, shared ? s : v[1]};
          },
          {numbers(c.small), numbers(c.large)});
      const std::string plan = Executable::compile(*k.program)->str();
      return plan.find("broadcast") != std::string::npos || plan.find("fill") != std::string::npos;
    };
    EXPECT_EQ(has(false), c.what == "axes that are not neighbours") << c.what;
    EXPECT_TRUE(has(true)) << c.what;
  }
}

}  // namespace
}  // namespace dini::exec_tests
