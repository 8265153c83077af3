// Names, functions, arguments: what can be said of a formula before any array is there.
#include <algorithm>
#include <set>

#include "dini/formula/ast.hpp"
#include "dini/formula/text.hpp"

namespace dini::formula {

namespace resolver {

bool is_arithmetic(Operator op) {
  switch (op) {
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::divide:
    case Operator::floor_divide:
    case Operator::modulo:
    case Operator::power:
    case Operator::negate:
    case Operator::plus: return true;
    default: return false;
  }
}

std::string plural(std::size_t n) { return std::to_string(n) + (n == 1 ? " argument" : " arguments"); }

// The arguments of a call in the order of the parameters.
void bind_arguments(const Ast& ast, Node& call) {
  const Function& f = *call.function;
  call.bound.assign(f.parameters.size(), -1);
  std::size_t positional = 0, given = 0;
  bool keyword_seen = false;
  for (int child : call.children) {
    const Node& node = ast[child];
    if (node.kind != NodeKind::keyword) {
      if (keyword_seen) ast.fail(node.offset, f.name + ": an argument without a name after one with a name");
      if (positional == f.parameters.size()) {
        ast.fail(call.offset, f.signature + " takes at most " + plural(f.parameters.size()) + ", got " +
                                  std::to_string(call.children.size()));
      }
      call.bound[positional++] = child;
      ++given;
      continue;
    }
    keyword_seen = true;
    const auto found =
        std::find_if(f.parameters.begin(), f.parameters.end(), [&](const Parameter& p) { return p.name == node.text; });
    if (found == f.parameters.end()) {
      std::vector<std::string> known;
      for (const Parameter& p : f.parameters) known.push_back(p.name);
      ast.fail(node.offset,
               f.signature + " has no argument " + text::in_quotes(node.text) + text::nearest_hint(node.text, known));
    }
    int& place = call.bound[static_cast<std::size_t>(found - f.parameters.begin())];
    if (place >= 0) ast.fail(node.offset, f.name + ": the argument " + text::in_quotes(node.text) + " is given twice");
    place = node.children[0];
    ++given;
  }
  for (std::size_t k = 0; k < f.parameters.size(); ++k) {
    if (call.bound[k] < 0 && f.parameters[k].required) {
      ast.fail(call.offset, f.signature + (f.required == f.parameters.size() ? " takes " : " takes at least ") +
                                plural(f.required) + ", got " + std::to_string(given) + "; " +
                                text::in_quotes(f.parameters[k].name) + " is missing");
    }
  }
}

}  // namespace resolver

void resolve(Ast& ast, const FormulaNames& known) {
  using namespace resolver;
  const auto hint = [&](const std::string& name, bool call) {
    std::vector<std::string> all;
    if (!call) {
      all.assign(known.begin(), known.end());
      all.insert(all.end(), {"pi", "e"});
    }
    for (const std::string& f : formula_functions()) all.push_back(f);
    return text::nearest_hint(name, all);
  };
  std::set<std::string> used;
  for (Node& node : ast.nodes) {
    const auto constant_child = [&](int child) { return ast[child].constant; };
    switch (node.kind) {
      case NodeKind::number: node.constant = true; break;
      case NodeKind::name:
        if (known.count(node.text)) {
          if (used.insert(node.text).second) ast.names.push_back(node.text);
        } else if (node.text == "pi" || node.text == "e") {
          node.constant = true;
          node.kind = NodeKind::number;
          node.number = node.text == "pi" ? 3.141592653589793 : 2.718281828459045;
        } else if (node.text == "inf") {
          break;  // for norm's ord alone, which looks for it
        } else if (find_function(node.text)) {
          ast.fail(node.offset, text::in_quotes(node.text) + " is a function: " + find_function(node.text)->signature);
        } else {
          ast.refuse_python_word(node.offset);
          ast.fail(node.offset, "unknown name " + text::in_quotes(node.text) + hint(node.text, false));
        }
        break;
      case NodeKind::call:
        node.function = find_function(node.text);
        if (!node.function) {
          if (known.count(node.text) || node.text == "pi" || node.text == "e") {
            ast.fail(node.offset, text::in_quotes(node.text) +
                                      " is no function; a product is written with *, an index "
                                      "with [ ]");
          }
          ast.refuse_python_word(node.offset);
          ast.fail(node.offset, "unknown function " + text::in_quotes(node.text) + hint(node.text, true));
        }
        bind_arguments(ast, node);
        node.constant = node.text == "len" || node.text == "size";
        break;
      case NodeKind::unary:
      case NodeKind::binary:
        node.constant =
            is_arithmetic(node.op) && std::all_of(node.children.begin(), node.children.end(), constant_child);
        break;
      default: break;
    }
  }
  if (ast[ast.root].kind == NodeKind::sequence) {
    ast.fail(ast[ast.root].offset, "a sequence can only be an argument; stack([...]) makes an array of it");
  }
}

}  // namespace dini::formula
