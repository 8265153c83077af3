// Problems of every kind whose solutions, multipliers or derivatives are known: one table, of which tests make what they promise.
//
// With bounds and constraints they are from Hock and Schittkowski, Test Examples for Nonlinear Programming Codes (1981), Moré, Garbow and
// Hillstrom, ACM Trans. Math. Software 7 (1981), or small enough to be solved by hand. θ are the data by which there are derivatives:
// numbers in a vector.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/solvers/constrained.hpp"

namespace dini::tests {

using Point = std::vector<double>;

struct KnownCase {
  using Of = std::function<Array(const Array& theta, const Array& z)>;
  using Bound = std::function<Array(const Array& theta)>;

  std::string name;
  Kind kind = Kind::minimize;
  Point theta = {};
  Of f;  // what is made least; of a fit the residuals; of a root F; of a fixed point its map
  Bound lower = nullptr, upper = nullptr;
  Of equal = nullptr, at_most = nullptr;
  Point start;  // none of a root in a bracket, whose ends the bounds are

  struct Solution {
    Point z;
    double objective = std::nan("");
    Point equal = {}, at_most = {};  // ν, λ
    Point lower = {}, upper = {};    // μ
    std::vector<Point> slopes = {};  // dz/dθ_k; empty where it is not known, NaN where an element is not
    // d²z/dθ_k², and how multipliers go with θ_k; empty where it is not known.
    std::vector<Point> bends = {}, equal_slopes = {}, at_most_slopes = {}, lower_slopes = {}, upper_slopes = {};
  };
  std::vector<Solution> solutions = {};  // one of which is found
  StatusCode status = StatusCode::converged;
  int weakly_active = 0;
  bool singular = false;  // there is no derivative
  bool smooth = true;     // differences of the solution are its derivatives
  bool definite = false;  // ∂F/∂z of a root, or I - ∂f/∂z of a fixed point, is symmetric and positive definite
  bool stiff = false;     // so badly conditioned that differences show little
  std::vector<std::string> without = {};  // adjoints that the mathematics rules out

  Restriction restriction() const {
    if (kind == Kind::bracketed_root) return Restriction::none;
    if (equal || at_most || kind == Kind::quadratic_program) return Restriction::general;
    return lower || upper ? Restriction::bounds : Restriction::none;
  }
};
inline void PrintTo(const KnownCase& c, std::ostream* out) { *out << c.name; }

/// The problem as solvers get it.
inline detail::SolverProblem problem_of(const KnownCase& c, const Array& theta) {
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

/// What a solve of a case found, by the public functions: multipliers and certificates side by side in vectors.
struct Solved {
  Array z, equal, at_most, lower, upper, objective;
  Array status, steps, evaluations, residual_norm, error_estimate;
  Array active, weakly_active, dependent;
  Array certificate, ray;
  auto tree() {
    return std::tie(z, equal, at_most, lower, upper, objective, status, steps, evaluations, residual_norm,
                    error_estimate, active, weakly_active, dependent, certificate, ray);
  }
  StatusCode code() const { return Status{status}.get(); }
  /// All that has derivatives, in one vector.
  Array everything() const;
};

struct How {
  MinimizeOptions options = {};
  Array start = {};  // in the place of the case's
  Dtype dtype = Dtype::float64;
};
/// A quadratic program is handed on as its arrays: those of the case's functions, which are quadratic and affine.
Solved solve(const KnownCase& c, const Array& theta, const How& how = {});
QuadraticProgram program_of(const KnownCase& c, const Array& theta, Dtype dtype = Dtype::float64);
/// L(θ) = f + νᵀc + λᵀg + μ_lᵀl - μ_uᵀu at what was found, by whose gradient in θ the optimal value goes; of a fit f is ½‖r‖².
Array lagrangian(const KnownCase& c, const Array& theta, const Solved& at);

const std::vector<KnownCase>& cases_with_bounds();
const std::vector<KnownCase>& cases_with_constraints();
/// These and all others: equations, systems of the literature, brackets, optima, quadratic programs.
const std::vector<KnownCase>& known_cases();
}  // namespace dini::tests
