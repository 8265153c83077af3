// Tools for functions that change Programs.
//
// Passes work on a private copy of a Program (`private_copy`), the Programs within its control ops included, in which all
// calls are inlined and no type is weak.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dini/trace/internal.hpp"

namespace dini::exec {

/// What an op is to the executor.
enum class Kind { kernel, cond, while_loop, scan, callback, late, lanes, subroutine, inlined, none };
Kind kind_of(const Op& op);

/// The ops that passes look for or emit.
struct KnownOps {
  const Op *reshape, *transpose, *broadcast, *convert, *stop_gradient, *eye, *iota, *dot_general, *mul, *div, *sub,
      *add, *neg, *abs, *maximum, *minimum, *select, *isfinite, *logical_not, *sum, *max, *min, *norm2, *square, *sqrt;
};
const KnownOps& known();

/// A copy that may be changed, Programs within and all. Ops that stand for Programs are replaced by these, or are calls of
/// subroutines; weak types become strong, which no kernel can tell.
std::shared_ptr<Program> private_copy(const Program& program);

/// The Programs an equation holds: branches, or condition and body. They must be part of a private copy.
std::vector<Program*> programs_of(const Equation& e);
Program& program_of(const Equation& e, const char* parameter);

bool same_params(const Params& a, const Params& b);

int add_variable(Program& p, const Aval& aval);

/// A forward walk over a Program's equations that builds the new list of them.
class Rewriter {
 public:
  explicit Rewriter(Program& p);

  Program& program() { return p_; }
  /// The equations as they were, moved out.
  std::vector<Equation> take_equations() { return std::move(old_); }

  /// The variable that now stands for v.
  int now(int v) const {
    while (replaced_[v] >= 0) v = replaced_[v];
    return v;
  }
  /// Renames an equation's inputs to what now stands for them.
  void rename(Equation& e) const {
    for (int& v : e.inputs) v = now(v);
  }
  void replace(int v, int with) { replaced_[v] = now(with); }
  /// Appends an equation, its inputs renamed.
  void keep(Equation e);
  /// Appends a new equation for an op with one output; the output.
  int emit(const Op& op, std::vector<int> inputs, Params params = {});
  int constant(const Array& value);
  /// Appends a Program's equations, for these inputs; its outputs.
  std::vector<int> splice(const Program& program, const std::vector<int>& inputs);
  /// A new variable, for an equation to be kept.
  int add(const Aval& aval) {
    const int v = add_variable(p_, aval);
    grow();
    return v;
  }

  const Aval& aval(int v) const { return p_.variables[v]; }
  /// The equation that makes v; null for inputs and constants, and for any but the first output.
  const Equation* definition(int v) const { return definition_[v] < 0 ? nullptr : &equations_[definition_[v]]; }
  /// The same if it is of that op.
  const Equation* definition(int v, const Op* op) const {
    const Equation* e = definition(v);
    return e && e->op == op ? e : nullptr;
  }
  /// How many equations and outputs read v, of the Program as it was.
  int uses(int v) const { return static_cast<std::size_t>(v) < uses_.size() ? uses_[static_cast<std::size_t>(v)] : 0; }
  const Array* constant_value(int v) const { return constant_[v] < 0 ? nullptr : &p_.constants[constant_[v]].second; }

  /// Gives the Program its new equations and outputs.
  void finish();

 private:
  void grow();
  Program& p_;
  std::vector<Equation> old_, equations_;
  std::vector<int> replaced_, definition_, constant_, uses_;
};

}  // namespace dini::exec
