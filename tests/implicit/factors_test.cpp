// What a solution's derivative costs, and by what it may be had: how often A is factorised, and large systems by every exact
// adjoint.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/linear/system.hpp"
#include "tests/implicit/factorisations.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"

namespace factors_test {

using namespace dini;
using tests::Factorisations;
using tests::largest;

// ---- How often A is factorised -------------------------------------------------------------------------------------------

struct Answer {
  Array value, steps;
  auto tree() { return std::tie(value, steps); }
};

// θ = [how much of the right side, how much of the cube]; z from zeros by Newton's method.
Answer solved(Kind kind, std::int64_t n, const FixedPointOptions& options, const Array& theta) {
  const Array b = 1 + cos(1.0 * arange(n)), start = zeros({n});
  const auto behind = [](const Array& z) { return concatenate({z(slice(1, end)), zeros({1}, z.dtype())}); };
  auto answer = [](const auto& s) { return Answer{s.value, s.steps}; };
  switch (kind) {
    case Kind::root:
      return answer(
          root([&](const Array& t, const Array& z) { return 3 * z - behind(z) + t(1) * z * z * z - t(0) * b; }, start,
               options, theta));
    case Kind::fixed_point:
      return answer(
          fixed_point([&](const Array& t, const Array& z) { return tanh(t(1) * z - 0.4 * behind(z) + t(0) * b); },
                      start, options, theta));
    default:
      return answer(minimize(
          [&](const Array& t, const Array& z) {
            return sum(square(z)) + 0.5 * sum(square(z - behind(z))) + 0.25 * t(1) * sum(power(z, 4)) -
                   t(0) * sum(b * z);
          },
          start, options, theta));
  }
}

TEST(Factorisations, OneAStepAndOneAtTheStartServeTheGradientToo) {
  const Factorisations counted;
  const Array theta = array({0.9, 0.6});
  for (const Kind kind : {Kind::root, Kind::fixed_point, Kind::minimize}) {
    for (const std::int64_t n : {3, 50, 300}) {
      if (tests::sanitized && n > 50) continue;
      for (const Tolerance& tolerance : {Tolerance{}, Tolerance{1e-11, 0}}) {
        SCOPED_TRACE(std::string(name(kind)) + ", " + std::to_string(n) + " unknowns" +
                     (tolerance.given() ? ", to a tolerance" : ""));
        const FixedPointOptions o{.solver = Newton{}, .tolerance = tolerance};
        const auto solve = [&](const Array& t) { return solved(kind, n, o, t); };
        const auto loss = [&](const Array& t) { return sum(square(solved(kind, n, o, t).value)); };
        const std::int64_t k = solve(theta).steps.item<std::int64_t>();
        EXPECT_GE(k, 3);
        const auto compiled = jit(solve);
        const auto slope = grad(loss);
        const auto compiled_slope = jit(slope);
        compiled(theta);
        compiled_slope(theta);
        EXPECT_EQ(Factorisations::during([&] { solve(theta); }), k + 1);
        EXPECT_EQ(Factorisations::during([&] { compiled(theta); }), k + 1);
        EXPECT_EQ(Factorisations::during([&] { slope(theta); }), k + 1);
        EXPECT_EQ(Factorisations::during([&] { compiled_slope(theta); }), k + 1);
        EXPECT_EQ(Factorisations::during([&] { jvp(loss, theta, theta); }), k + 1);
        if (n > 50) continue;
        const auto bent = jit(hessian(loss));
        bent(theta);
        EXPECT_LE(Factorisations::during([&] { hessian(loss)(theta); }), k + 2);
        EXPECT_LE(Factorisations::during([&] { bent(theta); }), k + 2);
        EXPECT_LE(Factorisations::during([&] { jacrev(slope)(theta); }), k + 2);
      }
    }
  }
}

TEST(Factorisations, APointFarFromTheSolutionIsLookedAtOnceMore) {
  // To a loose tolerance the step past the last factors changes A by more than they forgive.
  const Factorisations counted;
  const Array theta = array({0.9, 0.6});
  for (const Kind kind : {Kind::root, Kind::fixed_point, Kind::minimize}) {
    SCOPED_TRACE(name(kind));
    const FixedPointOptions o{.solver = Newton{}, .tolerance = {1e-1, 0}};
    const auto loss = [&](const Array& t) { return sum(square(solved(kind, 50, o, t).value)); };
    const std::int64_t k = solved(kind, 50, o, theta).steps.item<std::int64_t>();
    EXPECT_EQ(Factorisations::during([&] { grad(loss)(theta); }), k + 2);
    EXPECT_EQ(Factorisations::during([&] { jit(grad(loss))(theta); }), k + 2);
  }
}

// ---- Large systems -------------------------------------------------------------------------------------------------------

// (n + 1)²·tridiag(-1, 2, -1) by slices.
Array laplacian(const Array& z) {
  const double n = static_cast<double>(z.size());
  const Array none = zeros({1}, z.dtype());
  return (2 * z - concatenate({z(slice(1, end)), none}) - concatenate({none, z(slice(end, -1))})) * ((n + 1) * (n + 1));
}

struct Choice {
  std::string name;
  Adjoint adjoint;
  bool told;  // that the Jacobian is symmetric
};
// Every exact adjoint of a root of n unknowns, whose Jacobian is symmetric and no diagonal. Restarts would stop GMRES.
std::vector<Choice> choices(std::int64_t n) {
  std::vector<Choice> out{{"auto, told", {}, true}};
  if (n <= detail::formed_unasked) out.push_back({"auto", {}, false});
  for (const auto& info : library_adjoints()) {
    if (!info.kinds.has(Kind::root) || info.name == "diagonal" || !info.make({}).exact()) continue;
    OptionValues values;
    for (const OptionInfo& option : info.options) {
      if (option.name == "restart") values.push_back({"restart", static_cast<double>(n)});
    }
    if (!values.empty() && n > 300) continue;
    out.push_back({info.name, info.make(values), !tests::takes_any_jacobian(info.name)});
    if (info.name == "direct") out.push_back({"direct, told", info.make(values), true});
  }
  return out;
}

// z with ±(A z - b - z³/10) = 0, A the Laplacian.
void laplace(std::int64_t n, double sign) {
  const auto residual = [sign](const Array& b, const Array& z) { return sign * (laplacian(z) - b - 0.1 * z * z * z); };
  const Array b = 1 + cos(3.0 * arange(n)), w = sin(1 + 0.01 * arange(n));
  const auto found = root(residual, zeros({n}), {.structure = {.symmetric = true}}, b);
  const auto slope = [&](const Choice& c) {
    return grad([&](const Array& right) {
      const RootOptions o{.adjoint = c.adjoint, .structure = {.symmetric = c.told}};
      return sum(w * implicit_function(residual, found.value, o, right));
    })(b);
  };
  // The default, which takes the factors of the solve.
  const Array expected =
      grad([&](const Array& right) { return sum(w * root(residual, zeros({n}), {}, right).value); })(b);
  for (const Choice& c : choices(n)) {
    SCOPED_TRACE(c.name);
    if (sign < 0 && c.name == "cg") {
      try {
        slope(c);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const SolveError& e) {
        EXPECT_EQ(e.code, StatusCode::breakdown);
        EXPECT_NE(std::string(e.what()).find("cg is for symmetric positive definite Jacobians"), std::string::npos);
      }
      continue;
    }
    try {
      EXPECT_LE(largest(slope(c) - expected), 1e-10 * largest(expected));
    } catch (const SolveError& e) { ADD_FAILURE() << e.what(); }
  }
}

TEST(LargeSystems, ALaplacianByEveryAdjoint) {
  laplace(255, 1);
  if (!tests::sanitized) laplace(1000, 1);
}
TEST(LargeSystems, ANegativeLaplacianByEveryAdjoint) { laplace(255, -1); }

// -u'' = λ exp(u), u(0) = u(1) = 0; known: u(½) and its slope in λ, at λ = 1.
Array bratu(const Array& lambda, const Array& u) { return laplacian(u) - lambda * exp(u); }
constexpr double bratu_middle = .140539214400, bratu_slope = .159202806197;
Array middle(const Array& u) { return 0.5 * (u((u.size() - 1) / 2) + u(u.size() / 2)); }

void expect_bratu(const std::function<Array(const Array&)>& value, double error) {
  const Array one = array(1.0);
  try {
    EXPECT_NEAR(grad(value)(one).item(), bratu_slope, error);
    EXPECT_NEAR(jvp(value, one, one).tangent.item(), bratu_slope, error);
  } catch (const SolveError& e) { ADD_FAILURE() << e.what(); }
}

TEST(LargeSystems, BratuByEveryAdjoint) {
  for (const std::int64_t n : {255, 2000}) {
    if (tests::sanitized && n > 1000) continue;
    const double error = 0.2 / static_cast<double>(n * n);
    const RootOptions solve{.structure = {.symmetric = true}};
    const Array u = root(bratu, zeros({n}), solve, array(1.0)).value;
    EXPECT_NEAR(middle(u).item(), bratu_middle, error);
    for (const Choice& c : choices(n)) {
      // The factorisations take seconds.
      if (n > 1000 && c.adjoint.method() && c.adjoint.method()->wants_matrix()) continue;
      SCOPED_TRACE(c.name + ", " + std::to_string(n));
      const RootOptions o{.adjoint = c.adjoint, .structure = {.symmetric = c.told}};
      expect_bratu([&](const Array& lambda) { return middle(implicit_function(bratu, u, o, lambda)); }, error);
    }
  }
}

TEST(LargeSystems, BratuByDefault) {
  const std::int64_t n = 1200;
  expect_bratu([&](const Array& lambda) { return middle(root(bratu, zeros({n}), {}, lambda).value); },
               0.2 / static_cast<double>(n * n));
}

}  // namespace factors_test
