// The solvers for roots, all by the same tables: which of them solves which system, what they say where there is no root, and that
// their solutions and derivatives are Newton's. A new solver that takes roots is tested by being in the library.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/library.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"
#include "tests/solvers/systems.hpp"

namespace roots_test {

using namespace dini;
using tests::accurate;
using tests::largest;
using tests::literature::System;
using tests::literature::systems;

std::int64_t count(const Array& a) { return a.item<std::int64_t>(); }
std::vector<MethodInfo<Solver>> solvers() {
  std::vector<MethodInfo<Solver>> out;
  for (const auto& info : library_solvers()) {
    if (info.kinds.has(Kind::root) && info.takes == Restriction::none) out.push_back(info);
  }
  return out;
}
const Dtype dtypes[] = {Dtype::float64, Dtype::float32};

// ---- which solves which ----------------------------------------------------------------------------------------------------

TEST(Roots, WhateverConvergesIsARootAndMostAreFound) {
  for (const auto& info : solvers()) {
    int solved = 0, of = 0;
    std::size_t number = 0;
    std::string others;
    for (const System& s : systems()) {
      if (s.start.size() > 20 || !tests::sampled(++number, 3)) continue;  // bench/solve_rates.cpp has them all
      ++of;
      const auto found =
          root(s.f, array(s.start), {.solver = info.make({}), .max_steps = 500, .on_failure = OnFailure::best});
      if (found.status == StatusCode::converged) {
        EXPECT_TRUE(s.solved_by(found.value)) << info.name << ": " << s.name << found.value;
        ++solved;
      } else {
        others += std::string(others.empty() ? "" : ", ") + s.name + " (" + name(found.status.get()) + ")";
      }
      EXPECT_TRUE(all(isfinite(found.value)).item<bool>()) << info.name << ": " << s.name;
    }
    std::cout << info.name << ": " << solved << " of " << of << (others.empty() ? "" : ", without " + others) << '\n';
    EXPECT_GE(solved, of / 2) << info.name;
  }
}

TEST(Roots, WhateverConvergesInSinglePrecisionIsBesideARoot) {
  int checked = 0;
  std::size_t number = 0;
  for (const auto& info : solvers()) {
    for (const System& s : systems()) {
      if (s.start.size() > 20 || s.singular || s.stiff || !tests::sampled(++number, 3)) continue;
      // Some have constants of double precision.
      if (s.f(array(s.start, Dtype::float32)).dtype() != Dtype::float32) continue;
      const auto found = root(s.f, array(s.start, Dtype::float32),
                              {.solver = info.make({}), .max_steps = 100, .on_failure = OnFailure::best});
      if (found.status != StatusCode::converged) continue;
      ++checked;
      const Array z = astype(found.value, Dtype::float64);
      const auto exact = root(s.f, z, {.solver = Newton{}, .on_failure = OnFailure::best});
      const double wanted = std::max(1e-5, 20 * found.error_estimate.item());
      EXPECT_TRUE(exact.status == StatusCode::converged) << info.name << ": " << s.name << z;
      EXPECT_LE(largest(exact.value - z), wanted * largest(exact.value)) << info.name << ": " << s.name;
    }
  }
  EXPECT_GT(checked, tests::sanitized ? 30 : 100);
}

TEST(Roots, TheDefaultSolverTriesMoreThanOne) {
  // ‖F‖ has a minimum that is no root, into which Newton's method with its line search falls.
  const auto trap = tests::literature::freudenstein;
  const auto s = root(trap, array({.5, -2.0}));
  EXPECT_LE(largest(s.value - array({5.0, 4.0})), 1e-12);
  EXPECT_NE(s.solver(), "newton");
  // Many unknowns: no matrix is formed.
  const Array t = cos(arange(5001.0));
  auto chain = [&](const Array& z) { return z + .2 * sin(roll(z, 1)) - .1 * roll(z, -1) - t; };
  const auto large = root(chain, zeros({5001}));
  EXPECT_EQ(large.solver(), "newton_krylov");
  EXPECT_LE(largest(chain(large.value)), 1e-12);
}

// ---- without a root --------------------------------------------------------------------------------------------------------

TEST(Roots, WithoutARootNothingHasConverged) {
  struct Case {
    const char* name;
    std::function<Array(const Array&)> f;
    std::vector<double> start;
  };
  const Case cases[] = {
      {"z^2 + 1", [](const Array& z) { return square(z) + 1; }, {.7}},
      {"z^2 + 1 from its least", [](const Array& z) { return square(z) + 1; }, {0}},
      {"z^0.25 = -1/2", [](const Array& z) { return power(z, 0.25) + 0.5; }, {1}},
      {"constant", [](const Array& z) { return 5 + 0 * z; }, {1e12}},
      {"exp(-z)", [](const Array& z) { return 1 + exp(-z); }, {1}},
      {"parallel lines",
       [](const Array& z) {
         return stack({z(0) + z(1) - 1, z(0) + z(1) - 2});
       },
       {1, 1}},
      {"a circle and a line beside it",
       [](const Array& z) {
         return stack({sum(square(z)) - 1, z(0) + z(1) - 3});
       },
       {1, .5}},
      {"nothing finite", [](const Array& z) { return z / (0 * z); }, {1, 2}},
  };
  for (const auto& info : solvers()) {
    for (const Case& c : cases) {
      for (Dtype d : dtypes) {
        const auto s = root(c.f, array(c.start, d), {.solver = info.make({}), .on_failure = OnFailure::best});
        EXPECT_TRUE(s.status != StatusCode::converged) << info.name << ": " << c.name << ' ' << name(d) << s.value;
        EXPECT_TRUE(all(isfinite(s.value)).item<bool>()) << info.name << ": " << c.name << ' ' << name(d);
        EXPECT_LE(count(s.steps), 10000) << info.name << ": " << c.name;
      }
    }
  }
}

// ---- derivatives, compiled, in lanes -----------------------------------------------------------------------------------------

Array mixing(Dtype d) { return astype(array({{1.2, .3, -.1}, {-.25, 1.1, .2}, {.15, -.3, 1.25}}), d); }
Array coupled(const Array& t, const Array& z) {
  return dot(mixing(z.dtype()), z) + .2 * sin(roll(z, 1)) + .1 * power(z, 3) - t;
}

TEST(Roots, ValuesAndDerivativesAreNewtons) {
  const Array t = array({.4, -.7, 1.1});
  auto by = [](const FixedPointOptions& o) {
    return [o](const Array& t) { return root(coupled, zeros({3}), o, t).value; };
  };
  const auto newton = by({.solver = Newton{}});
  const Array value = newton(t), slope = jacrev(newton)(t), bend = jacfwd(jacrev(newton))(t);
  for (const auto& info : solvers()) {
    const auto z = by(accurate(info));
    EXPECT_LE(largest(z(t) - value), 1e-9) << info.name;
    EXPECT_LE(largest(jacrev(z)(t) - slope), 1e-9) << info.name;
    EXPECT_LE(largest(jacfwd(z)(t) - slope), 1e-9) << info.name;
    EXPECT_LE(largest(jit(jacrev(z))(t) - slope), 1e-9) << info.name;
    EXPECT_LE(largest(jacfwd(jacrev(z))(t) - bend), 1e-8) << info.name;
  }
}

TEST(Roots, LanesAreTheSolvesOneByOne) {
  // Lanes that need different numbers of steps, and one without a root.
  const std::vector<double> targets{2, 1e-3, 50, -1, .3};
  auto f = [](const Array& t, const Array& z) {
    return stack({square(z(0)) - t + .1 * z(1), z(1) + .2 * sin(z(0)) - .5});
  };
  for (const auto& info : solvers()) {
    for (Dtype d : dtypes) {
      const FixedPointOptions o{.solver = info.make({}), .max_steps = 60, .on_failure = OnFailure::best};
      auto lane = [&](const Array& t) { return root(f, array({1.0, .2}, d), o, t); };
      const Array ts = array(targets, d);
      const auto lanes = vmap(lane)(ts), compiled = jit(vmap(lane))(ts);
      for (int k = 0; k < static_cast<int>(targets.size()); ++k) {
        const auto one = lane(ts(k));
        const std::string where = info.name + " lane " + std::to_string(k) + " " + name(d);
        EXPECT_EQ(count(one.status.code), count(lanes.status.code(k))) << where;
        EXPECT_EQ(count(lanes.status.code(k)), count(compiled.status.code(k))) << where;
        EXPECT_LE(std::abs(count(one.steps) - count(lanes.steps(k))), 1) << where;
        if (one.status != StatusCode::converged) continue;
        const double digits = (d == Dtype::float64 ? 1e-12 : 1e-5) * largest(one.value);
        EXPECT_LE(largest(one.value - lanes.value(k)), digits) << where;
        EXPECT_LE(largest(lanes.value(k) - compiled.value(k)), digits) << where;
      }
      EXPECT_TRUE(count(lanes.status.code(3)) != 0) << info.name;
    }
  }
}

TEST(Roots, ScalingTheEquationsChangesNothing) {
  // In many unknowns those who do not form A have no other look at it: what they take for close must not be the size of F.
  for (std::int64_t n : {3, 250}) {
    const Array t = cos(arange(static_cast<double>(n)));
    for (const auto& info : solvers()) {
      auto solved = [&](int power) {
        const Array scale = array(std::ldexp(1.0, power));
        return root([&](const Array& z) { return scale * (z + .2 * sin(roll(z, 1)) + .1 * z * z * z - t); }, zeros({n}),
                    {.solver = info.make({})});
      };
      const auto plain = solved(0);
      for (int power : {-200, -40, 40, 200}) {
        const auto s = solved(power);
        EXPECT_LE(largest(s.value - plain.value), 1e-11) << info.name << ' ' << n << ' ' << power;
        EXPECT_LE(std::abs(count(s.steps) - count(plain.steps)), 1) << info.name << ' ' << n << ' ' << power;
      }
    }
  }
}

// ---- one by one --------------------------------------------------------------------------------------------------------------

TEST(NewtonErrorNorm, EquationsMayBeMixedAndScaled) {
  // The same steps whatever regular matrix the equations are multiplied by.
  auto valley = [](const Array& z) { return stack({10.0 * (z(1) - square(z(0))), 1 - z(0)}); };
  const Array mixed = array({{1.0, 1e4}, {-3.0, 1e-3}});
  const auto plain = root(valley, array({-1.2, 1.0}), {.solver = NewtonErrorNorm{}});
  const auto other =
      root([&](const Array& z) { return dot(mixed, valley(z)); }, array({-1.2, 1.0}), {.solver = NewtonErrorNorm{}});
  EXPECT_EQ(count(plain.steps), count(other.steps));
  EXPECT_LE(largest(plain.value - 1.0), 1e-14);
  EXPECT_LE(largest(other.value - 1.0), 1e-12);
}

TEST(Chord, FactorsAreKept) {
  // Of a linear system one step; of another, fewer Jacobians than steps: the function is traced anew for each of them.
  const auto linear =
      root([](const Array& z) { return dot(mixing(z.dtype()), z) - 1.0; }, zeros({3}), {.solver = Chord{}});
  EXPECT_EQ(count(linear.steps), 1);
  auto steps = [](int keep) {
    return count(root(
                     [](const Array& z) {
                       return exp(z) - array({2.0, 3.0});
                     },
                     array({1.0, 1.0}), {.solver = Chord{.keep = keep}})
                     .steps);
  };
  EXPECT_EQ(steps(1), count(root(
                                [](const Array& z) {
                                  return exp(z) - array({2.0, 3.0});
                                },
                                array({1.0, 1.0}), {.solver = Newton{}})
                                .steps));
  EXPECT_GT(steps(10), steps(1));
}

TEST(TrustRegions, GoOnWhereTheJacobianIsSingular) {
  // At x = 0 there is no Newton step.
  auto f = [](const Array& z) { return stack({square(z(0)) - 1, z(1) - 2 * z(0)}); };
  const Array z0 = array({0.0, 1.0});
  EXPECT_TRUE(root(f, z0, {.solver = Newton{}, .on_failure = OnFailure::best}).status == StatusCode::singular);
  for (const Solver& by :
       {Solver(Dogleg{}), Solver(Dogleg{.bias = 0}), Solver(LevenbergMarquardtRoot{}), Solver(PseudoTransient{})}) {
    const auto s = root(f, z0, {.solver = by});
    EXPECT_NEAR(s.value(1).item(), 2 * s.value(0).item(), 1e-14) << by.name();
    EXPECT_NEAR(std::fabs(s.value(0).item()), 1, 1e-14) << by.name();
  }
}

TEST(Broyden, UpdatesAndBeginnings) {
  const Array t = cos(arange(12.0));
  auto f = [&](const Array& z) { return z + .3 * sin(roll(z, 1)) + .1 * square(roll(z, 3)) - t; };
  const Array wanted = root(f, zeros({12}), {.solver = Newton{}}).value;
  for (int bad : {0, 1}) {
    for (int identity : {0, 1}) {
      const auto s = root(f, zeros({12}), {.solver = Broyden{.bad = bad, .identity = identity}});
      EXPECT_LE(largest(s.value - wanted), 1e-13) << bad << identity;
      EXPECT_LE(count(s.steps), 40) << bad << identity;
    }
  }
  // The memory is full, and begins anew.
  for (int memory : {1, 3, 30}) {
    const auto s = root(f, zeros({12}), {.solver = LimitedMemoryBroyden{.memory = memory}});
    EXPECT_LE(largest(s.value - wanted), 1e-13) << memory;
  }
  // Where it matters, beginning anew is far better than keeping the first updates for good (30 steps against 102).
  const Array d = linspace(1.0, 6.0, 12);
  auto spread = [&](const Array& z) { return d * z + .3 * sin(roll(z, 1)) + .1 * square(roll(z, 3)) - t; };
  EXPECT_LE(count(root(spread, zeros({12}), {.solver = LimitedMemoryBroyden{.memory = 5}}).steps), 50);
  // As long as there is room it is the full method's, from the same beginning.
  EXPECT_EQ(count(root(f, zeros({12}), {.solver = LimitedMemoryBroyden{.memory = 50}}).steps),
            count(root(f, zeros({12}), {.solver = Broyden{.identity = 1}}).steps));
}

TEST(NewtonKrylov, APreconditionerSavesProducts) {
  // Products are few: without a preconditioner too few.
  const std::int64_t n = 400;
  const Array d = linspace(1.0, 1000.0, n);
  auto f = [&](const Array& z) { return d * z + .5 * tanh(roll(z, 1)) - 1.0; };
  auto by = [](const Preconditioner& p) { return NewtonKrylov{.restart = 6, .max_products = 6, .preconditioner = p}; };
  const auto with = root(f, zeros({n}), {.solver = by([&](const Array& v) { return v / d; }), .max_steps = 10});
  EXPECT_LE(largest(f(with.value)), 1e-12);
  EXPECT_TRUE(root(f, zeros({n}), {.solver = by({}), .max_steps = 10, .on_failure = OnFailure::best}).status ==
              StatusCode::max_steps);
  const Preconditioner half = [](const Array& v) { return .5 * v; };
  EXPECT_NE(Solver(by(half)).method()->key(), Solver(by({})).method()->key());
  EXPECT_EQ(Solver(by(half)).method()->key(), Solver(by(half)).method()->key());
}

TEST(MatrixFree, ManyUnknowns) {
  const std::int64_t n = 20000;
  const Array t = cos(arange(static_cast<double>(n)));
  auto f = [&](const Array& t, const Array& z) { return z + .2 * sin(roll(z, 1)) - t; };
  for (const Solver& by : {Solver(NewtonKrylov{}), Solver(LimitedMemoryBroyden{}), Solver(DFSane{})}) {
    const auto s = root(f, zeros({n}), {.solver = by}, t);
    EXPECT_LE(largest(f(t, s.value)), 1e-13) << by.name();
    EXPECT_LE(count(s.steps), 40) << by.name();
  }
}

TEST(MatrixFree, FunctionsThatReadTheirValues) {
  // They cannot be traced; products with A are made one by one.
  auto f = [](const Array& z) {
    const double size = max(abs(z)).item();
    return z + .2 * sin(roll(z, 1)) - (size > 1e6 ? 0.0 : 1.0);
  };
  for (const auto& info : solvers()) {
    const auto s = root(f, array({.3, .2, -.1}), {.solver = info.make({}), .stage = false});
    EXPECT_LE(largest(f(s.value)), 1e-14) << info.name;
  }
}

}  // namespace roots_test
