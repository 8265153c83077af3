// What derivatives of solutions mean (S29 to S36), and what solves do to the process that they run in.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "dini/dini.hpp"
#include "tests/allocations.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"

namespace solutions_test {

using namespace dini;

double largest(const Array& a) { return a.size() ? max(abs(a)).item() : 0; }
bool same_bits(const Array& a, const Array& b) {
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
}

// Three coupled equations without symmetry: z = map(θ, z), a contraction.
Array mixing(Dtype d) { return astype(array({{.2, .3, -.1}, {-.25, .1, .2}, {.15, -.3, .25}}), d); }
Array map_of(const Array& t, const Array& z) { return tanh(dot(mixing(z.dtype()), z) + t) + .1 * t * sin(z); }
Array residual_of(const Array& t, const Array& z) { return map_of(t, z) - z; }
const std::vector<double> at{.4, -.7, 1.1};

std::vector<MethodInfo<Adjoint>> exact_adjoints(bool fixed_point) {
  std::vector<MethodInfo<Adjoint>> out;
  for (const auto& a : library_adjoints()) {
    // The Jacobian is not symmetric.
    if (a.make({}).exact() && tests::takes_any_jacobian(a.name) && (fixed_point || a.kinds.has(Kind::root)))
      out.push_back(a);
  }
  return out;
}
using tests::accurate;
Array reference_slope() {
  return jacfwd([](const Array& t) { return root(residual_of, zeros({3}), {}, t).value; })(array(at));
}

TEST(S29_Derivative, DoesNotDependOnStartOrSolver) {
  const Array wanted = reference_slope();
  for (const auto& solver : tests::usual_solvers(Kind::fixed_point)) {
    for (const auto& adjoint : exact_adjoints(true)) {
      FixedPointOptions o = accurate(solver);
      o.adjoint = adjoint.make({});
      for (double start : {0.0, -.8, 2.0}) {
        auto z = [&](const Array& t) { return fixed_point(map_of, full({3}, Array(start), float64), o, t).value; };
        EXPECT_LE(largest(jacrev(z)(array(at)) - wanted), 1e-10) << solver.name << adjoint.name << start;
        EXPECT_LE(largest(jacfwd(z)(array(at)) - wanted), 1e-10) << solver.name << adjoint.name << start;
      }
    }
  }
}

TEST(S29_Derivative, DoesNotDependOnTheResidualsScaleOrOrder) {
  const Array wanted = reference_slope();
  const Array scales[] = {array({1.0, 1.0, 1.0}), array({-1e-9, -1e-9, -1e-9}), array({1e12, 1e12, 1e12}),
                          array({1e-7, -3.0, 2e8})};
  const std::vector<std::vector<int>> orders{{0, 1, 2}, {2, 0, 1}, {1, 0, 2}};
  for (const Array& scale : scales) {
    const bool alike = scale(0).item() == scale(2).item();
    for (const auto& order : orders) {
      for (const auto& adjoint : exact_adjoints(false)) {
        // Methods that know products alone cannot undo what is done to the rows.
        if (!alike && adjoint.name != "direct") continue;
        auto z = [&](const Array& t) {
          return root([&](const Array& t, const Array& z) { return scale * take(residual_of(t, z), array(order)); },
                      zeros({3}), {.adjoint = adjoint.make({})}, t)
              .value;
        };
        EXPECT_LE(largest(jacrev(z)(array(at)) - wanted), 1e-10) << adjoint.name << scale;
        EXPECT_LE(largest(jacfwd(z)(array(at)) - wanted), 1e-10) << adjoint.name << scale;
      }
    }
  }
}

TEST(S29_Derivative, InTheStartIsExactlyZero) {
  for (const auto& solver : tests::solvers_for(Kind::fixed_point)) {
    for (bool stage : {true, false}) {
      FixedPointOptions o = accurate(solver);
      o.stage = stage;
      auto z = [&](const Array& z0) { return fixed_point(map_of, z0, o, array(at)).value; };
      const Array z0 = array({.1, .2, .3});
      EXPECT_EQ(largest(jacrev(z)(z0)), 0) << solver.name << stage;
      EXPECT_EQ(largest(jacfwd(z)(z0)), 0) << solver.name << stage;
      // Also where the start depends on what the map does.
      auto both = [&](const Array& t) { return fixed_point(map_of, 3.0 * t, o, t).value; };
      EXPECT_LE(largest(jacrev(both)(array(at)) - reference_slope()), 1e-10) << solver.name << stage;
    }
  }
}

TEST(S30_Modes, AgreeWithEachOtherAndWithDifferences) {
  const Array t = array(at);
  for (const auto& solver : tests::usual_solvers(Kind::fixed_point)) {
    for (const auto& adjoint : exact_adjoints(true)) {
      FixedPointOptions o = accurate(solver);
      o.adjoint = adjoint.make({});
      auto z = [&](const Array& t) { return fixed_point(map_of, zeros({3}), o, t).value; };
      auto difference = [&](const std::function<Array(const Array&)>& f, double h) {
        std::vector<Array> columns;
        for (int k = 0; k < 3; ++k) {
          const Array step = zeros({3}).at(k).set(h);
          auto d = [&](double c) { return (f(t + c * step) - f(t - c * step)) / (2 * c * h); };
          columns.push_back((4 * d(0.5) - d(1)) / 3);
        }
        return stack(columns, -1);
      };
      const Array first = jacrev(z)(t), second = jacfwd(jacfwd(z))(t);
      EXPECT_LE(largest(first - difference(z, 2e-3)), 1e-9) << solver.name << adjoint.name;
      EXPECT_LE(largest(first - jacfwd(z)(t)), 1e-11) << solver.name << adjoint.name;
      EXPECT_LE(largest(second - difference(jacrev(z), 2e-3)), 1e-8) << solver.name << adjoint.name;
      EXPECT_LE(largest(second - jacfwd(jacrev(z))(t)), 1e-10) << solver.name << adjoint.name;
      EXPECT_LE(largest(second - jacrev(jacfwd(z))(t)), 1e-10) << solver.name << adjoint.name;
      EXPECT_LE(largest(second - jacrev(jacrev(z))(t)), 1e-10) << solver.name << adjoint.name;
    }
  }
}

// argmin as the root of a gradient.
template <class E> auto argmin(const E& energy, const Array& start, const Array& theta) {
  return root([&](const Array& t, const Array& z) { return grad([&](const Array& v) { return energy(t, v); })(z); },
              start, {}, theta)
      .value;
}

TEST(S31_LeastSquares, UsesTheFullHessian) {
  // Enzyme kinetics: Y - ax/(b + x). Gauss and Newton's JᵀJ would give (0.8590103, 2.8696318).
  const Array X = array({.038, .194, .425, .626, 1.253, 2.5, 3.74});
  const Array Y = array({.05, .127, .094, .2122, .2729, .2665, .3317});
  auto energy = [&](const Array& Y, const Array& p) { return 0.5 * sum(square(Y - p(0) * X / (p(1) + X))); };
  auto p = [&](const Array& Y) { return argmin(energy, array({.3, .5}), Y); };
  EXPECT_LE(largest(p(Y) - array({0.3618368720, 0.5562664571})), 1e-10);
  EXPECT_LE(largest(jacrev(p)(Y)(slice(), 6) - array({0.8980296, 3.0922243})), 1e-7);
  EXPECT_LE(largest(jacfwd(p)(Y)(slice(), 6) - array({0.8980296, 3.0922243})), 1e-7);
}

TEST(S31_LeastSquares, OptimaWithKnownDerivatives) {
  auto himmelblau = [](const Array& t, const Array& z) {
    return square(square(z(0)) + z(1) - t(0)) + square(z(0) + square(z(1)) - t(1));
  };
  auto h = [&](const Array& t) { return argmin(himmelblau, array({2.9, 2.1}), t); };
  EXPECT_LE(largest(h(array({11.0, 7.0})) - array({3.0, 2.0})), 1e-13);
  EXPECT_LE(largest(jacrev(h)(array({11.0, 7.0})) - array({{4.0, -1.0}, {-1.0, 6.0}}) / 23.0), 1e-13);
  auto beale = [](const Array& c, const Array& z) {
    return sum(square(c - z(0) + z(0) * power(z(1), array({1.0, 2.0, 3.0}))));
  };
  auto b = [&](const Array& c) { return argmin(beale, array({2.9, .45}), c); };
  const Array c = array({1.5, 2.25, 2.625});
  EXPECT_LE(largest(b(c) - array({3.0, .5})), 1e-12);
  EXPECT_LE(
      largest(jacrev(b)(c) - array({{-32.0 / 21, 4.0 / 105, 208.0 / 105}, {-32.0 / 63, -38.0 / 315, 124.0 / 315}})),
      1e-11);
}

// z² + az = 2 from 1, which has no root in lane 2, and takes some lanes longer than others.
Array lanes_at() { return array({1.0, -3.0, 40.0, .25, 700.0, 2.0, -11.0}); }
Array lane_residual(const Array& a, const Array& z) { return square(z) + a * z - 2 + where(a == 40.0, 500.0, 0.0); }

TEST(S32_Batches, EqualTheSolvesOneByOne) {
  for (const auto& solver : tests::solvers_for(Kind::fixed_point)) {
    auto one = [&](const Array& t) {
      FixedPointOptions o = accurate(solver);
      o.max_steps = 300;
      o.on_failure = OnFailure::best;
      if (solver.kinds.has(Kind::root)) return root(lane_residual, Array(array(1.0)), o, t);
      return fixed_point([](const Array& a, const Array& z) { return a * tanh(z) / 4 + 1; }, Array(array(1.0)), o, t);
    };
    const Array at = lanes_at();
    const auto all = vmap(one)(at);
    const std::vector<std::int64_t> codes = all.status.code.to_vector<std::int64_t>(),
                                    steps = all.steps.to_vector<std::int64_t>();
    const double tolerance = std::pow(1.2e-16, 2.0 / 3) * 8;
    int failed = 0;
    for (int k = 0; k < 7; ++k) {
      const auto i = static_cast<std::size_t>(k);
      const auto alone = one(at(k));
      EXPECT_EQ(alone.status.code.item<std::int64_t>(), codes[i]) << solver.name << k;
      EXPECT_NEAR(static_cast<double>(alone.steps.item<std::int64_t>()), static_cast<double>(steps[i]), 1)
          << solver.name << k;
      failed += codes[i] != 0;
      if (codes[i] == 0) {
        EXPECT_NEAR(all.value(k).item(), alone.value.item(), tolerance * std::fabs(alone.value.item()))
            << solver.name << k;
      }
    }
    EXPECT_LT(failed, 7) << solver.name;
    if (solver.name == "newton") { EXPECT_EQ(failed, 1); }
    // To the bit, steps included, among other lanes and in another order.
    const Array order = array(std::vector<std::int64_t>{5, 3, 3, 0, 6, 1, 2, 4, 5, 0, 1});
    const auto among = vmap(one)(take(at, order));
    EXPECT_TRUE(same_bits(among.value, take(all.value, order))) << solver.name;
    EXPECT_TRUE(same_bits(among.steps, take(all.steps, order))) << solver.name;
    EXPECT_TRUE(same_bits(among.status.code, take(all.status.code, order))) << solver.name;
  }
}

TEST(S32_Batches, AFailedLaneLeavesTheOthersDerivativesToTheBit) {
  for (const auto& adjoint : exact_adjoints(false)) {
    auto slopes = [&](const Array& at) {
      return grad([&](const Array& at) {
        return sum(vmap([&](const Array& a) {
          return root(lane_residual, Array(array(1.0)),
                      {.max_steps = 100, .adjoint = adjoint.make({}), .on_failure = OnFailure::nan}, a)
              .value;
        })(at));
      })(at);
    };
    const Array with = slopes(lanes_at()), order = array(std::vector<std::int64_t>{0, 1, 3, 4, 5, 6});
    const Array without = slopes(take(lanes_at(), order));
    EXPECT_TRUE(std::isnan(with(2).item())) << adjoint.name;
    EXPECT_TRUE(same_bits(take(with, order), without)) << adjoint.name;
    EXPECT_TRUE(all(isfinite(without)).item<bool>()) << adjoint.name;
  }
}

TEST(S33_Cotangents, ScaleTheGradient) {
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    const bool single = d == Dtype::float32;
    const double least = single ? 1e-30 : 1e-300, most = single ? 1e30 : 1e300;
    for (const auto& solver : tests::usual_solvers(Kind::fixed_point)) {
      for (const auto& adjoint : exact_adjoints(true)) {
        auto z = [&](const Array& t) {
          return fixed_point(map_of, zeros({3}, d), {.solver = solver.make({}), .adjoint = adjoint.make({})}, t).value;
        };
        const auto pull = vjp(z, astype(array(at), d)).pullback;
        const Array v = array({1.0, -.5, 2.0}), whole = astype(pull(astype(v, d)), float64);
        for (double scale : {least, 1e-8, 1e8, most}) {
          const Array scaled = astype(pull(astype(v * scale, d)), float64) / scale;
          // What the adjoint's own tolerance leaves; the textbook's stop at 1e-5.
          const double digits = solver.automatic || adjoint.name != "same_solver" ? (single ? 1e-5 : 1e-9) : 1e-3;
          EXPECT_LE(largest(scaled - whole), digits * largest(whole))
              << solver.name << adjoint.name << scale << name(d) << scaled << whole;
        }
      }
    }
  }
}

TEST(S34_NoDerivative, OfAnUnconvergedSolveUnlessAskedFor) {
  for (const auto& solver : tests::solvers_for(Kind::fixed_point)) {
    for (bool stage : {true, false}) {
      FixedPointOptions o{.solver = solver.make({}), .max_steps = 1, .on_failure = OnFailure::best, .stage = stage};
      auto z = [&](const Array& t) { return sum(fixed_point(map_of, full({3}, Array(5.0), float64), o, t).value); };
      EXPECT_THROW(grad(z)(array(at)), SolveError) << solver.name << stage;
      EXPECT_THROW(jvp(z, array(at), array(at)), SolveError) << solver.name << stage;
      o.derivative_anyway = true;
      EXPECT_TRUE(all(isfinite(grad(z)(array(at)))).item<bool>()) << solver.name << stage;
    }
  }
}

TEST(S34_NoDerivative, OfASingularPointByAnyExactAdjoint) {
  // z = z + (z - t)², a double root.
  for (const auto& adjoint : exact_adjoints(true)) {
    for (bool stage : {true, false}) {
      auto z = [&](const Array& t) {
        return sum(fixed_point([](const Array& t, const Array& z) { return z + square(z - t); }, array({3.0, 5.0}),
                               {.solver = Newton{}, .adjoint = adjoint.make({}), .stage = stage}, t)
                       .value);
      };
      EXPECT_NEAR(z(array({1.0, 2.0})).item(), 3, 1e-4);
      try {
        grad(z)(array({1.0, 2.0}));
        ADD_FAILURE() << adjoint.name << stage;
      } catch (const SolveError& e) { EXPECT_EQ(e.code, StatusCode::singular) << e.what(); }
    }
  }
}

TEST(S35_LooseTolerance, DerivativeIsThatAtThePointReturned) {
  for (const auto& solver : tests::solvers_for(Kind::fixed_point)) {
    for (bool stage : {true, false}) {
      auto z = [&](const Array& t) {
        return fixed_point([](const Array& t, const Array& z) { return cos(z) + t; }, Array(array(.6)),
                           {.solver = solver.make({}), .tolerance = {3e-2, 0}, .stage = stage}, t)
            .value;
      };
      const auto [value, slope] = value_and_grad(z)(array(.3));
      EXPECT_NEAR(slope.item(), 1 / (1 + std::sin(value.item())), 1e-9) << solver.name << stage;
      EXPECT_GT(std::fabs(value.item() - 0.91209242766275), 1e-9) << solver.name << ": nothing was loose";
    }
  }
}

// z = cos(w + θ) with w = ½ sin w + z; with stage = false throughout, too.
auto nested_solve(bool stage) {
  return [stage](const Array& t) {
    auto outer = [stage](const Array& t, const Array& z) {
      const Array w = fixed_point([](const Array& z, const Array& w) { return 0.5 * sin(w) + z; }, Array(array(0.0)),
                                  {.stage = stage}, z)
                          .value;
      return cos(w + t);
    };
    return fixed_point(outer, Array(array(.5)), {.stage = stage}, t).value;
  };
}

TEST(S36_Nesting, ASolveWithinAResidualEqualsTheSystemOfBoth) {
  auto system = [](const Array& t) {
    return root(
               [](const Array& t, const Array& v) {
                 return stack({v(0) - cos(v(1) + t), v(1) - 0.5 * sin(v(1)) - v(0)});
               },
               array({.5, .5}), {}, t)
        .value(0);
  };
  const Array t = array(.2);
  for (bool stage : {true, false}) {
    const auto z = nested_solve(stage);
    EXPECT_NEAR(z(t).item(), system(t).item(), 1e-13) << stage;
    EXPECT_NEAR(grad(z)(t).item(), grad(system)(t).item(), 1e-12) << stage;
    EXPECT_NEAR(jvp(z, t, ones_like(t)).tangent.item(), grad(system)(t).item(), 1e-12) << stage;
    EXPECT_NEAR(grad(grad(z))(t).item(), grad(grad(system))(t).item(), 1e-11) << stage;
  }
  const auto z = nested_solve(true);
  EXPECT_NEAR(jit(grad(z))(t).item(), grad(system)(t).item(), 1e-12);
  const Array lanes = array({.2, -.4, .9}), slopes = vmap(grad(z))(lanes);
  for (int k = 0; k < 3; ++k) EXPECT_NEAR(slopes(k).item(), grad(system)(lanes(k)).item(), 1e-12);
}

TEST(S36_Nesting, ASolveWithinALossThatIsSolved) {
  // z(t) = a, where z = cos z + t: t = a - cos a and dt/da = 1 + sin a.
  auto t_of = [](bool stage) {
    return [stage](const Array& a) {
      auto miss = [stage](const Array& a, const Array& t) {
        return fixed_point([](const Array& t, const Array& z) { return cos(z) + t; }, Array(array(.5)),
                           {.stage = stage}, t)
                   .value -
               a;
      };
      return root(miss, Array(array(0.0)), {.stage = stage}, a).value;
    };
  };
  for (bool stage : {true, false}) {
    EXPECT_NEAR(t_of(stage)(array(1.2)).item(), 1.2 - std::cos(1.2), 1e-13) << stage;
    EXPECT_NEAR(grad(t_of(stage))(array(1.2)).item(), 1 + std::sin(1.2), 1e-12) << stage;
    EXPECT_NEAR(grad(grad(t_of(stage)))(array(1.2)).item(), std::cos(1.2), 1e-11) << stage;
  }
  EXPECT_NEAR(jit(grad(t_of(true)))(array(1.2)).item(), 1 + std::sin(1.2), 1e-12);
}

// ---- memory and threads --------------------------------------------------------------------------------------------------

Array layer_loss(const Array& W, const Array& x, const Solver& solver) {
  return sum(square(fixed_point([](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); },
                                zeros({12}), {.solver = solver}, W, x)
                        .value));
}
Array layer_weights() { return .3 * cos(reshape(arange(144.0), {12, 12}) * 1.1); }

TEST(Process, AThousandSolvesAndGradientsTakeNoMoreMemory) {
  const Array W = layer_weights(), x = sin(arange(12.0));
  for (const auto& info : tests::usual_solvers(Kind::fixed_point)) {
    if (!info.automatic) continue;
    const Solver solver = info.make({});
    auto g = grad([&](const Array& W) { return layer_loss(W, x, solver); });
    const auto compiled = jit(g);
    auto once = [&](int k) {
      const Array w = W * (1 + 1e-4 * k);
      return g(w)(0, 0).item() + compiled(w)(0, 0).item();
    };
    for (int k = 0; k < 50; ++k) once(k);
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int k = 0; k < 500; ++k) once(k);
    const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    EXPECT_LE(static_cast<double>(after), static_cast<double>(before) + 20000) << info.name;
  }
}

TEST(Process, TheLoopOfACompiledSolveAllocatesNothing) {
  const Array W = layer_weights(), x = sin(arange(12.0));
  for (const auto& info : tests::solvers_for(Kind::fixed_point)) {
    const Solver solver = info.make({});
    std::int64_t steps = 0;
    auto allocated = [&](std::int64_t most) {
      const auto solve = jit([&](const Array& W) {
        return fixed_point(
                   [](const Array& W, const Array& x, const Array& z) { return .9 * z + .1 * tanh(dot(W, z) + x); },
                   zeros({12}),
                   {.solver = solver, .tolerance = {0, 0}, .max_steps = most, .on_failure = OnFailure::best}, W, x)
            .steps;
      });
      for (int k = 0; k < 3; ++k) steps = solve(W).item<std::int64_t>();
      const long before = tests::allocations();
      solve(W);
      return tests::allocations() - before;
    };
    const long few = allocated(3);
    const std::int64_t few_steps = steps;
    EXPECT_EQ(allocated(400), few) << info.name;
    EXPECT_GT(steps, few_steps) << info.name;
  }
}

// docs/performance.md, How cost grows.
TEST(Process, AWarmCallAllocatesItsResultsAndLittleElse) {
  if (!tests::keeps_blocks) GTEST_SKIP() << "each array takes memory of its own there";
  const Array W = layer_weights(), x = sin(arange(12.0));
  const std::pair<FixedPointOptions, long> rows[] = {{{.solver = FwdSolver{}, .adjoint = SameSolver{}}, 9},
                                                     {{.solver = Newton{}}, 10}};
  for (const auto& [options, most] : rows) {
    const FixedPointOptions o = options;
    const auto loss = [o](const Array& W, const Array& x) {
      const auto f = [](const Array& W, const Array& x, const Array& z) { return tanh(dot(W, z) + x); };
      return sum(fixed_point(f, zeros({12}), o, W, x).value);
    };
    const auto value = jit(loss);
    const auto both = jit(value_and_grad<0, 1>(loss));
    // By a thread that keeps no blocks of what other tests have freed.
    const auto allocated = [](const auto& call) {
      long count = 0;
      std::thread([&] {
        for (int k = 0; k < 3; ++k) call();
        const long before = tests::allocations();
        call();
        count = tests::allocations() - before;
      }).join();
      return count;
    };
    EXPECT_LE(allocated([&] { value(W, x); }), 4) << o.solver.name();
    EXPECT_LE(allocated([&] { both(W, x); }), most) << o.solver.name();
  }
}

TEST(Process, ThreadsOverSharedInputsGetTheSerialResults) {
  const Array W = layer_weights(), x = sin(arange(12.0));
  for (const auto& info : tests::usual_solvers(Kind::fixed_point)) {
    const Solver solver = info.make({});
    auto g = [&](int k) { return grad([&](const Array& W) { return layer_loss(W, x, solver); })(W * (1 + .01 * k)); };
    const auto compiled = jit(grad([&](const Array& W) { return layer_loss(W, x, solver); }));
    std::vector<Array> serial, serial_compiled;
    for (int k = 0; k < 8; ++k) serial.push_back(g(k));
    for (int k = 0; k < 8; ++k) serial_compiled.push_back(compiled(W * (1 + .01 * k)));
    std::vector<std::vector<Array>> eager(3, std::vector<Array>(8)), fast = eager;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t k = 0; k < 8; ++k) {
          eager[t][k] = g(static_cast<int>(k));
          fast[t][k] = compiled(W * (1 + .01 * static_cast<int>(k)));
        }
      });
    }
    for (std::thread& t : threads) t.join();
    for (std::size_t t = 0; t < 3; ++t) {
      for (std::size_t k = 0; k < 8; ++k) {
        EXPECT_TRUE(same_bits(eager[t][k], serial[k])) << info.name << t << k;
        EXPECT_TRUE(same_bits(fast[t][k], serial_compiled[k])) << info.name << t << k;
      }
    }
  }
}

}  // namespace solutions_test
