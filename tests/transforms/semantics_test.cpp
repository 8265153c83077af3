// What derivatives mean: one test for each statement about the transformations. Number 13 (captures) is in captures_test.cpp,
// 14 and 15 (rules) in custom_test.cpp, 17 (loops) in control_test.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect.hpp"
#include "tests/sample.hpp"

namespace dini {
namespace {

const Array A = array({{0.3, -1.2, 0.7}, {0.9, 0.4, -0.5}});
const Array x3 = array({0.5, -0.25, 2.0});
Array to_two(const Array& x) { return sin(dot(A, x)) + x(0) * x(1); }
Array scalar(const Array& x) { return sum(to_two(x) * array({2.0, -1.0})); }

// 1
TEST(Semantics, S01_GradOfAnArrayNamesTheShapeAndJacobian) {
  throws<ShapeError>([] { grad(to_two)(x3); }, {"grad", "(2,)", "jacobian"});
  throws<ShapeError>([] { value_and_grad(to_two)(x3); }, {"grad", "(2,)", "jacobian"});
}

// 2
TEST(Semantics, S02_ArgumentNumbers) {
  auto f = [](const Array& a, const Array& b, const Array& c) { return a * b * b * c * c * c; };
  const Array a = array(2.0), b = array(3.0), c = array(-1.0);
  EXPECT_EQ(grad(f)(a, b, c).item(), -9);
  EXPECT_EQ(grad<1>(f)(a, b, c).item(), -12);
  EXPECT_EQ(grad<-1>(f)(a, b, c).item(), 54);
  const auto [first, last] = grad<0, -1>(f)(a, b, c);
  EXPECT_EQ(first.item(), -9);
  EXPECT_EQ(last.item(), 54);
  const auto [l, m] = grad<-1, 1>(f)(a, b, c);  // the order is kept
  EXPECT_EQ(l.item(), 54);
  EXPECT_EQ(m.item(), -12);
  // Too few arguments is an error of the compiler, in words: "an argument's number is out of range".
  close(jacobian<1>([](const Array& s, const Array& v) { return s * v; })(a, x3), 2.0 * eye(3));
}

// 3
TEST(Semantics, S03_ValueAndGradWithAuxiliary) {
  const auto [value, gradient] = value_and_grad(scalar)(x3);
  EXPECT_EQ(value.item(), scalar(x3).item());
  close(gradient, grad(scalar)(x3));
  Array seen;
  auto with_aux = [&](const Array& x) {
    const Array y = square(x);
    return std::pair(sum(y * x), std::pair(y, 2 * y));
  };
  const auto [both, slope] = value_and_grad_has_aux(with_aux)(x3);
  EXPECT_NEAR(both.first.item(), 0.125 - 0.015625 + 8, 1e-15);
  close(slope, 3 * square(x3));
  EXPECT_TRUE(both.second.first.concrete());
  EXPECT_TRUE(both.second.second.concrete());
  close(both.second.second, 2 * square(x3));
  const auto [g, aux] = grad_has_aux(with_aux)(x3);
  close(g, 3 * square(x3));
  EXPECT_TRUE(aux.first.concrete());
  // Within another transformation the auxiliary is that one's: its derivative is right.
  close(grad([&](const Array& x) { return sum(grad_has_aux(with_aux)(x).second.first); })(x3), 2 * x3);
  const auto pushed = jvp_has_aux(with_aux, x3, array({1.0, 0.0, -2.0}));
  close(pushed.value, both.first);
  close(pushed.tangent, dot(3 * square(x3), array({1.0, 0.0, -2.0})));
  EXPECT_TRUE(pushed.auxiliary.first.concrete());
  close(pushed.auxiliary.second, 2 * square(x3));
  const auto of_two = [](const Array& a, const Array& b) { return std::pair(a * b, a + b); };
  const auto two = jvp_has_aux(of_two, std::tuple(array(2.0), array(3.0)), std::tuple(array(1.0), array(10.0)));
  EXPECT_EQ(two.tangent.item(), 23);
  EXPECT_EQ(two.auxiliary.item(), 5);
  close(grad([&](const Array& x) { return sum(jvp_has_aux(with_aux, x, ones({3})).auxiliary.first); })(x3), 2 * x3);
  auto [v, pullback, extra] = vjp_has_aux(with_aux, x3);
  close(pullback(array(1.0)), 3 * square(x3));
  EXPECT_TRUE(extra.first.concrete());
}

// 4
TEST(Semantics, S04_IntegersHaveNoGradient) {
  throws<DtypeError>([] { grad([](const Array& x) { return sum(x * 1.0); })(array({1, 2})); }, {"grad", "int64"});
  throws<DtypeError>(
      [] {
        grad([](const Array& x) { return sum(where(x, 1.0, 2.0)); })(array({true, false}));
      },
      {"grad", "bool"});
  throws<DtypeError>(
      [] {
        jacfwd([](const Array& x) { return x * 1.0; })(astype(array({1, 2}), int32));
      },
      {"jacobian", "int32"});
  throws<DtypeError>([] { grad([](const Array& x) { return astype(x, int64); })(array(1.0)); }, {"grad", "int64"});
  // Arguments that are not differentiated may be integers.
  const auto product = [](const Array& x, const Array& n) { return x * n; };
  EXPECT_EQ(grad(product)(array(1.0), array(3)).item(), 3);
  // Nor tangents, where there is nothing else; beside floating ones theirs is zero.
  const auto twice = [](const Array& x) { return 2 * x; };
  throws<DtypeError>([&] { jvp(twice, array({1, 2}), array({1, 2})); }, {"jvp", "int64"});
  throws<DtypeError>([&] { jvp(twice, array(true), array(true)); }, {"jvp", "bool"});
  throws<DtypeError>([&] { jvp(twice, 3, 1); }, {"jvp", "int64"});
  throws<DtypeError>([&] { jvp(product, std::tuple(array(1), array(2)), std::tuple(array(1), array(2))); },
                     {"jvp", "int32"});
  throws<DtypeError>([&] { linearize(twice, array({1, 2})); }, {"linearize", "int64"});
  EXPECT_EQ(jvp(product, std::tuple(array(2.0), array(3)), std::tuple(array(1.0), array(1))).tangent.item(), 3);
}

// 5
TEST(Semantics, S05_JacobiansAgreeAndHessianOfAQuadratic) {
  auto f = [](const Array& x) { return outer(sin(x), dot(A, x)); };  // (3, 2)
  const Array forward = jacfwd(f)(x3), reverse = jacrev(f)(x3);
  EXPECT_EQ(forward.shape(), (Shape{3, 2, 3}));
  close(forward, reverse);
  close(jacobian(f)(x3), reverse);
  // [i, j, k] = cos(x_i) δ_ik (A x)_j + sin(x_i) A_jk
  const Array wanted = einsum("i,ik,j->ijk", cos(x3), eye(3), dot(A, x3)) + einsum("i,jk->ijk", sin(x3), A);
  close(forward, wanted);
  const Array M = array({{1.0, 2.0, -3.0}, {0.5, -1.0, 4.0}, {2.5, 0.0, 3.0}});
  auto quadratic = [&](const Array& x) { return 0.5 * dot(x, dot(M, x)); };
  close(hessian(quadratic)(x3), 0.5 * (M + M.T()));
  close(hvp(quadratic, x3, array({1.0, 0.0, -2.0})), dot(0.5 * (M + M.T()), array({1.0, 0.0, -2.0})));
  close(jacrev(grad(quadratic))(x3), 0.5 * (M + M.T()));
  close(jacrev(jacrev(quadratic))(x3), 0.5 * (M + M.T()));
  close(jacfwd(jacfwd(quadratic))(x3), 0.5 * (M + M.T()));
  // Of a constant, of nothing, of a scalar.
  close(jacobian([](const Array&) { return array({1.0, 2.0}); })(x3), zeros({2, 3}));
  EXPECT_EQ(jacobian([](const Array& x) { return x * 2; })(zeros({0})).shape(), (Shape{0, 0}));
  EXPECT_EQ(jacobian(sin)(array(0.0)).shape(), Shape{});
}

// 6
TEST(Semantics, S06_TangentsMustFitThePrimals) {
  throws<ShapeError>([] { jvp(to_two, x3, array({1.0, 2.0})); }, {"jvp", "(2,)", "(3,)"});
  throws<DtypeError>([] { jvp(to_two, x3, astype(x3, float32)); }, {"jvp", "float32", "float64"});
  using Pair = std::pair<Array, Array>;
  auto f = [](const Pair& p) { return p.first * p.second; };
  throws<ShapeError>([&] { jvp(f, Pair(x3, x3), x3); }, {"jvp", "(*, *)", "*"});
  throws<ShapeError>(
      [&] {
        jvp([](const std::vector<Array>& v) { return v[0]; }, std::vector<Array>{x3}, std::vector<Array>{x3, x3});
      },
      {"jvp", "[*]", "[*, *]"});
  // Several arguments are a tuple, whatever the function is wrapped in.
  const auto of_two = [](const Array& a, const Array& b) { return sum(a * b); };
  const std::tuple<Array, Array> primals(x3, x3), tangents(ones({3}), x3);
  const Array wanted = sum(x3) + sum(x3 * x3);
  close(jvp(of_two, primals, tangents).tangent, wanted);
  close(jvp(jit(of_two), primals, tangents).tangent, wanted);
  close(jvp(checkpoint(of_two), primals, tangents).tangent, wanted);
  close(sum(jvp(vmap([](const Array& a, const Array& b) { return a * b; }), primals, tangents).tangent), wanted);
  close(jvp(grad(of_two), primals, tangents).tangent, x3);
}

// 7
TEST(Semantics, S07_CotangentsMustFitTheValue) {
  auto [y, pullback] = vjp(to_two, x3);
  throws<ShapeError>([&, pull = pullback] { pull(x3); }, {"vjp", "(3,)", "(2,)"});
  throws<DtypeError>([&, pull = pullback] { pull(astype(array({1.0, 2.0}), float32)); }, {"vjp", "float32", "float64"});
  auto several = [](const Array& x) { return std::vector<Array>{x, sum(x)}; };
  auto two = vjp(several, x3);
  throws<ShapeError>([&] { two.pullback({x3}); }, {"vjp", "[*]", "[*, *]"});
  close(two.pullback({x3, array(1.0)}), x3 + 1);
  // A pullback may be used again and again, and with tracers.
  close(jacobian([&, pull = pullback](const Array& w) { return pull(w); })(array({0.0, 0.0})),
        jacobian(to_two)(x3).T());
}

// 8
TEST(Semantics, S08_MismatchesNameTheOperationAndBothShapes) {
  throws<ShapeError>([] { x3 + array({1.0, 2.0}); }, {"+", "(3,)", "(2,)"});
  throws<ShapeError>([] { dot(zeros({10, 4}), zeros({5})); }, {"dot: inner dimensions differ: (10, 4) and (5,)"});
  throws<ShapeError>([] { jit([](const Array& x) { return x * zeros({4}); })(x3); }, {"*", "(3,)", "(4,)"});
  throws<ShapeError>([] { grad([](const Array& x) { return sum(dot(x, A)); })(x3); }, {"dot", "(3,)", "(2, 3)"});
}

// 9
TEST(Semantics, S09_VmapAxes) {
  auto f = [](const Array& a, const Array& b) { return dot(a, b); };
  throws<ShapeError>([&] { vmap(f)(zeros({4, 3}), zeros({5, 3})); }, {"vmap", "4", "5", "(4, 3)", "(5, 3)"});
  throws<ShapeError>([&] { vmap(f, {.in = {not_mapped, not_mapped}})(zeros({4}), zeros({4})); }, {"vmap", "mapped"});
  throws<ShapeError>([&] { vmap(f)(array(1.0), zeros({4})); }, {"vmap", "scalar"});
  throws<ShapeError>([&] { vmap(f, {.in = {0, 0, 0}})(zeros({4, 2}), zeros({4, 2})); }, {"vmap", "3"});
  const Array a = array({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), b = array({1.0, -1.0, 2.0});
  close(vmap(f, {.in = {0, not_mapped}})(a, b), array({5.0, 11.0}));
  close(vmap(f, {.in = {-1, not_mapped}})(a.T(), b), array({5.0, 11.0}));
  close(vmap(f, {.in = {0, 1}})(a, a.T()), array({14.0, 77.0}));
  auto twice = [](const Array& v) { return std::pair(2 * v, sum(v)); };
  const auto [doubled, sums] = vmap(twice, {.in = {0}, .out = {-1, 0}})(a);
  close(doubled, 2 * a.T());
  close(sums, array({6.0, 15.0}));
  // A result that depends on nothing mapped is repeated.
  close(vmap([](const Array&) { return array(7.0); })(zeros({3, 2})), array({7.0, 7.0, 7.0}));
  // One axis for each leaf of a tree.
  using Pair = std::pair<Array, Array>;
  close(vmap([](const Pair& p) { return dot(p.first, p.second); }, {.in = {0, 1}})(Pair(a, a.T())),
        array({14.0, 77.0}));
  EXPECT_EQ(vmap(sin)(zeros({0, 3})).shape(), (Shape{0, 3}));
}

// 10
TEST(Semantics, S10_VmapAndGradCompose) {
  const Array xs = stack({x3, 2 * x3, x3 - 1, cos(x3)});
  const Array per_example = vmap(grad(scalar))(xs);
  EXPECT_EQ(per_example.shape(), (Shape{4, 3}));
  for (int k = 0; k < 4; ++k) close(per_example(k), grad(scalar)(xs(k)));
  close(grad([](const Array& all) { return sum(vmap(scalar)(all)); })(xs), per_example);
  close(vmap(hessian(scalar))(xs)(2), hessian(scalar)(xs(2)));
  close(jacobian([](const Array& all) { return vmap(scalar)(all); })(xs)(1, 1), per_example(1));
  close(vmap(vmap([](const Array& x) { return x * x; }))(xs), xs * xs);
  close(vmap([&](const Array& x) { return vmap([&](const Array& y) { return dot(x, y); })(xs); })(xs), dot(xs, xs.T()));
}

// 11
TEST(Semantics, S11_ReadingAbstractValues) {
  auto branches = [](const Array& x) { return tanh(x) > 0 ? x * x : x * 3; };
  const auto parts = std::vector<std::string>{"lt", "where", "cond", "while_loop"};
  throws<TraceError>([&] { jit(branches)(array(1.0)); }, parts);
  throws<TraceError>([&] { vmap(branches)(array({1.0, 2.0})); }, {"vmap", "lt", "where", "cond", "while_loop"});
  throws<TraceError>([&] { jit(grad(branches))(array(1.0)); }, parts);
  throws<TraceError>([&] { jit([](const Array& x) { return array(x.item()); })(array(1.0)); }, {"jit", "where"});
  EXPECT_EQ(grad(branches)(array(2.0)).item(), 4);
  EXPECT_EQ(grad(branches)(array(-2.0)).item(), 3);
  EXPECT_EQ(jvp(branches, array(2.0), array(1.0)).tangent.item(), 4);
  EXPECT_EQ(vjp(branches, array(-2.0)).pullback(array(2.0)).item(), 6);
  EXPECT_EQ(grad(grad(branches))(array(2.0)).item(), 2);
  auto halve = [](Array x) {
    while (x > 1) x = x / 2;
    return x;
  };
  EXPECT_EQ(grad(halve)(array(5.0)).item(), 0.125);
}

// 12
TEST(Semantics, S12_LeakedTracersAreDetected) {
  Array kept;
  auto leak = [&](const Array& x) {
    kept = x * 2;
    return sum(x);
  };
  grad(leak)(x3);
  throws<TraceError>([&] { kept + 1; }, {"grad", "outside"});
  throws<TraceError>([&] { kept(0).item(); }, {"grad"});
  throws<TraceError>([&] { kept.item(); }, {"grad", "ended"});
  jit(leak)(x3);
  throws<TraceError>([&] { kept* x3; }, {"jit", "outside"});
  vmap(leak)(A);
  throws<TraceError>([&] { kept* x3; }, {"vmap", "outside"});
  jvp(leak, x3, x3);
  throws<TraceError>([&] { jit([&](const Array& x) { return x + kept; })(x3); }, {"jvp", "outside"});
  // After an exception all is as it was.
  EXPECT_THROW(grad([](const Array& x) -> Array { return x / (throw std::runtime_error("mine"), x); })(array(1.0)),
               std::runtime_error);
  EXPECT_EQ((x3 + 1)(0).item(), 1.5);
}

// 16
TEST(Semantics, S16_StopGradientHoldsInEveryOrder) {
  auto f = [](const Array& x) { return x * x * stop_gradient(x * x * x); };
  EXPECT_EQ(f(array(2.0)).item(), 32);
  EXPECT_EQ(grad(f)(array(2.0)).item(), 32);        // 2x·x³
  EXPECT_EQ(grad(grad(f))(array(2.0)).item(), 16);  // 2·x³
  EXPECT_EQ(grad(grad(grad(f)))(array(2.0)).item(), 0);
  EXPECT_EQ(jvp(f, array(2.0), array(1.0)).tangent.item(), 32);
  EXPECT_EQ(jvp(grad(f), array(2.0), array(1.0)).tangent.item(), 16);
  EXPECT_EQ(grad([&](const Array& x) { return jvp(f, x, array(1.0)).tangent; })(array(2.0)).item(), 16);
  EXPECT_EQ(grad(jit(f))(array(2.0)).item(), 32);
  EXPECT_EQ(jit(grad(grad(f)))(array(2.0)).item(), 16);
  EXPECT_EQ(vmap(grad(f))(array({1.0, 2.0}))(1).item(), 32);
}

// 18
TEST(Semantics, S18_LinearizeRunsTheFunctionOnce) {
  int runs = 0;
  auto f = [&](const Array& x) {
    ++runs;
    return to_two(x);
  };
  auto [y, push] = linearize(f, x3);
  close(y, to_two(x3));
  for (int k = 0; k < 4; ++k) {
    const Array v = x3 * k + 1;
    close(push(v), jvp(to_two, x3, v).tangent);
  }
  EXPECT_EQ(runs, 1);
  auto back = vjp(f, x3);
  back.pullback(array({1.0, 0.0}));
  back.pullback(array({0.0, 1.0}));
  EXPECT_EQ(runs, 2);
  const auto transposed = linear_transpose([](const Array& x) { return dot(A, x); }, x3);
  close(transposed(array({1.0, -2.0})), dot(array({1.0, -2.0}), A));
}

// linear_transpose of what is not linear
TEST(Semantics, LinearTransposeNamesWhatIsNotLinear) {
  using Function1 = Array (*)(const Array&);
  const std::pair<const char*, Function1> rows[] = {
      {"mul", [](const Array& x) { return x * x; }},
      {"sin", [](const Array& x) { return sin(x); }},
      {"max", [](const Array& x) { return max(x) * ones({3}); }},
      {"div", [](const Array& x) { return 1 / x; }},
      {"select", [](const Array& x) { return where(x > 0, x, 0); }},
      {"dot_general", [](const Array& x) { return dot(x, x) * ones({3}); }},
      {"mul", [](const Array& x) { return jit([](const Array& y) { return y * y; })(x); }},
      {"mul", [](const Array& x) {
         return fori_loop(
             0, 2, [](const Array&, const Array& s) { return s * s; }, x);
       }}};
  for (const auto& [op, f] : rows) {
    const auto transposed = linear_transpose(f, x3);
    const std::string message = "linear_transpose: f is not linear in its argument (" + std::string(op) + ")";
    throws<TraceError>([&] { transposed(x3); }, {message});
    throws<TraceError>([&] { jit(transposed)(x3); }, {message});
  }
  // What it is to a user's function beside an argument that is not transposed is a factor.
  close(linear_transpose([](const Array& x) { return x * x3 / x3(0); }, x3)(x3), x3 * x3 / x3(0));
}

// 19
TEST(Semantics, S19_SymbolicZerosTouchNothingNumbersDo) {
  // √x at 0 has slope +inf: with a symbolic zero nothing happens, with a number 0·inf is NaN.
  EXPECT_EQ(grad([](const Array& x) { return x + sqrt(stop_gradient(x) * 0); })(array(3.0)).item(), 1);
  const auto g = grad<0>([](const Array& x, const Array& y) { return x * 2 + sqrt(y); })(array(1.0), array(0.0));
  EXPECT_EQ(g.item(), 2);
  EXPECT_TRUE(std::isnan(grad([](const Array& x) { return 0.0 * sqrt(x); })(array(0.0)).item()));
  EXPECT_TRUE(std::isnan(jvp([](const Array& x) { return sqrt(x); }, array(0.0), array(0.0)).tangent.item()));
  // What does not depend on the argument costs nothing in the linear Program.
  auto map = detail::linearize(
      [](const Leaves& in) {
        return Leaves{in[0] * exp(sin(in[1])), cos(in[1])};
      },
      {array(1.0), array(2.0)}, {true, false});
  EXPECT_EQ(map.program->equations.size(), 1u);
  EXPECT_EQ(map.out_active, (std::vector<bool>{true, false}));
}

// 20
TEST(Semantics, S20_AMillionOperations) {
  const int n = tests::sanitized ? 200000 : 1000000;
  auto chain = [&](const Array& x) {
    Array y = x;
    for (int k = 0; k < n; ++k) y = -y;
    return y;
  };
  EXPECT_EQ(grad(chain)(array(2.0)).item(), 1);
  auto [y, pullback] = vjp(chain, array(2.0));
  EXPECT_EQ(pullback(array(3.0)).item(), 3);
  EXPECT_EQ(jvp(chain, array(2.0), array(1.0)).tangent.item(), 1);
}

// ---- jit -------------------------------------------------------------------------------------------------------------

TEST(Semantics, JitTracesOncePerKindOfArgument) {
  int traces = 0;
  auto f = jit([&](const Array& x) {
    ++traces;
    return x * 2;
  });
  for (int k = 0; k < 3; ++k) f(x3 + k);
  EXPECT_EQ(traces, 1);
  f(A);
  f(astype(x3, float32));
  EXPECT_EQ(traces, 3);
  f(2.0);  // weak
  f(array(2.0));
  EXPECT_EQ(traces, 5);
  f(x3);
  EXPECT_EQ(traces, 5);
  EXPECT_EQ(f(astype(x3, float32)).dtype(), float32);
}

TEST(Semantics, JitFixesWhatItCaptures) {
  double factor = 2;
  Array offset = array({1.0, 1.0, 1.0});
  auto f = jit([&](const Array& x) { return factor * x + offset; });
  close(f(x3), 2 * x3 + 1);
  EXPECT_TRUE(check_captures(f, x3));
  factor = 3;
  close(f(x3), 2 * x3 + 1);
  EXPECT_FALSE(check_captures(f, x3));
  factor = 2;
  EXPECT_TRUE(check_captures(f, x3));
  offset = array({1.0, 1.0, 2.0});
  EXPECT_FALSE(check_captures(f, x3));
  offset = array({1.0, 1.0, 1.0});
  EXPECT_TRUE(check_captures(f, x3));
}

TEST(Semantics, JitNestsAndKeepsTrees) {
  using Tree = std::map<std::string, std::vector<Array>>;
  auto f = jit([](const Tree& t) {
    Tree out = t;
    out["sum"] = {jit([](const Array& a) { return sum(a); })(t.at("a")[0])};
    return out;
  });
  const Tree once = f(Tree{{"a", {x3, A}}}), twice = f(Tree{{"a", {x3 * 2, A}}}),
             other = f(Tree{{"a", {x3}}, {"b", {}}});
  EXPECT_EQ(once.at("sum")[0].item(), 2.25);
  EXPECT_EQ(twice.at("sum")[0].item(), 4.5);
  close(twice.at("a")[1], A, 0);
  EXPECT_EQ(other.size(), 3u);
  close(jit(jit(jit(to_two)))(x3), to_two(x3));
  close(jit(grad(jit(scalar)))(x3), grad(scalar)(x3));
  close(grad([&](const Array& x) { return sum(jit(grad(jit(scalar)))(x)); })(x3), sum(hessian(scalar)(x3), 0));
}

}  // namespace
}  // namespace dini
