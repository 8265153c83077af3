// Forms in which the transformations may be written: functions by their name alone, several arguments in a tuple or by
// their numbers, auxiliaries, shapes without values.
#include <gtest/gtest.h>

#include "expect.hpp"

namespace dini {
namespace {

const Array x3 = array({0.3, -1.2, 0.7}), y = array(1.5);

Array flip_all(const Array& a) { return flip(a, 0); }
template <class T>
requires std::is_arithmetic_v<T> T flip_all(T a) { return a; }

TEST(Forms, OverloadedFunctionsByName) {
  const Array slope = cos(x3), diagonal = eye(3) * slope;
  close(jvp(sin, x3, x3).tangent, x3 * slope);
  close(vjp(sin, x3).pullback(x3), x3 * slope);
  close(linearize(sin, x3).second(x3), x3 * slope);
  close(linear_transpose(flip_all, x3)(x3), flip_all(x3));
  for (const Array& j : {jacobian(sin)(x3), jacfwd(sin)(x3), jacrev(sin)(x3)}) close(j, diagonal);
  for (const Array& g : {grad(sin)(y), value_and_grad(sin)(y).second}) close(g, cos(y));
  close(hessian(sin)(y), -sin(y));
  for (const Array& v : {jit(sin)(x3), vmap(sin)(x3), checkpoint(sin)(x3), cond(true, sin, cos, x3)}) close(v, sin(x3));
  EXPECT_EQ(make_program(sin, x3).program->equations.size(), 1u);
  EXPECT_EQ(eval_shape(sin, x3), (Aval{{3}, float64}));
  // A lambda with auto parameters, and no captures, is not tried with an Array.
  const std::pair<Array, Array> pair(x3, y);
  const auto of_pair = [](const auto& p) { return sum(p.first) * p.second; };
  same(flatten(grad(of_pair)(pair)), {y * ones({3}), sum(x3)});
  close(jit(of_pair)(pair), sum(x3) * y);
  close(jvp(of_pair, pair, pair).tangent, 2 * sum(x3) * y);
  same(flatten(linearize(of_pair, pair).second(pair)), {2 * sum(x3) * y});
}

TEST(Forms, SeveralArgumentsInATuple) {
  const auto f = [](const Array& a, const Array& b) { return a * a * b; };
  const auto [value, push] = linearize(f, std::tuple(x3, 1.5));
  close(value, f(x3, y));
  close(push(std::tuple(x3, array(2.0))), 2 * x3 * x3 * y + 2 * x3 * x3);
  throws<ShapeError>([&, push = push] { push(std::tuple(x3, x3)); }, {"linearize", "tangent 1", "float64(3,)"});
  const auto linear = [](const Array& a, const Array& b) { return 2 * a + 3 * b; };
  same(flatten(linear_transpose(linear, std::tuple(x3, y))(x3)), {2 * x3, 3 * sum(x3)});
  const auto scalar = [&](const Array& a, const Array& b) { return sum(f(a, b)) * b; };
  // Of Σa² b²: 2b² and 4ab, and 2Σa².
  const Array s = sum(x3 * x3);
  const auto product = hvp(scalar, std::tuple(x3, y), std::tuple(ones({3}), array(2.0)));
  same(flatten(product), {2 * y * y + 4 * y * x3 * 2, sum(4 * y * x3) + 2 * s * 2});
  const auto h = hessian<0, 1>(scalar)(x3, y);
  same(flatten(h), {2 * y * y * eye(3), 4 * y * x3, 4 * y * x3, 2 * s});
  static_assert(std::is_same_v<decltype(h), const std::tuple<std::tuple<Array, Array>, std::tuple<Array, Array>>>);
}

TEST(Forms, JacobiansBySeveralArguments) {
  const auto f = [](const Array& a, const Array& b) { return a * b; };
  const Leaves wanted{y * eye(3), x3};
  same(flatten(jacobian<0, 1>(f)(x3, y)), wanted);
  same(flatten(jacfwd<0, 1>(f)(x3, y)), wanted);
  same(flatten(jacrev<0, -1>(f)(x3, y)), wanted);
  same(flatten(jacobian<1, 0>(f)(x3, y)), {x3, y * eye(3)});
  close(jacobian<1>(f)(x3, y), x3);
  // Of a tree by several: in the place of each array of the value those by each argument.
  const auto tree = [](const Array& a, const Array& b) {
    return std::pair(a * b, std::map<std::string, std::vector<Array>>{{"b", {b, sum(a)}}});
  };
  const auto j = jacobian<0, 1>(tree)(x3, y);
  same(flatten(j.first), wanted);
  same(flatten(j.second.at("b").at(0)), {zeros({3}), array(1.0)});
  same(flatten(j.second.at("b").at(1)), {ones({3}), array(0.0)});
  same(flatten(jacfwd([](const std::array<Array, 2>& v) { return std::array<Array, 1>{v[0] * v[1]}; })(
           std::array<Array, 2>{x3, y})),
       wanted);
  const auto with_aux = [](const Array& a, const Array& b) { return std::pair(a * b, std::pair(sum(a), 7)); };
  const auto both = [&](const auto& made) {
    const auto& [jacobian, auxiliary] = made;
    same(flatten(jacobian), {x3});
    close(auxiliary.first, sum(x3));
    EXPECT_EQ(auxiliary.second, 7);
    EXPECT_TRUE(auxiliary.first.concrete());
  };
  both(jacfwd_has_aux<1>(with_aux)(x3, y));
  both(jacrev_has_aux<1>(with_aux)(x3, y));
  close(jacrev_has_aux(with_aux)(x3, y).first, y * eye(3));
}

TEST(Forms, StopGradientOfATree) {
  using Pair = std::pair<Array, std::vector<Array>>;
  const auto f = [](const Pair& p) {
    const Pair fixed = stop_gradient(p);
    return sum(fixed.first * p.second[0]);
  };
  same(flatten(grad(f)(Pair(x3, {x3}))), {zeros({3}), x3});
  close(grad([](const Array& x) { return x * stop_gradient(std::pair(x, 2.0)).first; })(y), y);
}

TEST(Forms, ShapesWithoutValues) {
  int runs = 0;
  const auto f = [&](const Array& a, const Array& b) {
    ++runs;
    return std::pair(dot(a, b), std::vector<Array>{astype(a, float32), 2.0});
  };
  const auto shapes = eval_shape(f, zeros({1000000, 4}), zeros({4, 1000000}));  // would not fit into memory
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(shapes.first, (Aval{{1000000, 1000000}, float64}));
  EXPECT_EQ(shapes.second.at(0), (Aval{{1000000, 4}, float32}));
  EXPECT_EQ(shapes.second.at(1), (Aval{{}, float64, true}));
  throws<ShapeError>([&] { eval_shape(f, zeros({2, 4}), zeros({5})); }, {"dot", "(2, 4)", "(5,)"});
  throws<TraceError>([&] { eval_shape([](const Array& a) { return array(a.item()); }, y); }, {"eval_shape", "where"});
}

}  // namespace
}  // namespace dini
