// A function that captures what an enclosing transformation traces: derivatives by it are right, in every nesting of every
// two of grad, jvp, vmap and jit, and of every three of them.
//
//     g(x, y) = x³y² + sin(xy)
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "dini/dini.hpp"

namespace dini {
namespace {

Array g(const Array& x, const Array& y) { return x * x * x * y * y + sin(x * y); }

constexpr double a = 0.8, b = -1.1, c = 0.6;
double value(double x, double y) { return x * x * x * y * y + std::sin(x * y); }
double by_x(double x, double y) { return 3 * x * x * y * y + y * std::cos(x * y); }
double by_y(double x, double y) { return 2 * x * x * x * y + x * std::cos(x * y); }
double by_xy(double x, double y) { return 6 * x * x * y + std::cos(x * y) - x * y * std::sin(x * y); }

using Scalar = std::function<Array(const Array&)>;
enum Transformation { with_grad, with_jvp, with_vmap, with_jit };
constexpr Transformation every[] = {with_grad, with_jvp, with_vmap, with_jit};
const char* const names[] = {"grad", "jvp", "vmap", "jit"};
bool differentiates(Transformation t) { return t == with_grad || t == with_jvp; }

// The derivative or the value of f at x; vmap's second lane is at `other`.
Array apply(Transformation t, const Scalar& f, double x, double other) {
  switch (t) {
    case with_grad: return grad(f)(array(x));
    case with_jvp: return jvp(f, array(x), array(1.0)).tangent;
    case with_vmap: return vmap(f)(array({other, x}))(1);
    default: return jit(f)(array(x));
  }
}

TEST(Captures, OfEveryTransformationInEveryOther) {
  for (Transformation outer : every) {
    for (Transformation inner : every) {
      const Array got = apply(
          outer,
          [&](const Array& x) {
            return apply(
                inner, [&](const Array& y) { return g(x, y); }, b, c);
          },
          a, c);
      const double wanted = differentiates(outer) ? (differentiates(inner) ? by_xy(a, b) : by_x(a, b))
                                                  : (differentiates(inner) ? by_y(a, b) : value(a, b));
      EXPECT_NEAR(got.item(), wanted, 1e-13) << names[outer] << " of " << names[inner];
    }
  }
}

TEST(Captures, OfTheSameNameInBothPlaces) {
  // Perturbations must not be confused: d/dx [x · d/dy (x + y)] = 1.
  for (Transformation outer : every) {
    for (Transformation inner : every) {
      const Array got = apply(
          outer,
          [&](const Array& x) {
            return x * apply(
                           inner, [&](const Array& y) { return x + y; }, b, c);
          },
          a, c);
      const double wanted =
          differentiates(outer) ? (differentiates(inner) ? 1 : 2 * a + b) : (differentiates(inner) ? a : a * (a + b));
      EXPECT_NEAR(got.item(), wanted, 1e-14) << names[outer] << " of " << names[inner];
    }
  }
}

TEST(Captures, ThroughThreeTransformations) {
  // p(x, y, z) = x²y³z⁴, of which a derivative by a variable multiplies by its exponent over it.
  const double at[] = {a, b, c};
  for (Transformation first : every) {
    for (Transformation second : every) {
      for (Transformation third : every) {
        const Array got = apply(
            first,
            [&](const Array& x) {
              return apply(
                  second,
                  [&](const Array& y) {
                    return apply(
                        third, [&](const Array& z) { return square(x) * (y * y * y) * square(square(z)); }, at[2], 0.3);
                  },
                  at[1], 0.3);
            },
            at[0], 0.3);
        double wanted = 1;
        const Transformation all[] = {first, second, third};
        for (int k = 0; k < 3; ++k)
          wanted *= differentiates(all[k]) ? (k + 2) * std::pow(at[k], k + 1) : std::pow(at[k], k + 2);
        EXPECT_NEAR(got.item(), wanted, 1e-13) << names[first] << " of " << names[second] << " of " << names[third];
      }
    }
  }
}

TEST(Captures, ByControlFlow) {
  // Everything that stages: captured in a branch, in a condition, in both of a loop's functions, in a scan's body.
  const Array x = array(a);
  auto f = [](const Array& x) {
    const Array branch = jit([&](const Array& t) {
      return cond(
          t > 0, [&](const Array& s) { return s * x * x; }, [&](const Array& s) { return s - x; }, t);
    })(2.0);  // 2x²
    auto step = [&](const Array& s, const Array& e) { return std::pair(s * x + e, s * x); };
    const auto [last, seen] = scan(step, array(1.0), array({1.0, 2.0}));  // x² + x + 2, [x, x² + x]
    return branch + last * sum(seen);
  };
  // 2x² + (x² + x + 2)(x² + 2x)
  const double wanted = 4 * a + (2 * a + 1) * (a * a + 2 * a) + (a * a + a + 2) * (2 * a + 2);
  EXPECT_NEAR(grad(f)(x).item(), wanted, 1e-13);
  EXPECT_NEAR(jvp(f, x, array(1.0)).tangent.item(), wanted, 1e-13);
  EXPECT_NEAR(jit(grad(f))(x).item(), wanted, 1e-13);
  EXPECT_NEAR(grad(jit(f))(x).item(), wanted, 1e-13);
  EXPECT_NEAR(vmap(grad(f))(array({2.0, a}))(1).item(), wanted, 1e-13);

  // A loop whose condition captures, too: s doubles while s < 10x, from x; for x = 0.8: 0.8·2⁴, slope 2⁴.
  auto doubling = [](const Array& x) {
    return while_loop([&](const Array& s) { return s < 10 * x; }, [&](const Array& s) { return s + s * x / x; }, x);
  };
  EXPECT_NEAR(doubling(x).item(), a * 16, 1e-13);
  EXPECT_NEAR(jvp(doubling, x, array(1.0)).tangent.item(), 16, 1e-13);
  EXPECT_NEAR(
      vmap([&](const Array& each) { return jvp(doubling, each, array(1.0)).tangent; })(array({1.0, a}))(1).item(), 16,
      1e-13);
}

TEST(Captures, OfMappedValuesByJitAndScan) {
  const Array xs = array({1.0, 2.0, 3.0});
  const Array got = vmap([](const Array& x) {
    auto power = [&](const Array& s, const None&) { return std::pair(s * x, none); };
    return jit([&](const Array& one) { return std::get<0>(scan(power, one, none, 3)) + x; })(1.0);
  })(xs);
  EXPECT_EQ(got.to_vector<double>(), (std::vector<double>{2, 10, 30}));
}

TEST(Captures, ByACustomRuleAreRefused) {
  // A rule has no place for the derivative by what its function captured; silence would make it zero.
  auto f = [](const Array& x) {
    auto layer = custom_jvp([&](const Array& y) { return x * y; },
                            [](const Array& y, const Array& dy) { return std::pair(y, dy); });
    return layer(array(2.0));
  };
  EXPECT_NEAR(f(array(3.0)).item(), 6, 0);
  EXPECT_THROW(grad([&](const Array& x) { return jit(f)(x); })(array(3.0)), TraceError);
}

}  // namespace
}  // namespace dini
