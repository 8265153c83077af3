// Forward-mode differentiation, and its recording. A JvpTrace follows pairs (value, tangent): the ops of the values go to
// the parent trace, the rules of the tangents run in a context that the caller chooses: the parent itself (jvp), or a
// TangentTrace, which evaluates what does not depend on a tangent at once and records the rest (linearize).
//
//     y = f(x),  dy = ∂f(x) dx
#pragma once

#include <functional>

#include "dini/trace/trace.hpp"

namespace dini::detail {

/// The one door from templates into the library: trees are flattened on one side of it.
using ErasedFunction = std::function<Leaves(const Leaves&)>;

struct JvpTracer final : Tracer {
  JvpTracer(Array p, Array t, TraceRef trace)
      : Tracer(p.aval(), std::move(trace)), value(std::move(p)), tangent(std::move(t)) {}
  const Array* primal() const override { return &value; }
  const Array value, tangent;
};

class JvpTrace final : public Trace {
 public:
  /// `tangent_context` null: the parent, forward mode.
  JvpTrace(TraceRef parent, TraceRef tangent_context, std::string kind)
      : Trace(std::move(parent)), tangent_context_(std::move(tangent_context)), kind_(std::move(kind)) {}

  Leaves process(const Op& op, const Leaves& inputs, const Params& params) override;
  std::string kind() const override { return kind_; }
  bool linearizing() const { return tangent_context_ != nullptr; }
  /// Whether it runs within a rule whose tangents a TangentTrace records.
  bool recording() const;
  const TraceRef& tangent_context() const { return tangent_context_ ? tangent_context_ : parent(); }

  /// A value followed with a tangent; the plain value when the tangent is undefined.
  Array pair(const Array& value, const Array& tangent);
  /// The value and tangent of anything; undefined tangent for what this trace does not follow.
  Array value_of(const Array& a) const;
  Array tangent_of(const Array& a) const;

 private:
  TraceRef tangent_context_;
  std::string kind_;
};

/// Records what depends on its inputs, evaluates the rest in its parent.
class TangentTrace final : public StagingTrace {
 public:
  explicit TangentTrace(TraceRef parent) : StagingTrace(std::move(parent), "linearize") {}
  Leaves process(const Op& op, const Leaves& inputs, const Params& params) override;
  bool abstract() const override { return false; }
};

struct JvpResult {
  Leaves out, tangents;  // undefined where zero
};
/// f's outputs and their tangents; undefined input tangents are zero.
JvpResult jvp(const ErasedFunction& f, const Leaves& primals, const Leaves& tangents);

/// f's outputs at a point and the linear map there, as a Program of the active inputs' tangents and of `captured`.
struct LinearMap {
  Leaves out;
  std::vector<bool> active;      // inputs that have a tangent: the others' is zero
  std::vector<bool> out_active;  // outputs whose tangent is not identically zero
  ProgramRef program;
  Leaves captured;
  /// Tangents of all outputs, undefined where zero, from those of the active inputs, all defined.
  Leaves apply(const Leaves& tangents) const;
  /// Cotangents of the active inputs, undefined where zero, from those of all outputs (undefined: zero).
  Leaves transpose(const Leaves& cotangents) const;
};
LinearMap linearize(const ErasedFunction& f, const Leaves& primals, const std::vector<bool>& active,
                    const char* kind = "linearize");

/// What `backward` throws at an operation that is not linear in what is transposed: only a user's function or rule has such.
struct NotLinearError : TraceError {
  explicit NotLinearError(const std::string& op) : TraceError(op + ": is not linear in what is transposed"), op(op) {}
  std::string op;
};

/// Transposes a Program in its undefined inputs, in which it is linear: their cotangents (undefined where zero, and for the
/// defined inputs) from those of the outputs (undefined: zero).
Leaves backward(const Program& program, const Leaves& inputs, const Leaves& cotangents);

/// Zeros of an array's shape and dtype, for a cotangent or tangent that must be there.
Array instantiate(const Array& maybe_zero, const Aval& aval);
/// a + b where either may be a symbolic zero.
Array add_symbolic(const Array& a, const Array& b);

}  // namespace dini::detail
