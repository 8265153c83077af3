// Derivatives by a user's rule: one test for each statement of what custom_vjp and custom_jvp mean (14 and 15). The rules give
// other slopes than the functions have, so that it shows whose derivative was taken.
#include <gtest/gtest.h>

#include <cmath>

#include "expect.hpp"

namespace dini {
namespace {

using Function1 = std::function<Array(const Array&)>;

// x³ with the slope 2x, differentiated in turn: 2, 0.
Array cube(const Array& x) { return x * x * x; }
const auto cubed = custom_vjp(
    cube, [](const Array& x) { return std::pair(cube(x), x); },
    [](const Array& x, const Array& ct) { return 2 * x * ct; });

// x sin y with 10 times the slope in x and 100 times that in y.
Array product(const Array& x, const Array& y) { return x * sin(y); }
const auto scaled = custom_vjp(
    product, [](const Array& x, const Array& y) { return std::pair(product(x, y), std::pair(x, y)); },
    [](const std::pair<Array, Array>& kept, const Array& ct) {
      const auto& [x, y] = kept;
      return std::pair(10 * ct * sin(y), 100 * ct * x * cos(y));
    });

const Array one_point_five = array(1.5), x3 = array({0.5, -0.25, 2.0}), y3 = array({1.0, 0.5, -0.75});

// 14
TEST(Semantics, S14_TheRuleReplacesTheDerivative) {
  EXPECT_EQ(cubed(one_point_five).item(), 3.375);
  EXPECT_EQ(grad(cubed)(one_point_five).item(), 3);
  close(grad<0>([](const Array& x, const Array& y) { return sum(scaled(x, y)); })(x3, y3), 10 * sin(y3));
  close(grad<1>([](const Array& x, const Array& y) { return sum(scaled(x, y)); })(x3, y3), 100 * x3 * cos(y3));
  auto [value, pullback] = vjp(scaled, x3, y3);
  close(value, product(x3, y3));
  const auto [dx, dy] = pullback(y3);
  close(dx, 10 * y3 * sin(y3));
  close(dy, 100 * y3 * x3 * cos(y3));
  close(jacrev(cubed)(x3), eye(3) * (2 * x3));
  // In the middle of other operations.
  EXPECT_NEAR(grad([](const Array& x) { return exp(cubed(2 * x)); })(array(0.5)).item(), std::exp(1.0) * 2 * 2, 1e-14);
}

TEST(Semantics, S14_ComposesWithVmapAndJit) {
  const auto total = [](const Array& x, const Array& y) { return sum(scaled(x, y)); };
  close(vmap(cubed)(x3), cube(x3));
  close(vmap(grad(cubed))(x3), 2 * x3);
  close(grad([](const Array& x) { return sum(vmap(cubed)(x)); })(x3), 2 * x3);
  EXPECT_EQ(jit(cubed)(one_point_five).item(), 3.375);
  EXPECT_EQ(jit(grad(cubed))(one_point_five).item(), 3);
  EXPECT_EQ(grad(jit(cubed))(one_point_five).item(), 3);
  close(jit(vmap(grad(cubed)))(x3), 2 * x3);
  close(vmap(jit(grad(jit(cubed))))(x3), 2 * x3);
  close(grad([](const Array& x) { return sum(jit(vmap(cubed))(x)); })(x3), 2 * x3);
  // An argument that the lanes share gets the sum of what they send.
  const auto shared = [](const Array& x, const Array& y) { return sum(vmap(scaled, {.in = {0, not_mapped}})(x, y)); };
  close(grad<0>(shared)(x3, one_point_five), 10 * sin(one_point_five) * ones({3}));
  close(grad<1>(shared)(x3, one_point_five), sum(100 * x3 * cos(one_point_five)));
  close(jit(grad<1>(shared))(x3, one_point_five), sum(100 * x3 * cos(one_point_five)));
  close(grad<0>(jit(total))(x3, y3), 10 * sin(y3));
  // In a loop, whose body is traced.
  const auto looped = [](const Array& x) {
    return fori_loop(
        0, 2, [](const Array&, const Array& s) { return cubed(s); }, x);
  };
  EXPECT_EQ(looped(array(1.5)).item(), 3.375 * 3.375 * 3.375);
  EXPECT_EQ(grad(looped)(array(1.5)).item(), 2 * 3.375 * 3);
  EXPECT_EQ(grad([](const Array& x) { return cond(x > 0, cubed, cube, x); })(array(1.5)).item(), 3);
  EXPECT_EQ(grad([](const Array& x) { return checkpoint(cubed)(x); })(array(1.5)).item(), 3);
}

TEST(Semantics, S14_GradOfGradDifferentiatesTheRule) {
  EXPECT_EQ(grad(grad(cubed))(one_point_five).item(), 2);
  EXPECT_EQ(grad(grad(grad(cubed)))(one_point_five).item(), 0);
  EXPECT_EQ(jit(grad(grad(cubed)))(one_point_five).item(), 2);
  EXPECT_EQ(grad(jit(grad(jit(cubed))))(one_point_five).item(), 2);
  close(vmap(grad(grad(cubed)))(x3), 2 * ones({3}));
  close(jacrev(grad([](const Array& x) { return sum(cubed(x)); }))(x3), 2 * eye(3));
  EXPECT_EQ(hessian(cubed)(one_point_five).item(), 2);
  // fwd is differentiated, too: here it keeps x² and the rule's slope is x².
  const auto kept = custom_vjp(
      cube, [](const Array& x) { return std::pair(cube(x), x * x); },
      [](const Array& square, const Array& ct) { return square * ct; });
  EXPECT_EQ(grad(kept)(array(3.0)).item(), 9);
  EXPECT_EQ(grad(grad(kept))(array(3.0)).item(), 6);
  EXPECT_EQ(grad(grad(grad(kept)))(array(3.0)).item(), 2);
  // fwd may call the layer itself, whose rule then holds for the value's derivative in every order.
  const auto itself = custom_vjp(
      cube, [](const auto& layer, const Array& x) { return std::pair(layer(x), layer(x)); },
      [](const Array& y, const Array& ct) { return 2 * y * ct; });
  EXPECT_EQ(grad(itself)(array(3.0)).item(), 2 * 27);
  EXPECT_EQ(grad(grad(itself))(array(3.0)).item(), 2 * 2 * 27);
}

TEST(Semantics, S14_ArgumentsThatAreNotDifferentiated) {
  // A function and a number stand first in bwd.
  const auto applied = custom_vjp<nondiff_argnums<0, 2>>(
      [](const Function1& f, const Array& x, double factor) { return f(x) * factor; },
      [](const Function1& f, const Array& x, double factor) { return std::pair(f(x) * factor, x); },
      [](const Function1& f, double factor, const Array& x, const Array& ct) { return ct * f(x) + factor; });
  const Function1 wave = [](const Array& x) { return sin(x); };
  EXPECT_NEAR(grad([&](const Array& x) { return applied(wave, x, 3.0); })(array(0.5)).item(), std::sin(0.5) + 3, 1e-15);
  close(vmap(grad([&](const Array& x) { return applied(wave, x, 3.0); }))(x3), sin(x3) + 3);
  close(jit(grad([&](const Array& x) { return applied(wave, x, 3.0); }))(array(0.5)), sin(array(0.5)) + 3);
  // An array of integers has no derivative, whatever the rule sends for it.
  const auto taken =
      custom_vjp([](const Array& x, const Array& i) { return take(x, i); },
                 [](const Array& x, const Array& i) { return std::pair(take(x, i), std::pair(zeros_like(x), i)); },
                 [](const std::pair<Array, Array>& kept, const Array& ct) {
                   return std::pair(kept.first.at(kept.second).add(7 * ct), none);
                 });
  const Array i = array({2, 2, 0});
  close(grad([&](const Array& x) { return sum(taken(x, i)); })(x3), array({7.0, 0.0, 14.0}));
  throws<DtypeError>([&] { grad<1>([&](const Array& x, const Array& k) { return sum(taken(x, k)); })(x3, i); },
                     {"grad", "int64"});
}

TEST(Semantics, S14_ARuleThatDoesNotFitIsAnError) {
  const auto ruled = [](auto bwd) {
    const auto layer = custom_vjp(
        product, [](const Array& x, const Array& y) { return std::pair(product(x, y), x); }, bwd);
    return [layer](const Array& x, const Array& y) { return sum(layer(x, y)); };
  };
  const auto refused = [](const auto& f, const std::vector<std::string>& parts) {
    throws<ShapeError>([&] { grad(f)(x3, y3); }, parts);
    throws<ShapeError>([&] { jit(grad(f))(x3, y3); }, parts);
  };
  refused(ruled([](const Array&, const Array& ct) { return ct; }), {"custom_vjp", "bwd", "1 cotangents", "expected 2"});
  refused(ruled([](const Array&, const Array& ct) { return std::tuple(ct, ct, ct); }),
          {"custom_vjp", "bwd", "3 cotangents", "expected 2"});
  refused(ruled([](const Array&, const Array& ct) { return std::pair(ct, sum(ct)); }),
          {"custom_vjp", "bwd", "argument 1", "()", "(3,)"});
  refused(ruled([](const Array&, const Array& ct) { return std::pair(expand_dims(ct, 0), ct); }),
          {"custom_vjp", "bwd", "argument 0", "(1, 3)", "(3,)"});
  refused(ruled([](const Array&, const Array& ct) {
            return std::pair(ct, std::vector<Array>{ct, ct});
          }),
          {"custom_vjp", "bwd", "argument 1", "2 arrays", "expected 1"});
  const auto narrow = ruled([](const Array&, const Array& ct) { return std::pair(ct, astype(ct, float32)); });
  throws<DtypeError>([&] { grad(narrow)(x3, y3); }, {"custom_vjp", "bwd", "argument 1", "float32", "float64"});
  // Where only one argument is differentiated the others are looked at all the same.
  throws<ShapeError>(
      [&] { grad<0>(ruled([](const Array&, const Array& ct) { return std::pair(ct, sum(ct)); }))(x3, y3); },
      {"argument 1"});
}

// The two kinds of rule for a function, with a value that is another function's, as functions of which the derivative is
// taken.
struct Ruled {
  const char* who;
  Function1 (*make)(Function1 f, Function1 value);
};
const Ruled ruled_by[] = {
    {"custom_vjp: fwd",
     [](Function1 f, Function1 value) -> Function1 {
       const auto layer = custom_vjp(
           f, [value](const Array& x) { return std::pair(value(x), x); },
           [](const Array& x, const Array& ct) { return sum(ct) * x; });
       return [layer](const Array& x) { return grad([&](const Array& v) { return sum(layer(v)); })(x); };
     }},
    {"custom_jvp: the rule's value",
     [](Function1 f, Function1 value) -> Function1 {
       const auto layer = custom_jvp(f, [value](const Array& x, const Array& dx) {
         const Array y = value(x);
         return std::pair(y, zeros_like(y) + astype(sum(dx), y.dtype()));
       });
       return [layer](const Array& x) { return jvp(layer, x, x).tangent; };
     }},
};
const std::pair<const char*, Function1 (*)(Function1)> surroundings[] = {
    {"eager", [](Function1 f) { return f; }},
    {"jit", [](Function1 f) -> Function1 { return jit(f); }},
    {"vmap", [](Function1 f) -> Function1 { return [f](const Array& x) { return vmap(f)(expand_dims(x, 0)); }; }},
};

// 14
TEST(Semantics, S14_AValueUnlikeTheFunctionsIsAnError) {
  const Function1 doubled = [](const Array&x) { return 2 * x; }, total = [](const Array&x) { return sum(x); },
                  narrow = [](const Array&x) { return astype(2 * x, float32); },
                  branching = [](const Array&x) { return x(0).item() > 0 ? 2 * x : x; };
  for (const Ruled& rule : ruled_by) {
    for (const auto& [name, put] : surroundings) {
      SCOPED_TRACE(std::string(rule.who) + ", " + name);
      const auto refused = [&, wrap = put](const Function1& f, const Function1& value,
                                           const std::vector<std::string>& shapes) {
        std::vector<std::string> parts = shapes;
        parts.insert(parts.end(), {rule.who, "output 0"});
        throws<ShapeError>([&] { wrap(rule.make(f, value))(x3); }, parts);
      };
      refused(doubled, total, {"float64()", "float64(3,)"});
      refused(total, doubled, {"float64(3,)", "float64()"});
      refused(doubled, narrow, {"float32(3,)", "float64(3,)"});
      EXPECT_EQ(put(rule.make(doubled, doubled))(x3).size(), 3);
    }
    // Of a function that branches on its values, too.
    throws<ShapeError>([&] { rule.make(branching, total)(x3); }, {rule.who, "float64()", "float64(3,)"});
    EXPECT_EQ(rule.make(branching, doubled)(x3).size(), 3);
  }
  // The function is looked at once for each kind of arguments; where what it captured changes, its value may.
  int runs = 0, n = 2;
  const auto first = [&](const Array& x) { return x(slice(0, n)); };
  const auto layer = custom_vjp([&](const Array& x) { return ++runs, first(x); },
                                [&](const Array& x) { return std::pair(first(x), x); },
                                [](const Array& x, const Array&) { return x; });
  const auto slope = grad([&](const Array& x) { return sum(layer(x)); });
  for (int k = 0; k < 5; ++k) close(slope(x3), x3);
  EXPECT_EQ(runs, 1);
  n = 3;
  close(slope(x3), x3);
  EXPECT_EQ(runs, 2);
}

TEST(Semantics, S14_AnAbsentCotangentIsZero) {
  // Of two results one is not used.
  Array seen;
  const auto both = custom_vjp([](const Array& x) { return std::pair(2 * x, sum(x)); },
                               [](const Array& x) { return std::pair(std::pair(2 * x, sum(x)), x); },
                               [&](const Array& x, const std::pair<Array, Array>& ct) {
                                 seen = ct.second;
                                 return ct.first * x + ct.second;
                               });
  close(grad([&](const Array& x) { return sum(both(x).first); })(x3), x3);
  EXPECT_EQ(seen.shape(), Shape{});
  EXPECT_EQ(seen.item(), 0);
  close(grad([&](const Array& x) { return both(x).second; })(x3), ones({3}));
  EXPECT_EQ(seen.item(), 1);
  // `none` is zero: of one argument of two, and of a tree.
  const auto half = custom_vjp(
      product, [](const Array& x, const Array& y) { return std::pair(product(x, y), x); },
      [](const Array&, const Array& ct) { return std::pair(none, 3 * ct); });
  const auto [dx, dy] = grad<0, 1>([&](const Array& x, const Array& y) { return sum(half(x, y)); })(x3, y3);
  close(dx, zeros({3}));
  close(dy, 3 * ones({3}));
  close(jit(grad<0>([&](const Array& x, const Array& y) { return sum(half(x, y)); }))(x3, y3), zeros({3}));
  using Pair = std::pair<Array, Array>;
  const auto tree = custom_vjp([](const Pair& p) { return product(p.first, p.second); },
                               [](const Pair& p) { return std::pair(product(p.first, p.second), p.first); },
                               [](const Array&, const Array&) { return none; });
  close(grad([&](const Pair& p) { return sum(tree(p)); })(Pair(x3, y3)).second, zeros({3}));
  // A slope beside it stays.
  close(grad([&](const Array& x) { return sum(half(x, y3) + x); })(x3), ones({3}));
}

TEST(Semantics, S14_HostBranchesInRulesWork) {
  const auto branches = custom_vjp([](const Array& x) { return x > 0 ? x * x : -x; },
                                   [](const Array& x) { return std::pair(x > 0 ? x * x : -x, x); },
                                   [](const Array& x, const Array& ct) {
                                     return ct.item() > 1 ? 100 * ct : x > 0 ? ct * x : ct;
                                   });
  EXPECT_EQ(grad(branches)(array(3.0)).item(), 3);
  EXPECT_EQ(grad(branches)(array(-3.0)).item(), 1);
  EXPECT_EQ(grad([&](const Array& x) { return 2 * branches(x); })(array(3.0)).item(), 200);
  EXPECT_EQ(grad(grad(branches))(array(3.0)).item(), 1);
  EXPECT_EQ(vjp(branches, array(-3.0)).pullback(array(0.5)).item(), 0.5);
  throws<TraceError>([&] { jit(grad(branches))(array(3.0)); }, {"where", "cond"});
  // What a rule throws comes out, and all goes on.
  const auto failing = custom_vjp(
      cube, [](const Array& x) { return std::pair(cube(x), x); },
      [](const Array& x, const Array& ct) -> Array { return x.item() > 0 ? throw std::runtime_error("mine") : ct; });
  EXPECT_THROW(grad(failing)(array(3.0)), std::runtime_error);
  EXPECT_EQ(grad(failing)(array(-3.0)).item(), 1);
}

TEST(Semantics, S14_ForwardModeNamesCustomJvp) {
  const std::vector<std::string> parts = {"custom_vjp", "forward mode", "custom_jvp"};
  const Array one = array(1.0);
  throws<TraceError>([&] { jvp(cubed, one_point_five, one); }, parts);
  throws<TraceError>([&] { jacfwd(cubed)(x3); }, parts);
  throws<TraceError>([&] { jvp(jit(cubed), one_point_five, one); }, parts);
  throws<TraceError>([&] { jit([&](const Array& x) { return jvp(cubed, x, one).tangent; })(one_point_five); }, parts);
  throws<TraceError>([&] { jvp(vmap(cubed), x3, ones({3})); }, parts);
  throws<TraceError>([&] { linearize(cubed, one_point_five).second(one); }, parts);
  throws<TraceError>([&] { grad([&](const Array& x) { return jvp(cubed, x, one).tangent; })(one_point_five); }, parts);
  // Where no tangent reaches it there is none to refuse.
  EXPECT_EQ(jvp([&](const Array& x) { return x * cubed(stop_gradient(x)); }, array(2.0), one).tangent.item(), 8);
  // A captured value that is differentiated would lose its slope.
  const auto capturing = [](auto wrap) {
    return grad([wrap](const Array& w) {
      return wrap(custom_vjp([w](const Array& x) { return w * x; }, [w](const Array& x) { return std::pair(w * x, x); },
                             [](const Array&, const Array& ct) { return ct; }))(w);
    });
  };
  throws<TraceError>([&] { capturing([](auto f) { return f; })(one_point_five); },
                     {"custom_vjp: fwd", "traced by grad", "pass it as an argument of the custom_vjp"});
  const auto by_bwd = [](const Array& w) {
    return custom_vjp(
        cube, [](const Array& x) { return std::pair(cube(x), x); },
        [w](const Array&, const Array& ct) { return ct * w; })(w);
  };
  throws<TraceError>([&] { grad(by_bwd)(one_point_five); },
                     {"custom_vjp: bwd", "traced by grad", "pass it as an argument of the custom_vjp"});
  throws<TraceError>(
      [&] {
        grad([](const Array& w) {
          return w * custom_vjp([w](const Array& x) { return w * x; }, [](const Array& x) { return std::pair(x, x); },
                                [](const Array&, const Array& ct) { return ct; })(array(2.0));
        })(one_point_five);
      },
      {"custom_vjp captured", "traced by grad", "pass it as an argument of the custom_vjp"});
  const auto by_rule = [](const Array& w) {
    return custom_jvp(cube, [w](const Array& x, const Array& dx) { return std::pair(cube(x), dx * w); })(w);
  };
  for (const auto& run : {Function1([&](const Array& w) { return grad(by_rule)(w); }),
                          Function1([&](const Array& w) { return jvp(by_rule, w, w).tangent; })}) {
    throws<TraceError>([&] { run(one_point_five); },
                       {"custom_jvp: the rule", "traced by", "pass it as an argument of the custom_jvp"});
  }
  throws<TraceError>([&] { capturing([](auto f) { return jit(f); })(one_point_five); },
                     {"custom_vjp", "captured", "Pass the value as an argument"});
}

// 15
TEST(Semantics, S15_EveryModeFollowsFromACustomJvp) {
  const auto f = custom_jvp(cube, [](const Array& x, const Array& dx) { return std::pair(cube(x), 2 * x * dx); });
  const Array x = array(1.5), one = array(1.0);
  const auto push = [&](const Array& at) { return jvp(f, at, one).tangent; };
  EXPECT_EQ(f(x).item(), 3.375);
  EXPECT_EQ(push(x).item(), 3);
  EXPECT_EQ(grad(f)(x).item(), 3);
  EXPECT_EQ(vjp(f, x).pullback(array(2.0)).item(), 6);
  EXPECT_EQ(linearize(f, x).second(array(2.0)).item(), 6);
  // Nested, in every order.
  EXPECT_EQ(jvp(push, x, one).tangent.item(), 2);
  EXPECT_EQ(grad(push)(x).item(), 2);
  EXPECT_EQ(jvp(grad(f), x, one).tangent.item(), 2);
  EXPECT_EQ(grad(grad(f))(x).item(), 2);
  EXPECT_EQ(hessian(f)(x).item(), 2);
  EXPECT_EQ(grad(grad(push))(x).item(), 0);
  // With vmap and jit.
  close(vmap(grad(f))(x3), 2 * x3);
  close(jacfwd(f)(x3), eye(3) * (2 * x3));
  close(jacrev(f)(x3), eye(3) * (2 * x3));
  close(grad([&](const Array& v) { return sum(vmap(f)(v)); })(x3), 2 * x3);
  close(jit(vmap(grad(grad(f))))(x3), 2 * ones({3}));
  EXPECT_EQ(grad(jit(f))(x).item(), 3);
  EXPECT_EQ(jit(push)(x).item(), 3);
  EXPECT_EQ(grad(jit(push))(x).item(), 2);
  EXPECT_EQ(jvp(jit(vmap(f)), x3, ones({3})).tangent(2).item(), 4);
}

TEST(Semantics, S15_SeveralArgumentsTreesAndBranches) {
  using Two = std::tuple<Array, Array>;
  const auto f = custom_jvp(product, [](const Two& at, const Two& d) {
    const auto& [x, y] = at;
    return std::pair(product(x, y), 10 * std::get<0>(d) * sin(y) + 100 * x * cos(y) * std::get<1>(d));
  });
  const auto total = [&](const Array& x, const Array& y) { return sum(f(x, y)); };
  close(jvp(f, Two(x3, y3), Two(y3, x3)).tangent, 10 * y3 * sin(y3) + 100 * x3 * cos(y3) * x3);
  const auto [by_x, by_y] = grad<0, 1>(total)(x3, y3);
  close(by_x, 10 * sin(y3));
  close(by_y, 100 * x3 * cos(y3));
  close(grad<1>([&](const Array& x, const Array& y) {
          return sum(vmap(f, {.in = {0, not_mapped}})(x, y));
        })(x3, one_point_five),
        sum(100 * x3 * cos(one_point_five)));
  // The second derivative is the rule's: ∂/∂y of 10 sin y, which is not ∂/∂x of 100 x cos y.
  close(grad<1>([&](const Array& x, const Array& y) { return sum(grad<0>(total)(x, y)); })(x3, y3), 10 * cos(y3));
  close(grad<0>([&](const Array& x, const Array& y) { return sum(grad<1>(total)(x, y)); })(x3, y3), 100 * cos(y3));
  // A tree comes out, and the host branches.
  using Pair = std::pair<Array, Array>;
  const auto tree = custom_jvp(
      [](const Array& x) { return Pair(2 * x, -x); },
      [](const Array& x, const Array& dx) { return std::pair(Pair(2 * x, -x), Pair(x > 0 ? 7 * dx : dx, 5 * dx)); });
  EXPECT_EQ(grad([&](const Array& x) { return tree(x).first; })(array(1.0)).item(), 7);
  EXPECT_EQ(grad([&](const Array& x) { return tree(x).first; })(array(-1.0)).item(), 1);
  EXPECT_EQ(jvp(tree, array(-1.0), array(2.0)).tangent.second.item(), 10);
  // What the rule gives has to fit.
  const auto wide =
      custom_jvp(cube, [](const Array& x, const Array& dx) { return std::pair(cube(x), dx * ones({2})); });
  const auto moved =
      custom_jvp(cube, [](const Array&, const Array& dx) { return std::pair(zeros({2}), dx * ones({2})); });
  for (const Function1& run : {Function1([&](const Array& x) { return jvp(wide, x, x).tangent; }),
                               Function1([&](const Array& x) { return grad(wide)(x); })}) {
    throws<ShapeError>([&] { run(one_point_five); }, {"custom_jvp", "the rule's tangent", "(2,)", "()"});
  }
  throws<ShapeError>([&] { jvp(jit(moved), one_point_five, one_point_five); },
                     {"custom_jvp", "value", "output 0", "(2,)", "()"});
  // And to be linear in the tangents, which shows in reverse mode.
  const std::pair<const char*, Function1> crooked[] = {{"mul", [](const Array& dx) { return dx * dx; }},
                                                       {"sin", [](const Array& dx) { return sin(dx); }},
                                                       {"div", [](const Array& dx) { return 1 / dx; }}};
  for (const auto& [op, tangent] : crooked) {
    const auto f =
        custom_jvp(cube, [t = tangent](const Array& x, const Array& dx) { return std::pair(cube(x), t(dx)); });
    const std::string message = "custom_jvp: the rule is not linear in the tangents (" + std::string(op) + ")";
    const auto repeated = [&](const Array& x) {
      return fori_loop(
          0, 2, [&](const Array&, const Array& s) { return f(s); }, x);
    };
    throws<TraceError>([&] { grad(f)(one_point_five); }, {message});
    throws<TraceError>([&] { jit(grad(f))(one_point_five); }, {message});
    throws<TraceError>([&] { grad(repeated)(one_point_five); }, {message});
  }
}

}  // namespace
}  // namespace dini
