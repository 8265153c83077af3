// The code of docs/from-jax.md. snippets_test.cpp looks that it is the same there.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <tuple>
#include <utility>

#include "dini/dini.hpp"

namespace dini {
namespace {

struct Params {
  Array W, b;
  auto tree() { return std::tie(W, b); }
};

TEST(FromJax, AStructIsATree) {
  auto f = [](const Params& p) { return sum(dot(p.W, p.b)); };
  const Params g = grad(f)(Params{array({{1.0, 2.0}, {3.0, 4.0}}), array({5.0, 6.0})});
  EXPECT_EQ(g.b.to_vector<double>(), (std::vector<double>{4, 6}));
}

TEST(FromJax, NumbersInTreesAreDifferentiated) {
  auto power = [](const auto& params) { return params.first * params.first * params.second; };
  auto slopes = grad(power)(std::pair(3.0, array(2.0)));  // 12, 9
  EXPECT_EQ(slopes.first.item<double>(), 12);
  EXPECT_EQ(slopes.second.item<double>(), 9);
}

TEST(FromJax, ZComesLast) {
  auto right = [](const Array& a, const Array& z) { return a * exp(-z); };
  double omega = fixed_point(right, array(0.5), {}, array(1.0)).value.item<double>();  // 0.5671432904097838
  auto swapped = [](const Array& z, const Array& a) { return a * exp(-z); };           // is given a as z, and z as a:
  double nonsense = fixed_point(swapped, array(0.5), {}, array(1.0)).value.item<double>();  // 0, since 0 = 0·exp(-1)
  EXPECT_NEAR(omega, 0.5671432904097838, 1e-10);
  EXPECT_NEAR(nonsense, 0, 1e-10);
}

TEST(FromJax, NamesInTheTable) {
  const Array x = array({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  EXPECT_EQ(x(slice(1, end), newaxis).shape(), (Shape{1, 1, 3}));
  EXPECT_EQ(x(ellipsis, -1).to_vector<double>(), (std::vector<double>{3, 6}));
  EXPECT_EQ(x(x > 4.5).to_vector<double>(), (std::vector<double>{5, 6}));
  EXPECT_EQ(dot(x, x.T()).shape(), (Shape{2, 2}));
  auto f = [](const Array& a, const Array& b) { return sum(a * b); };
  EXPECT_EQ(std::get<1>(grad<0, -1>(f)(x, x)).shape(), x.shape());
  auto g = [](const Array& a, const Array& b) { return dot(a, b); };
  EXPECT_EQ(vmap(g, {.in = {0, not_mapped}, .out = {0}})(x, x(0)).shape(), Shape{2});
  EXPECT_EQ(
      vmap([](const Array& a, const Array& b) { return a + b; }, {.in = {0, not_mapped}, .out = {1}})(x, x(0)).shape(),
      (Shape{3, 2}));
  EXPECT_EQ(jvp(f, std::tuple(x, x), std::tuple(x, x)).value.item<double>(), 91.0);
  EXPECT_EQ(
      switch_case(array(1), std::tuple([](const Array& a) { return a; }, [](const Array& a) { return -a; }), array(2.0))
          .item<double>(),
      -2.0);
  std::ostringstream printed;
  printed << make_program([](const Array& a) { return special::erf(a); }, x);
  EXPECT_NE(printed.str().find(" = erf("), std::string::npos);
}

TEST(FromJax, Defaults) {
  EXPECT_EQ(zeros({3}).dtype(), float64);
  EXPECT_EQ(random::normal(random::key(0), {3}).dtype(), float64);
  EXPECT_EQ((2.0 * array({1.0f})).dtype(), float32);
  EXPECT_EQ(array({1, 2}).dtype(), int64);
  EXPECT_EQ(array(1).dtype(), int32);
}

TEST(FromJax, HostBranches) {
  auto branch = [](const Array& x) {
    if (x > 1) return x * x;  // an ordinary if
    return x;
  };
  double slope = grad(branch)(3.0).item<double>();  // 6
  EXPECT_EQ(slope, 6.0);
  EXPECT_THROW(jit(branch)(3.0), TraceError);
}

TEST(FromJax, JitFixesCaptures) {
  double factor = 2;
  auto scaled = jit([&](const Array& x) { return factor * x; });
  scaled(1.0);  // 2
  factor = 3;
  double old = scaled(1.0).item<double>();   // still 2
  bool valid = check_captures(scaled, 1.0);  // false
  EXPECT_EQ(old, 2.0);
  EXPECT_FALSE(valid);
}

TEST(FromJax, Keys) {
  Array key = random::key(0);
  Array keys = random::split(key, 3);          // (3, 2)
  Array first = random::normal(keys(0), {4});  // keys(0) is a key
  EXPECT_EQ(key.dtype(), int64);
  EXPECT_EQ(keys.shape(), (Shape{3, 2}));
  EXPECT_EQ(first.shape(), Shape{4});
}

TEST(FromJax, CustomVjp) {
  auto clipped = custom_vjp<nondiff_argnums<0>>(
      [](double, const Array& x) { return x; }, [](double, const Array& x) { return std::pair(x, none); },
      [](double limit, const None&, const Array& cotangent) { return clip(cotangent, -limit, limit); });
  Array bounded = grad([&](const Array& x) { return sum(10.0 * clipped(0.5, x)); })(array({1.0, 2.0}));  // 0.5, 0.5
  EXPECT_EQ(bounded.to_vector<double>(), (std::vector<double>{0.5, 0.5}));
}

TEST(FromJax, LoopsAndRoots) {
  auto newton_root = [](const Array& a) {
    return while_loop([&](const Array& z) { return abs(z * z - a) > 1e-12; },
                      [&](const Array& z) { return 0.5 * (z + a / z); }, array(1.0));
  };
  double forward = jvp(newton_root, array(2.0), array(1.0)).tangent.item<double>();  // 0.35355339059327373
  auto implicit_root = [](const Array& a) {
    return root([](const Array& a, const Array& z) { return z * z - a; }, array(1.0), {}, a).value;
  };
  double reverse = grad(implicit_root)(2.0).item<double>();  // the same
  EXPECT_NEAR(forward, 0.5 / std::sqrt(2.0), 1e-11);
  EXPECT_NEAR(reverse, 0.5 / std::sqrt(2.0), 1e-11);
  EXPECT_THROW(grad(newton_root)(2.0), TraceError);
}

TEST(FromJax, OverloadedNames) {
  EXPECT_EQ(grad(sin)(0.0).item<double>(), 1.0);
  EXPECT_EQ(vmap(exp)(zeros({2})).to_vector<double>(), (std::vector<double>{1, 1}));
}

}  // namespace
}  // namespace dini
