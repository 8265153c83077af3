// What all steps share: the table of operators, and how a message shows its place in the text.
#include "dini/formula/ast.hpp"

#include <algorithm>
#include <array>

#include "dini/formula/text.hpp"

namespace dini::formula {

namespace operators {

struct Rank {
  const char* symbol;
  int precedence;
};

// In the order of the enumerators.
constexpr std::array<Rank, 19> ranks = {{{"<", 1},
                                         {"<=", 1},
                                         {">", 1},
                                         {">=", 1},
                                         {"==", 1},
                                         {"!=", 1},
                                         {"|", 2},
                                         {"&", 3},
                                         {"+", 4},
                                         {"-", 4},
                                         {"*", 5},
                                         {"/", 5},
                                         {"//", 5},
                                         {"%", 5},
                                         {"@", 5},
                                         {"-", 6},
                                         {"+", 6},
                                         {"~", 6},
                                         {"**", 7}}};
const Rank& rank(Operator op) { return ranks[static_cast<std::size_t>(op)]; }

}  // namespace operators

const char* symbol(Operator op) { return operators::rank(op).symbol; }
int precedence(Operator op) { return operators::rank(op).precedence; }

void take_sides(Ast& ast) {
  Node& top = ast.nodes[static_cast<std::size_t>(ast.root)];
  if (top.kind != NodeKind::binary || precedence(top.op) != precedence(Operator::equal)) return;
  ast.comparison = symbol(top.op);
  top.op = Operator::subtract;
}

void Ast::fail(std::size_t offset, const std::string& message) const {
  offset = std::min(offset, text.size());
  const std::string_view all = text;
  std::size_t first = offset == 0 ? std::string::npos : all.rfind('\n', offset - 1);
  first = first == std::string::npos ? 0 : first + 1;
  const std::string_view line = all.substr(first, std::min(all.find('\n', offset), all.size()) - first);
  const std::size_t column = offset - first;

  // A window of a long line, in whole characters.
  std::size_t from = column > 60 ? column - 50 : 0, to = std::min(line.size(), from + 100);
  const auto within = [&](std::size_t k) {
    return k < line.size() && (static_cast<unsigned char>(line[k]) & 0xC0) == 0x80;
  };
  while (from > 0 && within(from)) --from;
  while (to < line.size() && within(to)) ++to;
  const std::string before = (from ? "..." : "") + text::escaped(line.substr(from, column - from), 1000);
  const std::string after = text::escaped(line.substr(column, to - column), 1000) + (to < line.size() ? "..." : "");

  std::string out = label + ", ";
  if (all.find('\n') != std::string::npos) {
    out += "line " +
           std::to_string(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(first), '\n')) + ", ";
  }
  out += "column " + std::to_string(text::characters(line, column) + 1) + ": " + message + "\n  " + before + after +
         "\n  " + std::string(text::characters(before, before.size()), ' ') + "^";
  throw FormulaError(out);
}

void Ast::refuse_python_word(std::size_t offset) const {
  static constexpr std::string_view words[] = {"and", "or",  "not",    "if",  "else",   "for",   "in",
                                               "is",  "def", "lambda", "let", "import", "return"};
  std::size_t stop = offset;
  while (stop < text.size() && is_name_character(text[stop])) ++stop;
  const std::string_view word = std::string_view(text).substr(offset, stop - offset);
  if (std::find(std::begin(words), std::end(words), word) == std::end(words)) return;
  fail(offset, text::in_quotes(word) + " is not part of the language; use &, |, ~ and where(condition, a, b)");
}

}  // namespace dini::formula
