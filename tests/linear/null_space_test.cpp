// Optimality systems by the null-space method: its solutions are those of the matrix where that is regular, and of its
// pseudo-inverse, in units of the rows' lengths, where gradients depend on each other.
#include "dini/linear/null_space.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace null_space_test {

using namespace dini;
using detail::factorize_kkt;
using detail::Leaves;
using detail::LinearSystem;
using detail::solve_kkt;

Array pattern(std::int64_t rows, std::int64_t columns, double seed) {
  const Array i = expand_dims(1.0 * arange(rows), 1), j = 1.0 * arange(columns);
  return sin(1.3 * i + 0.7 * j * j + i * j + seed);
}

// The matrix of an optimality system with H, gradients c, and rows of active bounds and inactive rows as said.
Array kkt(const Array& h, const Array& c, const std::vector<bool>& fixed, const std::vector<bool>& off) {
  const std::int64_t n = h.shape()[0], m = c.shape()[0];
  const Array on = 1.0 - astype(array(off), float64), free = 1.0 - astype(array(fixed), float64);
  const Array gradients = c * reshape(on, {m, 1});
  const Array top = concatenate({h, gradients.T()}, 1) * reshape(free, {n, 1});
  const Array all = concatenate({top, concatenate({gradients, diag(on - 1)}, 1)}, 0);
  return all + diag(concatenate({1 - free, zeros({m})}));
}

// A⁺ with rows and columns of the multipliers in units of what is left of the gradients.
Array in_units(const Array& k, std::int64_t n, const std::vector<bool>& fixed) {
  const Array c = k(slice(n, end), slice(0, n)) * (1.0 - astype(array(fixed), float64));
  const Array lengths = norm(c, 2.0, 1);
  const Array unit = concatenate({ones({n}), reciprocal(where(lengths > 0, lengths, ones_like(lengths)))});
  return reshape(unit, {unit.size(), 1}) * linalg::pinv(reshape(unit, {unit.size(), 1}) * k * unit, 1e-11) * unit;
}

struct Case {
  std::string name;
  std::int64_t n, m;
  std::vector<bool> fixed, off;
  std::int64_t twice = 0;  // how many of the last rows are 3 times the first
  bool symmetric = true;

  Array h() const {
    return symmetric ? pattern(n, n, 1) + pattern(n, n, 1).T() + 5 * eye(n) : pattern(n, n, 2) + 3 * eye(n);
  }
  Array c() const {
    const Array rows = pattern(m, n, 0.4) * reshape(exp(2.0 * sin(1.0 * arange(m))), {m, 1});
    return twice ? concatenate({rows(slice(0, m - twice)), 3.0 * rows(slice(0, twice))}) : rows;
  }
  Array matrix() const { return kkt(h(), c(), fixed, off); }
};

std::vector<Case> cases() {
  const bool o = false, x = true;
  return {
      {"no rows", 3, 0, {o, o, o}, {}},
      {"no rows, one bound", 3, 0, {o, x, o}, {}},
      {"all at bounds", 3, 2, {x, x, x}, {x, x}},
      {"equations", 5, 2, {o, o, o, o, o}, {o, o}},
      {"rows, some active", 5, 4, {o, o, o, o, o}, {o, x, x, o}},
      {"rows and bounds", 6, 5, {o, x, o, o, x, o}, {o, x, o, x, x}},
      {"a vertex", 3, 3, {o, o, o}, {o, o, o}},
      {"none active", 4, 3, {o, o, o, o}, {x, x, x}},
      {"more rows than unknowns", 3, 7, {o, o, o}, {x, o, x, x, o, x, x}},
      {"twice a row", 4, 3, {o, o, o, o}, {o, o, o}, 1},
      {"twice two rows, and a bound", 6, 5, {o, o, x, o, o, o}, {o, o, o, o, o}, 2},
      {"more active rows than unknowns", 2, 4, {o, o}, {o, o, o, x}},
      {"not symmetric", 5, 0, {o, x, o, o, x}, {}, 0, false},
      {"not symmetric, with rows", 5, 2, {o, x, o, o, o}, {o, x}, 0, false},
      {"no unknowns", 0, 0, {}, {}},
  };
}

double largest(const Array& a) { return a.size() == 0 ? 0 : max(abs(a)).item<double>(); }

TEST(NullSpace, SolvesWhatTheMatrixSaysAndItsTranspose) {
  for (const Case& c : cases()) {
    const Array k = c.matrix(), inverse = in_units(k, c.n, c.fixed);
    const Leaves f = factorize_kkt(k, c.n, c.symmetric);
    const std::int64_t size = c.n + c.m;
    const Array vector = cos(1.7 * arange(size)), columns = pattern(size, 3, 5);
    for (const Array& b : {vector, columns}) {
      // The pseudo-inverse of a matrix whose rows of bounds couple to others is another one where rows depend on each other.
      if (c.twice && any(array(c.fixed)).item<bool>()) continue;
      EXPECT_LT(largest(solve_kkt(f, k, b, false) - dot(inverse, b)), 1e-11) << c.name;
      EXPECT_LT(largest(solve_kkt(f, k, b, true) - dot(inverse.T(), b)), 1e-11) << c.name << ", transposed";
    }
  }
}

TEST(NullSpace, TransposedIsTheTransposeWhereRowsDepend) {
  for (const Case& c : cases()) {
    const Array k = c.matrix(), unit = eye(c.n + c.m);
    const Leaves f = factorize_kkt(k, c.n, c.symmetric);
    EXPECT_LT(largest(solve_kkt(f, k, unit, false).T() - solve_kkt(f, k, unit, true)), 1e-12) << c.name;
  }
}

TEST(NullSpace, IsCompiledAndTakesLanes) {
  for (const Case& c : cases()) {
    const std::int64_t size = c.n + c.m;
    auto solved = [&](const Array& k, const Array& b) {
      const Leaves f = factorize_kkt(k, c.n, c.symmetric);
      return concatenate({solve_kkt(f, k, b, false), solve_kkt(f, k, b, true),
                          astype(reshape(detail::kkt_dependent(f), {1}), b.dtype())});
    };
    const Array k = c.matrix(), b = cos(1.7 * arange(size));
    const Array eager = solved(k, b);
    EXPECT_LE(largest(jit(solved)(k, b) - eager), 1e-13) << c.name;
    // Each lane with a mask of its own.
    const Array other = kkt(c.h() + eye(c.n), c.c(), std::vector<bool>(c.n, false), std::vector<bool>(c.m, true));
    const Array lanes = vmap(solved)(stack({k, other}), stack({b, b}));
    EXPECT_LE(largest(lanes(0) - eager), 1e-13) << c.name;
    EXPECT_LE(largest(lanes(1) - solved(other, b)), 1e-13) << c.name;
    const Array single = solved(astype(k, float32), astype(b, float32));
    EXPECT_EQ(single.dtype(), float32);
    EXPECT_LE(largest(astype(single, float64) - eager), 2e-4) << c.name;
  }
}

TEST(NullSpace, RowsThatAreNearlyTheSameKeepTheirDigits) {
  // Two rows ε apart: z is where both meet, whatever ε is, and the error grows with 1/ε alone.
  for (double apart : {1e-2, 1e-4, 1e-6}) {
    const Array c = array({{1.0, 2.0, 0.5, 1.0}, {1.0, 2.0 + apart, 0.5, 1.0}}), h = diag(array({1.0, 2.0, 3.0, 4.0}));
    const Array k = kkt(h, c, std::vector<bool>(4, false), {false, false});
    const Leaves f = factorize_kkt(k, 4, true);
    EXPECT_EQ(detail::kkt_dependent(f).item<std::int64_t>(), 0);
    const Array q = array({1.0, -1.0, 0.5, 2.0}), z = solve_kkt(f, k, concatenate({q, zeros({2})}), false);
    // The null space of both rows: z₂ = 0 and z₁ + z₃/2 + z₄ = 0.
    const Array basis = array({{-0.5, 0.0, 1.0, 0.0}, {-1.0, 0.0, 0.0, 1.0}}).T();
    const Array exact = dot(basis, solve(dot(basis.T(), dot(h, basis)), dot(basis.T(), q)));
    EXPECT_LT(largest(z(slice(0, 4)) - exact), 1e-15 / apart) << apart;
  }
}

TEST(NullSpace, SaysWhatItFound) {
  struct Look {
    const char* name;
    Array h, c;
    std::vector<bool> fixed, off;
    bool definite, regular;
    std::int64_t dependent;
  };
  const Array none = zeros({0, 2}), saddle = diag(array({1.0, -1.0}));
  const std::vector<Look> looks = {
      {"definite", eye(2), none, {false, false}, {}, true, true, 0},
      {"a saddle", saddle, none, {false, false}, {}, false, true, 0},
      {"a saddle held by a bound", saddle, none, {false, true}, {}, true, true, 0},
      {"a saddle held by a row", saddle, array({{0.0, 1.0}}), {false, false}, {false}, true, true, 0},
      {"a row that is not active", saddle, array({{0.0, 1.0}}), {false, false}, {true}, false, true, 0},
      {"singular", diag(array({1.0, 0.0})), none, {false, false}, {}, false, false, 0},
      {"singular but for rounding",
       array({{1.0, 1.0 / 3}, {1.0 / 3, 1.0 / 9}}),
       none,
       {false, false},
       {},
       false,
       false,
       0},
      {"badly scaled", diag(array({1e150, 1e-150})), none, {false, false}, {}, true, true, 0},
      {"twice a row", eye(2), array({{1.0, 1.0}, {1e6, 1e6}}), {false, false}, {false, false}, true, true, 1},
      {"a row of zeros", eye(2), array({{0.0, 0.0}}), {false, false}, {false}, true, true, 1},
      {"a row on a bound", eye(2), array({{0.0, 3.0}}), {false, true}, {false}, true, true, 1},
      {"1e-8 apart", eye(2), array({{1.0, 1.0}, {1.0, 1.00000001}}), {false, false}, {false, false}, true, true, 0},
  };
  for (const Look& l : looks) {
    const Leaves f = factorize_kkt(kkt(l.h, l.c, l.fixed, l.off), 2, true);
    EXPECT_EQ(detail::kkt_definite(f).item<bool>(), l.definite) << l.name;
    EXPECT_EQ(detail::kkt_regular(f).item<bool>(), l.regular) << l.name;
    EXPECT_EQ(detail::kkt_dependent(f).item<std::int64_t>(), l.dependent) << l.name;
  }
}

TEST(NullSpace, IsALinearMethodWithDerivatives) {
  for (const Case& c : cases()) {
    if (c.n == 0 || c.twice || c.name == "more active rows than unknowns") continue;
    const Array k = c.matrix(), b = cos(1.7 * arange(c.n + c.m)), dk = k * pattern(c.n + c.m, c.n + c.m, 3);
    const auto method = detail::NullSpace{c.n}.method();
    auto by_method = [&](const Array& t) {
      const LinearSystem system = LinearSystem::of_matrix(k + t * dk, {.symmetric = c.symmetric});
      return method->solve(system, method->prepare(LinearSystem::of_matrix(k, {.symmetric = c.symmetric})), b,
                           detail::LinearFailure::raise);
    };
    auto by_lu = [&](const Array& t) { return solve(k + t * dk, b); };
    const Array zero = array(0.0);
    EXPECT_LT(largest(by_method(zero) - by_lu(zero)), 1e-12) << c.name;
    EXPECT_LT(largest(jacfwd(by_method)(zero) - jacfwd(by_lu)(zero)), 1e-10) << c.name;
    EXPECT_LT(largest(jacrev(by_method)(zero) - jacrev(by_lu)(zero)), 1e-10) << c.name;
    auto twice = [&](auto& f) { return jacrev([&](const Array& t) { return jacfwd(f)(t); })(zero); };
    EXPECT_LT(largest(twice(by_method) - twice(by_lu)), 1e-8) << c.name;
  }
}

TEST(NullSpace, ASingularSystemIsSaidToBe) {
  const auto method = detail::NullSpace{2}.method();
  const LinearSystem system = LinearSystem::of_matrix(diag(array({1.0, 0.0})), {.symmetric = true});
  EXPECT_THROW(method->solve(system, method->prepare(system), ones({2}), detail::LinearFailure::raise), SolveError);
}

}  // namespace null_space_test
