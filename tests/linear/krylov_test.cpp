// Krylov methods: a method's result solves the system, or its status says that it does not; eagerly, compiled and in lanes.
#include "dini/linear/krylov.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace krylov_test {

using namespace dini;
using detail::KrylovOptions;
using detail::KrylovResult;
using detail::Product;

struct Method {
  std::string name;
  KrylovResult (*function)(const Product&, const Array&, const KrylovOptions&);
  int restart = 50;

  KrylovResult operator()(const Array& a, const Array& b, double tolerance, std::int64_t max_products = 1000,
                          const Product& preconditioner = {}) const {
    return function([&](const Array& v) { return dot(a, v); }, b, {tolerance, max_products, restart, preconditioner});
  }
};
const std::vector<Method>& methods() {
  static const std::vector<Method> all{{"gmres", detail::gmres},
                                       {"gmres with restarts", detail::gmres, 2},
                                       {"minres", detail::minres},
                                       {"cg", detail::conjugate_gradients},
                                       {"bicgstab", detail::bicgstab}};
  return all;
}

// How each of the methods ends: c converged, s stagnated, b breakdown, n nonfinite; - somehow, and not converged; * the method is
// not for this system.
struct System {
  std::string name;
  std::vector<std::vector<double>> a;
  std::vector<double> b;
  std::string ends;
};

std::vector<std::vector<double>> scaled(double by) {
  return {{4 * by, 1 * by, 0}, {1 * by, 3 * by, -1 * by}, {0, -1 * by, 2 * by}};
}

std::vector<System> systems() {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  return {
      {"one unknown", {{-2}}, {3}, "cccbc"},
      {"identity", {{1, 0}, {0, 1}}, {3, 4}, "ccccc"},
      {"positive definite", scaled(1), {1, 2, 3}, "ccccc"},
      {"positive definite and small", scaled(1e-20), {1, 2, 3}, "ccccc"},
      {"positive definite and large", scaled(1e20), {1, 2, 3}, "ccccc"},
      {"badly scaled", {{1e-3, 2e-3, 0}, {2e-3, 10, 20}, {0, 20, 1e3}}, {1, 2, 3}, "c*ccc"},
      {"not symmetric", {{1, 5}, {-2, -2}}, {3, 4}, "cc**c"},
      {"nearly singular", {{3.9, 1.65}, {6.845, 2.9}}, {5.5, 9.7}, "cc**c"},
      {"cyclic shift", {{0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 0}}, {1, 0, 0, 0}, "cs*bb"},
      {"indefinite", {{1, 0}, {0, -1}}, {1, 1}, "cccbb"},
      {"indefinite, three unknowns", {{2, 1, 0}, {1, -3, 1}, {0, 1, 1}}, {1, 2, 3}, "c*cb*"},
      {"exchange", {{0, 1}, {1, 0}}, {1, 0}, "cccbb"},
      {"negative definite", scaled(-1), {1, 2, 3}, "c*cbc"},
      {"singular, with a solution", {{1, 1}, {0, 0}}, {1, 0}, "cc*cc"},
      {"singular, without one", {{1, 1}, {0, 0}}, {1, 1}, "--*--"},
      {"singular and symmetric, without a solution", {{1, 0, 0}, {0, 2, 0}, {0, 0, 0}}, {1, 1, 1}, "--b--"},
      {"singular to rounding", {{0.1, 0.7, 0.3}, {0.2, 0.6, 0.9}, {0.3, 1.3, 1.2}}, {1, 2, 4}, "b-**-"},
      {"zero", {{0, 0}, {0, 0}}, {1, 1}, "bbbbb"},
      {"NaN", {{1, nan}, {nan, 1}}, {1, 1}, "nnnnn"},
      {"infinite", {{1, 0}, {0, inf}}, {1, 1}, "nnnnn"},
      {"right side not finite", {{1, 0}, {0, 1}}, {1, nan}, "nnnnn"},
  };
}

std::string name_of(const Array& status) { return name(static_cast<StatusCode>(status.item<int>())); }

// ‖b - A x‖ in double precision.
double residual_of(const Array& a, const Array& b, const Array& x) {
  const Array r = astype(b, float64) - dot(astype(a, float64), astype(x, float64));
  return norm(r).item();
}

KrylovResult lane(const KrylovResult& r, int k) { return {r.x(k), r.status(k), r.residual(k), r.products(k)}; }

// The same by an eager call, compiled, and as the first of two lanes that do not take the same steps.
std::vector<std::pair<std::string, KrylovResult>> in_all_ways(const Method& m, const Array& a, const Array& b,
                                                              double tolerance) {
  const auto solve = [&](const Array& matrix, const Array& right) { return m(matrix, right, tolerance, 100); };
  const Array both = stack({a, eye(b.size(), a.dtype())});
  return {{"eager", solve(a, b)},
          {"jit", jit(solve)(a, b)},
          {"vmap", lane(vmap(solve)(both, stack({b, ones_like(b)})), 0)},
          {"jit of vmap", lane(jit(vmap(solve))(both, stack({b, zeros_like(b)})), 0)}};
}

void expect_end(char end, const KrylovResult& r, const Array& a, const Array& b, double tolerance) {
  const std::string status = name_of(r.status);
  const double residual = residual_of(a, b, r.x), size = norm(astype(b, float64)).item();
  const double eps = epsilon(b.dtype());
  switch (end) {
    case 'c': EXPECT_EQ(status, "converged"); break;
    case 's': EXPECT_EQ(status, "stagnated"); break;
    case 'b': EXPECT_EQ(status, "breakdown"); break;
    case 'n': EXPECT_EQ(status, "nonfinite"); break;
    case '-': EXPECT_NE(status, "converged"); break;
    default: break;
  }
  if (status == "converged") { EXPECT_LE(residual, 2 * tolerance * size + 10 * eps * size); }
  if (std::isfinite(residual)) {
    const double terms = norm(astype(a, float64)).item() * norm(astype(r.x, float64)).item();
    EXPECT_NEAR(r.residual.item(), residual, 10 * eps * (size + terms));
  }
}

TEST(Krylov, SolvesOrSaysThatItDoesNot) {
  for (const Dtype dtype : {float64, float32}) {
    const double tolerance = dtype == float64 ? 1e-12 : 1e-5;
    for (const System& s : systems()) {
      for (std::size_t k = 0; k < methods().size(); ++k) {
        const Array a = astype(array(s.a), dtype), b = array(s.b, dtype);
        for (const auto& [way, r] : in_all_ways(methods()[k], a, b, tolerance)) {
          SCOPED_TRACE(s.name + " by " + methods()[k].name + ", " + way + ", " + name(dtype));
          expect_end(s.ends[k], r, a, b, tolerance);
          EXPECT_EQ(r.x.dtype(), dtype);
          EXPECT_LE(r.products.item<int>(), 101);
        }
      }
    }
  }
}

TEST(Krylov, OfNothingNothing) {
  for (const Method& m : methods()) {
    SCOPED_TRACE(m.name);
    for (const std::int64_t n : {0, 1, 3}) {
      const Array b = zeros({n}, float32);
      for (const auto& [way, r] : in_all_ways(m, 2 * eye(n, float32), b, 1e-5)) {
        EXPECT_TRUE(array_equal(r.x, b).item<bool>()) << way;
        EXPECT_EQ(name_of(r.status), "converged") << way;
        EXPECT_EQ(r.residual.item(), 0) << way;
        EXPECT_EQ(r.products.item<int>(), 0) << way;
      }
    }
  }
}

Array laplacian(std::int64_t n, Dtype dtype = float64) {
  return 2 * eye(n, dtype) - eye(n, n, 1, dtype) - eye(n, n, -1, dtype);
}

TEST(Krylov, LaplacianOfManyUnknowns) {
  const std::int64_t n = 255;
  for (const Dtype dtype : {float64, float32}) {
    const Array a = laplacian(n, dtype), b = astype(cos(3 * arange(n) * arange(n)), dtype);
    const double tolerance = dtype == float64 ? 1e-10 : 2e-3;
    for (Method m : methods()) {
      if (m.restart == 2) continue;
      SCOPED_TRACE(m.name + ", " + name(dtype));
      m.restart = n;
      const KrylovResult r =
          jit([&](const Array& matrix, const Array& right) { return m(matrix, right, tolerance, 2000); })(a, b);
      expect_end('c', r, a, b, tolerance);
      EXPECT_LE(r.products.item<int>(), m.name == "gmres" ? n + 1 : 1500);
    }
  }
}

TEST(Krylov, WhatRoundingLeavesIsConvergedWhereItIsAskedFor) {
  // The smooth right side's solution is large beside it, and A x is rounded by more than the tolerance.
  const std::int64_t n = 200;
  const double h2 = 1e8;
  const Array b = ones({n});
  const auto product = [&](const Array& v) {
    const Array none = zeros({1});
    return h2 * (2 * v - concatenate({v(slice(1, end)), none}) - concatenate({none, v(slice(end, -1))}));
  };
  const Array k = 1.0 * arange(n), x = (k + 1) * (static_cast<double>(n) - k) / (2 * h2);
  for (const Method& m : methods()) {
    if (m.restart == 2) continue;
    SCOPED_TRACE(m.name);
    for (const bool to_rounding : {false, true}) {
      KrylovOptions o{1e-14, 40000, static_cast<int>(n)};
      o.or_to_rounding = to_rounding;
      const auto solve = [&](const Array& right) { return m.function(product, right, o); };
      for (const KrylovResult& r : {solve(b), jit(solve)(b), lane(vmap(solve)(stack({zeros({n}), b})), 1)}) {
        EXPECT_EQ(name_of(r.status), to_rounding ? "converged" : "stagnated");
        EXPECT_LE(norm(r.x - x).item(), 1e-9 * norm(x).item());
        EXPECT_LE(r.residual.item(), 1e-9 * norm(b).item());
      }
    }
  }
}

TEST(Krylov, EndsAtItsBudget) {
  // 40 different eigenvalues want 40 products.
  const Array a = diag(1.0 + 100.0 * arange(40)), b = ones({40});
  for (const Method& m : methods()) {
    for (const std::int64_t most : {0, 1, 7}) {
      SCOPED_TRACE(m.name + " with " + std::to_string(most));
      const KrylovResult r = m(a, b, 1e-12, most);
      EXPECT_EQ(name_of(r.status), "max_steps");
      EXPECT_LE(r.products.item<int>(), most + 1);
      EXPECT_NEAR(r.residual.item(), residual_of(a, b, r.x), 1e-12);
      EXPECT_GT(r.residual.item(), 1e-3);
    }
  }
}

TEST(Krylov, LanesEndByThemselves) {
  // One lane ends at once, one fails, one takes long, one is done before it starts.
  const std::int64_t n = 30;
  const Array a = stack({3 * eye(n), diag(where(arange(n) == 4, Array(std::nan("")), Array(1.0))), laplacian(n),
                         laplacian(n), zeros({n, n})}),
              right = cos(arange(n) * arange(n) * 1.0);
  const Array b = stack({right, right, right, zeros_like(right), right});
  for (const Method& m : methods()) {
    const auto solve = [&](const Array& matrix, const Array& v) { return m(matrix, v, 1e-11, 400); };
    const KrylovResult eager = vmap(solve)(a, b), compiled = jit(vmap(solve))(a, b);
    for (int k = 0; k < 5; ++k) {
      const KrylovResult alone = solve(a(k), b(k));
      for (const KrylovResult& all : {eager, compiled}) {
        SCOPED_TRACE(m.name + ", lane " + std::to_string(k));
        const KrylovResult r = lane(all, k);
        EXPECT_EQ(name_of(r.status), name_of(alone.status));
        EXPECT_EQ(r.products.item<int>(), alone.products.item<int>());
        if (k == 1) continue;
        EXPECT_LE(norm(r.x - alone.x).item(), 1e-12 * norm(alone.x).item());
      }
    }
    EXPECT_EQ(name_of(lane(eager, 0).status), "converged") << m.name;
    EXPECT_EQ(name_of(lane(eager, 1).status), "nonfinite") << m.name;
    EXPECT_EQ(name_of(lane(eager, 4).status), "breakdown") << m.name;
    EXPECT_LT(lane(eager, 0).products.item<int>(), 5) << m.name;
  }
}

TEST(Krylov, WhatHasEndedDividesByNothing) {
  // Lanes that are done, from the start or by breakdown, go through the others' steps.
  const Array a = stack({eye(3), zeros({3, 3}), array(scaled(1)), array(scaled(1))}),
              b = array({{1.0, 2.0, 3.0}, {1.0, 2.0, 3.0}, {1.0, 2.0, 3.0}, {0.0, 0.0, 0.0}});
  const DebugNans watch(true);
  for (const Method& m : methods()) {
    SCOPED_TRACE(m.name);
    const auto solve = [&](const Array& matrix, const Array& right) { return m(matrix, right, 1e-12); };
    for (int k = 0; k < 4; ++k) EXPECT_NO_THROW(solve(a(k), b(k)));
    EXPECT_NO_THROW(vmap(solve)(a, b));
  }
}

TEST(Krylov, NoPositiveCurvatureIsABreakdownWhateverTheResidual) {
  // Without its second element the right side is solved in a step, to 1.5 times the tolerance, and 2 would be enough.
  const Array a = diag(array({1.0, -1e-6})), b = array({1.0, 1.5e-10});
  for (const Method& m : methods()) {
    const KrylovResult r = m(a, b, 1e-10);
    EXPECT_LE(r.residual.item(), 2e-10) << m.name;
    EXPECT_EQ(name_of(r.status), m.name == "cg" ? "breakdown" : "converged") << m.name;
  }
}

TEST(Krylov, InverseAsPreconditioner) {
  const Array i = arange(10) * 1.0;
  const Array a = abs(sin(outer(1 + i, 7 + 3 * i * i))) + diag(power(i, 6)), b = cos(i), inverse = linalg::inv(a);
  for (const Method& m : methods()) {
    if (m.name != "gmres" && m.name != "bicgstab") continue;
    const auto solve = [&](const Array& right) {
      return m(a, right, 1e-9, 1000, [&](const Array& v) { return dot(inverse, v); });
    };
    for (const KrylovResult& r : {solve(b), jit(solve)(b)}) {
      SCOPED_TRACE(m.name);
      expect_end('c', r, a, b, 1e-9);
      EXPECT_LE(r.products.item<int>(), 4);
    }
  }
}

TEST(Krylov, DiagonalAsPreconditioner) {
  const std::int64_t n = 40;
  const Array size = exp(0.25 * arange(n)), sign = where(arange(n) % 3 == 0, Array(-1.0), Array(1.0));
  const Array definite = diag(size) + 0.1 * eye(n, n, 1) + 0.1 * eye(n, n, -1),
              indefinite = definite - diag(where(sign < 0, 2 * size, Array(0.0)));
  const Array b = sin(1 + arange(n) * 1.0);
  const double tolerance = 1e-10;
  for (const Method& m : methods()) {
    if (m.restart == 2) continue;
    for (const bool is_definite : {true, false}) {
      if (!is_definite && m.name == "cg") continue;
      SCOPED_TRACE(m.name + (is_definite ? ", definite" : ", indefinite"));
      const Array& a = is_definite ? definite : indefinite;
      const KrylovResult plain = m(a, b, tolerance),
                         r = jit([&](const Array&right) {
                           return m(a, right, tolerance, 1000, [&](const Array& v) { return v / size; });
                         })(b);
      expect_end('c', r, a, b, tolerance);
      EXPECT_LE(r.products.item<int>(), 30);
      EXPECT_LT(r.products.item<int>(), plain.products.item<int>());
    }
  }
  // One that is not positive definite.
  for (const Method& m : methods()) {
    if (m.name != "cg" && m.name != "minres") continue;
    const KrylovResult r = m(definite, b, tolerance, 1000, [](const Array& v) { return -v; });
    EXPECT_EQ(name_of(r.status), "breakdown") << m.name;
  }
}

TEST(Krylov, WhatRoundingHasLostTheNextCycleMakesGood) {
  // A recurrence's residual goes on falling below rounding of the true one, and says nothing then.
  const std::int64_t n = 60;
  const Array a = diag(exp(0.2 * arange(n))), b = ones({n});
  for (const Method& m : methods()) {
    if (m.restart == 2) continue;
    const KrylovResult r = m(a, b, 1e-14, 4000), never = m(a, b, 1e-30, 4000);
    SCOPED_TRACE(m.name);
    expect_end(m.name == "bicgstab" ? '*' : 'c', r, a, b, 1e-14);
    expect_end('-', never, a, b, 1e-30);
  }
}

}  // namespace krylov_test
