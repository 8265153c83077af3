// Formulas against NumPy: every function with every keyword, every operator and every form of index.
#include <set>

#include "../numpy_table.hpp"
#include "dini/formula/ast.hpp"
#include "dini/formula/formula.hpp"

namespace dini {
namespace formula_table_test {

using namespace numpy_table;
using formula::Ast, formula::Function, formula::Kind, formula::Node, formula::NodeKind, formula::Operator,
    formula::Parameter;

const Json& table() {
  static const Json t = numpy_table::read("formula_table.json");
  return t;
}

const FormulaNames& names() {
  static const FormulaNames out = [] {
    FormulaNames all;
    for (const auto& [name, x] : table()["inputs"].items()) all.insert(name);
    return all;
  }();
  return out;
}

Formula parsed(const std::string& text, Dtype dtype = float64) {
  return Formula::parse(text, names(), {"formula", dtype});
}
Expression expression(const Formula& f) {
  return [f](const Values& at) { return f.evaluate(at); };
}

template <class F> void for_each_row(F&& f) {
  for (const Json& row : table()["rows"]) {
    const std::string text = row["text"];
    SCOPED_TRACE(text);
    try {
      f(row, text);
    } catch (const Error& e) { ADD_FAILURE() << e.what(); }
  }
}

TEST(FormulaTable, ValuesAreNumPys) {
  const Values at = inputs(table());
  for_each_row([&](const Json& row, const std::string& text) { expect_value(row, expression(parsed(text)), at); });
}

TEST(FormulaTable, ValuesInFloat32) {
  const Values at = inputs(table(), float32);
  for_each_row([&](const Json& row, const std::string& text) {
    const Formula f = parsed(text, float32);
    bool floats = f.names().empty();
    for (const std::string& name : f.names()) {
      floats |= is_floating(at.at(name).dtype());
      if (name == "huge") return;  // what float32 does not hold
    }
    // Whole numbers alone become float64, beside floating ones they take their dtype.
    expect_value_of_floats(row, expression(f), at, floats ? float32 : float64);
  });
}

TEST(FormulaTable, DtypesArePromotedAsNumPys) {
  const Values at = inputs(table());
  for_each_row([&](const Json& row, const std::string& text) {
    if (row.contains("mixed")) expect_promotion(row, expression(parsed(text)), at);
  });
}

TEST(FormulaTable, GradientsAreThoseOfDifferences) {
  const Values at = inputs(table()), single = inputs(table(), float32);
  for_each_row([&](const Json& row, const std::string& text) {
    if (!row.contains("gradient")) return;
    expect_gradients(row, expression(parsed(text)), at, 1e-9);
    expect_gradients(row, expression(parsed(text, float32)), single, 1e-4);
  });
}

// ---- Whether the table has it all ------------------------------------------------------------------------------------

// What of the language stands in a formula, in words.
class Found {
 public:
  Found() {
    for (const Json& row : table()["rows"]) {
      Ast ast;
      ast.text = row["text"];
      formula::read(ast);
      formula::resolve(ast, names());
      for (const Node& node : ast.nodes) visit(ast, node);
    }
  }
  void expect(const std::string& what) const { EXPECT_TRUE(found_.count(what)) << "no row has " << what; }

  static std::string parameter(const Function& f, const Parameter& p) { return f.name + "'s " + p.name; }
  static std::string op(Operator op) {
    return std::string("the operator ") + formula::symbol(op) + " of precedence " +
           std::to_string(formula::precedence(op));
  }

 private:
  void visit(const Ast& ast, const Node& node) {
    switch (node.kind) {
      case NodeKind::number:
        add(!node.text.empty() ? node.text : node.whole ? "a whole number" : "a floating number");
        break;
      case NodeKind::boolean: add(node.value ? "True" : "False"); break;
      case NodeKind::unary:
      case NodeKind::binary: add(op(node.op)); break;
      case NodeKind::transpose: add(".T of " + base(ast[node.children[0]])); break;
      case NodeKind::call: visit_call(ast, node); break;
      case NodeKind::index:
        add("an index of " + base(ast[node.children[0]]));
        for (std::size_t k = 1; k < node.children.size(); ++k) add("an index " + item(ast, ast[node.children[k]]));
        break;
      default: break;
    }
  }

  void visit_call(const Ast& ast, const Node& call) {
    const Function& f = *call.function;
    add(f.name);
    for (int child : call.children) {
      if (ast[child].kind == NodeKind::keyword) add(f.name + "'s " + ast[child].text + " by name");
    }
    for (std::size_t k = 0; k < f.parameters.size(); ++k) {
      if (call.bound[k] < 0) continue;
      const Node& given = ast[call.bound[k]];
      const std::string what = parameter(f, f.parameters[k]) + " as ";
      if (given.kind == NodeKind::sequence) {
        add(what + "a sequence");
      } else if (given.kind == NodeKind::none) {
        add(what + "None");
      } else if (given.kind == NodeKind::boolean) {
        add(what + (given.value ? "True" : "False"));
      } else {
        add(what + (negative(given) ? "a negative number" : "a number"));
      }
    }
  }

  static bool negative(const Node& n) { return n.kind == NodeKind::unary && n.op == Operator::negate; }

  static std::string base(const Node& n) {
    switch (n.kind) {
      case NodeKind::name: return "a name";
      case NodeKind::call: return "a call";
      case NodeKind::index: return "something indexed";
      case NodeKind::transpose: return "something transposed";
      default: return "an expression";
    }
  }

  static std::string item(const Ast& ast, const Node& n) {
    switch (n.kind) {
      case NodeKind::slice: {
        std::string out;
        for (std::size_t k = 0; k < 3; ++k) {
          const int bound = n.children[k];
          out += std::string(k ? ":" : "") + (bound < 0 ? "" : negative(ast[bound]) ? "-n" : "n");
        }
        return out;
      }
      case NodeKind::none: return ast.text.compare(n.offset, 7, "newaxis") == 0 ? "newaxis" : "None";
      case NodeKind::ellipsis: return "...";
      case NodeKind::sequence: return "[n, n]";
      case NodeKind::name: {
        const Json& x = table()["inputs"][n.text];
        return "array of kind " + x["kind"].get<std::string>() + " with axes: " + std::to_string(x["shape"].size());
      }
      default:
        return n.constant ? negative(n) ? "-n" : n.kind == NodeKind::number ? "n" : "computed number" : "expression";
    }
  }

  void add(const std::string& what) { found_.insert(what); }
  std::set<std::string> found_;
};

TEST(FormulaTable, HasEveryFunctionAndKeyword) {
  const Found found;
  std::set<std::string> at_edges;
  for (const Json& row : table()["rows"]) {
    const std::string text = row["text"];
    if (text.find("(edge") != std::string::npos) at_edges.insert(text.substr(0, text.find('(')));
  }
  for (const Function& f : formula::all_functions()) {
    found.expect(f.name);
    for (const Parameter& p : f.parameters) {
      const std::string what = Found::parameter(f, p);
      if (!p.required) found.expect(what + " by name");
      if (p.kind == Kind::flag) {
        found.expect(what + " as True");
        found.expect(what + " as False");
      }
      if (p.name != "axis" && p.name != "axes") continue;
      if (p.may_be_none) found.expect(what + " as None");
      if (p.kind != Kind::wholes || f.name != "transpose") found.expect(what + " as a number");
      if (p.kind == Kind::whole) found.expect(what + " as a negative number");
      if (p.kind == Kind::wholes || p.kind == Kind::pairs) found.expect(what + " as a sequence");
    }
    // NumPy calls the operands of what goes element by element x, or x1 and x2.
    const bool elementwise =
        std::all_of(f.parameters.begin(), f.parameters.end(), [](const Parameter& p) { return p.name[0] == 'x'; });
    if (elementwise && f.name != "matmul") {
      EXPECT_TRUE(at_edges.count(f.name)) << "no row has " << f.name << " at the edges";
    }
  }
}

TEST(FormulaTable, HasEveryOperatorLiteralAndIndex) {
  const Found found;
  for (int k = 0; k <= static_cast<int>(Operator::power); ++k) found.expect(Found::op(static_cast<Operator>(k)));
  for (const char* what : {"a whole number", "a floating number", "True", "False", "pi", "e"}) found.expect(what);
  for (const char* base : {"a name", "a call", "an expression", "something indexed", "something transposed"}) {
    found.expect(std::string("an index of ") + base);
    found.expect(std::string(".T of ") + base);
  }
  for (const char* start : {"", "n", "-n"}) {
    for (const char* stop : {"", "n", "-n"}) found.expect(std::string("an index ") + start + ":" + stop + ":");
  }
  for (const char* item : {"n",
                           "-n",
                           "computed number",
                           "None",
                           "newaxis",
                           "...",
                           "[n, n]",
                           "expression",
                           "::n",
                           "::-n",
                           "n::n",
                           ":n:n",
                           "n:n:n",
                           "n::-n",
                           ":n:-n",
                           "-n:n:-n",
                           "array of kind i with axes: 0",
                           "array of kind i with axes: 1",
                           "array of kind i with axes: 2",
                           "array of kind b with axes: 1"}) {
    found.expect(std::string("an index ") + item);
  }
}

// The arguments of `f(...)`, parted by its commas.
std::vector<std::string> arguments(const std::string& inner) {
  std::vector<std::string> out(1);
  int depth = 0;
  for (char c : inner) {
    depth += (c == '(' || c == '[') - (c == ')' || c == ']');
    if (c == ',' && depth == 0)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

TEST(FormulaTable, EveryArgumentMayBeNamed) {
  const Values at = inputs(table());
  std::set<std::string> named;
  for_each_row([&](const Json& row, const std::string& text) {
    Ast ast;
    ast.text = text;
    formula::read(ast);
    formula::resolve(ast, names());
    const Node& root = ast[ast.root];
    if (root.kind != NodeKind::call || text.back() != ')') return;
    const Function& f = *root.function;
    std::string again = f.name + "(";
    std::size_t position = 0;
    const std::size_t open = text.find('(');
    for (const std::string& argument : arguments(text.substr(open + 1, text.size() - open - 2))) {
      const bool has_name = ast[root.children[position]].kind == NodeKind::keyword;
      if (!has_name) {
        named.insert(f.name + " " + f.parameters[position].name);
        again += f.parameters[position].name + "=";
      }
      again += argument + ", ";
      ++position;
    }
    expect_value(row, expression(parsed(again + ")")), at);
  });
  for (const Function& f : formula::all_functions()) {
    for (const Parameter& p : f.parameters) {
      if (p.required) { EXPECT_TRUE(named.count(f.name + " " + p.name)) << f.name << " " << p.name; }
    }
  }
}

}  // namespace formula_table_test
}  // namespace dini
