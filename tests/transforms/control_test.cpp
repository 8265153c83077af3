// Loops and branches: what derivatives go through them (statement 17), their states and their errors.
#include <gtest/gtest.h>

#include <cmath>

#include "expect.hpp"

namespace dini {
namespace {

using Function1 = std::function<Array(const Array&)>;

// √a by Newton's steps from 1, as many as it takes.
Array root_by_while(const Array& a) {
  return while_loop([&](const Array& x) { return abs(x * x - a) > 1e-12; },
                    [&](const Array& x) { return 0.5 * (x + a / x); }, ones_like(a));
}
Array root_by_fori(const Array& a) {
  return fori_loop(
      0, 12, [&](const Array&, const Array& x) { return 0.5 * (x + a / x); }, ones_like(a));
}
Array root_by_scan(const Array& a) {
  auto step = [&](const Array& x, const Array& half) { return std::pair(half * (x + a / x), x); };
  return scan(step, ones_like(a), full({12}, 0.5)).first;
}
// x·2ᵏ beyond 100: the state is the argument itself.
Array doubled(const Array& x) {
  return while_loop([](const Array& s) { return s < 100; }, [](const Array& s) { return 2 * s; }, x);
}

TEST(Semantics, S17_ReverseModeThroughWhileLoopSaysWhyAndWhatToUse) {
  const std::vector<std::string> parts = {"while_loop", "reverse mode", "number of steps", "fixed_point", "fori_loop",
                                          "scan",       "jvp"};
  for (const Function1& f : {Function1(root_by_while), Function1(doubled)}) {
    throws<TraceError>([&] { grad(f)(array(3.0)); }, parts);
    throws<TraceError>([&] { vjp(f, array(3.0)).pullback(array(1.0)); }, parts);
    throws<TraceError>([&] { jacrev(f)(array(3.0)); }, parts);
    throws<TraceError>([&] { grad(jit(f))(array(3.0)); }, parts);
    throws<TraceError>([&] { jit(grad(f))(array(3.0)); }, parts);
    throws<TraceError>([&] { grad([&](const Array& x) { return sum(vmap(f)(x)); })(array({3.0, 5.0})); }, parts);
    throws<TraceError>([&] { grad(grad(f))(array(3.0)); }, parts);
  }
  // Where the loop does not depend on the argument there is nothing to refuse.
  EXPECT_NEAR(grad([](const Array& x) { return x * root_by_while(stop_gradient(x)); })(array(4.0)).item(), 2, 1e-12);
}

TEST(Semantics, S17_ForwardModeGoesThroughWhileLoop) {
  const auto slope = [](const Array& a) { return jvp(root_by_while, a, ones_like(a)).tangent; };
  EXPECT_NEAR(slope(array(9.0)).item(), 1.0 / 6, 1e-12);
  EXPECT_EQ(jvp(doubled, array(3.0), array(1.0)).tangent.item(), 64);  // 3·2⁶ = 192
  EXPECT_NEAR(jacfwd(root_by_while)(array(9.0)).item(), 1.0 / 6, 1e-12);
  EXPECT_NEAR(jit(slope)(array(9.0)).item(), 1.0 / 6, 1e-12);
  EXPECT_NEAR(jvp(jit(root_by_while), array(9.0), array(1.0)).tangent.item(), 1.0 / 6, 1e-12);
  // Twice: -1/(4 a^{3/2}).
  EXPECT_NEAR(jvp(slope, array(9.0), array(1.0)).tangent.item(), -1.0 / 108, 1e-9);
  // Lanes end at different steps.
  close(vmap(slope)(array({4.0, 9.0, 1e4})), array({0.25, 1.0 / 6, 0.005}), 1e-12);
  close(vmap(doubled)(array({3.0, 60.0, 200.0})), array({192.0, 120.0, 200.0}));
  close(jvp(vmap(doubled), array({3.0, 60.0, 200.0}), ones({3})).tangent, array({64.0, 2.0, 1.0}));
}

TEST(Semantics, S17_LoopsOfFixedLengthGoBothWays) {
  for (const Function1& f : {Function1(root_by_fori), Function1(root_by_scan)}) {
    const Array a = array(9.0), one = array(1.0);
    EXPECT_NEAR(f(a).item(), 3, 1e-15);
    EXPECT_NEAR(grad(f)(a).item(), 1.0 / 6, 1e-14);
    EXPECT_NEAR(jvp(f, a, one).tangent.item(), 1.0 / 6, 1e-14);
    EXPECT_NEAR(jit(grad(f))(a).item(), 1.0 / 6, 1e-14);
    EXPECT_NEAR(grad(jit(f))(a).item(), 1.0 / 6, 1e-14);
    EXPECT_NEAR(grad(grad(f))(a).item(), -1.0 / 108, 1e-13);
    EXPECT_NEAR(hessian(f)(a).item(), -1.0 / 108, 1e-13);
    EXPECT_NEAR(jvp([&](const Array& x) { return jvp(f, x, one).tangent; }, a, one).tangent.item(), -1.0 / 108, 1e-13);
    EXPECT_NEAR(grad([&](const Array& x) { return jvp(f, x, one).tangent; })(a).item(), -1.0 / 108, 1e-13);
    close(vmap(grad(f))(array({4.0, 9.0, 1.0})), array({0.25, 1.0 / 6, 0.5}), 1e-13);
  }
  // The stacked results and the carry, forwards and backwards: running products of x.
  const Array x = array({2.0, -3.0, 0.5, 4.0});
  auto step = [](const Array& c, const Array& each) { return std::pair(c * each, c * each); };
  const auto running = [&](const Array& v) { return scan(step, 1.0, v).second; };
  close(running(x), cumprod(x));
  close(jacrev(running)(x), jacobian([](const Array& v) { return cumprod(v); })(x));
  close(jacfwd(running)(x), jacrev(running)(x));
  const auto backwards = [&](const Array& v) { return scan(step, 1.0, v, {}, true).second; };
  close(backwards(x), flip(cumprod(flip(x))));
  close(jacrev(backwards)(x), jacfwd(backwards)(x));
  close(grad([&](const Array& v) { return scan(step, 1.0, v).first; })(x),
        grad([](const Array& v) { return prod(v); })(x));
  // No step at all.
  const auto never = [](const Array& v) {
    return fori_loop(
        3, 3, [](const Array&, const Array& s) { return s * s; }, v);
  };
  close(never(x), x);
  EXPECT_EQ(grad(never)(array(3.0)).item(), 1);
}

std::pair<Array, Array> add_up(const Array& c, const Array& x) { return {c + x, c}; }
Array negated(const Array& x) { return -x; }
Array by_vector_of_unlike(const Array& i, const Array& x) {
  return switch_case(i, std::vector<Array (*)(const Array&)>{negated, [](const Array& v) { return expand_dims(v, 0); }},
                     x);
}

TEST(Control, StatesAreTreesOfFixedShapes) {
  using State = std::pair<Array, std::vector<Array>>;
  const State end = fori_loop(
      2, 5, [](const Array& k, const State& s) { return State(s.first + k, {s.second[0] * k}); },
      State(array(std::int64_t{0}), {array(1.0)}));
  EXPECT_EQ(end.first.item<std::int64_t>(), 2 + 3 + 4);
  EXPECT_EQ(end.second[0].item(), 2 * 3 * 4);
  throws<ShapeError>(
      [] {
        while_loop([](const Array& s) { return all(s < 9); },
                   [](const Array& s) {
                     return concatenate({s, s});
                   },
                   zeros({2}));
      },
      {"while_loop", "(2,)", "(4,)"});
  throws<ShapeError>(
      [] { while_loop([](const Array& s) { return s < 9; }, [](const Array& s) { return s + 1; }, zeros({2})); },
      {"while_loop", "boolean scalar"});
  throws<ShapeError>(
      [] {
        fori_loop(
            0, 3, [](const Array&, const Array& s) { return sum(s); }, zeros({2}));
      },
      {"scan", "(2,)", "()"});
  throws<ShapeError>([] { scan([](const Array& c, const Array& x) { return std::pair(c, x); }, 0.0, zeros({3}), 4); },
                     {"scan", "3", "4"});
}

TEST(Control, CondAndSwitchCase) {
  const auto f = [](const Array& i, const Array& x) {
    return switch_case(i,
                       std::tuple([](const Array& v) { return v * v; }, [](const Array& v) { return sin(v); },
                                  [](const Array& v) { return exp(v); }),
                       x);
  };
  const Array x = array(0.7), indices = array({-5, 0, 1, 2, 9});  // beyond the ends: the nearest
  const std::vector<double> values = {0.49, 0.49, std::sin(0.7), std::exp(0.7), std::exp(0.7)},
                            slopes = {1.4, 1.4, std::cos(0.7), std::exp(0.7), std::exp(0.7)};
  for (int k = 0; k < 5; ++k) {
    const Array i = indices(k);
    const std::size_t at = static_cast<std::size_t>(k);
    EXPECT_NEAR(f(i, x).item(), values[at], 1e-15);
    EXPECT_NEAR(jit(f)(i, x).item(), values[at], 1e-15);
    EXPECT_NEAR(grad<1>(f)(i, x).item(), slopes[at], 1e-15);
    EXPECT_NEAR(jit(grad<1>(f))(i, x).item(), slopes[at], 1e-15);
    EXPECT_NEAR(jvp([&](const Array& v) { return jit(f)(i, v); }, x, array(1.0)).tangent.item(), slopes[at], 1e-15);
  }
  close(vmap(f, {.in = {0, not_mapped}})(indices, x), array({0.49, 0.49, std::sin(0.7), std::exp(0.7), std::exp(0.7)}));
  close(vmap(grad<1>(f), {.in = {0, not_mapped}})(indices, x),
        array({1.4, 1.4, std::cos(0.7), std::exp(0.7), std::exp(0.7)}));
  const auto by_vector = [](const Array& i, const Array& v) {
    return switch_case(i, std::vector<UnaryFunction>{square, sin, exp}, v);
  };
  close(by_vector(array(1), x), sin(x));
  close(jit(grad<1>(by_vector))(array(9), x), exp(x));
  throws<ShapeError>([&] { f(array(1.0), x); }, {"switch_case: the index", "float64()"});
  throws<ShapeError>([&] { f(array({1, 2}), x); }, {"switch_case: the index", "int64(2,)"});
  throws<ValueError>([&] { switch_case(array(0), std::vector<UnaryFunction>{}, x); }, {"switch_case", "no branches"});
  throws<ShapeError>([&] { jit(by_vector_of_unlike)(array(0), x); }, {"switch_case: the branches", "()", "(1,)"});
  throws<ShapeError>(
      [] {
        jit([](const Array& v) {
          return cond(
              v > 0, [](const Array& a) { return a; },
              [](const Array& a) {
                return stack({a, a});
              },
              v);
        })(array(1.0));
      },
      {"cond", "()", "(2,)"});
}

TEST(Control, CondTakesWhatIsNotZeroAsTrue) {
  const auto f = [](const Array& c, const Array& x) { return cond(c, sin, cos, x); };
  const Array x = array(0.7);
  const std::pair<Array, bool> conditions[] = {
      {array(true), true}, {array(false), false},    {array(-1), true},    {array(0), false},
      {array(2), true},    {array(0.5), true},       {array(0.0), false},  {-1, true},
      {0, false},          {array(-0.0), false},     {array(1e-9f), true}, {array(std::nan("")), true},
      {1e300, true},       {zeros({}, int32), false}};
  for (const auto& [c, holds] : conditions) {
    const Array wanted = holds ? sin(x) : cos(x);
    close(f(c, x), wanted);
    close(jit(f)(c, x), wanted);
    close(vmap(f, {.in = {0, not_mapped}})(broadcast_to(c, {2}), x), wanted * ones({2}));
    close(jvp([&, c = c](const Array& v) { return f(c, v); }, x, array(1.0)).tangent, holds ? cos(x) : -sin(x));
  }
  // The condition itself may be traced.
  EXPECT_EQ(grad([](const Array& v) { return cond(v, square, negated, v); })(array(3.0)).item(), 6);
  throws<ShapeError>([&] { f(array({1, 0}), x); }, {"cond: the condition must be a scalar", "int64(2,)"});
}

TEST(Control, ANumberToStartWithGetsTheBodysDtype) {
  const Array x = array({0.5, 1.5}), x32 = astype(x, float32);
  struct {
    const char* name;
    Array got;
    Dtype dtype;
    double value;
  } const rows[] = {
      {"scan, integer", scan(add_up, 0, x).first, float64, 2},
      {"scan, integer and float32", scan(add_up, 0, x32).first, float32, 2},
      {"scan, number and float32", scan(add_up, 0.0, x32).first, float32, 2},
      {"scan, bool and integers", scan(add_up, false, array({3, 4})).first, int64, 7},
      {"while_loop", while_loop([](const Array& s) { return s < 3; }, [](const Array& s) { return 1.5 * s; }, 1),
       float64, 3.375},
      {"fori_loop",
       fori_loop(
           0, 3, [&](const Array&, const Array& s) { return s + x(0); }, 0),
       float64, 1.5},
      {"fori_loop, int32",
       fori_loop(
           0, 3, [](const Array&, const Array& s) { return s + array(1); }, 0),
       int32, 3},
      {"fori_loop, stays",
       fori_loop(
           0, 3, [](const Array& k, const Array& s) { return s + k; }, 0),
       int64, 3},
      {"one by the other",
       fori_loop(
           0, 3, [&](const Array&, const auto& s) { return std::pair(s.first + s.second, s.second + x(0)); },
           std::pair(0, 0))
           .first,
       float64, 1.5},
      {"under jit", jit([](const Array& xs) { return scan(add_up, 0, xs).first; })(x), float64, 2},
      {"slope", grad([](const Array& xs) { return scan(add_up, 0, xs * xs).first; })(x)(1), float64, 3},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.got.dtype(), row.dtype) << row.name;
    EXPECT_EQ(row.got.item(), row.value) << row.name;
    EXPECT_FALSE(row.got.weak()) << row.name;
  }
  // An array does not, nor does a number become of a narrower kind.
  throws<ShapeError>([&] { scan(add_up, array(0), x); }, {"scan", "int32()", "float64()"});
  throws<ShapeError>(
      [] {
        fori_loop(
            0, 3, [](const Array& k, const Array&) { return k; }, 0.5);
      },
      {"float64()", "int64()"});
}

}  // namespace
}  // namespace dini
