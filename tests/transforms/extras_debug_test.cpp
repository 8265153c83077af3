// DebugNans: which operation, where.
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "dini/dini.hpp"

namespace dini {
namespace {

const double nan_value = std::numeric_limits<double>::quiet_NaN();

template <class F> std::string error_of(F&& f) {
  try {
    f();
  } catch (const NanError& e) { return e.what(); }
  return "no error";
}
void expect_has(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
}

const Array x = array({{1.0, 2.0, 3.0}, {4.0, -0.5, 6.0}});

TEST(DebugNans, NamesTheOperationTheShapeAndTheIndex) {
  DebugNans watch;
  expect_has(error_of([] { return exp(log(x)) + 1; }), {"log", "float64(2, 3)", "(1, 1)", "-0.5"});
  EXPECT_EQ(error_of([] { return exp(x) / 2; }), "no error");
}

TEST(DebugNans, IsOffOtherwise) {
  { DebugNans watch; }
  EXPECT_TRUE(isnan(log(array(-1.0))).item<bool>());
  DebugNans watch;
  DebugNans off(false, false);
  EXPECT_TRUE(isnan(log(array(-1.0))).item<bool>());
}

TEST(DebugNans, InDerivatives) {
  DebugNans watch;
  auto f = [](const Array& v) { return sum(where(v > 0, sqrt(v), 0)); };
  EXPECT_EQ(error_of([&] { return f(array({0.0, 4.0})); }), "no error");
  // The slope of the root at 0 is infinite, times the cotangent 0 of the side not taken.
  expect_has(error_of([&] { return grad(f)(array({0.0, 4.0})); }), {"mul", "(0)"});
  expect_has(error_of([&] { return grad([](const Array& v) { return norm(v); })(zeros({3})); }),
             {"float64(3,)", "nan at (0)"});
}

TEST(DebugNans, FindsTheOperationWithinCompiledFunctions) {
  auto f = [](const Array& v) { return sum(sqrt(v - 1) * 2); };
  DebugNans watch;
  expect_has(error_of([&] { return jit(f)(array({5.0, 0.0})); }), {"sqrt", "(1)", "-1"});
  expect_has(error_of([&] { return vmap(f)(x); }), {"sqrt"});
  expect_has(error_of([&] { return jit(grad(f))(array({5.0, 0.0})); }), {"sqrt", "(1)"});
}

TEST(DebugNans, FindsItWithinBranchesAndLoops) {
  DebugNans watch;
  auto branch = jit([](const Array& v) {
    return cond(
        v > 0, [](const Array& a) { return sqrt(a); }, [](const Array& a) { return log(a); }, v);
  });
  EXPECT_EQ(error_of([&] { return branch(array(4.0)); }), "no error");
  expect_has(error_of([&] { return branch(array(-4.0)); }), {"log", "-4"});
  auto loop = [](const Array& v) {
    return while_loop([](const Array& a) { return a > -2; }, [](const Array& a) { return sqrt(a) - 3; }, v);
  };
  expect_has(error_of([&] { return loop(array(1.0)); }), {"no error"});
  expect_has(error_of([&] { return jit(loop)(array(-1.0)); }), {"sqrt", "-1"});
  auto steps = [](const Array& v) {
    return fori_loop(
        0, 5, [](const Array&, const Array& a) { return log(a) + 0.5; }, v);
  };
  expect_has(error_of([&] { return steps(array(1.0)); }), {"log", "-0.19"});
}

TEST(DebugNans, GuardedNansInCompiledFunctionsAreNone) {
  DebugNans watch;
  auto f = jit([](const Array& v) { return where(v > 0, log(v), 0); });
  EXPECT_EQ(error_of([&] { return f(array({-1.0, 1.0})); }), "no error");
}

TEST(DebugNans, InputsThatHadOneAreSaid) {
  DebugNans watch;
  const Array bad = array({1.0, nan_value});
  expect_has(error_of([&] { return bad + 1; }), {"add", "already", "(1)"});
  EXPECT_EQ(error_of([&] { return reshape(concatenate({bad, bad}), {2, 2}); }), "no error");
}

TEST(DebugNans, InfinitiesWhenAsked) {
  const Array zero = array(0.0);
  {
    DebugNans watch;
    EXPECT_EQ(error_of([&] { return 1 / zero; }), "no error");
  }
  DebugNans watch(true);
  expect_has(error_of([&] { return 1 / zero; }), {"div", "inf"});
}

TEST(DebugNans, EndsWithItsBlockAfterAnException) {
  try {
    DebugNans watch;
    throw std::runtime_error("x");
  } catch (const std::runtime_error&) {}
  EXPECT_NO_THROW(log(array(-1.0)));
}

TEST(DebugNans, InASolve) {
  DebugNans watch;
  auto f = [](const Array& a, const Array& z) { return sqrt(a - z) + 2; };
  expect_has(error_of([&] { return fixed_point(f, array(2.0), {}, array(1.0)).value; }), {"sqrt", "-1"});
  auto good = [](const Array& a, const Array& z) { return cos(a * z); };
  EXPECT_EQ(error_of([&] { return fixed_point(good, array(0.0), {.history = 200}, array(0.7)).value; }), "no error");
}

}  // namespace
}  // namespace dini
