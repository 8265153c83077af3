// Equations whose solutions and derivatives are known.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace dini::tests {

struct EquationCase {
  using Point = std::vector<double>;
  using Matrix = std::vector<Point>;
  std::string name;
  bool fixed_point;
  std::function<Array(const Array& theta, const Array& z)> f;
  Point theta, start, value;
  Matrix slope;  // ∂z/∂θ
  // Solvers and adjoints that the mathematics rules out: by the spectral radius of ∂f/∂z for those that only contract, by a
  // step that is much shorter than the error for those that stop on it, by the textbook's Anderson solver's regularisation and
  // its 50 steps, by a breakdown that stabilised biconjugate gradients
  // meet with these numbers (and report).
  std::vector<std::string> without = {};
  bool definite = false;  // ∂F/∂z, or I - ∂f/∂z, is symmetric and positive definite: conjugate gradients will do
  double condition = 1;
};
inline void PrintTo(const EquationCase& c, std::ostream* out) { *out << c.name; }

const std::vector<EquationCase>& equation_cases();
/// Rows side by side.
Array matrix_of(const EquationCase::Matrix& m);

}  // namespace dini::tests
