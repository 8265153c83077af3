// Problems with bounds and constraints whose solutions, multipliers and derivatives are known.
//
// All from Hock and Schittkowski, Test Examples for Nonlinear Programming Codes (1981), Moré, Garbow and Hillstrom, ACM Trans. Math.
// Software 7 (1981), or small enough to be solved by hand. θ are the data by which derivatives are known: numbers in a vector.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/constrained.hpp"

namespace dini::tests {

using Point = std::vector<double>;

struct ConstrainedCase {
  using Of = std::function<Array(const Array& theta, const Array& z)>;
  using Bound = std::function<Array(const Array& theta)>;

  std::string name;
  Kind kind = Kind::minimize;
  Point theta = {};
  Of f;  // what is made least; of a fit the residuals; of a root F
  Bound lower = nullptr, upper = nullptr;
  Of equal = nullptr, at_most = nullptr;
  Point start;

  struct Solution {
    Point z;
    double objective = std::nan("");
    Point equal = {}, at_most = {};  // ν, λ
    Point lower = {}, upper = {};    // μ
    std::vector<Point> slopes = {};  // dz/dθ_k; empty where it is not known
  };
  std::vector<Solution> solutions = {};  // one of which is found
  StatusCode status = StatusCode::converged;
  int weakly_active = 0;
  bool singular = false;  // there is no derivative
};
inline void PrintTo(const ConstrainedCase& c, std::ostream* out) { *out << c.name; }

/// The problem as solvers get it.
inline detail::SolverProblem problem_of(const ConstrainedCase& c, const Array& theta) {
  detail::SolverProblem p;
  p.kind = c.kind;
  auto bound = [&](const auto& f) { return Function([f, theta](const Array& z) { return f(theta, z); }); };
  p.objective = bound(c.f);
  const Function f = p.objective;
  if (c.kind == Kind::root) {
    p.residual = f;
    p.objective = {};
  } else if (c.kind == Kind::minimize) {
    p.residual = Function(grad([f](const Array& z) { return f(z); }));
  } else {
    p.residual = Function([f](const Array& z) {
      const auto r = vjp([&](const Array& x) { return f(x); }, z);
      return r.pullback(r.value);
    });
  }
  p.structure.symmetric = c.kind != Kind::root;
  if (c.lower) p.lower = c.lower(theta);
  if (c.upper) p.upper = c.upper(theta);
  if (c.equal) p.equal = bound(c.equal);
  if (c.at_most) p.at_most = bound(c.at_most);
  return p;
}

const std::vector<ConstrainedCase>& cases_with_bounds();
const std::vector<ConstrainedCase>& cases_with_constraints();

}  // namespace dini::tests
