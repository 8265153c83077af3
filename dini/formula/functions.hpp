// The functions of the formula language: one table, in functions.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dini/core/array.hpp"

namespace dini::formula {

/// What a parameter takes. All but arrays are known before anything is computed.
enum class Kind : std::uint8_t {
  array,    // an expression; a sequence of them is stacked
  arrays,   // a sequence of arrays
  blocks,   // sequences of arrays, nested to one depth, and joined
  indices,  // whole numbers or an integer array
  whole,    // a whole number
  wholes,   // a whole number or a sequence of them: shapes, axes, shifts
  pairs,    // a whole number, or two of the above
  number,   // a number
  order,    // a number or inf
  flag,     // True or False
};

/// A number that is known before anything is computed; whole ones in the range of int64 are kept as such.
struct Number {
  bool whole = false;
  std::int64_t integer = 0;
  double value = 0;
};

struct Wholes {
  bool single = false;  // a number, not a sequence
  std::vector<std::int64_t> values;
};

/// A value for a parameter: the member that belongs to the parameter's kind.
struct Argument {
  bool none = false;  // None was given, or is the default
  Array array;
  std::vector<Array> arrays;
  Wholes wholes, second;  // `second` only of two
  bool pair = false;      // two lists of axes
  Number number;
  bool flag = false;
};

struct Parameter {
  std::string name;
  Kind kind = Kind::array;
  bool required = true;
  bool may_be_none = false;
  Argument fallback;
};

struct Function {
  std::string name;
  std::string signature;  // "sum(a, axis=None, keepdims=False)"
  std::vector<Parameter> parameters;
  std::size_t required = 0;
  std::function<Array(const std::vector<Argument>&, Dtype)> call;
};

/// The function of a name; null where there is none.
const Function* find_function(std::string_view name);
/// All of them, sorted by name.
const std::vector<Function>& all_functions();

}  // namespace dini::formula
