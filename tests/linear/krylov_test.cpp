// Krylov methods: a method's result solves the system, or its status says that it does not.
#include "dini/linear/krylov.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace krylov_test {

using namespace dini::detail;

using Rows = std::vector<RealVector>;
struct System {
  std::string name;
  Rows a;
  RealVector b;
  bool gmres, gmres_2, cg, bicgstab;  // which of them solve it; gmres_2 restarts after 2
};

RealVector product(const Rows& a, const RealVector& v) {
  RealVector out;
  for (const RealVector& row : a) {
    double s = 0;
    for (std::size_t k = 0; k < v.size(); ++k) s += row[k] * v[k];
    out.push_back(s);
  }
  return out;
}

std::vector<System> systems() {
  return {
      {"identity", {{1, 0}, {0, 1}}, {3, 4}, true, true, true, true},
      {"positive definite", {{4, 1, 0}, {1, 3, -1}, {0, -1, 2}}, {1, 2, 3}, true, true, true, true},
      {"not symmetric", {{1, 5}, {-2, -2}}, {3, 4}, true, true, false, true},
      {"nearly singular", {{3.9, 1.65}, {6.845, 2.9}}, {5.5, 9.7}, true, true, false, true},
      {"cyclic shift",
       {{0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 0}},
       {1, 0, 0, 0},
       true,
       false,
       false,
       false},
      {"indefinite", {{1, 0}, {0, -1}}, {1, 1}, true, true, false, false},
      {"singular, without solution", {{1, 1}, {0, 0}}, {1, 1}, false, false, false, false},
      {"zero", {{0, 0}, {0, 0}}, {1, 1}, false, false, false, false},
      {"not finite", {{1, NAN}, {0, 1}}, {1, 1}, false, false, false, false},
  };
}

void expect(const System& s, const std::string& method, const KrylovResult& r, bool solved) {
  const RealVector ax = product(s.a, r.x);
  double residual = 0;
  for (std::size_t k = 0; k < ax.size(); ++k) residual = std::hypot(residual, s.b[k] - ax[k]);
  EXPECT_EQ(r.status == 0, solved) << s.name << " by " << method << ": status " << r.status << ", residual "
                                   << residual;
  if (r.status == 0) {
    EXPECT_LE(residual, 1e-11) << s.name << " by " << method;
    EXPECT_NEAR(residual, r.residual, 1e-15) << s.name << " by " << method;
  }
  EXPECT_LE(r.products, 101) << s.name << " by " << method;
}

TEST(Krylov, SolvesOrSaysThatItDoesNot) {
  for (const System& s : systems()) {
    const RealOperator a = [&](const RealVector& v) { return product(s.a, v); };
    expect(s, "gmres", gmres(a, s.b, 50, 1e-12, 100), s.gmres);
    expect(s, "gmres with restarts", gmres(a, s.b, 2, 1e-12, 100), s.gmres_2);
    expect(s, "cg", conjugate_gradients(a, s.b, 1e-12, 100), s.cg);
    expect(s, "bicgstab", bicgstab(a, s.b, 1e-12, 100), s.bicgstab);
    // Of nothing, nothing.
    const RealVector none(s.b.size(), 0.0);
    EXPECT_EQ(gmres(a, none, 50, 1e-12, 100).x, none) << s.name;
    EXPECT_EQ(conjugate_gradients(a, none, 1e-12, 100).x, none) << s.name;
  }
}

TEST(Krylov, EndsAtItsBudget) {
  // 40 different eigenvalues want 40 products.
  const RealOperator a = [](const RealVector& v) {
    RealVector out = v;
    for (std::size_t k = 0; k < v.size(); ++k) out[k] *= 1.0 + 100.0 * static_cast<double>(k);
    return out;
  };
  const RealVector b(40, 1.0);
  for (const KrylovResult& r :
       {gmres(a, b, 50, 1e-12, 7), conjugate_gradients(a, b, 1e-12, 7), bicgstab(a, b, 1e-12, 7)}) {
    EXPECT_EQ(r.status, 1);
    EXPECT_LE(r.products, 8);
    EXPECT_GT(r.residual, 1e-3);
  }
}

}  // namespace krylov_test
