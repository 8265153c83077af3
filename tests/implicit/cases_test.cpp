// Equations whose solutions and derivatives are known, by every solver of the library, every exact adjoint, both dtypes, and
// every way of running: at once, compiled, batched, and with a function that is called with values.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/implicit/equation_cases.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"

namespace cases_test {

using namespace dini;

using Case = tests::EquationCase;

struct Way {
  const MethodInfo<Solver>* solver;
  const MethodInfo<Adjoint>* adjoint;
  Dtype dtype;
  double value_digits, slope_digits;
};

using tests::largest;

class Cases : public testing::TestWithParam<Case> {
 protected:
  // Every combination that the case's mathematics allows.
  std::vector<Way> ways() const {
    const Case& c = GetParam();
    std::vector<Way> out;
    std::size_t number = c.name.size();
    for (const auto& solver : tests::usual_solvers(c.fixed_point ? Kind::fixed_point : Kind::root)) {
      if (std::find(c.without.begin(), c.without.end(), solver.name) != c.without.end()) continue;
      for (const auto& adjoint : library_adjoints()) {
        if (!adjoint.make({}).exact() || (!adjoint.kinds.has(Kind::root) && !c.fixed_point)) continue;
        if (!tests::takes_any_jacobian(adjoint.name) && !c.definite) continue;
        if (adjoint.name == "diagonal") continue;
        // How a matrix is factorised has nothing to do with the solver: tests/linear has every method.
        if (solver.name != "newton" && !adjoint.automatic && adjoint.name != "same_solver") continue;
        if (std::find(c.without.begin(), c.without.end(), adjoint.name) != c.without.end()) continue;
        for (Dtype d : {Dtype::float64, Dtype::float32}) {
          const bool textbook = !solver.automatic, single = d == Dtype::float32;
          // A residual of 1e-6 is out of a float32's reach at this condition, and its Krylov methods say so.
          if (single && c.condition > 1000 && adjoint.name != "direct") continue;
          if (!tests::sampled(++number, 4)) continue;
          // The textbook's end at 1e-5, wherever that is; their derivative is that at the point which they return.
          out.push_back({&solver, &adjoint, d,
                         textbook ? 2e-4
                         : single ? 2e-5
                                  : 1e-11,
                         textbook ? 1e-3
                         : single ? 2e-4
                                  : 1e-9});
        }
      }
    }
    return out;
  }
  std::string text(const Way& w) const {
    return GetParam().name + " by " + w.solver->name + " and " + w.adjoint->name + " in " + name(w.dtype);
  }
  std::function<Array(const Array&)> solution(const Way& w, bool stage = true) const {
    const Case& c = GetParam();
    const Array z0 = astype(array(c.start), w.dtype);
    FixedPointOptions o{.solver = w.solver->make({}), .adjoint = w.adjoint->make({}), .stage = stage};
    return [&c, z0, o](const Array& theta) {
      return (c.fixed_point ? fixed_point(c.f, z0, o, theta) : root(c.f, z0, o, theta)).value;
    };
  }
  Array theta(const Way& w) const { return astype(array(GetParam().theta), w.dtype); }
  void expect_value(const Way& w, const Array& z, const std::string& how) const {
    EXPECT_EQ(z.dtype(), w.dtype);
    const Array wanted = array(GetParam().value);
    EXPECT_LE(largest(astype(z, Dtype::float64) - wanted),
              w.value_digits * GetParam().condition * std::max(1.0, largest(wanted)))
        << text(w) << how;
  }
  void expect_slope(const Way& w, const Array& j, const std::string& how) const {
    const Array wanted = tests::matrix_of(GetParam().slope);
    EXPECT_LE(largest(astype(j, Dtype::float64) - wanted),
              w.slope_digits * GetParam().condition * std::max(1.0, largest(wanted)))
        << text(w) << how;
  }
};

TEST_P(Cases, ValueAndBothModes) {
  for (const Way& w : ways()) {
    try {
      const auto z = solution(w);
      expect_value(w, z(theta(w)), "");
      expect_slope(w, jacfwd(z)(theta(w)), ", forward");
      expect_slope(w, jacrev(z)(theta(w)), ", reverse");
    } catch (const std::exception& e) { ADD_FAILURE() << text(w) << ": " << e.what(); }
  }
}

TEST_P(Cases, Unstaged) {
  for (const Way& w : ways()) {
    if (w.adjoint->name != "direct") continue;  // of a function called with values the Jacobian is formed anyway
    try {
      const auto z = solution(w, false);
      expect_value(w, z(theta(w)), ", unstaged");
      expect_slope(w, jacfwd(z)(theta(w)), ", unstaged, forward");
      expect_slope(w, jacrev(z)(theta(w)), ", unstaged, reverse");
    } catch (const std::exception& e) { ADD_FAILURE() << text(w) << ", unstaged: " << e.what(); }
  }
}

TEST_P(Cases, Compiled) {
  for (const Way& w : ways()) {
    try {
      const auto z = solution(w);
      expect_value(w, jit(z)(theta(w)), ", jit");
      expect_slope(w, jit(jacrev(z))(theta(w)), ", jit of reverse");
      expect_slope(w, jacfwd(jit(z))(theta(w)), ", forward of jit");
    } catch (const std::exception& e) { ADD_FAILURE() << text(w) << ", jit: " << e.what(); }
  }
}

TEST_P(Cases, Batched) {
  for (const Way& w : ways()) {
    try {
      const auto z = solution(w);
      const Array at = theta(w), lanes = stack({at, at * .999, at});
      const Array values = vmap(z)(lanes), slopes = vmap(jacrev(z))(lanes);
      for (int lane : {0, 2}) {
        expect_value(w, values(lane), ", a lane");
        expect_slope(w, slopes(lane), ", reverse in a lane");
      }
      const Array through = grad([&](const Array& l) { return sum(vmap(z)(l)); })(lanes);
      EXPECT_LE(largest(through(2) - sum(slopes(2), 0)), w.slope_digits * std::max(1.0, largest(slopes)))
          << text(w) << ", reverse through lanes";
    } catch (const std::exception& e) { ADD_FAILURE() << text(w) << ", vmap: " << e.what(); }
  }
}

INSTANTIATE_TEST_SUITE_P(Known, Cases, testing::ValuesIn(tests::equation_cases()), [](const auto& info) {
  std::string name;
  for (char c : info.param.name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

}  // namespace cases_test
