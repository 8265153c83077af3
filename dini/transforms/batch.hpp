// vmap: a function over one more leading axis. A BatchTrace follows values that have it, in front; an op that sees none
// of them is handed on unbatched.
#pragma once

#include "dini/transforms/jvp.hpp"

namespace dini::detail {

struct BatchTracer final : Tracer {
  BatchTracer(Array v, TraceRef trace, const Op* made_by)
      : Tracer({v.shape().erased(0), v.dtype(), v.weak()}, std::move(trace)), value(std::move(v)), op(made_by) {}
  const Array value;   // with the batch axis in front
  const Op* const op;  // null for an argument
};

class BatchTrace final : public Trace {
 public:
  BatchTrace(TraceRef parent, std::int64_t size) : Trace(std::move(parent)), size_(size) {}
  Leaves process(const Op& op, const Leaves& inputs, const Params& params) override;
  bool abstract() const override { return true; }
  std::string kind() const override { return "vmap"; }
  std::string origin(const Tracer& value) const override;
  Array wrap(const Array& value, const Op* made_by = nullptr);
  /// The value with its batch axis, and whether it has one.
  std::pair<Array, bool> unwrap(const Array& a) const;

 private:
  std::int64_t size_;
};

/// f over the leading axis of the batched inputs. The outputs' flags say which have it; with `all` every output has.
Batched vmap(const ErasedFunction& f, const Leaves& inputs, const std::vector<bool>& batched, std::int64_t size,
             bool all);

/// A value repeated along a new leading axis.
Array repeat_leading(const Array& a, std::int64_t size);

}  // namespace dini::detail
