// checkpoint: the same values and derivatives, from the inputs alone.
#include <gtest/gtest.h>

#include <cmath>

#include "dini/dini.hpp"
#include "dini/exec/executable.hpp"

namespace dini {
namespace {

using detail::ErasedFunction;
using detail::Leaves;

const Array a34 = array({{0.3, -1.2, 0.7, 2.1}, {-0.4, 0.9, 1.6, -0.8}, {1.1, 0.2, -1.9, 0.5}});
const Array v4 = array({0.6, -0.2, 1.3, 0.4});

// Several operations, each of which needs a value of its own for its derivative.
Array block(const Array& x) { return tanh(sin(x) * exp(-square(x)) + cos(x * x)); }

std::vector<double> numbers(const Array& a) { return a.to_vector<double>(); }
void expect_same(const Array& a, const Array& b, double tolerance = 1e-14) {
  ASSERT_EQ(a.shape(), b.shape());
  const auto x = numbers(a), y = numbers(b);
  for (std::size_t k = 0; k < x.size(); ++k) EXPECT_NEAR(x[k], y[k], tolerance * std::max(1.0, std::fabs(y[k]))) << k;
}

std::int64_t kept(const ErasedFunction& f, const Array& x) {
  std::int64_t elements = 0;
  for (const Array& a : detail::linearize(f, {x}, {true}).captured) elements += a.size();
  return elements;
}

TEST(Checkpoint, KeepsTheInputsAndNothingElse) {
  const ErasedFunction plain = [](const Leaves& in) { return Leaves{block(in[0])}; };
  const ErasedFunction remade = [](const Leaves& in) { return Leaves{checkpoint(block)(in[0])}; };
  EXPECT_GE(kept(plain, v4), 4 * 4);
  EXPECT_EQ(kept(remade, v4), 4);
}

TEST(Checkpoint, KeepsWhatItCapturesOfTheOutside) {
  const Array scale = array({1.5, 0.5, -2.0, 3.0});
  const ErasedFunction f = [&](const Leaves& in) {
    return Leaves{checkpoint([&](const Array& x) { return sin(x * scale) * exp(x); })(in[0])};
  };
  EXPECT_EQ(kept(f, v4), 8);
}

TEST(Checkpoint, ScanKeepsOneCarryAStep) {
  auto chain = [](auto step) {
    return [step](const Leaves& in) {
      return Leaves{fori_loop(
          0, 10, [&](const Array&, const Array& x) { return step(x); }, in[0])};
    };
  };
  EXPECT_EQ(kept(chain(checkpoint(block)), v4), 40);
  EXPECT_GE(kept(chain([](const Array& x) { return block(x); }), v4), 4 * 40);
}

TEST(Checkpoint, NestedKeepsTheOutermostInputs) {
  const ErasedFunction f = [](const Leaves& in) {
    return Leaves{checkpoint([](const Array& x) { return checkpoint(block)(checkpoint(block)(x)); })(in[0])};
  };
  EXPECT_EQ(kept(f, v4), 4);
  const Array got = grad([](const Array& x) {
    return sum(checkpoint([](const Array& y) { return checkpoint(block)(block(y)); })(x));
  })(v4);
  expect_same(got, grad([](const Array& x) { return sum(block(block(x))); })(v4));
}

TEST(Checkpoint, HasTheDerivativesOfItsFunction) {
  auto loss = [](const Array& x) { return sum(block(block(x))); };
  auto remade = [](const Array& x) { return sum(checkpoint(block)(checkpoint(block)(x))); };
  expect_same(remade(v4), loss(v4));
  expect_same(grad(remade)(v4), grad(loss)(v4));
  expect_same(jacfwd(remade)(v4), grad(loss)(v4));
  expect_same(hessian(remade)(v4), hessian(loss)(v4), 1e-12);
  expect_same(jacrev(grad(remade))(v4), hessian(loss)(v4), 1e-12);
  expect_same(jacrev(jacfwd(remade))(v4), hessian(loss)(v4), 1e-12);
  expect_same(jacfwd(jacfwd(remade))(v4), hessian(loss)(v4), 1e-12);
  expect_same(hvp(remade, v4, array({1.0, 2.0, -1.0, 0.5})), dot(hessian(loss)(v4), array({1.0, 2.0, -1.0, 0.5})),
              1e-12);
}

TEST(Checkpoint, UnderJitAndVmap) {
  auto loss = [](const Array& x) { return sum(block(block(x))); };
  auto remade = [](const Array& x) { return sum(checkpoint(block)(checkpoint(block)(x))); };
  expect_same(jit(remade)(v4), loss(v4));
  expect_same(jit(grad(remade))(v4), grad(loss)(v4));
  expect_same(grad(jit(remade))(v4), grad(loss)(v4));
  expect_same(jit(hessian(remade))(v4), hessian(loss)(v4), 1e-12);
  expect_same(vmap(remade)(a34), vmap(loss)(a34));
  expect_same(vmap(grad(remade))(a34), vmap(grad(loss))(a34));
  expect_same(jit(vmap(grad(remade)))(a34), vmap(grad(loss))(a34));
  auto total = [](auto f) { return [f](const Array& x) { return sum(vmap(f)(x)); }; };
  expect_same(grad(total(remade))(a34), vmap(grad(loss))(a34));
  expect_same(checkpoint(vmap(block))(a34), block(a34));
}

TEST(Checkpoint, DifferentiatesByWhatItCaptures) {
  auto loss = [](const Array& s) { return sum(checkpoint([&](const Array& x) { return sin(s * x) * s; })(v4)); };
  auto plain = [](const Array& s) { return sum(sin(s * v4) * s); };
  for (double s : {0.7, -1.3}) {
    expect_same(grad(loss)(array(s)), grad(plain)(array(s)));
    expect_same(jit(grad(loss))(array(s)), grad(plain)(array(s)));
    expect_same(grad(grad(loss))(array(s)), grad(grad(plain))(array(s)), 1e-13);
    expect_same(jvp(loss, array(s), array(1.0)).tangent, grad(plain)(array(s)));
  }
}

TEST(Checkpoint, TakesTreesAndIntegers) {
  auto f = [](const std::tuple<Array, Array>& p, const Array& k) {
    return std::pair(std::get<0>(p) * sin(std::get<1>(p)), std::get<1>(p)(k));
  };
  const std::tuple p(v4, v4 * 2.0);
  const Array k = array({2, 0});
  auto loss = [&](auto g) {
    return [&, g](const std::tuple<Array, Array>& q) {
      auto [y, z] = g(q, k);
      return sum(y) + sum(z * z);
    };
  };
  const auto [g0, g1] = grad(loss(checkpoint(f)))(p);
  const auto [w0, w1] = grad(loss(f))(p);
  expect_same(g0, w0);
  expect_same(g1, w1);
}

// Under jit the recomputation must not be merged with the first run: the compiled gradient has the block's exponential twice.
TEST(Checkpoint, RecomputesUnderJit) {
  // The slope of exp is its value, so that this is needed again.
  auto exponentials = [](auto f) {
    const Staged staged = make_program(grad(f), v4);
    const std::string text = Executable::compile(*staged.program)->str();
    std::size_t n = 0;
    for (std::size_t at = text.find("exp"); at != std::string::npos; at = text.find("exp", at + 1)) ++n;
    return n;
  };
  auto remade = [](const Array& x) { return sum(square(checkpoint([](const Array& y) { return exp(sin(y)); })(x))); };
  auto plain = [](const Array& x) { return sum(square(exp(sin(x)))); };
  EXPECT_EQ(exponentials(remade), 2 * exponentials(plain));
}

TEST(Checkpoint, ReadingAValueSaysWhatToUse) {
  auto f = [](const Array& x) { return sum(x).item<double>() > 0 ? x : -x; };
  try {
    grad([&](const Array& x) { return sum(checkpoint(f)(x)); })(v4);
    FAIL();
  } catch (const TraceError& e) {
    EXPECT_NE(std::string(e.what()).find("checkpoint"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("where"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace dini
