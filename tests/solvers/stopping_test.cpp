// When a solve has converged, how exact what it returns is, how it fails, and which points have a derivative.
#include <gtest/gtest.h>

#include <limits>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"
#include "dini/solvers/library.hpp"

namespace stopping_test {

using namespace dini;

using tests::largest;
std::int64_t count(const Array& a) { return a.item<std::int64_t>(); }

// Two coupled equations with the root (0.5, 0.25), written so that both hold exactly there.
Array coupled(const Array& z) {
  return stack({z(0) * z(0) - z(1) + (z(0) - 0.5) * z(1), 4 * z(1) * z(0) - z(0) + power(z(0) - 0.5, 3)});
}

template <class F> StatusCode code_of(F&& action) {
  try {
    action();
  } catch (const SolveError& e) { return e.code; }
  return StatusCode::converged;
}

// ---- convergence ---------------------------------------------------------------------------------------------------------

TEST(Converged, ScalingTheEquationsChangesNothing) {
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    const Array z0 = astype(array({1.3, 0.9}), d), unit = astype(array(1.0), d);
    const auto plain = root([&](const Array& z) { return unit * coupled(z); }, z0);
    EXPECT_LE(largest(plain.value - astype(array({.5, .25}), d)), d == Dtype::float64 ? 1e-15 : 1e-7);
    const int far = d == Dtype::float64 ? 600 : 80;
    for (int power : {-far, -far / 2, -20, 20, far / 2, far}) {
      const Array scale = astype(array(std::ldexp(1.0, power)), d);
      const auto s = root([&](const Array& z) { return scale * coupled(z); }, z0);
      EXPECT_EQ(s.value.to_vector<double>(), plain.value.to_vector<double>()) << name(d) << power;
      EXPECT_EQ(count(s.steps), count(plain.steps)) << name(d) << power;
      EXPECT_EQ(s.error_estimate.item(), plain.error_estimate.item()) << name(d) << power;
    }
  }
}

TEST(Converged, ScalingTheUnknownsChangesNothing) {
  // Fixed points are scaled with their unknowns.
  for (const auto& info : tests::solvers_for(Kind::fixed_point)) {
    if (!info.automatic) continue;
    for (Dtype d : {Dtype::float64, Dtype::float32}) {
      const Array z0 = astype(array({1.3, 0.9}), d), m = astype(array({{.3, .2}, {-.1, .5}}), d);
      auto solved = [&](int power) {
        const Array c = astype(array(std::ldexp(1.0, power)), d);
        return fixed_point(
            [&](const Array& z) {
              return dot(m, z) + c * astype(array({1.0, 2.0}), d);
            },
            c * z0, {.solver = info.make({})});
      };
      const auto plain = solved(0);
      for (int power : d == Dtype::float64 ? std::vector<int>{-700, 700} : std::vector<int>{-90, 90}) {
        const auto s = solved(power);
        EXPECT_EQ((s.value / astype(array(std::ldexp(1.0, power)), d)).to_vector<double>(),
                  plain.value.to_vector<double>())
            << info.name << name(d) << power;
        EXPECT_EQ(count(s.steps), count(plain.steps)) << info.name << name(d) << power;
      }
    }
  }
}

TEST(Converged, AWarmStartTakesNoStep) {
  const auto cold = root(coupled, array({1.3, 0.9}));
  const auto warm = root(coupled, cold.value);
  EXPECT_TRUE(warm.status == StatusCode::converged);
  EXPECT_EQ(count(warm.steps), 0);
  // A start beside the solution by less than what is asked for, in equations of any scale.
  const auto near = root([](const Array& z) { return 1e9 * coupled(z); }, cold.value * (1 + 1e-12));
  EXPECT_EQ(count(near.steps), 0);
  EXPECT_LE(largest(near.value - array({.5, .25})), 1e-15);
}

TEST(Converged, ASlowContractionIsAsExactAsAFastOne) {
  // The residual is (1 - ρ) times the error.
  for (std::int64_t n : {2, 300}) {
    const Array b = 1 + cos(arange(1.0 * static_cast<double>(n)));
    for (double part : {1.0, 1e-1, 1e-3}) {
      auto map = [&](const Array& b, const Array& z) { return (1 - part) * z + part * tanh(.5 * roll(z, 1) + b); };
      auto exact = [&](const Array& b) {
        return root([&](const Array& b, const Array& z) { return map(b, z) - z; }, b, {}, b).value;
      };
      for (const auto& info : tests::solvers_for(Kind::fixed_point)) {
        if (!info.automatic) continue;
        auto solve = [&](const Array& b) { return fixed_point(map, b, {.solver = info.make({})}, b).value; };
        const Array z = solve(b), lanes = vmap(solve)(stack({b, .3 * b}));
        const double digits = 4e-11 * norm(z).item();
        EXPECT_LE(norm(z - exact(b)).item(), digits) << info.name << n << part;
        EXPECT_LE(norm(lanes(0) - z).item(), digits) << info.name << n << part;
        EXPECT_LE(norm(lanes(1) - exact(.3 * b)).item(), digits) << info.name << n << part;
      }
    }
  }
}

TEST(Converged, PolishGivesSmallComponentsTheirDigits) {
  // Beside 1e8 the test of convergence does not see 1e-5.
  auto F = [](const Array& z) {
    return stack({power(z(0) / 1e8, 3) - 1.0, exp(z(1) * 1e5) + z(1) - std::exp(1.0) - 1e-5});
  };
  const auto s = root(F, array({1.5e8, 1.4e-5}));
  EXPECT_NEAR(s.value(0).item(), 1e8, 1e-7);
  EXPECT_NEAR(s.value(1).item(), 1e-5, 1e-19);
  // Large systems, too: Newton's method has the matrix in any case.
  const int n = 250;
  const Array k = arange(1.0 * n);
  const auto t = root([&](const Array& z) { return exp(z) - 1 - k * 1e3; }, ones({n}));
  EXPECT_LE(largest((t.value - log1p(k * 1e3)) / (1 + log1p(k * 1e3))), 1e-15);
}

TEST(Converged, AtTheRoundingFloorOfTheResidual) {
  // Hilbert's matrix, of condition 1e13: corrections stay at 1e-3 of z however good z is.
  const Array k = arange(1.0, 11.0), A = reciprocal(reshape(k, {10, 1}) + k - 1), b = dot(A, cos(k));
  const auto s = root([&](const Array& z) { return dot(A, z) - b; }, ones({10}), {.on_failure = OnFailure::best});
  EXPECT_TRUE(s.status == StatusCode::converged) << s.status;
  EXPECT_LE(s.residual_norm.item(), 1e-14);
}

TEST(Converged, ErrorEstimateOfAnExplicitToleranceIsTheLastCorrection) {
  // Then the point is returned as it is found.
  const auto s = root(coupled, array({1.3, 0.9}), {.tolerance = {1e-3, 0}});
  const Array delta = linalg::solve(jacobian(coupled)(s.value), coupled(s.value));
  EXPECT_NEAR(s.error_estimate.item(), max(abs(delta) / abs(s.value)).item(), 1e-15);
  EXPECT_GT(s.error_estimate.item(), 1e-12);
}

TEST(Converged, ExplicitTolerancesAreOnTheResidual) {
  const Array z0 = array({1.3, 0.9});
  const double first = norm(coupled(z0)).item();
  const std::pair<Tolerance, double> forms[] = {
      {{1e-2, 0}, 1e-2}, {{0, 1e-2}, 1e-2 * first}, {1e-2, 1e-2 * std::max(1.0, first)}, {{1e-9, 1e-2}, 1e-2 * first}};
  for (const auto& [tolerance, bound] : forms) {
    const auto s = root(coupled, z0, {.tolerance = tolerance, .history = 20});
    EXPECT_TRUE(s.status == StatusCode::converged);
    EXPECT_LE(s.residual_norm.item(), bound);
    EXPECT_NEAR(s.residual_norm.item(), norm(coupled(s.value)).item(), 1e-16);
    // The step before was not good enough, and nothing was polished.
    EXPECT_GT(s.history(count(s.steps) - 1).item(), bound);
    EXPECT_GT(s.residual_norm.item(), 1e-13);
  }
  for (const auto& info : tests::solvers_for(Kind::fixed_point)) {
    const auto s = fixed_point([](const Array& z) { return cos(z); }, array({.3, 1.0}),
                               {.solver = info.make({}), .tolerance = {1e-7, 0}});
    EXPECT_LE(norm(cos(s.value) - s.value).item(), 1.1e-7) << info.name;
  }
}

// ---- other ends ----------------------------------------------------------------------------------------------------------

TEST(Ends, NotFallingForLongIsStagnated) {
  auto rotation = [](const Array& z) { return stack({-z(1), z(0)}) + array({1.0, 0.0}); };
  for (const Solver& s : {Solver(ForwardIteration{}), Solver(fwd_solver)}) {
    const auto r = fixed_point(rotation, array({2.0, 1.0}), {.solver = s, .on_failure = OnFailure::best});
    EXPECT_TRUE(r.status == StatusCode::stagnated) << s.name();
    EXPECT_LE(count(r.steps), 1001) << s.name();
  }
  // No root: short steps alone are never convergence.
  for (double start : {3.0, .7, 1e-3}) {
    const auto r = root([](const Array& z) { return square(z) + 1; }, array({start}), {.on_failure = OnFailure::best});
    EXPECT_TRUE(r.status != StatusCode::converged) << start;
    EXPECT_NEAR(r.residual_norm.item(), 1, 1e-3) << start;
  }
}

TEST(Ends, GrowingWithoutEndIsDiverged) {
  for (double start : {1.0, 1e-200, 1e200}) {
    const auto r = fixed_point([](const Array& z) { return 3.0 * z; }, array({start}),
                               {.solver = ForwardIteration{}, .on_failure = OnFailure::best});
    EXPECT_TRUE(r.status == StatusCode::diverged) << start << r.status;
    EXPECT_TRUE(std::isfinite(r.value(0).item())) << start;
  }
}

TEST(Ends, ASolutionAmongTheSmallestNumbersIsOne) {
  // F is 0 at 1.01 z as well, since that is z.
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    const Array tiny = d == Dtype::float64 ? array({std::numeric_limits<double>::denorm_min()})
                                           : array({static_cast<double>(std::numeric_limits<float>::denorm_min())}, d);
    const auto r =
        root([](const Array& q, const Array& z) { return z + 0.1 * sin(0.5 * z) - q; }, zeros({1}, d), {}, tiny);
    EXPECT_EQ(r.value(0).item(), tiny(0).item());
  }
}

TEST(Ends, TheTextbooksSolversHaveACap) {
  auto slow = [](const Array& z) { return z + 1e-4 / z; };  // falls for ever, and never enough
  for (const auto& info : tests::solvers_for(Kind::fixed_point)) {
    if (info.name != "fwd_solver" && info.name != "anderson_solver") continue;
    const auto r = fixed_point(slow, array({.5}),
                               {.solver = info.make({}), .tolerance = {1e-30, 0}, .on_failure = OnFailure::best});
    EXPECT_TRUE(r.status == StatusCode::max_steps || r.status == StatusCode::stagnated) << info.name << r.status;
    EXPECT_LE(count(r.steps), 100000) << info.name;
  }
}

// ---- failure -------------------------------------------------------------------------------------------------------------

TEST(Failure, RaiseNanAndBestForValueAndDerivative) {
  // Lane 1 has no root; lane 2 has a double one, and so a value without a derivative.
  const Array at = array({4.0, -1.0, 0.0, 9.0});
  auto lanes = [](OnFailure f) {
    return [f](const Array& at) {
      return vmap([f](const Array& t) {
        return root([](const Array& t, const Array& z) { return square(z) - t; }, Array(array(1.0)),
                    {.max_steps = 200, .on_failure = f}, t);
      })(at);
    };
  };
  try {
    lanes(OnFailure::raise)(at);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SolveError& e) {
    EXPECT_EQ(e.status.size(), 4);
    EXPECT_EQ(e.steps.size(), 4);
    EXPECT_EQ(e.residual_norm.size(), 4);
    EXPECT_EQ(e.status(0).item<std::int64_t>(), 0);
    EXPECT_EQ(static_cast<StatusCode>(e.status(1).item<std::int64_t>()), e.code);
    EXPECT_EQ(e.value(3).item(), 3);
  }
  const auto nan = lanes(OnFailure::nan)(at), best = lanes(OnFailure::best)(at);
  for (int k = 0; k < 4; ++k) {
    EXPECT_EQ(std::isnan(nan.value(k).item()), k == 1);
    EXPECT_TRUE(std::isfinite(best.value(k).item()));
  }
  auto slopes = [&](OnFailure f, const Array& at) {
    return grad([&](const Array& at) { return sum(lanes(f)(at).value); })(at);
  };
  const Array g = slopes(OnFailure::nan, at);
  for (int k = 0; k < 4; ++k) EXPECT_EQ(std::isnan(g(k).item()), k == 1 || k == 2) << k;
  EXPECT_NEAR(g(3).item(), 1.0 / 6, 1e-15);
  EXPECT_EQ(code_of([&] { slopes(OnFailure::raise, array({4.0, 0.0})); }), StatusCode::singular);
  EXPECT_EQ(code_of([&] { slopes(OnFailure::best, array({4.0, 0.0})); }), StatusCode::singular);
  EXPECT_NE(code_of([&] { slopes(OnFailure::best, array({4.0, -1.0})); }), StatusCode::converged);
  // All lanes have run: the report of a derivative has them, too.
  try {
    slopes(OnFailure::raise, array({4.0, 0.0, 9.0}));
  } catch (const SolveError& e) { EXPECT_EQ(e.status.size(), 3); }
}

TEST(Failure, AUsersValueIsAcceptedWithinItsBound) {
  // A solver that is off by a given part of the solution 2.
  auto z = [](double off, double accept) {
    return [=](const Array& t) {
      auto solver = owning([off](const Function&, const Array& z0) { return full_like(z0, Array(2 * (1 + off))); });
      return sum(fixed_point([](const Array& t, const Array& z) { return 0.5 * z + t; }, zeros_like(t),
                             {.solver = solver, .accept = accept}, t)
                     .value);
    };
  };
  const Array t = array({1.0});
  EXPECT_NEAR(grad(z(5e-3, 1e-2))(t)(0).item(), 2, 1e-14);
  EXPECT_EQ(code_of([&] { z(2e-2, 1e-2)(t); }), StatusCode::not_a_solution);
  EXPECT_EQ(code_of([&] { z(5e-3, 1e-3)(t); }), StatusCode::not_a_solution);
  EXPECT_NEAR(grad(z(2e-2, 1e-1))(t)(0).item(), 2, 1e-14);
}

// ---- singular points -----------------------------------------------------------------------------------------------------

TEST(Singular, MultipleRootsAtEveryTolerance) {
  for (Dtype d : {Dtype::float64, Dtype::float32}) {
    for (int power : {2, 3}) {
      for (const Tolerance& tolerance : {Tolerance(), Tolerance(1e-4), Tolerance(1e-8, 0), Tolerance(1e-12, 0)}) {
        for (const auto& adjoint : library_adjoints()) {
          if (!adjoint.make({}).exact() || !adjoint.kinds.has(Kind::root)) continue;
          // The second equation is sound, and coupled to the first.
          auto z = [&](const Array& t) {
            return sum(root(
                           [&](const Array& t, const Array& z) {
                             return stack({dini::power(z(0) - t(0), power), z(1) + 2 * z(0) - t(1)});
                           },
                           astype(array({1.0, 1.0}), d), {.tolerance = tolerance, .adjoint = adjoint.make({})}, t)
                           .value);
          };
          EXPECT_EQ(code_of([&] {
                      grad(z)(astype(array({0.25, 3.0}), d));
                    }),
                    StatusCode::singular)
              << name(d) << power << adjoint.name;
        }
      }
    }
  }
}

TEST(Singular, OfAMatrixThatIsTooLargeToBeFormedForThat) {
  // 300 unknowns, of which one is a double root.
  const int n = 300;
  const Array k = arange(1.0 * n), simple = where(k == 7.0, 0.0, 1.0);
  for (const Adjoint& adjoint : {Adjoint(GMRES{}), Adjoint(BiCGStab{}), Adjoint(Direct{})}) {
    auto z = [&](const Array& t) {
      return root([&](const Array& t,
                      const Array& z) { return where(simple == 1.0, z + .1 * sin(roll(z, 1)) - t, square(z - t)); },
                  ones({n}), {.adjoint = adjoint}, t)
          .value;
    };
    const Array t = cos(k);
    const auto slope = grad([&](const Array& t) { return sum(z(t)); });
    EXPECT_EQ(code_of([&] { slope(t); }), StatusCode::singular) << adjoint.name();
    EXPECT_EQ(code_of([&] { jit(slope)(t); }), StatusCode::singular) << adjoint.name();
  }
  // With a simple root in its place all is well, and equal.
  auto sound = [&](const Adjoint& adjoint) {
    return grad([&](const Array& t) {
      return sum(k * root([](const Array& t, const Array& z) { return z + .1 * sin(roll(z, 1)) - t; }, ones({n}),
                          {.adjoint = adjoint}, t)
                         .value);
    })(cos(k));
  };
  for (const Adjoint& adjoint : {Adjoint(GMRES{}), Adjoint(BiCGStab{})}) {
    EXPECT_LE(largest(sound(adjoint) - sound(Direct{})), 1e-8) << adjoint.name();
  }
  // A user's value is judged as in small systems.
  auto off = owning([](const Function& f, const Array& z0) { return f(f(f(z0))) + 1.0; });
  auto user = [&](const Array& t) {
    return sum(fixed_point([](const Array& t, const Array& z) { return .1 * sin(z) + t; }, zeros({n}),
                           {.solver = off, .adjoint = GMRES{}}, t)
                   .value);
  };
  EXPECT_EQ(code_of([&] { grad(user)(cos(k)); }), StatusCode::not_a_solution);
}

TEST(Singular, BadScalingIsNot) {
  // Rows and columns scaled by up to 1e±12, around a matrix of condition 3.
  const Array M = array({{2.0, -1.0, .5}, {1.0, 3.0, -1.0}, {.25, 1.0, 2.0}});
  const Array rows = array({1e12, 1.0, 1e-12}), columns = array({1e-9, 1e9, 1.0});
  auto z = [&](const Array& b) {
    return root(
               [&](const Array& b, const Array& z) {
                 const Array u = columns * z;
                 return rows * (dot(M, u + .01 * power(u, 3)) - b);
               },
               zeros({3}), {}, b)
        .value;
  };
  const Array b = array({1.0, 2.0, -1.0});
  const Array u = columns * z(b);
  EXPECT_LE(largest(dot(M, u + .01 * power(u, 3)) - b), 1e-13);
  const Array wanted = linalg::inv(M * (1 + .03 * square(u))) / reshape(columns, {3, 1});
  EXPECT_LE(largest((jacrev(z)(b) - wanted) / wanted), 1e-12);
}

// ---- solvers as data -----------------------------------------------------------------------------------------------------

TEST(Library, EveryOptionIsSetCheckedAndInTheKey) {
  for (const auto& info : library_solvers()) {
    const std::string plain = info.make({}).method()->key();
    EXPECT_EQ(info.make({}).name(), info.name);
    EXPECT_EQ(info.make({}).method()->kinds(), info.kinds);
    EXPECT_FALSE(info.purpose.empty());
    for (const OptionInfo& o : info.options) {
      EXPECT_FALSE(o.help.empty()) << info.name << o.name;
      const double next = o.range.contains(o.fallback + 1) ? o.fallback + 1 : o.fallback - 1;
      const double other = o.whole ? next : o.fallback == 0 ? 1e-12 : o.fallback * (1 - 1e-12);
      EXPECT_NE(info.make({{o.name, other}}).method()->key(), plain) << info.name << o.name;
      EXPECT_EQ(info.make({{o.name, o.fallback}}).method()->key(), plain) << info.name << o.name;
      EXPECT_THROW(info.make({{o.name, std::nan("")}}), ValueError) << info.name << o.name;
      if (o.whole) { EXPECT_THROW(info.make({{o.name, o.fallback + .5}}), ValueError) << info.name << o.name; }
      if (std::isfinite(o.range.least)) {
        EXPECT_THROW(info.make({{o.name, o.range.least - 1}}), ValueError) << info.name << o.name;
      }
    }
    EXPECT_THROW(info.make({{"nothing", 1}}), ValueError) << info.name;
  }
  for (const auto& info : library_adjoints()) {
    EXPECT_EQ(info.make({}).name(), info.name);
    EXPECT_FALSE(info.purpose.empty());
    for (const OptionInfo& o : info.options) {
      const double other = o.whole ? o.fallback + 1 : o.fallback + 1e-12;
      EXPECT_NE(info.make({{o.name, other}}).key(), info.make({}).key()) << info.name << o.name;
      EXPECT_THROW(info.make({{o.name, o.range.least - 1}}), ValueError) << info.name << o.name;
    }
  }
}

}  // namespace stopping_test
