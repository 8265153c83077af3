// Quadratic and linear programs whose solutions, multipliers and derivatives are known by hand.
#pragma once

#include "tests/implicit/quadratic_program.hpp"

namespace dini::tests {

// A field of a program by its name.
inline Array& field(QuadraticProgram& p, const std::string& name) {
  if (name == "P") return p.P;
  if (name == "q") return p.q;
  if (name == "A") return p.A;
  if (name == "b") return p.b;
  if (name == "G") return p.G;
  if (name == "h") return p.h;
  if (name == "h_lower") return p.h_lower;
  return name == "lower" ? p.lower : p.upper;
}
inline const char* const program_fields[] = {"P", "q", "A", "b", "G", "h", "h_lower", "lower", "upper"};

struct ProgramCase {
  struct Value {
    std::string of;
    Numbers is;
  };
  // The derivative of a result by an element of a field; of P by those on both sides of the diagonal together.
  struct Slope {
    std::string of, by;
    std::int64_t row, column;
    Numbers is;
  };
  std::string name;
  QuadraticProgram program;
  std::vector<Value> values;
  std::vector<Slope> slopes;
  std::int64_t weakly_active = 0, dependent = 0;
  bool smooth = true;  // differences are derivatives
  double digits = 1e-13;
};

const std::vector<ProgramCase>& program_cases();

}  // namespace dini::tests
