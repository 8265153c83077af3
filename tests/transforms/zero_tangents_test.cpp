// Zeros that a rule writes down as numbers, where it might have said that there is no tangent.
#include "../ops/expect_array.hpp"
#include "dini/dini.hpp"

namespace dini {
namespace {

// x ↦ 2, of which the rule does not know that nothing depends on x.
const auto flat = custom_jvp([](const Array& x) { return x * 0 + 2; },
                             [](const Array& x, const Array&) { return std::pair(x * 0 + 2, zeros_like(x)); });
const auto cube =
    custom_vjp([](const Array& x) { return x * x * x; }, [](const Array& x) { return std::pair(x * x * x, x); },
               [](const Array& x, const Array& dy) { return 3 * x * x * dy; });

TEST(ZeroTangents, OfARuleReachNoOtherRule) {
  // Reverse mode alone goes through cube, and there is nothing to be sent through it.
  const auto f = [](const Array& x) { return cube(flat(x)) + x * x; };
  EXPECT_EQ(f(array(3.0)).item(), 17);
  EXPECT_EQ(grad(f)(array(3.0)).item(), 6);
  EXPECT_EQ(jit(grad(f))(array(3.0)).item(), 6);
  EXPECT_EQ(grad(jit(f))(array(3.0)).item(), 6);
  expect_array(vmap(grad(f))(array({3.0, -1.0})), {2}, {6, -2});
  EXPECT_EQ(linearize([](const Array& x) { return flat(x) * x; }, array(3.0)).second(array(1.0)).item(), 2);
}

TEST(ZeroTangents, OfACarryAreOneThingToEachMode) {
  // Forward mode is given zeros for the carry, reverse mode knows of none.
  const auto f = [](const Array& x) {
    return fori_loop(
               0, 3, [&](const Array&, const Array& c) { return flat(x) + c; }, array(1.0)) *
           x;
  };
  EXPECT_EQ(f(array(5.0)).item(), 35);
  const auto forward = [&](const Array& x) { return jvp(f, x, array(1.0)).tangent; };
  EXPECT_EQ(forward(array(5.0)).item(), 7);
  EXPECT_EQ(jit(forward)(array(5.0)).item(), 7);
  EXPECT_EQ(grad(f)(array(5.0)).item(), 7);
  EXPECT_EQ(grad(jit(f))(array(5.0)).item(), 7);
  EXPECT_EQ(jvp(grad(f), array(5.0), array(1.0)).tangent.item(), 0);
  const auto replaced = [](const Array& x) {
    return fori_loop(
               0, 3, [&](const Array&, const Array&) { return flat(x); }, array(1.0)) *
           x;
  };
  EXPECT_EQ(jvp(replaced, array(5.0), array(1.0)).tangent.item(), 2);
  EXPECT_EQ(grad(replaced)(array(5.0)).item(), 2);
}

}  // namespace
}  // namespace dini
