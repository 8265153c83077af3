// A problem: an equation, its data, a starting point, and what to differentiate; read from JSON, TOML or options.
//
//     0 = F(θ, z)    z = f(θ, z)    z = argmin E(θ, z)    z = argmin ½‖r(θ, z)‖²    z = argmin ½zᵀPz + qᵀz    z = f(θ)
//
// with θ the inputs, and with bounds and constraints on z. Everything that can be checked without solving is checked when it is made.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/core/kind.hpp"
#include "dini/formula/formula.hpp"
#include "dini/io/problem_value.hpp"

namespace dini {

/// A solver or an adjoint by name and with options, all of which is checked by who knows them.
struct ProblemMethod {
  using Option = std::variant<bool, std::int64_t, double, std::string>;
  std::string name = "auto";
  std::vector<std::pair<std::string, Option>> options;
};

struct ProblemTolerance {
  double absolute = 0, relative = 0;
};

/// Numbers, or an expression in the inputs and those `let`s that are without z.
struct ProblemArray {
  Array numbers;
  std::optional<Formula> formula;
  bool given() const { return numbers.defined() || formula; }
};

/// A constraint: an expression that is to be 0, or at most 0.
struct ProblemRows {
  std::string name;
  Formula formula;
  bool negated = false;  // it was written as left >= right: it is right - left
};

struct Problem {
  using Inputs = std::map<std::string, Array>;

  std::optional<Kind> kind;     // none: "value", there is nothing to solve
  bool linear_program = false;  // of kind quadratic_program, without P
  Dtype dtype = Dtype::float64;
  std::vector<std::pair<std::string, Formula>> let;  // in the order of the file
  std::vector<std::string> input_names;              // in the order of the file
  Inputs inputs;
  std::optional<Formula> formula, loss, z0_formula;  // no formula: a program
  Array z0;                                          // undefined where there is a formula, or none is needed
  std::vector<std::string> gradient, hessian, jacobian, batch;
  ProblemArray lower, upper;
  std::vector<ProblemRows> equalities, inequalities;
  std::map<std::string, ProblemArray> program;  // P, q, A, b, G, h and h_lower of a program, those that there are
  std::string ties = "average";                 // "active", "inactive", "raise"
  bool resumed = false;                         // the start is a result
  Inputs start_duals;  // by the names of constraints, of a start that is a result; of each lane where z0 is
  std::optional<std::pair<Array, Array>> bracket;
  ProblemMethod solver, adjoint;
  std::optional<ProblemMethod> robust;  // of a fit: what its residuals count for; none: their squares
  std::optional<ProblemTolerance> tolerance;
  std::optional<std::int64_t> max_steps;
  std::optional<double> deadline;
  std::vector<std::string> warnings;

  /// A formula's value at these inputs and, where it is defined, this z; the `let`s that it needs come first.
  Array evaluate(const Formula& f, const Inputs& at, const Array& z = {}) const;
  /// With what there is of a solution, by name: z, and what found_names() has. Inputs and `let`s of such a name come first.
  Array evaluate_found(const Formula& f, const Inputs& at, const Inputs& found) const;
  /// In the problem's dtype.
  Array value(const ProblemArray& a, const Inputs& at) const;
  /// "root", ..., "linear_program", "value".
  const char* kind_name() const;
  /// Whether there are bounds or constraints, or those of a program.
  bool constrained() const;
  /// What has multipliers: `lower`, `upper`, the constraints' names; of a program `A`, `G`, and `G_lower` where there is an h_lower.
  std::vector<std::string> dual_names() const;
  /// What a loss may use of a solution beside z: `objective` of an optimum, and `dual_NAME` of all that has multipliers.
  std::vector<std::string> found_names() const;
  /// The formulas that say what z is.
  std::vector<const Formula*> formulas() const;
  /// The start, from its value or formula, in the problem's dtype; of a program without one zeros.
  Array start(const Inputs& at) const;
};

/// The problem that a file's contents describe. Files that it names are looked for in `folder`. ProblemError names the
/// key; FormulaError the column; FileError the file. Arrays from files may take
/// `max_bytes` each.
Problem make_problem(const ProblemValue& contents, const std::string& folder,
                     std::int64_t max_bytes = std::numeric_limits<std::int64_t>::max());

/// A file's contents: TOML when it ends in .toml, else JSON.
ProblemValue read_problem_file(const std::string& path);
constexpr std::int64_t max_problem_bytes = std::int64_t{1} << 26;

}  // namespace dini
