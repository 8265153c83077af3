// callback: a function of the user's as an op. It is called with concrete arrays when the op is run, on the calling thread,
// for batches lane after lane.
#pragma once

#include "dini/trace/internal.hpp"
#include "dini/transforms/control_ops.hpp"

namespace dini::detail {

const Op& callback_op();  // {function: HostFunction}

/// Reads every tracer as its value and runs the ops: the context in which a user's callable is called back, so that what
/// it captured of an enclosing differentiation is a constant. TraceError where a value is abstract or stale.
class ValueTrace final : public Trace {
 public:
  ValueTrace() : Trace(nullptr) {}
  Leaves process(const Op& op, const Leaves& inputs, const Params& params) override;
  std::string kind() const override { return "a callback"; }
  bool reads(const Trace&) const override { return true; }
};

/// Hands the tracers of some traces on as their values: what a function is within, without the innermost differentiations.
class StripTrace final : public Trace {
 public:
  StripTrace(std::vector<TraceRef> stripped, TraceRef parent)
      : Trace(std::move(parent)), stripped_(std::move(stripped)) {}
  Leaves process(const Op& op, const Leaves& inputs, const Params& params) override;
  std::string kind() const override { return "a solve"; }
  bool reads(const Trace& t) const override {
    for (const TraceRef& s : stripped_) {
      if (s.get() == &t) return true;
    }
    return false;
  }
  const std::vector<TraceRef>& stripped() const { return stripped_; }

 private:
  std::vector<TraceRef> stripped_;
};

}  // namespace dini::detail
