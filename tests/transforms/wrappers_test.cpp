// A function put under a transformation that leaves it as it is has the derivatives that it had: under jit, cond, a scan
// of one step, vmap of one example, a rule that restates it, a closure instead of an argument; each alone and in all pairs.
#include <gtest/gtest.h>

#include <cmath>

#include "dini/dini.hpp"
#include "dini/transforms/checkpoint.hpp"

namespace dini {
namespace {

using Function1 = std::function<Array(const Array&)>;
struct Wrapper {
  const char* name;
  Function1 (*wrap)(Function1);
  bool reverse = true;
};

Array always(const Array& x) { return all(isfinite(x)); }

const Wrapper wrappers[] = {
    {"nothing", [](Function1 f) { return f; }},
    {"jit", [](Function1 f) -> Function1 { return jit(f); }},
    {"cond",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         return cond(
             always(x), f, [](const Array& y) { return 7 * y; }, x);
       };
     }},
    {"cond, second of three",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         const Function1 other = [](const Array& y) { return sin(y) * 100; };
         return switch_case(astype(always(x), int64), std::tuple(other, f, other), x);
       };
     }},
    {"scan's carry",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         return std::get<0>(scan([&](const Array& c, const None&) { return std::pair(f(c), none); }, x, none, 1));
       };
     }},
    {"scan's x",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         auto step = [&](const Array& c, const Array& each) { return std::pair(c, f(each)); };
         return squeeze(std::get<1>(scan(step, 0.0, expand_dims(x, 0), {}, true)), 0);
       };
     }},
    {"fori_loop",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         return fori_loop(
             3, 4, [&](const Array&, const Array& s) { return f(s); }, x);
       };
     }},
    {"while_loop",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         using State = std::tuple<Array, Array>;
         return std::get<1>(while_loop([](const State& s) { return std::get<0>(s) < 1; },
                                       [&](const State& s) { return State(std::get<0>(s) + 1, f(std::get<1>(s))); },
                                       State(array(0), x)));
       };
     },
     false},
    {"vmap", [](Function1 f) -> Function1 { return [f](const Array& x) { return vmap(f)(expand_dims(x, 0))(0); }; }},
    {"vmap along the last axis",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) { return vmap(f, {.in = {-1}, .out = {-1}})(expand_dims(x, 1))(slice(), 0); };
     }},
    {"custom_jvp",
     [](Function1 f) -> Function1 {
       return custom_jvp(f, [f](const Array& x, const Array& dx) {
         auto [y, dy] = jvp(f, x, dx);
         return std::pair(y, dy);
       });
     }},
    {"checkpoint", [](Function1 f) -> Function1 { return checkpoint(f); }},
    {"captured by jit",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) { return jit([&](const Array& one) { return one * f(x); })(1.0); };
     }},
    {"captured by cond",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         return cond(
             always(x), [&](const Array& one) { return one * f(x); }, [&](const Array& one) { return one * x; }, 1.0);
       };
     }},
    {"captured by scan",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         auto step = [&](const Array& c, const None&) { return std::pair(c + f(x), none); };
         return std::get<0>(scan(step, zeros_like(x), none, 1));
       };
     }},
    {"captured by vmap",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) { return vmap([&](const Array& one) { return one * f(x); })(ones({1}))(0); };
     }},
    {"captured by jvp",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) {
         return jvp([&](const Array& t) { return t * f(x); }, array(3.0), array(1.0)).tangent;
       };
     }},
    {"captured by vjp",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) { return vjp([&](const Array& t) { return t * f(x); }, x).pullback(ones_like(x)); };
     }},
    {"captured by checkpoint",
     [](Function1 f) -> Function1 {
       return [f](const Array& x) { return checkpoint([&](const Array& one) { return one * f(x); })(1.0); };
     }},
};

const Array W = array({{0.3, -1.2, 0.7}, {0.9, 0.4, -0.5}, {-0.8, 0.6, 1.1}});
Array layer(const Array& x) { return tanh(dot(W, x)) * x + exp(-square(x)); }
Array mixed(const Array& x) { return cumprod(x) / (1 + sum(x * x)) + sin(x(0)) * x; }

void close(const Array& got, const Array& wanted, const std::string& what) {
  ASSERT_EQ(got.shape(), wanted.shape()) << what;
  const auto a = got.to_vector<double>(), b = wanted.to_vector<double>();
  for (std::size_t k = 0; k < a.size(); ++k)
    ASSERT_NEAR(a[k], b[k], 1e-12 * std::max(1.0, std::fabs(b[k]))) << what << " " << k;
}

struct Answers {
  Array value, jvp, jvp_of_jvp, grad, hvp, hvp_reverse;
};
Answers answers(const Function1& f, bool reverse) {
  const Array x = array({0.7, -1.3, 0.4}), v = array({0.5, 1.5, -0.25}), u = array({-1.0, 0.3, 0.8}),
              w = array({1.0, 2.0, -3.0});
  Answers out;
  out.value = f(x);
  out.jvp = jvp(f, x, v).tangent;
  out.jvp_of_jvp = jvp([&](const Array& at) { return jvp(f, at, v).tangent; }, x, u).tangent;
  if (!reverse) return out;
  auto scalar = [&](const Array& at) { return sum(w * f(at)); };
  out.grad = grad(scalar)(x);
  out.hvp = hvp(scalar, x, v);
  out.hvp_reverse = grad([&](const Array& at) { return sum(v * grad(scalar)(at)); })(x);
  return out;
}
void compare(const Answers& got, const Answers& wanted, const std::string& what) {
  close(got.value, wanted.value, what + ": value");
  close(got.jvp, wanted.jvp, what + ": jvp");
  close(got.jvp_of_jvp, wanted.jvp_of_jvp, what + ": jvp of jvp");
  if (!got.grad.defined()) return;
  close(got.grad, wanted.grad, what + ": grad");
  close(got.hvp, wanted.hvp, what + ": forward over reverse");
  close(got.hvp_reverse, wanted.hvp_reverse, what + ": reverse over reverse");
}

class Wrappers : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Wrappers, LeaveDerivativesAsTheyWere) {
  const Wrapper& outer = wrappers[GetParam()];
  for (Array (*f)(const Array&) : {layer, mixed}) {
    const Answers plain = answers(f, true);
    // The Hessian is symmetric, so both orders must agree.
    close(plain.hvp, plain.hvp_reverse, "no wrapper");
    for (const Wrapper& inner : wrappers) {
      const std::string what = std::string(outer.name) + " of " + inner.name;
      try {
        compare(answers(outer.wrap(inner.wrap(f)), outer.reverse && inner.reverse), plain, what);
      } catch (const std::exception& e) { ADD_FAILURE() << what << ": " << e.what(); }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Pairs, Wrappers, ::testing::Range(std::size_t{0}, std::size(wrappers)), [](const auto& info) {
  std::string name = wrappers[info.param].name;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
});

TEST(Wrappers, DerivativesAreThoseOfDifferences) {
  // The functions above without any wrapper: against central differences, extrapolated once.
  const Array x = array({0.7, -1.3, 0.4}), v = array({0.5, 1.5, -0.25});
  for (Array (*f)(const Array&) : {layer, mixed}) {
    auto slope = [&](double h) { return (f(x + h * v) - f(x - h * v)) / (2 * h); };
    const Array wanted = (16 * ((4 * slope(5e-4) - slope(1e-3)) / 3) - (4 * slope(1e-3) - slope(2e-3)) / 3) / 15;
    const auto a = jvp(f, x, v).tangent.to_vector<double>(), b = wanted.to_vector<double>();
    for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-10);
  }
}

}  // namespace
}  // namespace dini
