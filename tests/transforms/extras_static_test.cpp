// jit with static arguments; hvp; loops and switches as users call them.
#include <gtest/gtest.h>

#include <string>

#include "dini/dini.hpp"

namespace dini {
namespace {

enum class Kind { square, cube };

TEST(StaticArguments, StringsAreReadWhileTracing) {
  int traced = 0;
  auto f = [&](const Array& x, const std::string& name) {
    ++traced;
    return name == "relu" ? relu(x) : tanh(x);
  };
  auto fast = jit(f, static_argnums<1>{});
  const Array x = array({-1.0, 2.0});
  EXPECT_EQ(fast(x, "relu").to_vector<double>(), (std::vector<double>{0, 2}));
  EXPECT_EQ(fast(x, std::string("relu")).to_vector<double>(), (std::vector<double>{0, 2}));
  EXPECT_EQ(traced, 1);
  EXPECT_LT(fast(x, "tanh")(1).item<double>(), 1.0);
  EXPECT_EQ(traced, 2);
  fast(array({1.0, 2.0, 3.0}), "relu");
  EXPECT_EQ(traced, 3);
  fast(x, "tanh");
  EXPECT_EQ(traced, 3);
}

TEST(StaticArguments, EnumeratorsBoolsAndSizesInAnyPlace) {
  auto f = [](Kind kind, const Array& x, bool negate, int n, const Array& y) {
    Array out = kind == Kind::square ? x * x : x * x * x;
    for (int k = 0; k < n; ++k) out = out + y;
    return negate ? -out : out;
  };
  auto fast = jit(f, static_argnums<0, 2, -2>{});
  EXPECT_EQ(fast(Kind::square, 3.0, false, 2, 0.5).item<double>(), 10.0);
  EXPECT_EQ(fast(Kind::cube, 3.0, true, 1, 0.5).item<double>(), -27.5);
  EXPECT_EQ(fast(Kind::square, 3.0, false, 3, 0.5).item<double>(), 10.5);
}

TEST(StaticArguments, ComposeWithTheOtherTransformations) {
  auto fast = jit([](const Array& x, const std::string& name) { return name == "sq" ? sum(x * x) : sum(x * x * x); },
                  static_argnums<1>{});
  const Array x = array({1.0, 2.0});
  EXPECT_EQ(grad([&](const Array& a) { return fast(a, "sq"); })(x).to_vector<double>(), (std::vector<double>{2, 4}));
  EXPECT_EQ(grad([&](const Array& a) { return fast(a, "cube"); })(x).to_vector<double>(), (std::vector<double>{3, 12}));
  EXPECT_EQ(vmap([&](const Array& a) { return fast(a, "sq"); })(stack({x, 2.0 * x})).to_vector<double>(),
            (std::vector<double>{5, 20}));
  EXPECT_EQ(jit([&](const Array& a) { return fast(a, "cube"); })(x).item<double>(), 9.0);
}

struct Left {
  Array a, b;
  auto tree() { return std::tie(a, b); }
};
struct Right {
  Array a, b;
  auto tree() { return std::tie(a, b); }
};

TEST(Jit, TellsStructsOfOneStructureApart) {
  const double factor = 2;
  auto f = jit([factor](const auto& p) {
    auto q = p;
    q.a = factor * p.a;
    return q;
  });
  EXPECT_EQ(f(Left{array(1.0), array(2.0)}).a.item<double>(), 2.0);
  EXPECT_EQ(f(Right{array(3.0), array(2.0)}).a.item<double>(), 6.0);
}

TEST(Hvp, IsTheHessianTimesAVector) {
  const Array A = array({{2.0, 1.0, 0.5}, {-1.0, 3.0, 0.0}, {0.25, 2.0, 1.0}}), x = array({0.3, -1.0, 2.0}),
              v = array({1.0, 2.0, -0.5});
  auto f = [&](const Array& z) { return dot(z, dot(A, z)) / 2 + sum(power(z, 3)); };
  const std::vector<double> got = hvp(f, x, v).to_vector<double>();
  const std::vector<double> wanted = (dot(A + transpose(A), v) / 2 + 6 * x * v).to_vector<double>();
  for (int k = 0; k < 3; ++k) EXPECT_NEAR(got[k], wanted[k], 1e-13);
  auto g = [](const std::pair<Array, Array>& p) { return sum(p.first * p.first * p.second); };
  const auto [a, b] = hvp(g, std::pair(x, v), std::pair(v, x));
  const std::vector<double> a_wanted = (2 * v * v + 2 * x * x).to_vector<double>(),
                            b_wanted = (2 * x * v).to_vector<double>();
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(a(k).item<double>(), a_wanted[k], 1e-13);
    EXPECT_NEAR(b(k).item<double>(), b_wanted[k], 1e-13);
  }
  EXPECT_NEAR(jit([&](const Array& z) { return hvp(f, z, v); })(x)(1).item<double>(), wanted[1], 1e-13);
}

}  // namespace
}  // namespace dini
