// Equations each of which is in its own unknown alone: that it is found out, and that what is computed with the diagonal in place of the
// matrix is the same, from which costs follow that grow as the number of unknowns does.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/exec/executable.hpp"
#include "dini/transforms/elementwise_in.hpp"
#include "tests/solvers/accurate.hpp"

namespace elementwise_test {

using namespace dini;
using tests::largest;

TEST(Elementwise, IsWhatTheOpsSay) {
  struct Row {
    const char* name;
    std::function<Array(const Array&)> f;
    bool expected;
  };
  const Array a = array({0.5, -1.0, 2.0, 3.0}), W = outer(a, a);
  const auto inner = jit([](const Array& z) { return exp(z) - z; });
  const Row rows[] = {
      {"arithmetic", [&](const Array& z) { return a * sin(z) + exp(-z) / 3.0 - sum(a); }, true},
      {"choice", [&](const Array& z) { return where(z > 0, square(z), maximum(z, a)); }, true},
      {"reshape",
       [](const Array& z) {
         return reshape(square(reshape(z, {2, 2})), {4});
       },
       true},
      {"compiled", [&](const Array& z) { return inner(z) * a; }, true},
      {"twice", [](const Array& z) { return z * z - cbrt(z); }, true},
      {"nothing of z", [&](const Array& z) { return a + zeros_like(z); }, true},
      {"product", [&](const Array& z) { return dot(W, z); }, false},
      {"sum", [](const Array& z) { return z * sum(z); }, false},
      {"neighbours", [](const Array& z) { return z - roll(z, 1); }, false},
      {"running sum", [](const Array& z) { return cumsum(z); }, false},
      {"backwards", [](const Array& z) { return flip(z); }, false},
      {"transposition",
       [](const Array& z) {
         return reshape(transpose(reshape(z, {2, 2})), {4});
       },
       false},
      {"one for all", [](const Array& z) { return z - z(0); }, false},
      {"sorted", [](const Array& z) { return sort(z); }, false},
      {"loop",
       [](const Array& z) {
         return fori_loop(
             0, 3, [](const Array&, const Array& v) { return sin(v); }, z);
       },
       false},
  };
  for (const Row& row : rows) {
    const auto program = detail::stage_closed([&](const Leaves& in) { return Leaves{row.f(in[0])}; }, {a.aval()}, "f");
    EXPECT_EQ(detail::is_elementwise(*program, 0), row.expected) << row.name;
  }
  // One unknown is always alone.
  const auto one =
      detail::stage_closed([](const Leaves& in) { return Leaves{cumsum(in[0])}; }, {ones({1}).aval()}, "f");
  EXPECT_TRUE(detail::is_elementwise(*one, 0));
}

Array kepler(const Array& e, const Array& M, const Array& E) { return E - e * sin(E) - M; }
// The same, which does not look it.
Array mixed(const Array& e, const Array& M, const Array& E) { return kepler(e, M, E) + 0.0 * roll(E, 1); }

struct Orbits {
  Array e, M, start;
  explicit Orbits(std::int64_t n, Dtype dtype = float64)
      : e(0.9 * random::uniform(random::key(2), {n}, dtype)),
        M(6.28 * random::uniform(random::key(3), {n}, dtype)),
        start(M + 0.85 * e * sign(sin(M))) {}
};

TEST(Elementwise, ManyUnknownsAreSolvedAsOneByOne) {
  const Orbits at(20000);
  const auto all = root(kepler, at.start, {}, at.e, at.M);
  EXPECT_EQ(all.solver(), "newton");
  const auto one = [](const Array& e, const Array& M, const Array& start) {
    return root(kepler, start, {}, e, M).value;
  };
  EXPECT_LE(largest(all.value - vmap(one)(at.e, at.M, at.start)), 1e-14);
  const auto loss = [&](const Array& e, const Array& M) { return sum(sin(root(kepler, at.start, {}, e, M).value)); };
  const auto [by_e, by_M] = jit(grad<0, 1>(loss))(at.e, at.M);
  const Array slope = 1 / (1 - at.e * cos(all.value));
  EXPECT_LE(largest(by_M - cos(all.value) * slope), 1e-13 * largest(by_M));
  EXPECT_LE(largest(by_e - cos(all.value) * slope * sin(all.value)), 1e-13 * largest(by_e));
}

TEST(Elementwise, NoMatrixIsFactorised) {
  const Orbits at(30);
  const auto loss = [&](const auto& f) {
    return [&](const Array& e, const Array& M) { return sum(root(f, at.start, {}, e, M).value); };
  };
  const auto plan = [&](const auto& f) {
    return Executable::compile(*make_program(value_and_grad<0, 1>(loss(f)), at.e, at.M).program)->str();
  };
  EXPECT_EQ(plan(kepler).find("lu_factor"), std::string::npos);
  EXPECT_NE(plan(mixed).find("lu_factor"), std::string::npos);
}

// Every solver, with the diagonal and with the matrix.
TEST(Elementwise, EverySolverFindsTheSame) {
  const Orbits at(6);
  for (const Kind kind : {Kind::root, Kind::fixed_point}) {
    for (const auto& info : tests::solvers_for(kind)) {
      SCOPED_TRACE(info.name);
      const FixedPointOptions options = tests::accurate(info);
      const auto solved = [&](const auto& f, const Array& e) {
        if (kind == Kind::root) return root(f, at.start, options, e, at.M).value;
        const auto map = [&](const Array& e, const Array& E) { return E - f(e, at.M, E); };
        return fixed_point(map, at.start, options, e).value;
      };
      const auto with = [&](const Array& e) { return solved(kepler, e); };
      const auto without = [&](const Array& e) { return solved(mixed, e); };
      EXPECT_LE(largest(with(at.e) - without(at.e)), 1e-11);
      EXPECT_LE(largest(jacfwd(with)(at.e) - jacfwd(without)(at.e)), 1e-10);
      EXPECT_LE(largest(jacrev(with)(at.e) - jacrev(without)(at.e)), 1e-10);
    }
  }
}

TEST(Elementwise, EveryAdjointGivesTheSame) {
  const Orbits at(6);
  const Array slope = 1 / (1 - at.e * cos(root(kepler, at.start, {}, at.e, at.M).value));
  for (const auto& info : library_adjoints()) {
    if (!info.kinds.has(Kind::root) || !info.make({}).exact()) continue;
    SCOPED_TRACE(info.name);
    const RootOptions options{.adjoint = info.make({})};
    const auto z = [&](const Array& M) { return sum(root(kepler, at.start, options, at.e, M).value); };
    EXPECT_LE(largest(grad(z)(at.M) - slope), 1e-11);
    EXPECT_LE(largest(jit(grad(z))(at.M) - slope), 1e-11);
  }
}

TEST(Elementwise, DerivativesOfAnyOrderAndInBatches) {
  for (const Dtype dtype : {float32, float64}) {
    const double tolerance = dtype == float32 ? 2e-4 : 1e-11;
    const Orbits at(5, dtype);
    const auto loss = [&](const auto& f) {
      return [&](const Array& e) { return sum(square(root(f, at.start, {}, e, at.M).value)); };
    };
    const Array wanted = hessian(loss(mixed))(at.e);
    EXPECT_LE(largest(hessian(loss(kepler))(at.e) - wanted), tolerance * largest(wanted));
    EXPECT_LE(largest(jacfwd(jacfwd(loss(kepler)))(at.e) - wanted), tolerance * largest(wanted));
    // Batches of vectors.
    const Array many = stack({at.e, 0.5 * at.e, 0.1 * at.e});
    const Array gradients = vmap(grad(loss(kepler)))(many);
    for (int k = 0; k < 3; ++k)
      EXPECT_LE(largest(gradients(k) - grad(loss(mixed))(many(k))), tolerance * largest(gradients));
  }
}

// What is wrong with one equation is seen, and belongs to it.
TEST(Elementwise, OneEquationWithoutADerivativeIsSingular) {
  const auto residual = [](const Array& t, const Array& z) { return where(arange(3) == 1, square(z - 1), z - 2) - t; };
  const auto z = [&](const Array& t) { return sum(root(residual, array({1.0, 1.5, 1.0}), {}, t).value); };
  EXPECT_NEAR(z(zeros({3})).item(), 5, 1e-6);
  try {
    grad(z)(zeros({3}));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SolveError& e) { EXPECT_EQ(e.code, StatusCode::singular) << e.what(); }
  EXPECT_LE(largest(grad(z)(array({0.0, 0.25, 0.0})) - array({1.0, 1.0, 1.0})), 1e-12);
  // An equation without its unknown.
  const auto flat = [](const Array& t, const Array& z) { return where(arange(3) == 1, 0.0 * z, z - 2) - t; };
  EXPECT_THROW(grad([&](const Array& t) { return sum(root(flat, ones({3}), {}, t).value); })(zeros({3})), SolveError);
  // And one without a solution fails as a whole.
  const auto none = [](const Array& z) { return where(arange(3) == 1, square(z) + 1, z - 2); };
  const auto s = root(none, ones({3}), {.on_failure = OnFailure::best});
  EXPECT_NE(s.status.get(), StatusCode::converged);
}

}  // namespace elementwise_test
