// Formulas: NumPy's expressions as text, evaluated with the library's own functions. A formula is therefore a function
// like one written in C++: it can be traced, differentiated, batched and compiled.
//
//     Formula f = Formula::parse("tanh(W @ z + x)", {"z", "W", "x"});
//     Array y = f.evaluate({{"z", z}, {"W", W}, {"x", x}});
//
// The language: numbers, True, False, pi and e; + - * / // % ** @, comparisons (unchained), & | ~, with Python's
// precedence; NumPy's broadcasting, indexing and slicing; .T; calls with NumPy's keyword arguments; [a, b] and (a, b) as
// arguments. Shapes, axes and slice bounds are whole-number expressions of literals, len(x) and size(x).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

struct FormulaOptions {
  /// What messages call the formula: "loss, column 3: ...".
  std::string label = "formula";
  /// The dtype of what creation functions make: zeros, eye, linspace, ...
  Dtype dtype = Dtype::float64;
  /// Whether a comparison at the top is read as the difference of its sides, left - right: an equation or inequality.
  bool sides = false;
};

/// The names that may stand in a formula.
using FormulaNames = std::set<std::string, std::less<>>;

/// An expression that was read, of named arrays.
class Formula {
 public:
  /// Reads a formula in which `names` may stand. FormulaError, with line and column and the line shown with a mark, where
  /// it is wrong: unknown names, arguments of the wrong number, unbalanced brackets, nesting deeper than 200, numbers
  /// that are out of range.
  static Formula parse(const std::string& text, const FormulaNames& names, const FormulaOptions& options = {});

  /// The value. Every name that the formula uses must be given. FormulaError, with the column, where shapes or dtypes do
  /// not fit; what traces and solves throw passes through.
  Array evaluate(const std::map<std::string, Array>& values) const;

  const std::string& text() const;
  /// How the sides are compared of which it is the difference: "==", "<=", ...; nothing where it is none.
  const std::string& comparison() const;
  /// The names that it uses, each once, in the order of their first use.
  const std::vector<std::string>& names() const;

  static constexpr int max_depth = 200;
  static constexpr std::size_t max_length = 262144;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

/// The names of all functions of the language, sorted.
const std::vector<std::string>& formula_functions();

}  // namespace dini
