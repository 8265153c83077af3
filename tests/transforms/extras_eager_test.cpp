// eager and ravel_tree.
#include <gtest/gtest.h>

#include "dini/dini.hpp"

namespace dini {
namespace {

TEST(Eager, RunsConstantsWhileJitTraces) {
  const Array table = array({3.0, 4.0});
  bool read = false;
  auto f = [&](const Array& x) {
    const Array n = eager([&] { return norm(table); })();
    read = n.concrete() && n.item<double>() == 5.0;
    return n.item<double>() > 1 ? x / n : x;
  };
  EXPECT_EQ(jit(f)(array(10.0)).item<double>(), 2.0);
  EXPECT_TRUE(read);
}

TEST(Eager, WithoutItConstantsAreAbstract) {
  const Array table = array({3.0, 4.0});
  const auto by = [](const auto& factor) {
    return [factor](const Array& x) { jit([&](const Array& y) { return factor(y).template item<double>() * y; })(x); };
  };
  const auto advice = [](const auto& run) -> bool {
    try {
      run(array(1.0));
    } catch (const TraceError& e) { return std::string(e.what()).find("within eager(...)") != std::string::npos; }
    throw std::runtime_error("nothing was thrown");
  };
  EXPECT_TRUE(advice(by([&](const Array&) { return norm(table); })));
  EXPECT_TRUE(advice(by([&](const Array&) { return zeros({}) + 1; })));
  // Of what comes from the arguments, or from what an outer transformation traces, it would not help.
  EXPECT_FALSE(advice(by([&](const Array& y) { return norm(table) + y; })));
  EXPECT_FALSE(advice(by([&](const Array& y) { return y; })));
  EXPECT_FALSE(advice(jit([&](const Array& x) {
    by([&](const Array&) { return sin(x); })(array(1.0));
    return x;
  })));
}

TEST(Eager, TracesWhatIsTraced) {
  const Array c = array({1.0, 2.0, 3.0});
  auto f = [&](const Array& x) { return eager([&](const Array& y) { return sum(c * c) * y * y; })(x); };
  EXPECT_EQ(jit(f)(array(2.0)).item<double>(), 56.0);
  EXPECT_EQ(grad(f)(array(2.0)).item<double>(), 56.0);
  EXPECT_EQ(jit(grad(f))(array(2.0)).item<double>(), 56.0);
  EXPECT_EQ(grad(jit(f))(array(2.0)).item<double>(), 56.0);
  EXPECT_EQ(vmap(f)(array({1.0, 2.0})).to_vector<double>(), (std::vector<double>{14, 56}));
  // The sum over the constant is no part of the Program.
  const std::string text = make_program(f, array(2.0)).program->str();
  EXPECT_EQ(text.find("sum"), std::string::npos) << text;
}

TEST(Eager, TransformationsWithinAreRunToo) {
  auto f = [](const Array& x) {
    EagerScope scope;
    const Array slope = grad([](const Array& t) { return sum(square(t)); })(array({1.0, 2.0}));
    const Array each = vmap([](const Array& t) { return t + 1; })(slope);
    const Array compiled = jit([](const Array& t) { return t * 2; })(each);
    return x * compiled(1).item<double>();
  };
  EXPECT_EQ(jit(f)(array(3.0)).item<double>(), 30.0);
}

TEST(Eager, EndsWithItsScope) {
  const Array c = array({1.0, 2.0});
  auto f = [&](const Array& x) {
    eager([&] { return sum(c); })();
    const Array after = sum(c);
    EXPECT_FALSE(after.concrete());
    return x * after;
  };
  EXPECT_EQ(jit(f)(array(2.0)).item<double>(), 6.0);
  EXPECT_FALSE(detail::current_trace());
}

struct Params {
  Array W, b;
  std::vector<Array> rest;
  auto tree() { return std::tie(W, b, rest); }
};

TEST(RavelTree, IsALineOfAllElementsAndBack) {
  const Params p{array({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), array({7.0f, 8.0f}), {array(9), array({10.0})}};
  const auto [v, unravel] = ravel_tree(p);
  EXPECT_EQ(v.dtype(), float64);
  EXPECT_EQ(v.to_vector<double>(), (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  const Params q = unravel(v * 2.0);
  EXPECT_EQ(q.W.shape(), (Shape{2, 3}));
  EXPECT_EQ(q.W(1, 2).item<double>(), 12.0);
  EXPECT_EQ(q.b.dtype(), float32);
  EXPECT_EQ(q.b.to_vector<float>(), (std::vector<float>{14, 16}));
  EXPECT_EQ(q.rest[0].dtype(), int32);
  EXPECT_EQ(q.rest[0].ndim(), 0);
  EXPECT_EQ(q.rest[0].item<int>(), 18);
  EXPECT_EQ(q.rest[1].item<double>(), 20.0);
  EXPECT_THROW(unravel(v(slice(1, end))), ShapeError);
  EXPECT_THROW(unravel(expand_dims(v, 0)), ShapeError);
}

TEST(RavelTree, OfOneArrayANumberAndNothing) {
  const auto [v, back] = ravel_tree(array({{1.0f, 2.0f}}));
  EXPECT_EQ(v.shape(), Shape{2});
  EXPECT_EQ(v.dtype(), float32);
  EXPECT_EQ(back(v).shape(), (Shape{1, 2}));
  EXPECT_EQ(ravel_tree(2.5).first.shape(), Shape{1});
  const std::vector<Array> empty;
  EXPECT_EQ(ravel_tree(empty).first.shape(), Shape{0});
  EXPECT_TRUE(ravel_tree(empty).second(zeros({0})).empty());
}

TEST(RavelTree, IsDifferentiableAndMaps) {
  const std::pair p(array({1.0, 2.0}), array({{3.0}, {4.0}}));
  const auto unravel = ravel_tree(p).second;
  auto f = [&](const Array& v) {
    const auto q = unravel(v);
    return sum(q.first * q.first) + sum(q.second * q.second * q.second);
  };
  const Array v = ravel_tree(p).first;
  const std::vector<double> wanted{2, 4, 27, 48};
  EXPECT_EQ(grad(f)(v).to_vector<double>(), wanted);
  EXPECT_EQ(jit(grad(f))(v).to_vector<double>(), wanted);
  EXPECT_EQ(vmap(grad(f))(stack({v, v}))(1).to_vector<double>(), wanted);
  auto g = [&](const std::pair<Array, Array>& t) { return sum(ravel_tree(t).first * array({1.0, 2.0, 3.0, 4.0})); };
  EXPECT_EQ(grad(g)(p).second.to_vector<double>(), (std::vector<double>{3, 4}));
}

}  // namespace
}  // namespace dini
