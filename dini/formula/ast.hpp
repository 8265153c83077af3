// A formula that was read, as a list of nodes. Children are numbers into the list, so that no chain, however long, is
// walked by recursion to be freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dini/formula/formula.hpp"
#include "dini/formula/functions.hpp"

namespace dini::formula {

enum class NodeKind : std::uint8_t {
  number,     // a literal
  boolean,    // True, False
  none,       // None, as an argument or a new axis
  name,       // an input; pi and e, too
  unary,      // one child
  binary,     // two children
  call,       // the arguments, in the order of the text
  keyword,    // name = child, within a call
  sequence,   // [a, b] or (a, b)
  index,      // the array, then the items
  slice,      // start, stop, step: children, -1 where left out
  ellipsis,   // ...
  transpose,  // .T
};

enum class Operator : std::uint8_t {
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  bit_or,
  bit_and,
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  matmul,
  negate,
  plus,
  invert,
  power,
};

struct Node {
  NodeKind kind = NodeKind::number;
  Operator op = Operator::add;
  bool whole = false;      // number: written without point or exponent, and in the range of int64
  bool value = false;      // boolean: True
  bool tuple = false;      // sequence: with parentheses
  bool constant = false;   // a number that depends on nothing but shapes
  int depth = 1;           // nesting below this node; chains to the left do not count
  std::size_t offset = 0;  // where in the text messages point
  std::int64_t integer = 0;
  double number = 0;
  std::string text;  // name, keyword, called function
  std::vector<int> children;
  const Function* function = nullptr;
  std::vector<int> bound;  // call: the node given for each parameter, or -1
};

struct Ast {
  std::string text, label;
  Dtype dtype = Dtype::float64;
  std::vector<Node> nodes;
  int root = -1;
  std::vector<std::string> names;  // that are used
  std::string comparison;          // that stood at the top, where it has become a difference

  const Node& operator[](int node) const { return nodes[static_cast<std::size_t>(node)]; }

  /// FormulaError: the label, line and column, the message, and the line with a mark under it.
  [[noreturn]] void fail(std::size_t offset, const std::string& message) const;
  /// FormulaError where one of Python's words stands that the language has not: `not`, `lambda`, ...
  void refuse_python_word(std::size_t offset) const;
};

/// A letter, a digit or an underscore.
inline bool is_name_character(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Reads the text; names and calls are not looked at.
void read(Ast& ast);
/// A comparison at the top becomes the difference of its sides.
void take_sides(Ast& ast);
/// Looks up names and functions, binds arguments to parameters, marks constants.
void resolve(Ast& ast, const FormulaNames& names);

/// How an operator is written.
const char* symbol(Operator op);
/// Python's; a higher one binds tighter.
int precedence(Operator op);

}  // namespace dini::formula
