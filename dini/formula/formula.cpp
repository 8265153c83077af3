#include "dini/formula/formula.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dini/core/index.hpp"
#include "dini/formula/ast.hpp"
#include "dini/formula/text.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

struct Formula::Data {
  formula::Ast ast;
};

namespace formula {

namespace evaluation {

Number whole_number(std::int64_t v) { return {true, v, static_cast<double>(v)}; }
Number real_number(double v) { return {false, 0, v}; }

// Python's % and //: a multiple of b is taken off exactly, where floor(a/b) may be one too many.
double floor_remainder(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
double floor_quotient(double a, double b) { return std::round((a - floor_remainder(a, b)) / b); }
std::int64_t floor_quotient(std::int64_t a, std::int64_t b) { return a / b - ((a % b != 0) && ((a < 0) != (b < 0))); }

// aⁿ for n ≥ 0; nothing where it does not fit.
std::optional<std::int64_t> whole_power(std::int64_t a, std::int64_t n) {
  std::int64_t out = 1;
  while (true) {
    if ((n & 1) && __builtin_mul_overflow(out, a, &out)) return {};
    n >>= 1;
    if (n == 0) return out;
    if (__builtin_mul_overflow(a, a, &a)) return {};
  }
}

class Evaluator {
 public:
  Evaluator(const Ast& ast, const std::map<std::string, Array>& values) : ast_(ast), values_(values) {}

  Array array(int root) {
    // Down the left operands, then up again.
    std::vector<int> chain;
    int node = root;
    while (!ast_[node].constant && (ast_[node].kind == NodeKind::binary || ast_[node].kind == NodeKind::index ||
                                    ast_[node].kind == NodeKind::transpose)) {
      chain.push_back(node);
      node = ast_[node].children[0];
    }
    Array value = leaf(node);
    for (std::size_t k = chain.size(); k-- > 0;) {
      const Node& n = ast_[chain[k]];
      if (n.kind == NodeKind::transpose)
        value = guarded(n, [&] { return value.T(); });
      else if (n.kind == NodeKind::index)
        value = indexed(n, value);
      else
        value = binary(n, value, array(n.children[1]));
    }
    return value;
  }

 private:
  // Runs something; what it says of shapes, dtypes and values gets the column.
  template <class F> auto guarded(const Node& n, F&& f) -> decltype(f()) {
    try {
      return f();
    } catch (const ShapeError& e) { ast_.fail(n.offset, text::escaped(e.what(), 1000)); } catch (const DtypeError& e) {
      ast_.fail(n.offset, text::escaped(e.what(), 1000));
    } catch (const ValueError& e) { ast_.fail(n.offset, text::escaped(e.what(), 1000)); }
  }

  Array leaf(int node) {
    const Node& n = ast_[node];
    if (n.constant) {
      const Number v = number(node);
      return v.whole ? Array(v.integer) : Array(v.value);
    }
    switch (n.kind) {
      case NodeKind::boolean: return Array(n.value);
      case NodeKind::name: return named(n);
      case NodeKind::unary: {
        const Array a = array(n.children[0]);
        return guarded(n, [&] { return n.op == Operator::negate ? -a : n.op == Operator::invert ? ~a : +a; });
      }
      case NodeKind::call: return call(n);
      case NodeKind::none: ast_.fail(n.offset, "None is no value");
      case NodeKind::sequence:
        ast_.fail(n.offset, "a sequence can only be an argument; stack([...]) makes an array of it");
      default: ast_.fail(n.offset, "this is no value");
    }
  }

  Array named(const Node& n) {
    const auto found = values_.find(n.text);
    if (n.text == "inf" && found == values_.end()) ast_.fail(n.offset, "inf can only stand as the `ord` of norm");
    if (found == values_.end() || !found->second.defined()) {
      ast_.fail(n.offset, "no value was given for " + text::in_quotes(n.text));
    }
    return found->second;
  }

  Array binary(const Node& n, const Array& a, const Array& b) {
    return guarded(n, [&]() -> Array {
      switch (n.op) {
        case Operator::less: return a < b;
        case Operator::less_equal: return a <= b;
        case Operator::greater: return a > b;
        case Operator::greater_equal: return a >= b;
        case Operator::equal: return a == b;
        case Operator::not_equal: return a != b;
        case Operator::bit_or: return a | b;
        case Operator::bit_and: return a & b;
        case Operator::add: return a + b;
        case Operator::subtract: return a - b;
        case Operator::multiply: return a * b;
        case Operator::divide: return a / b;
        case Operator::floor_divide: return floor_divide(a, b);
        case Operator::modulo: return a % b;
        case Operator::matmul: return matmul(a, b);
        default: return power(a, b);
      }
    });
  }

  // ---- Numbers that are known at once ----------------------------------------------------------------------------------

  Number number(int root) {
    std::vector<int> chain;
    int node = root;
    while (ast_[node].kind == NodeKind::binary) {
      chain.push_back(node);
      node = ast_[node].children[0];
    }
    Number value = number_leaf(node);
    for (std::size_t k = chain.size(); k-- > 0;) {
      const Node& n = ast_[chain[k]];
      value = combined(n, value, number(n.children[1]));
      if (std::isnan(value.value)) ast_.fail(n.offset, "a root of a negative number");
      if (std::isinf(value.value)) ast_.fail(n.offset, "the result is larger than a number can be");
    }
    return value;
  }

  Number number_leaf(int node) {
    const Node& n = ast_[node];
    if (n.kind == NodeKind::number) return n.whole ? whole_number(n.integer) : real_number(n.number);
    if (n.kind == NodeKind::call) return whole_number(guarded(n, [&] { return call(n); }).item<std::int64_t>());
    const Number a = number(n.children[0]);
    if (n.op == Operator::plus) return a;
    return a.whole && a.integer != std::numeric_limits<std::int64_t>::min() ? whole_number(-a.integer)
                                                                            : real_number(-a.value);
  }

  // As Python does it, with floating numbers where whole ones grow too large.
  Number combined(const Node& n, const Number& a, const Number& b) {
    const bool whole = a.whole && b.whole;
    const bool divides = n.op == Operator::divide || n.op == Operator::floor_divide || n.op == Operator::modulo;
    if (divides && b.value == 0) ast_.fail(n.offset, "a division of numbers by zero");
    const bool smallest = whole && a.integer == std::numeric_limits<std::int64_t>::min() && b.integer == -1;
    std::int64_t out = 0;
    switch (n.op) {
      case Operator::add:
        if (whole && !__builtin_add_overflow(a.integer, b.integer, &out)) return whole_number(out);
        return real_number(a.value + b.value);
      case Operator::subtract:
        if (whole && !__builtin_sub_overflow(a.integer, b.integer, &out)) return whole_number(out);
        return real_number(a.value - b.value);
      case Operator::multiply:
        if (whole && !__builtin_mul_overflow(a.integer, b.integer, &out)) return whole_number(out);
        return real_number(a.value * b.value);
      case Operator::divide: return real_number(a.value / b.value);
      case Operator::floor_divide:
        if (whole && !smallest) return whole_number(floor_quotient(a.integer, b.integer));
        return real_number(floor_quotient(a.value, b.value));
      case Operator::modulo:
        if (whole && !smallest) return whole_number(a.integer - floor_quotient(a.integer, b.integer) * b.integer);
        return real_number(floor_remainder(a.value, b.value));
      default:
        if (whole && b.integer >= 0) {
          if (const auto p = whole_power(a.integer, b.integer)) return whole_number(*p);
        }
        if (a.value == 0 && b.value < 0) ast_.fail(n.offset, "zero to a negative power");
        return real_number(std::pow(a.value, b.value));
    }
  }

  std::int64_t whole(int node, const std::string& what) {
    const Node& n = ast_[node];
    if (!n.constant) { ast_.fail(n.offset, what + " must be a whole number made of literals, len(x) and size(x)"); }
    const Number v = number(node);
    if (!v.whole) ast_.fail(n.offset, what + " must be a whole number");
    return v.integer;
  }

  Wholes wholes(int node, const std::string& what) {
    const Node& n = ast_[node];
    if (n.kind != NodeKind::sequence) return {true, {whole(node, what)}};
    Wholes out;
    for (int child : n.children) out.values.push_back(whole(child, what));
    return out;
  }

  // ---- Indices ---------------------------------------------------------------------------------------------------------

  Array indexed(const Node& n, const Array& a) {
    std::vector<IndexItem> items;
    for (std::size_t k = 1; k < n.children.size(); ++k) {
      const int child = n.children[k];
      const Node& item = ast_[child];
      if (item.kind == NodeKind::slice) {
        const auto bound = [&](std::size_t b) -> std::optional<std::int64_t> {
          if (item.children[b] < 0 || ast_[item.children[b]].kind == NodeKind::none) return {};
          return whole(item.children[b], "a slice's bound");
        };
        const std::optional<std::int64_t> step = bound(2);
        if (step && *step == 0) ast_.fail(item.offset, "a slice's step is 0");
        items.emplace_back(Slice{bound(0), bound(1), step.value_or(1)});
      } else if (item.kind == NodeKind::ellipsis) {
        items.emplace_back(ellipsis);
      } else if (item.kind == NodeKind::none) {
        items.emplace_back(newaxis);
      } else if (item.constant) {
        items.emplace_back(whole(child, "an index"));
      } else {
        items.emplace_back(indices(child));
      }
    }
    return guarded(n, [&] { return IndexUpdate(a, std::move(items)).get(); });
  }

  // Whole numbers, or an array of them.
  Array indices(int node) {
    const Node& n = ast_[node];
    const bool nested = std::any_of(n.children.begin(), n.children.end(),
                                    [&](int child) { return ast_[child].kind == NodeKind::sequence; });
    if (n.kind == NodeKind::sequence && !nested) {
      const Wholes w = wholes(node, "an index");
      return from_data(w.values.data(), Shape{static_cast<std::int64_t>(w.values.size())});
    }
    if (n.constant) {
      const std::int64_t v = whole(node, "an index");
      return from_data(&v, Shape{});
    }
    const Array a = array_or_stack(node);
    if (a.dtype() == Dtype::bool_ && !is_readable(a)) {
      ast_.fail(n.offset,
                "a mask picks as many elements as it has True, which is not known beforehand; where(mask, a, b) keeps "
                "the shape");
    }
    if (is_floating(a.dtype())) {
      ast_.fail(n.offset, std::string("an index must be of whole numbers, not ") + name(a.dtype()) +
                              "; an input of whole numbers is written {\"value\": [0, 2], \"dtype\": \"int64\"}");
    }
    return a;
  }

  // ---- Calls -----------------------------------------------------------------------------------------------------------

  Array call(const Node& n) {
    const Function& f = *n.function;
    std::vector<Argument> arguments;
    arguments.reserve(f.parameters.size());
    for (std::size_t k = 0; k < f.parameters.size(); ++k) {
      arguments.push_back(n.bound[k] < 0 ? f.parameters[k].fallback : argument(f, f.parameters[k], n.bound[k]));
    }
    return guarded(n, [&] { return f.call(arguments, ast_.dtype); });
  }

  Array array_or_stack(int node) {
    const Node& n = ast_[node];
    if (n.kind != NodeKind::sequence) return array(node);
    if (n.children.empty()) return reshape(from_data(static_cast<const double*>(nullptr), Shape{0}), {0});
    Leaves parts;
    for (int child : n.children) parts.push_back(array_or_stack(child));
    return guarded(n, [&] { return stack(parts); });
  }

  Leaves sequence(const Function& f, const Parameter& p, int node) {
    const Node& n = ast_[node];
    if (n.kind != NodeKind::sequence) {
      ast_.fail(n.offset, f.name + ": " + text::in_quotes(p.name) + " must be a sequence: [a, b]");
    }
    if (n.children.empty()) ast_.fail(n.offset, f.name + ": the sequence is empty");
    Leaves out;
    for (int child : n.children) out.push_back(array_or_stack(child));
    return out;
  }

  // The arrays of a block from left to right, and how deep they are nested: all alike.
  int block_parts(const Function& f, const Parameter& p, int node, Leaves& parts) {
    const Node& n = ast_[node];
    if (n.kind != NodeKind::sequence) {
      parts.push_back(array(node));
      return 0;
    }
    int depth = -1;
    if (n.children.empty()) sequence(f, p, node);  // says what is wrong
    for (int child : n.children) {
      const int own = block_parts(f, p, child, parts);
      if (depth >= 0 && own != depth) {
        ast_.fail(ast_[child].offset, f.name + ": lists and arrays stand side by side; nest all of them to one depth");
      }
      depth = own;
    }
    return depth + 1;
  }
  // The innermost lists are joined along the last axis, those around them along the one before.
  Array joined(int node, int axis, int ndim, Leaves::const_iterator& next) {
    const Node& n = ast_[node];
    if (n.kind != NodeKind::sequence) {
      Array part = *next++;
      while (part.ndim() < ndim) part = expand_dims(part, {0});
      return part;
    }
    Leaves parts;
    for (int child : n.children) parts.push_back(joined(child, axis + 1, ndim, next));
    return concatenate(parts, axis);
  }

  Argument argument(const Function& f, const Parameter& p, int node) {
    const Node& n = ast_[node];
    const std::string what = f.name + ": " + text::in_quotes(p.name);
    Argument out;
    if (n.kind == NodeKind::none) {
      if (!p.may_be_none) ast_.fail(n.offset, what + " cannot be None");
      out.none = true;
      return out;
    }
    switch (p.kind) {
      case Kind::array: out.array = array_or_stack(node); break;
      case Kind::arrays: out.arrays = sequence(f, p, node); break;
      case Kind::indices: out.array = indices(node); break;
      case Kind::whole: out.wholes = {true, {whole(node, what)}}; break;
      case Kind::wholes: out.wholes = wholes(node, what); break;
      case Kind::blocks: {
        if (n.kind != NodeKind::sequence) sequence(f, p, node);  // says what is wrong
        Leaves parts;
        const int depth = block_parts(f, p, node, parts);
        int ndim = depth;
        for (const Array& a : parts) ndim = std::max(ndim, a.ndim());
        auto next = parts.cbegin();
        out.array = guarded(n, [&] { return joined(node, ndim - depth, ndim, next); });
        break;
      }
      case Kind::pairs:
        out.pair = n.kind == NodeKind::sequence;
        if (!out.pair) {
          out.wholes = {true, {whole(node, what)}};
        } else {
          if (n.children.size() != 2) ast_.fail(n.offset, what + " must be a number or two lists of axes");
          out.wholes = wholes(n.children[0], what);
          out.second = wholes(n.children[1], what);
        }
        break;
      case Kind::order: {
        const bool negative = n.kind == NodeKind::unary && n.op == Operator::negate;
        const Node& inner = negative ? ast_[n.children[0]] : n;
        if (inner.kind == NodeKind::name && inner.text == "inf" && !values_.count("inf")) {
          const double inf = std::numeric_limits<double>::infinity();
          out.number = real_number(negative ? -inf : inf);
          break;
        }
        [[fallthrough]];
      }
      case Kind::number:
        if (!n.constant) ast_.fail(n.offset, what + " must be a number made of literals, len(x) and size(x)");
        out.number = number(node);
        break;
      case Kind::flag:
        if (n.kind != NodeKind::boolean) ast_.fail(n.offset, what + " must be True or False");
        out.flag = n.value;
        break;
    }
    return out;
  }

  const Ast& ast_;
  const std::map<std::string, Array>& values_;
};

}  // namespace evaluation

}  // namespace formula

Formula Formula::parse(const std::string& text, const FormulaNames& names, const FormulaOptions& options) {
  auto data = std::make_shared<Data>();
  data->ast.text = text;
  data->ast.label = options.label;
  data->ast.dtype = options.dtype;
  formula::read(data->ast);
  if (options.sides) formula::take_sides(data->ast);
  formula::resolve(data->ast, names);
  Formula out;
  out.data_ = std::move(data);
  return out;
}

Array Formula::evaluate(const std::map<std::string, Array>& values) const {
  return formula::evaluation::Evaluator(data_->ast, values).array(data_->ast.root);
}

const std::string& Formula::text() const { return data_->ast.text; }
const std::string& Formula::comparison() const { return data_->ast.comparison; }
const std::vector<std::string>& Formula::names() const { return data_->ast.names; }

}  // namespace dini
