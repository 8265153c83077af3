// Traces: what a transformation does with the operations of the function it transforms.
//
// Dispatch is by context. Each thread has a current trace; a transformation makes one whose parent is the current one,
// makes it current while the function runs, and handles every op that the function emits. Its rules run with the parent
// as the current trace. A tracer knows its trace, and values carry no levels: an input that is not a tracer of the trace
// that handles the op is a constant to it (but may well be traced further out).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "dini/ops/op.hpp"
#include "dini/trace/program.hpp"

namespace dini::detail {

/// Reading an abstract value on the host. A kind of its own, since a residual that does it can be run eagerly instead.
struct HostReadError : TraceError {
  using TraceError::TraceError;
};

/// A traced value used outside the transformation that made it. A kind of its own, since where a derivative rule captured it
/// the remedy is another.
struct LeakError : TraceError {
  /// `fact` without advice, which is put behind it.
  explicit LeakError(const std::string& fact)
      : TraceError(fact + ". Return it from the transformed function instead of storing it elsewhere."), fact(fact) {}
  std::string fact;
};

class Trace : public std::enable_shared_from_this<Trace> {
 public:
  explicit Trace(std::shared_ptr<Trace> parent);
  virtual ~Trace() = default;

  virtual Leaves process(const Op& op, const Leaves& inputs, const Params& params) = 0;
  /// Whether its tracers' values cannot be read, whatever they are made of.
  virtual bool abstract() const { return false; }
  /// "jit", "vmap", "grad", ... for messages.
  virtual std::string kind() const = 0;
  /// The name of the op that made one of its abstract values, for messages; nothing for what the function was called with.
  virtual std::string origin(const detail::Tracer&) const { return ""; }
  /// Whether an abstract value of its comes from concrete arrays alone, for messages.
  virtual bool from_constants(const detail::Tracer&) const { return false; }

  const std::shared_ptr<Trace>& parent() const { return parent_; }
  bool alive() const { return alive_; }
  void finish() { alive_ = false; }

  /// Whether the copy of the library that made it is this one: there are several in a process whose shared objects contain
  /// one each, and none knows what is current in another.
  bool of_this_copy() const;

  /// Whether that trace's tracers may be used here though it is not around this one.
  virtual bool reads(const Trace&) const { return false; }

  bool owns(const Array& a) const {
    return a.defined() && !a.concrete() && static_cast<detail::Tracer*>(a.node())->trace.get() == this;
  }

 private:
  std::shared_ptr<Trace> parent_;
  const void* copy_;
  bool alive_ = true;
};
using TraceRef = std::shared_ptr<Trace>;

/// The thread's current trace; null means that ops are run.
const TraceRef& current_trace();

/// Makes a trace current for the life of this object.
class TraceScope {
 public:
  explicit TraceScope(TraceRef trace);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  TraceRef before_;
};

/// Marks a trace as finished when the transformation is left, by return or exception.
class FinishScope {
 public:
  explicit FinishScope(TraceRef trace) : trace_(std::move(trace)) {}
  ~FinishScope() { trace_->finish(); }
  FinishScope(const FinishScope&) = delete;
  FinishScope& operator=(const FinishScope&) = delete;

 private:
  TraceRef trace_;
};

/// Whether any trace from the current one outwards is abstract.
bool anything_abstract();

/// TraceError unless every input is concrete or a tracer of a live trace from `trace` outwards.
void check_not_leaked(const Trace* trace, const Array& a, const char* op);

// ---- Recording a Program ---------------------------------------------------------------------------------------------

struct StagedTracer final : detail::Tracer {
  StagedTracer(Aval a, TraceRef t, int v) : Tracer(std::move(a), std::move(t)), variable(v) {}
  int variable;
};

/// Records every op into a Program. Values from outside become inputs, after those made by `input`; weak scalars become
/// constants.
class StagingTrace : public Trace {
 public:
  /// `purpose` is the transformation's name in messages.
  StagingTrace(TraceRef parent, std::string purpose) : Trace(std::move(parent)), purpose_(std::move(purpose)) {}

  Leaves process(const Op& op, const Leaves& inputs, const Params& params) override;
  bool abstract() const override { return true; }
  std::string kind() const override { return purpose_; }

  /// A new input. All are made before the function runs.
  Array input(const Aval& aval);
  /// Makes concrete arrays from outside constants of the Program instead of inputs.
  void keep_constants() { keep_constants_ = true; }
  /// The Program that computes `outputs`, and the captured values.
  Staged finish_program(const Leaves& outputs);
  std::string origin(const detail::Tracer& value) const override;
  bool from_constants(const detail::Tracer& value) const override;

 protected:
  int variable_of(const Array& a, const char* op);
  Leaves record(const Op& op, const Leaves& inputs, const Params& params);

 private:
  int new_variable(const Aval& aval);
  std::string purpose_;
  bool keep_constants_ = false;
  std::shared_ptr<Program> program_ = std::make_shared<Program>();
  Leaves captured_;
  std::vector<int> captured_variables_;
  std::unordered_map<const detail::Node*, int> known_;
  std::vector<Array> kept_;  // keeps the nodes that `known_` names alive
};

/// Traces a function of nothing but its arguments: a Program with no captured values.
ProgramRef stage_closed(const std::function<Leaves(const Leaves&)>& f, const std::vector<Aval>& inputs,
                        const char* purpose);

/// Traces f on abstract inputs. The current trace is the parent; what f captures of it is in `captured`.
Staged stage(const std::function<Leaves(const Leaves&)>& f, const std::vector<Aval>& inputs, const char* purpose);

}  // namespace dini::detail
