// A problem: an equation, its data, a starting point, and what to differentiate; read from JSON, TOML or options.
//
//     0 = F(θ, z)    z = f(θ, z)    z = argmin E(θ, z)    z = argmin ½‖r(θ, z)‖²    z = f(θ)
//
// with θ the inputs. Everything that can be checked without solving is checked when it is made.
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

struct Problem {
  using Inputs = std::map<std::string, Array>;

  std::optional<Kind> kind;  // none: "value", there is nothing to solve
  Dtype dtype = Dtype::float64;
  std::vector<std::pair<std::string, Formula>> let;  // in the order of the file
  std::vector<std::string> input_names;              // in the order of the file
  Inputs inputs;
  std::optional<Formula> formula, loss, z0_formula;
  Array z0;  // undefined where there is a formula, or none is needed
  std::vector<std::string> gradient, hessian, jacobian, batch;
  Array lower, upper;  // undefined where there is none
  std::optional<std::pair<Array, Array>> bracket;
  ProblemMethod solver, adjoint;
  std::optional<ProblemTolerance> tolerance;
  std::optional<std::int64_t> max_steps;
  std::optional<double> deadline;
  std::vector<std::string> warnings;

  /// A formula's value at these inputs and, where it is defined, this z; the `let`s that it needs come first.
  Array evaluate(const Formula& f, const Inputs& at, const Array& z = {}) const;
  /// "root", ..., "value".
  const char* kind_name() const;
  /// The start, from its value or formula, in the problem's dtype.
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
