// From text to nodes. A scan for brackets and strange characters comes first, so that the grammar meets balanced brackets
// of bounded depth: its recursion goes with the brackets alone. Operators are put in order by precedence with a stack,
// not by a rule a level.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <tao/pegtl.hpp>

#include "dini/formula/builder.hpp"
#include "dini/formula/text.hpp"

namespace dini::formula {

namespace reader {

namespace pegtl = tao::pegtl;

// What stands at a place, for messages.
std::string found(const std::string& text, std::size_t at) {
  if (at >= text.size()) return "the end";
  std::size_t stop = at + 1;
  if (is_name_character(text[at])) {
    while (stop < text.size() && is_name_character(text[stop])) ++stop;
  }
  return text::in_quotes(std::string_view(text).substr(at, stop - at));
}

void scan(const Ast& ast) {
  const std::string& text = ast.text;
  if (text.size() > Formula::max_length) {
    ast.fail(0, "the formula has " + std::to_string(text.size()) + " characters; at most " +
                    std::to_string(Formula::max_length) + " are read");
  }
  const std::size_t bad = text::invalid_utf8(text);
  if (bad != std::string::npos) ast.fail(bad, "a byte that is not UTF-8");
  std::vector<std::size_t> open;
  bool empty = true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    switch (c) {
      case ' ':
      case '\t':
      case '\n':
      case '\r':
      case '\f':
      case '\v': continue;
      case '(':
      case '[':
        open.push_back(at);
        if (open.size() > static_cast<std::size_t>(Formula::max_depth)) {
          ast.fail(at, "brackets are nested deeper than " + std::to_string(Formula::max_depth));
        }
        break;
      case ')':
      case ']': {
        if (open.empty()) ast.fail(at, text::in_quotes({&c, 1}) + " closes nothing");
        const char partner = text[open.back()];
        if ((partner == '(') != (c == ')')) {
          ast.fail(at, text::in_quotes({&c, 1}) + " cannot close the " + text::in_quotes({&partner, 1}) +
                           " of column " + std::to_string(text::characters(text, open.back()) + 1));
        }
        open.pop_back();
        break;
      }
      case '\'':
      case '"': ast.fail(at, "there is no text in formulas");
      case '^': ast.fail(at, "`^` is no operator; a power is written a**b");
      case '{':
      case '}': ast.fail(at, "there are no braces; use parentheses");
      case '\0': ast.fail(at, "a null byte");
      default:
        if (!is_name_character(c) && std::string_view("+-*/%@<>=!&|~.,:").find(c) == std::string_view::npos) {
          std::size_t stop = at + 1;
          while (stop < text.size() && (static_cast<unsigned char>(text[stop]) & 0xC0) == 0x80) ++stop;
          ast.fail(at, text::in_quotes(std::string_view(text).substr(at, stop - at)) + " has no meaning in a formula");
        }
    }
    empty = false;
  }
  if (!open.empty()) ast.fail(open.back(), text::in_quotes({&text[open.back()], 1}) + " is never closed");
  if (empty) ast.fail(0, "the formula is empty");
}

// ---- The grammar -------------------------------------------------------------------------------------------------------

using pegtl::at, pegtl::must, pegtl::not_at, pegtl::one, pegtl::opt, pegtl::plus, pegtl::seq, pegtl::sor, pegtl::star,
    pegtl::string, pegtl::success;

struct space : star<one<' ', '\t', '\n', '\r', '\f', '\v'>> {};

struct digits : plus<pegtl::digit> {};
struct exponent : seq<one<'e', 'E'>, opt<one<'+', '-'>>, digits> {};
struct number : seq<sor<seq<digits, opt<seq<one<'.'>, not_at<one<'.'>>, star<pegtl::digit>>>>, seq<one<'.'>, digits>>,
                    opt<exponent>> {};
struct number_end : not_at<sor<pegtl::identifier_other, one<'.'>>> {};
struct name : pegtl::identifier {};

struct prefix_operator : one<'-', '+', '~'> {};
struct infix_operator : sor<string<'*', '*'>, string<'/', '/'>, string<'<', '='>, string<'>', '='>, string<'=', '='>,
                            string<'!', '='>, one<'+', '-', '*', '/', '%', '@', '<', '>', '&', '|'>> {};

struct expression;
struct starts_expression : at<sor<pegtl::identifier_other, one<'(', '[', '+', '-', '~'>, seq<one<'.'>, pegtl::digit>>> {
};
struct comma : one<','> {};

struct open_group : one<'('> {};
struct close_group : one<')'> {};
struct open_sequence : one<'['> {};
struct close_sequence : one<']'> {};
struct items : seq<expression, star<comma, space, expression>, opt<comma, space>> {};
struct group : seq<open_group, space, opt<items>, must<close_group>> {};
struct sequence : seq<open_sequence, space, opt<items>, must<close_sequence>> {};

struct keyword_name : seq<pegtl::identifier, space, one<'='>, not_at<one<'='>>> {};
struct end_keyword : success {};
struct keyword : seq<keyword_name, space, must<expression>, end_keyword> {};
struct argument : sor<keyword, expression> {};
struct open_call : one<'('> {};
struct close_call : one<')'> {};
struct call_comma : one<','> {};
struct arguments : seq<argument, star<call_comma, space, argument>, opt<call_comma, space>> {};
struct call : seq<open_call, space, opt<arguments>, must<close_call>> {};

struct ellipsis : string<'.', '.', '.'> {};
struct begin_item : success {};
struct end_item : success {};
struct bound : success {};
struct colon : one<':'> {};
struct optional_bound : opt<expression, bound> {};
struct item
    : sor<seq<ellipsis, space>, seq<at<sor<starts_expression, one<':'>>>, begin_item, optional_bound,
                                    opt<colon, space, optional_bound, opt<colon, space, optional_bound>>, end_item>> {};
struct open_index : one<'['> {};
struct close_index : one<']'> {};
struct index_comma : one<','> {};
struct index
    : seq<open_index, space, must<item>, star<index_comma, space, item>, opt<index_comma, space>, must<close_index>> {};

struct dot : seq<one<'.'>, not_at<one<'.'>>> {};
struct transposed : seq<one<'T'>, not_at<pegtl::identifier_other>> {};
struct attribute : seq<dot, space, must<transposed>> {};

struct atom : sor<seq<number, must<number_end>>, name, group, sequence> {};
struct primary : seq<atom, space, star<sor<call, index, attribute>, space>> {};
struct operand : seq<star<prefix_operator, space>, must<primary>> {};
struct begin_expression : success {};
struct end_expression : success {};
struct expression : seq<starts_expression, begin_expression, must<operand>, star<infix_operator, space, must<operand>>,
                        end_expression> {};
struct end_of_formula : pegtl::eof {};
struct formula : seq<space, must<expression>, must<end_of_formula>> {};

// ---- Actions -----------------------------------------------------------------------------------------------------------

template <class Rule> struct action : pegtl::nothing<Rule> {};

// The power of ten of a number's first digit that is not 0: 2 of 123.4, -3 of 0.00123; of 0e999, a small one.
double leading_power(const std::string& text) {
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::size_t point = std::min(text.find('.'), e), digit = text.find_first_not_of("0.");
  if (digit >= e) return -1e9;
  double power = static_cast<double>(point) - static_cast<double>(digit) - (digit < point);
  double exponent = 0;  // in floating point, which has room for any
  for (std::size_t k = e + 1; k < text.size(); ++k) {
    if (text[k] >= '0' && text[k] <= '9') exponent = exponent * 10 + (text[k] - '0');
  }
  return power + (e + 1 < text.size() && text[e + 1] == '-' ? -exponent : exponent);
}

template <class In> void read_number(const In& in, Builder& b) {
  const std::string text = in.string();
  Node node;
  node.offset = b.offset_of(in.begin());
  node.kind = NodeKind::number;
  const char* first = text.data();
  const char* last = first + text.size();
  if (text.find_first_of(".eE") == std::string::npos) {
    if (text.size() > 1 && text[0] == '0') {
      b.ast().fail(node.offset, "a whole number with leading zeros: " + text::in_quotes(text));
    }
    node.whole = std::from_chars(first, last, node.integer).ec == std::errc();
  }
  const auto result = std::from_chars(first, last, node.number);
  if (result.ec == std::errc::result_out_of_range) {
    // Too small is 0, as in Python; too large is a slip.
    if (leading_power(text) > 0) b.ast().fail(node.offset, text::in_quotes(text) + " is larger than a number can be");
    node.number = 0;
  }
  b.push(std::move(node));
}

template <> struct action<number> {
  template <class In> static void apply(const In& in, Builder& b) { read_number(in, b); }
};
template <> struct action<name> {
  template <class In> static void apply(const In& in, Builder& b) {
    Node node;
    node.offset = b.offset_of(in.begin());
    node.text = in.string();
    if (node.text == "True" || node.text == "False") {
      node.kind = NodeKind::boolean;
      node.value = node.text == "True";
    } else {
      node.kind = node.text == "None" || node.text == "newaxis" ? NodeKind::none : NodeKind::name;
    }
    b.push(std::move(node));
  }
};
template <> struct action<prefix_operator> {
  template <class In> static void apply(const In& in, Builder& b) {
    const char c = in.peek_char();
    b.prefix(c == '-' ? Operator::negate : c == '+' ? Operator::plus : Operator::invert, b.offset_of(in.begin()));
  }
};
template <> struct action<infix_operator> {
  template <class In> static void apply(const In& in, Builder& b) {
    const std::string text = in.string();
    for (Operator op = Operator::less;; op = static_cast<Operator>(static_cast<int>(op) + 1)) {
      if (text == symbol(op) && !is_prefix(op)) return b.infix(op, b.offset_of(in.begin()));
    }
  }
};

#define DINI_FORMULA_ACTION(rule, body)                                    \
  template <> struct action<rule> {                                        \
    template <class In> static void apply(const In& in, Builder& b) {      \
      [[maybe_unused]] const std::size_t offset = b.offset_of(in.begin()); \
      body;                                                                \
    }                                                                      \
  };
DINI_FORMULA_ACTION(begin_expression, b.begin_expression())
DINI_FORMULA_ACTION(end_expression, b.end_expression())
DINI_FORMULA_ACTION(open_group, (b.opened.push_back(offset), b.begin_group()))
DINI_FORMULA_ACTION(open_sequence, (b.opened.push_back(offset), b.begin_group()))
DINI_FORMULA_ACTION(close_group, (b.end_group(b.opened.back()), b.opened.pop_back()))
DINI_FORMULA_ACTION(close_sequence, (b.end_sequence(b.opened.back()), b.opened.pop_back()))
DINI_FORMULA_ACTION(comma, b.comma())
DINI_FORMULA_ACTION(end_keyword, b.end_keyword())
DINI_FORMULA_ACTION(open_call, b.begin_list())
DINI_FORMULA_ACTION(close_call, b.end_call())
DINI_FORMULA_ACTION(begin_item, b.begin_item(offset))
DINI_FORMULA_ACTION(end_item, b.end_item())
DINI_FORMULA_ACTION(bound, b.bound())
DINI_FORMULA_ACTION(colon, b.colon())
DINI_FORMULA_ACTION(open_index, (b.opened.push_back(offset), b.begin_list()))
DINI_FORMULA_ACTION(close_index, (b.end_index(b.opened.back()), b.opened.pop_back()))
#undef DINI_FORMULA_ACTION
template <> struct action<keyword_name> {
  template <class In> static void apply(const In& in, Builder& b) {
    std::string name = in.string();
    name.resize(name.find_first_of(" \t\n\r\f\v="));
    b.begin_keyword(std::move(name), b.offset_of(in.begin()));
  }
};
template <> struct action<ellipsis> {
  template <class In> static void apply(const In& in, Builder& b) {
    Node node;
    node.kind = NodeKind::ellipsis;
    node.offset = b.offset_of(in.begin());
    b.push(std::move(node));
  }
};
template <> struct action<transposed> {
  template <class In> static void apply(const In& in, Builder& b) {
    Node node;
    node.kind = NodeKind::transpose;
    node.offset = b.offset_of(in.begin());
    node.children = {b.pop()};
    b.push(std::move(node));
  }
};

// ---- Messages ----------------------------------------------------------------------------------------------------------

[[noreturn]] void unexpected(const Builder& b, std::size_t at, bool value_wanted) {
  const std::string& text = b.ast().text;
  const std::string what = found(text, at);
  b.ast().refuse_python_word(at);
  if (value_wanted) b.ast().fail(at, "a value is missing before " + what);
  if (at < text.size() && text[at] == '=') {
    b.ast().fail(at, "a formula is one expression, without `=`; a comparison is written ==");
  }
  if (at < text.size() && (is_name_character(text[at]) || text[at] == '(' || text[at] == '[' || text[at] == '.')) {
    // The word may stand before: `not x`.
    std::size_t before = at;
    while (before > 0 && !is_name_character(text[before - 1])) --before;
    while (before > 0 && is_name_character(text[before - 1])) --before;
    b.ast().refuse_python_word(before);
    b.ast().fail(at, "an operator is missing before " + what);
  }
  b.ast().fail(at, what + " was not expected here");
}

template <class Rule> struct control : pegtl::normal<Rule> {
  template <class In> [[noreturn]] static void raise(const In& in, Builder& b) {
    const std::size_t offset = b.offset_of(in.current());
    if constexpr (std::is_same_v<Rule, transposed>) {
      b.ast().fail(offset, "there are no attributes but .T; functions are written sum(x), not x.sum()");
    } else if constexpr (std::is_same_v<Rule, number_end>) {
      b.ast().fail(offset, "a number runs into " + found(b.ast().text, offset));
    } else if constexpr (std::is_same_v<Rule, item>) {
      b.ast().fail(offset, "an index is missing before " + found(b.ast().text, offset));
    } else {
      constexpr bool value =
          std::is_same_v<Rule, primary> || std::is_same_v<Rule, operand> || std::is_same_v<Rule, expression>;
      unexpected(b, offset, value);
    }
  }
};

}  // namespace reader

void read(Ast& ast) {
  reader::scan(ast);
  reader::Builder builder(ast);
  tao::pegtl::memory_input<tao::pegtl::tracking_mode::lazy> in(ast.text.data(), ast.text.size(), "");
  tao::pegtl::parse<reader::formula, reader::action, reader::control>(in, builder);
  ast.root = builder.pop();
}

}  // namespace dini::formula
