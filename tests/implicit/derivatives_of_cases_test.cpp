// What derivatives of solves promise, of every case of the one table (tests/solvers/known_cases.hpp): forward mode, reverse mode and
// differences of the problem solved again agree, whichever adjoint is used; so do second derivatives, in both mixes of the modes; the
// optimal value goes by the multipliers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"
#include "tests/solvers/known_cases.hpp"

namespace derivatives_of_cases_test {

using namespace dini;
using namespace dini::tests;

// Those with derivatives.
std::vector<KnownCase> cases() {
  std::vector<KnownCase> out;
  for (const KnownCase& c : known_cases()) {
    const bool large = c.start.size() > 30;
    if (c.status != StatusCode::converged || c.singular || c.stiff || !c.smooth || c.theta.empty() || large) continue;
    out.push_back(c);
  }
  return sample(out, 10);
}

// The exact adjoints that take a case's linear system.
std::vector<Adjoint> adjoints_of(const KnownCase& c) {
  std::vector<Adjoint> out;
  const bool bracket = c.kind == Kind::bracketed_root, program = c.kind == Kind::quadratic_program;
  const Kind kind = bracket ? Kind::root : program ? Kind::minimize : c.kind;
  for (const auto& info : library_adjoints()) {
    // Biconjugate gradients break down where the matrix has a block of zeros, as that of constraints has.
    if (info.name == "bicgstab" && (c.equal || c.at_most)) continue;
    const bool takes = info.name == "diagonal" ? bracket : takes_any_jacobian(info.name) || c.definite || bracket;
    const bool ruled_out = std::find(c.without.begin(), c.without.end(), info.name) != c.without.end();
    if (info.make({}).exact() && info.kinds.has(kind) && takes && !ruled_out) out.push_back(info.make({}));
  }
  return out;
}

class Derivatives : public testing::TestWithParam<KnownCase> {
 protected:
  // The case with its data moved by t along a way, solved from the solution.
  explicit Derivatives() : c(GetParam()), theta(array(c.theta)) {
    const Array sizes = where(theta == 0.0, 1.0, abs(theta));
    way = sizes * cos(1.9 * arange(theta.size()) + 0.4);
    if (!c.start.empty()) from = solve(c, theta).z;
    weights = sin(1.0 + 1.0 * arange(solve(c, theta, {.start = from}).everything().size()));
  }
  const KnownCase& c;
  Array theta, way, from, weights;

  Array all(const Array& t, const Adjoint& a = {}) const {
    return solve(c, theta + t * way, {.options = {.adjoint = a}, .start = from}).everything();
  }
  // By Richardson's extrapolation of central differences.
  template <class F> Array difference(const F& f, double h) const {
    auto central = [&](double step) { return (f(array(step)) - f(array(-step))) / (2 * step); };
    return (4 * central(h / 2) - central(h)) / 3;
  }
  // As short as the way is beside the solution, and beside how the slope changes.
  double step(const Array& y, const Array& slope, const Array& curvature) const {
    auto ratio = [](double a, double b) { return b > 0 ? a / b : 1; };
    const double at = std::max(largest(y), 1e-3), by = largest(slope);
    return 1e-3 * std::min({1.0, ratio(at, by), by > 0 ? ratio(by, largest(curvature)) : 1});
  }
};

TEST_P(Derivatives, AgreeWithEachOtherAndWithDifferences) {
  auto forward = [&](const Array& t) { return jvp([&](const Array& s) { return all(s); }, t, array(1.0)).tangent; };
  auto weighted = [&](const Array& t) { return sum(weights * all(t)); };
  auto reverse = [&](const Array& t) { return grad(weighted)(t); };
  const Array zero = array(0.0), slope = forward(zero);
  const Array curvature = jvp(forward, zero, array(1.0)).tangent;
  const double h = step(all(zero), slope, curvature), size = std::max(1.0, largest(slope));

  EXPECT_LE(largest(slope - difference([&](const Array& t) { return all(t); }, h)), 1e-6 * size) << slope;
  EXPECT_NEAR(reverse(zero).item(), sum(weights * slope).item(), 1e-9 * sum(abs(weights * slope)).item() + 1e-12);

  // By two adjoints more, each time others, so that the table of cases meets all of them.
  const auto adjoints = adjoints_of(c);
  const std::size_t first = c.name.size() + c.theta.size();
  for (std::size_t k : {first, first + 1}) {
    const Adjoint& a = adjoints.at(k % adjoints.size());
    auto by = [&](const Array& t) { return all(t, a); };
    EXPECT_LE(largest(jvp(by, zero, array(1.0)).tangent - slope), 1e-8 * size) << a.name();
    const double back = grad([&](const Array& t) { return sum(weights * by(t)); })(zero).item();
    EXPECT_NEAR(back, sum(weights * slope).item(), 1e-8 * size) << a.name();
  }

  // Second derivatives: forward over reverse, reverse over forward, forward over forward.
  const double wanted = difference(reverse, h).item();
  const double bound = 1e-6 * std::max(1.0, sum(abs(weights * curvature)).item());
  EXPECT_NEAR(jvp(reverse, zero, array(1.0)).tangent.item(), wanted, bound);
  EXPECT_NEAR(grad([&](const Array& t) { return sum(weights * forward(t)); })(zero).item(), wanted, bound);
  EXPECT_NEAR(sum(weights * curvature).item(), wanted, bound);
}

TEST_P(Derivatives, TheOptimalValueGoesByTheMultipliers) {
  if (c.kind == Kind::root || c.kind == Kind::fixed_point || c.kind == Kind::bracketed_root) return;
  const Solved at = solve(c, theta, {.start = from});
  const Array by_multipliers = grad([&](const Array& t) { return lagrangian(c, t, at); })(theta);
  const Array slope = grad([&](const Array& t) { return sum(solve(c, t, {.start = from}).objective); })(theta);
  EXPECT_LE(largest(slope - by_multipliers), 1e-9 * std::max(1.0, largest(slope))) << slope << by_multipliers;
}

INSTANTIATE_TEST_SUITE_P(Cases, Derivatives, testing::ValuesIn(cases()), [](const auto& info) {
  std::string out = std::to_string(info.index) + "_";
  for (char ch : info.param.name) out += std::isalnum(static_cast<unsigned char>(ch)) ? ch : '_';
  return out;
});

}  // namespace derivatives_of_cases_test
