// Random Programs, as RapidCheck wants them: drawn from a seed, shrinkable, printable.
//
// What is drawn is a typed expression, from which a function of arrays is built:
//
//     scan:vector#1(vector1, tanh:square#0(square0), \ -> add:vector#0(vector0, vector2), \ -> row0)
//
// A node is a variable in scope (vector0: the innermost) or a row of the tables behind random_program_rows.hpp: an op or a
// transformation, with what it was left to choose (#1) and its arguments, of which bodies (\ ->) bind variables. Every subtree
// is a valid expression wherever one of its type is wanted, since a variable is counted among those in scope and wraps around:
// so a failure shrinks by putting subtrees in their parents' places.
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/core/tree.hpp"
#include "dini/ops/internal.hpp"

namespace dini::random_programs {

/// Shapes by name: (), (n), (m), (n, m), (m, m), (2, n, m); and integers: (), (6).
enum class Type { scalar, vector, row, matrix, square, box, index, indices };
inline constexpr Type all_types[] = {Type::scalar, Type::vector, Type::row,   Type::matrix,
                                     Type::square, Type::box,    Type::index, Type::indices};
inline bool is_float(Type t) { return t < Type::index; }
const char* name(Type type);

struct Sizes {
  std::int64_t n = 5, m = 3;
  Shape shape(Type type) const;
};

struct Row;

struct Expr {
  Type type = Type::scalar;
  const Row* row = nullptr;  // null: a variable
  unsigned draw = 0;         // which variable; or what a row is left to choose: an axis, a number of steps
  std::vector<Expr> args = {};
};

/// A value, and what its elements hardly exceed: operands are brought back where a function would blow up or has no value.
struct Value {
  Type type;
  Array array;
  double bound;
};
using Scope = std::vector<Value>;

/// What a row restricts; for an expression, what any of its rows does.
enum Trait : unsigned {
  kinked = 1,      // not differentiable everywhere, or by agreement not as differences say
  no_reverse = 2,  // while_loop
  no_forward = 4,  // custom_vjp
  single = 8,      // float32 within, whatever the operands
  repeats = 16,    // runs its bodies several times
  nested = 32,     // differentiates its bodies
};

class Build;
using Body = std::function<Array(const Leaves&)>;

struct Argument {
  Type type;
  std::vector<Type> binds = {};  // of a body: its own variables
};

struct Row {
  std::string name;
  Type result;
  std::vector<Argument> args;
  unsigned traits = 0;
  std::function<Value(const Build&)> build = {};
};

/// Rows by what they are: elementwise ops, other ops, transformations.
struct Family {
  std::string name;
  int weight;
  std::vector<Row> rows;
};
const std::vector<Family>& families();

/// An expression being built, as a row sees it. Bodies own their scope: rules of custom derivatives are called later.
class Build {
 public:
  Build(const Expr& expr, const Sizes& sizes, const Scope& scope) : expr_(expr), sizes_(sizes), scope_(scope) {}
  const Row& row() const { return *expr_.row; }
  unsigned draw() const { return expr_.draw; }
  const Sizes& sizes() const { return sizes_; }
  Shape shape() const { return sizes_.shape(expr_.type); }
  std::size_t count() const { return expr_.args.size(); }
  Value value(std::size_t k) const;
  /// The k-th operand with elements between -limit and limit.
  Array arg(std::size_t k, double limit) const;
  /// The k-th argument as a function of the variables that it binds. Its results are strong, of the dtype given, and within
  /// `body_bound`.
  Body body(std::size_t k, Dtype dtype) const;
  /// The same where only numbers may be captured, in a rule of a custom derivative.
  Body closed_body(std::size_t k, Dtype dtype) const;
  static constexpr double body_bound = 1.5;

 private:
  Body body_in(Scope scope, std::size_t k, Dtype dtype) const;
  const Expr& expr_;
  const Sizes& sizes_;
  const Scope& scope_;
};
/// x within [center - half, center + half]: itself where it is known to be, else by a sine.
Array squash(const Array& x, double bound, double half, double center = 0);

/// A function and its arguments.
struct Description {
  Sizes sizes;
  Dtype dtype = float64, other = float64;  // of the arguments; and of the second vector
  unsigned seed = 0;
  Expr root;

  int depth() const;
  unsigned traits() const;
  Leaves inputs(unsigned lane = 0) const;
  /// The root's value, that of its first operand, an argument, and perhaps the root's value again. The Description has to
  /// outlive what becomes of them.
  Leaves operator()(const Leaves& inputs) const;
};

/// At most that deep, and every depth up to it as often.
rc::Gen<Description> descriptions(int max_depth = 8);
void showValue(const Description& description, std::ostream& out);

}  // namespace dini::random_programs
