// What the grammar's actions do: nodes from the bottom up, operators put in order by precedence with a stack.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "dini/formula/ast.hpp"
#include "dini/formula/formula.hpp"

namespace dini::formula::reader {

inline bool is_prefix(Operator op) { return precedence(op) == 6; }
inline bool is_comparison(Operator op) { return precedence(op) == 1; }

struct Pending {
  Operator op;
  std::size_t offset;
};

struct Item {  // of an index: up to three bounds
  std::array<int, 3> bounds = {-1, -1, -1};
  int colons = 0;
  std::size_t offset = 0;
};

class Builder {
 public:
  explicit Builder(Ast& ast) : ast_(ast) {}

  std::size_t offset_of(const char* at) const { return static_cast<std::size_t>(at - ast_.text.data()); }
  const Ast& ast() const { return ast_; }

  int push(Node node) {
    for (int child : node.children) {
      if (child >= 0) node.depth = std::max(node.depth, ast_[child].depth + 1);
    }
    // A left operand, and what is indexed or transposed, are reached by a loop.
    if (node.kind == NodeKind::binary || node.kind == NodeKind::index || node.kind == NodeKind::transpose) {
      node.depth = ast_[node.children[0]].depth;
      for (std::size_t k = 1; k < node.children.size(); ++k) {
        node.depth = std::max(node.depth, ast_[node.children[k]].depth + 1);
      }
    }
    if (node.depth > Formula::max_depth) {
      ast_.fail(node.offset, "operations are nested deeper than " + std::to_string(Formula::max_depth));
    }
    ast_.nodes.push_back(std::move(node));
    operands_.push_back(static_cast<int>(ast_.nodes.size()) - 1);
    return operands_.back();
  }

  int pop() {
    const int node = operands_.back();
    operands_.pop_back();
    return node;
  }

  // Operators.
  void begin_expression() { frames_.push_back(operators_.size()); }
  void end_expression() {
    while (operators_.size() > frames_.back()) reduce();
    frames_.pop_back();
  }
  void prefix(Operator op, std::size_t offset) {
    // Kept from growing beyond what the depth allows, or 10⁵ signs would take memory first.
    if (operators_.size() - frames_.back() > 4 * static_cast<std::size_t>(Formula::max_depth)) {
      ast_.fail(offset, "operations are nested deeper than " + std::to_string(Formula::max_depth));
    }
    operators_.push_back({op, offset});
  }
  void infix(Operator op, std::size_t offset) {
    const bool right = op == Operator::power;
    while (operators_.size() > frames_.back()) {
      const int top = precedence(operators_.back().op);
      if (top < precedence(op) || (top == precedence(op) && right)) break;
      if (is_comparison(op) && is_comparison(operators_.back().op)) {
        ast_.fail(offset,
                  "comparisons cannot be chained; use `&`, which binds tighter than they do: (0 < a) & (a < 1)");
      }
      reduce();
    }
    prefix(op, offset);
  }

  // Lists: what was pushed between begin and end becomes children.
  void begin_list() { marks_.push_back(operands_.size()); }
  std::vector<int> end_list() {
    const auto first = operands_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<int> children(first, operands_.end());
    operands_.erase(first, operands_.end());
    marks_.pop_back();
    return children;
  }

  void end_call() {
    std::vector<int> arguments = end_list();
    const int callee = pop();
    if (ast_[callee].kind != NodeKind::name) ast_.fail(ast_[callee].offset, "only functions can be called");
    Node call;
    call.kind = NodeKind::call;
    call.offset = ast_[callee].offset;
    call.text = ast_[callee].text;
    ast_.nodes[static_cast<std::size_t>(callee)].kind = NodeKind::none;  // no name to look up
    call.children = std::move(arguments);
    push(std::move(call));
  }

  void end_group(std::size_t offset) {
    const bool tuple = commas_.back() > 0;
    commas_.pop_back();
    std::vector<int> children = end_list();
    if (!tuple && children.size() == 1) {
      operands_.push_back(children[0]);
      return;
    }
    push_sequence(std::move(children), true, offset);
  }
  void end_sequence(std::size_t offset) {
    commas_.pop_back();
    push_sequence(end_list(), false, offset);
  }
  void begin_group() {
    begin_list();
    commas_.push_back(0);
  }
  void comma() {
    if (!commas_.empty()) ++commas_.back();
  }

  void end_keyword() {
    Node keyword = std::move(keywords_.back());
    keywords_.pop_back();
    keyword.children = {pop()};
    push(std::move(keyword));
  }
  void begin_keyword(std::string name, std::size_t offset) {
    Node keyword;
    keyword.kind = NodeKind::keyword;
    keyword.text = std::move(name);
    keyword.offset = offset;
    keywords_.push_back(std::move(keyword));
  }

  // Indices.
  void begin_item(std::size_t offset) {
    items_.emplace_back();
    items_.back().offset = offset;
  }
  void colon() { ++items_.back().colons; }
  void bound() { items_.back().bounds[static_cast<std::size_t>(items_.back().colons)] = pop(); }
  void end_item() {
    const Item item = items_.back();
    items_.pop_back();
    if (item.colons == 0) {
      operands_.push_back(item.bounds[0]);
      return;
    }
    Node slice;
    slice.kind = NodeKind::slice;
    slice.offset = item.offset;
    slice.children.assign(item.bounds.begin(), item.bounds.end());
    push(std::move(slice));
  }
  void end_index(std::size_t offset) {
    std::vector<int> items = end_list();
    // a[(0, 1)] is a[0, 1].
    if (items.size() == 1 && ast_[items[0]].kind == NodeKind::sequence && ast_[items[0]].tuple) {
      items = std::vector<int>(ast_[items[0]].children);
    }
    Node index;
    index.kind = NodeKind::index;
    index.offset = offset;
    index.children = {pop()};
    index.children.insert(index.children.end(), items.begin(), items.end());
    push(std::move(index));
  }

  std::vector<std::size_t> opened;  // offsets of brackets

 private:
  void push_sequence(std::vector<int> children, bool tuple, std::size_t offset) {
    Node node;
    node.kind = NodeKind::sequence;
    node.tuple = tuple;
    node.offset = offset;
    node.children = std::move(children);
    push(std::move(node));
  }

  void reduce() {
    const Pending pending = operators_.back();
    operators_.pop_back();
    Node node;
    node.op = pending.op;
    node.offset = pending.offset;
    node.kind = is_prefix(pending.op) ? NodeKind::unary : NodeKind::binary;
    const int right = pop();
    if (node.kind == NodeKind::unary)
      node.children = {right};
    else
      node.children = {pop(), right};
    push(std::move(node));
  }

  Ast& ast_;
  std::vector<int> operands_;
  std::vector<Pending> operators_;
  std::vector<std::size_t> frames_, marks_;
  std::vector<int> commas_;
  std::vector<Node> keywords_;
  std::vector<Item> items_;
};

}  // namespace dini::formula::reader
