// transforms/check_call.hpp: who asks whether a transformed function can be called is answered, with no error of the compiler.
// (What the errors say: tests/compile_fail.)
#include "expect.hpp"

namespace dini {
namespace {

using detail::takes;

struct Plain {};  // no tree
struct Params {
  Array W, b;
  auto tree() { return std::tie(W, b); }
};

Array square_of(const Array& x) { return x * x; }

// Takes a tuple, or three arrays.
struct Either {
  Array operator()(const std::tuple<Array, Array>& t) const { return std::get<0>(t); }
  Array operator()(const Array& x, const Array&, const Array&) const { return x; }
};
const auto one = [](const Array& x) { return x * x; };
const auto two = [](const Params& p, const Array& x) { return sum(p.W * x + p.b); };
const auto product = [](const auto& x, const auto& y) { return x * y; };
const auto with_option = [](const Array& x, const Plain&) { return x * x; };
const auto rule = custom_vjp(
    one, [](const Array& x) { return std::pair(x * x, x); }, [](const Array& x, const Array& w) { return 2 * x * w; });

template <class F, class... A> constexpr bool all_take() {
  return takes<decltype(grad(std::declval<F>())), A...> && takes<decltype(jit(std::declval<F>())), A...> &&
         takes<decltype(vmap(std::declval<F>())), A...> && takes<decltype(checkpoint(std::declval<F>())), A...> &&
         takes<decltype(jacobian(std::declval<F>())), A...> && takes<decltype(jit(grad(std::declval<F>()))), A...>;
}
template <class F, class... A> constexpr bool none_takes() {
  return !takes<decltype(grad(std::declval<F>())), A...> && !takes<decltype(jit(std::declval<F>())), A...> &&
         !takes<decltype(vmap(std::declval<F>())), A...> && !takes<decltype(checkpoint(std::declval<F>())), A...> &&
         !takes<decltype(jacobian(std::declval<F>())), A...> && !takes<decltype(jit(grad(std::declval<F>()))), A...>;
}
using One = decltype(one);
using Two = decltype(two);
static_assert(all_take<One, Array>() && all_take<One, double>() && all_take<Two, Params, Array>());
static_assert(none_takes<One>() && none_takes<One, Array, Array>() && none_takes<One, std::tuple<Array>>());
static_assert(none_takes<Two, Array, Params>() && none_takes<Two, Plain, Array>());
static_assert(takes<decltype(rule), Array> && !takes<decltype(rule), Array, Array> && !takes<decltype(rule), Params>);
static_assert(takes<decltype(jit(rule)), Array> && !takes<decltype(jit(rule)), Array, Array>);
static_assert(takes<Either, std::tuple<Array, Array>> && takes<Either, Array, Array, Array> && !takes<Either, Array>);

TEST(Calls, OfSeveralArgumentsOrOfATuple) {
  const Array x = array(2.0), y = array(3.0);
  EXPECT_EQ(jvp(product, std::tuple(x, y), std::tuple(y, x)).tangent.item(), 13.0);
  EXPECT_EQ(jvp(grad(product), std::pair(x, y), std::pair(y, x)).tangent.item(), 2.0);
  EXPECT_EQ(jvp(Either(), std::tuple(x, y), std::tuple(y, x)).tangent.item(), 3.0);
  EXPECT_EQ(jvp(Either(), std::tuple(x, y, y), std::tuple(x, y, y)).tangent.item(), 2.0);
  EXPECT_EQ(linearize(Either(), std::tuple(x, y)).first.item(), 2.0);
  EXPECT_EQ(grad(two)(Params{x, y}, y).W.item(), 3.0);
  EXPECT_EQ(hvp(grad(square_of), x, y).item(), 0.0);
  const auto cubic = [](const Array& u, const Array& v) { return u * u * v; };
  EXPECT_EQ(std::get<1>(hvp(cubic, std::tuple(x, y), std::tuple(x, y))).item(), 8.0);
}

TEST(Calls, WhatIsNotDifferentiatedNeedBeNoTree) {
  EXPECT_EQ(grad(with_option)(3.0, Plain()).item(), 6.0);
  EXPECT_EQ(jacobian(with_option)(3.0, Plain()).item(), 6.0);
  EXPECT_EQ((value_and_grad(with_option)(3.0, Plain()).first.item()), 9.0);
}

}  // namespace
}  // namespace dini
