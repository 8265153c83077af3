// Op: everything the library knows of one operation, in one record.
//
// A record has the rule for shapes and dtypes, the kernel, and the rules of the transformations: `jvp` (how a change of
// the inputs changes the outputs), `transpose` (for ops that are linear in an operand) and `batch` (the op over one more
// leading axis). Reverse mode is never written by hand: it is jvp, recorded, then transposed. Rules are written with ops,
// so every order of derivative follows.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dini/core/array.hpp"

namespace dini::detail {

class Program;
using ProgramRef = std::shared_ptr<const Program>;

/// A parameter that is none of the plain kinds: a user's callable, a solver. Two are equal when they are one object.
struct Opaque {
  virtual ~Opaque() = default;
  virtual std::string name() const = 0;
};
/// A class of its own: of nothing but std::shared_ptr and the like, libstdc++ takes a variant to have a value at all times,
/// and destroys one that is not there when a copy of it throws.
struct OpaqueRef : std::shared_ptr<const Opaque> {
  using std::shared_ptr<const Opaque>::shared_ptr;
};

/// What an op is called with beside arrays: axes, dtypes, Programs. Static: part of a Program.
class Params {
 public:
  using Ints = std::vector<std::int64_t>;
  using Value = std::variant<bool, std::int64_t, double, std::string, Dtype, Ints, Shape, ProgramRef,
                             std::vector<ProgramRef>, OpaqueRef>;

  Params() = default;
  Params(std::initializer_list<std::pair<std::string, Value>> items) : items_(items) {}

  void set(const std::string& name, Value value);
  bool has(const std::string& name) const { return find(name) != nullptr; }
  /// The value; an internal error when there is none of that name and type.
  template <class T> const T& get(const char* name) const { return std::get<T>(value(name)); }
  bool flag(const char* name) const { return get<bool>(name); }
  std::int64_t integer(const char* name) const { return get<std::int64_t>(name); }
  double number(const char* name) const { return get<double>(name); }
  const Ints& ints(const char* name) const { return get<Ints>(name); }
  Axes axes(const char* name) const {
    const Ints& v = ints(name);
    return {v.begin(), v.end()};
  }
  const Shape& shape(const char* name) const { return get<Shape>(name); }
  Dtype dtype(const char* name) const { return get<Dtype>(name); }
  const ProgramRef& program(const char* name) const { return get<ProgramRef>(name); }
  const std::string& text(const char* name) const { return get<std::string>(name); }

  const std::vector<std::pair<std::string, Value>>& items() const { return items_; }

 private:
  const Value* find(const std::string& name) const;
  const Value& value(const char* name) const;
  std::vector<std::pair<std::string, Value>> items_;
};
Params::Ints to_ints(const Axes& axes);

/// A function of the user's that an op calls when it is run, with concrete arrays on the calling thread.
struct HostFunction : Opaque {
  virtual Leaves call(const Leaves& inputs) const = 0;
  virtual std::vector<Aval> outputs(std::span<const Aval> inputs) const = 0;
};

/// A kernel's arguments: contiguous row-major memory, shapes and dtypes as `infer` said. Outputs never overlap inputs,
/// but for ops marked `in_place`, whose first output may be the memory of its first input.
struct KernelCall {
  const Params& params;
  std::span<const void* const> in;
  std::span<void* const> out;
  std::span<const Aval> in_avals, out_avals;
};
using Kernel = void (*)(const KernelCall&);

/// One elementwise operation on n elements of each operand; `out` may be one of `in`.
using ElementKernel = void (*)(const void* const* in, void* out, std::size_t n);

struct JvpCall {
  const Params& params;
  std::span<const Array> in, out;   // the values, of the trace in which the rule runs
  std::span<const Array> tangents;  // one an input; undefined ones are symbolically zero
};
struct LinearizeCall {
  const Params& params;
  std::span<const Array> in;
  std::vector<bool> active;  // which inputs have a tangent
};
/// The outputs, and the linear map from the inputs' tangents to the outputs'.
struct Linearized {
  Leaves out;
  std::function<Leaves(const Leaves& tangents)> apply;
};
struct TransposeCall {
  const Params& params;
  std::span<const Array> in;  // undefined at the operands to transpose in
  std::span<const Aval> in_avals;
  std::span<const Array> cotangents;  // one an output; undefined ones are symbolically zero
};
struct BatchCall {
  const Params& params;
  std::span<const Array> in;  // batched ones have one more axis, in front
  std::vector<bool> batched;
  std::int64_t size;
};
struct Batched {
  Leaves out;
  std::vector<bool> batched;
};

/// Arguments that the tests call an op with.
struct Sample {
  Leaves in;
  Params params;
  std::string error = {};  // where running it throws: what the message contains
  bool linear = true;      // whether what it is linear in with these values it is with all
};

/// What an op's operands may be beside floating. (The functions that users call convert them before other ops.)
enum class Operands { floating, booleans, integers, any };

/// Ops that are run in a way of their own. (A call, a solve and others that stand for one Program are `inlined`.)
enum class Control { none, cond, while_loop, scan, callback, late, lanes };

/// What an op adds to the rounding errors that its operands bring (rounding_noise).
enum class Rounding {
  rounds,       // each element of its floating outputs is off by up to a unit roundoff of itself
  exact,        // it moves, chooses or compares: nothing
  accumulates,  // sums of products of the operands' elements: up to two unit roundoffs of the sum of the terms' magnitudes,
                // which the op gives itself for the operands' absolute values
  backward,  // it rounds, and is right for a matrix (operand `backward_operand`) each of whose elements is off by four unit
             // roundoffs of the largest
  within,  // what the Programs do that it holds
};

/// What computes and derives is `mutable`, so that a test may break an op in place and see that it is noticed; the library
/// changes none of it.
struct Op {
  std::string name;

  /// Shapes and dtypes of the outputs. The functions that users call check their arguments and say what is wrong; here
  /// a misfit is an internal error.
  std::function<std::vector<Aval>(std::span<const Aval>, const Params&)> infer;

  /// Computes the outputs. Ops that hold Programs have none: the executor knows them.
  mutable Kernel kernel = nullptr;

  /// For ops that stand for a Program (a call, a solve): that Program, whose inputs and outputs are the op's. The executor
  /// puts it in their place.
  mutable std::function<ProgramRef(const Params&, std::span<const Aval>)> inlined;
  Control control = Control::none;

  /// For elementwise ops: the kernel for these operands, of which all have one shape. Null for dtypes it cannot take.
  mutable ElementKernel (*element)(std::span<const Aval> in, const Aval& out) = nullptr;

  /// Tangents of the outputs (undefined: zero) from those of the inputs. Linear in the tangents.
  mutable std::function<Leaves(const JvpCall&)> jvp;

  /// In place of `jvp` where outputs and tangents share work: the outputs at once, the linear map later.
  mutable std::function<Linearized(const LinearizeCall&)> linearize;

  /// In place of `jvp` in forward mode: outputs and tangents computed together (`out` of the call is empty). With
  /// `joint_when_linearized` the outputs come from the primals alone, so that it serves reverse mode as well.
  mutable std::function<std::pair<Leaves, Leaves>(const JvpCall&)> joint;
  bool joint_when_linearized = false;

  /// For ops that are called with a user's callables: what is done when no trace is current, and how the callables
  /// become Programs (parameters, and further inputs for what they captured) when a trace must record the op.
  std::function<Leaves(const Params&, const Leaves&)> direct;
  mutable std::function<std::pair<Params, Leaves>(const Params&, const Leaves&)> prepare;

  /// Cotangents of the undefined inputs (undefined elsewhere, and where zero) from those of the outputs.
  mutable std::function<Leaves(const TransposeCall&)> transpose;
  /// Why there is no transpose, or no jvp, for ops of which a user may expect one.
  std::string no_transpose, no_jvp;

  mutable std::function<Batched(const BatchCall&)> batch;

  Operands takes = Operands::floating;

  Rounding rounding = Rounding::rounds;
  double roundings = 1;      // how many times what `rounding` says
  int backward_operand = 0;  // of Rounding::backward
  /// Whether nothing is rounded with these operands; `known`: the number that an operand is everywhere, as far as known.
  bool (*exact_when)(const Params& params, std::span<const Aval> in,
                     std::span<const std::optional<double>> known) = nullptr;

  /// Arguments to test with, for a floating dtype.
  std::function<std::vector<Sample>(Dtype)> samples;
  /// For elementwise ops: the value at one point, from the C library's long double functions or better.
  long double (*reference)(const long double* in) = nullptr;
  /// For the others: a plain loop over all outputs' elements, converted.
  std::function<std::vector<std::vector<long double>>(const Sample&)> plain;

  bool in_place = false;        // output 0 may be written over input 0
  bool differentiable = true;   // false: derivatives are zero (floor, comparisons) or there are none (factorize)
  bool sees_all_lanes = false;  // it throws with a report of all lanes, so that in a batch it comes after all of them
  bool effectful = false;       // calls back into a user's code: never removed, merged or moved
};

}  // namespace dini::detail
