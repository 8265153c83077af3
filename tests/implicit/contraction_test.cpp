// The default adjoint of fixed points whose maps contract: products in place of factors, with the same derivatives, and the same
// verdicts where there is none.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/implicit/factorisations.hpp"
#include "tests/solvers/accurate.hpp"

namespace contraction_test {

using namespace dini;
using tests::Factorisations;
using tests::largest;

struct Map {
  const char* name;
  Array W;                                                     // θ
  Array (*f)(const Array& W, const Array& x, const Array& z);  // of z, which contracts
  FixedPointOptions options = {.solver = FwdSolver{.tolerance = 1e-11}};
  bool seen = true;  // that it contracts: of unknowns in units far apart it is not
};

Array layer(const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); }
// The unknowns in units that are a hundredth of a thousand apart.
Array in_units(const Array& W, const Array& x, const Array& z) {
  const Array u = exp2(round(10 * sin(1.0 * arange(z.size()))));
  return u * tanh(dot(W, z / u) + x);
}
Array linear(const Array& W, const Array& x, const Array& z) { return dot(W, z) + x; }
// Each unknown beside its neighbours, without a matrix.
Array chain(const Array& W, const Array& x, const Array& z) {
  return 0.3 * sin(roll(z, 1)) + W(0, 0) * cos(roll(z, -1)) + x;
}

Array weights(std::int64_t n, double size, int key = 0) {
  return size / std::sqrt(static_cast<double>(n)) * random::normal(random::key(key), {n, n});
}
Array input(std::int64_t n) { return cos(3.0 * arange(n)) + 0.2; }

std::vector<Map> maps(std::int64_t n) {
  const Array W = weights(n, 0.6), symmetric = 0.5 * (W + W.T());
  return {{"a layer", W, layer},
          {"a layer by Anderson", W, layer, {.solver = Anderson{}, .tolerance = {1e-11, 0}}},
          {"units apart", W, in_units, {.solver = FwdSolver{.tolerance = 1e-9}}, false},
          {"linear", 0.8 * W, linear},
          {"far from normal", triu(W, 1) + 0.3 * eye(n), linear},
          {"a chain", 0.25 * ones({1, 1}), chain},
          {"symmetric",
           0.5 * symmetric,
           linear,
           {.solver = FwdSolver{.tolerance = 1e-11}, .structure = {.symmetric = true}}}};
}

using Loss = std::function<Array(const Array& W, const Array& x)>;
Loss loss_of(const Map& m, const Adjoint& adjoint) {
  return [m, adjoint](const Array& W, const Array& x) {
    FixedPointOptions o = m.options;
    o.adjoint = adjoint;
    const Array z = fixed_point([&m](const Array& w, const Array& b, const Array& at) { return m.f(w, b, at); },
                                zeros_like(x), o, W, x)
                        .value;
    return sum(sin(z) * (1 + cos(1.0 * astype(arange(z.size()), z.dtype()))));
  };
}

void expect_near(const Array& a, const Array& b, double error) { EXPECT_LE(largest(a - b), error * largest(b)); }

TEST(Contraction, GradientsAreThoseOfFactorsWithoutAny) {
  const Factorisations counted;
  for (const std::int64_t n : {64, 150}) {
    for (const Map& m : maps(n)) {
      SCOPED_TRACE(std::string(m.name) + ", " + std::to_string(n));
      const Array x = input(n);
      const Loss loss = loss_of(m, {}), by_factors = loss_of(m, Direct{});
      const auto slope = grad<0, 1>(loss), expected = grad<0, 1>(by_factors);
      const auto compiled = jit(slope);
      const auto wanted = expected(m.W, x);
      // Anderson's own systems are factorised, too.
      const std::int64_t own = Factorisations::during([&] { loss(m.W, x); });
      const std::int64_t once = m.seen ? own : own + 1;
      const auto check = [&](const auto& by) {
        std::pair<Array, Array> g;
        EXPECT_EQ(Factorisations::during([&] { g = {std::get<0>(by(m.W, x)), std::get<1>(by(m.W, x))}; }), 2 * once);
        expect_near(g.first, std::get<0>(wanted), 1e-12);
        expect_near(g.second, std::get<1>(wanted), 1e-12);
      };
      check(slope);
      compiled(m.W, x);
      check(compiled);
      const auto along = [&](const Loss& f) {
        return jvp(f, std::tuple(m.W, x), std::tuple(cos(m.W), sin(x))).tangent;
      };
      EXPECT_EQ(Factorisations::during([&] { along(loss); }), once);
      expect_near(along(loss), along(by_factors), 1e-12);
      const auto bent = [&](const Loss& f) {
        return jvp([&](const Array& at) { return grad<1>(f)(m.W, at); }, x, cos(5 * x)).tangent;
      };
      EXPECT_LE(Factorisations::during([&] { bent(loss); }), m.seen ? own : own + 2);
      expect_near(bent(loss), bent(by_factors), 1e-11);
    }
  }
}

TEST(Contraction, InSinglePrecision) {
  const Factorisations counted;
  for (const std::int64_t n : {64, 300}) {
    SCOPED_TRACE(n);
    const Map m{"", weights(n, 0.6), layer, {.solver = FwdSolver{.tolerance = 1e-5}}};
    const Array W = astype(m.W, Dtype::float32), x = astype(input(n), Dtype::float32);
    const auto slope = jit(grad<1>(loss_of(m, {})));
    slope(W, x);
    Array g;
    EXPECT_EQ(Factorisations::during([&] { g = slope(W, x); }), 0);
    expect_near(g, jit(grad<1>(loss_of(m, Direct{})))(W, x), 3e-6);
  }
}

TEST(Contraction, ManyRightHandSidesAreForFactors) {
  const Factorisations counted;
  const std::int64_t n = 64;
  for (const Map& m : maps(n)) {
    SCOPED_TRACE(m.name);
    const Array x = input(n);
    const auto solution = [&](const Adjoint& adjoint) {
      return [&m, adjoint](const Array& b) {
        FixedPointOptions o = m.options;
        o.adjoint = adjoint;
        return fixed_point([&m](const Array& w, const Array& c, const Array& at) { return m.f(w, c, at); },
                           zeros_like(b), o, m.W, b)
            .value;
      };
    };
    const Array expected = jacrev(solution(Direct{}))(x);
    Array J;
    const std::int64_t own = Factorisations::during([&] { solution({})(x); });
    EXPECT_EQ(Factorisations::during([&] { J = jacrev(solution({}))(x); }), own + 1);
    expect_near(J, expected, 1e-12);
    expect_near(jacfwd(solution({}))(x), expected, 1e-12);
    expect_near(jit(jacrev(solution({})))(x), expected, 1e-12);
    const auto loss = [&](const Adjoint& adjoint) {
      return [by = solution(adjoint)](const Array& b) { return sum(sin(by(b))); };
    };
    expect_near(hessian(loss({}))(x), hessian(loss(Direct{}))(x), 1e-11);
  }
}

// Unknowns 0 and 1 with a map of their own beside a layer that contracts. θ = [a, b].
using Beside = Array (*)(const Array& theta, const Array& z);
Array beside(Beside two, const Array& W, const Array& theta, const Array& z) {
  const Array rest = tanh(dot(W, z) + input(z.size()));
  return concatenate({two(theta, z(slice(0, 2))), rest(slice(2, end))});
}
struct End {
  const char* name;
  Beside two;
  Array theta, start;
  FixedPointOptions options;
};
std::vector<End> ends() {
  const FixedPointOptions loose{.solver = FwdSolver{.tolerance = 3e-3}}, tight{.solver = FwdSolver{.tolerance = 1e-10}},
      mixed{.solver = Anderson{}, .tolerance = {1e-10, 0}};
  const Array none = zeros({2}), one = array({0.3, 0.2});
  return {
      {"contracts", [](const Array& t, const Array& z) { return t * cos(z); }, one, none, tight},
      {"slowly", [](const Array& t, const Array& z) { return 0.98 * z + t; }, one, none, tight},
      {"does not contract", [](const Array& t, const Array& z) { return -1.5 * z + t; }, one, none, mixed},
      {"where nothing moves, singular", [](const Array& t, const Array& z) { return z(slice(end, end, -1)) + 0 * t; },
       none, none, tight},
      {"nearly singular", [](const Array& t, const Array& z) { return (1 - 1e-15) * z + 0 * t; }, none, none, tight},
      {"a double root", [](const Array& t, const Array& z) { return z - square(z) + t; }, none, 0.2 + none, loose},
      {"a triple root", [](const Array& t, const Array& z) { return z - z * z * z + t; }, none, 0.3 + none, loose},
      {"beside a double root", [](const Array& t, const Array& z) { return z - square(z) + t; }, 1e-3 + none,
       0.4 + none, loose},
      // Its slope changes by much of itself within what rounding hides: it contracts, and there is no derivative.
      {"a slope within the noise",
       [](const Array& t, const Array& z) { return t + ((1e8 + 0.4e-9 * sin(1e9 * z)) - 1e8); },
       one,
       none,
       {.solver = FwdSolver{.tolerance = 1e-6}}},
      {"a kink", [](const Array& t, const Array& z) { return 0.5 * sqrt(abs(z)) * z + t; }, none, none, tight},
  };
}

// What is said of the gradient: the message of the failure, or nothing.
struct Said {
  std::string text;
  Array gradient;
};
Said said(const End& e, const Array& W, const Adjoint& adjoint, OnFailure failure, bool compiled) {
  const auto loss = [&](const Array& t) {
    FixedPointOptions o = e.options;
    o.adjoint = adjoint;
    o.on_failure = failure;
    const Array start = concatenate({e.start, zeros({W.shape()[0] - 2})});
    return sum(
        fixed_point([&](const Array& to, const Array& z) { return beside(e.two, W, to, z); }, start, o, t).value);
  };
  try {
    return {"", compiled ? jit(grad(loss))(e.theta) : grad(loss)(e.theta)};
  } catch (const SolveError& error) { return {error.what(), {}}; }
}

TEST(Contraction, WhereThereIsNoDerivativeTheVerdictIsThatOfFactors) {
  const Array W = weights(80, 0.5);
  int refused = 0;
  for (const End& e : ends()) {
    for (const bool compiled : {false, true}) {
      SCOPED_TRACE(std::string(e.name) + (compiled ? ", compiled" : ""));
      const Said mine = said(e, W, {}, OnFailure::raise, compiled);
      const Said expected = said(e, W, Direct{}, OnFailure::raise, compiled);
      EXPECT_EQ(mine.text, expected.text);
      refused += !expected.text.empty();
      if (expected.text.empty()) expect_near(mine.gradient, expected.gradient, 1e-12);
      const Array masked = said(e, W, {}, OnFailure::nan, compiled).gradient;
      EXPECT_EQ(any(isnan(masked)).item<bool>(), !expected.text.empty());
    }
  }
  EXPECT_GE(refused, 8);
}

TEST(Contraction, LanesAreAsTheyAreAlone) {
  const std::int64_t n = 70;
  const Array W = weights(n, 0.5);
  // A slope of the first unknown: two lanes contract, one does not, and one has no derivative.
  const auto loss = [&](const Array& slope, const Array& x) {
    const FixedPointOptions o{.solver = Anderson{}, .tolerance = {1e-11, 0}, .on_failure = OnFailure::nan};
    const auto map = [&](const Array& s, const Array& b, const Array& z) {
      const Array rest = tanh(dot(W, z) + b);
      return concatenate({reshape(s * z(0), {1}), rest(slice(1, end))});
    };
    return sum(sin(fixed_point(map, zeros({n}), o, slope, x).value));
  };
  const Array slopes = array({0.2, -1.7, 1.0, 0.4}), xs = stack({input(n), 2 * input(n), input(n), -input(n)});
  const auto slope = grad<1>(loss);
  const Array all = vmap(slope)(slopes, xs), compiled = jit(vmap(slope))(slopes, xs);
  for (std::int64_t k = 0; k < 4; ++k) {
    SCOPED_TRACE(k);
    const Array alone = slope(slopes(k), xs(k));
    EXPECT_EQ(any(isnan(alone)).item<bool>(), k == 2);
    if (k == 2) {
      EXPECT_TRUE(any(isnan(all(k))).item<bool>() && any(isnan(compiled(k))).item<bool>());
      continue;
    }
    expect_near(all(k), alone, 1e-12);
    expect_near(compiled(k), alone, 1e-12);
  }
}

}  // namespace contraction_test
