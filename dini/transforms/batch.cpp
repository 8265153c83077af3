#include "dini/transforms/batch.hpp"

#include <stdexcept>

#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

Array BatchTrace::wrap(const Array& value, const Op* made_by) {
  return Array(Ref<Node>(new BatchTracer(value, shared_from_this(), made_by)));
}

std::string BatchTrace::origin(const Tracer& value) const {
  const Op* op = static_cast<const BatchTracer&>(value).op;
  return op ? op->name : "";
}

std::pair<Array, bool> BatchTrace::unwrap(const Array& a) const {
  if (owns(a)) return {static_cast<BatchTracer*>(a.node())->value, true};
  return {a, false};
}

Leaves BatchTrace::process(const Op& op, const Leaves& inputs, const Params& params) {
  if (!alive()) throw TraceError(op.name + ": a value traced by vmap is used after that transformation has ended");
  Leaves values;
  std::vector<bool> batched;
  bool any = false;
  for (const Array& a : inputs) {
    auto [value, has] = unwrap(a);
    values.push_back(value);
    batched.push_back(has);
    any |= has;
  }
  TraceScope scope(parent());
  if (!any) return emit(op, values, params);
  if (!op.batch) throw std::logic_error(op.name + ": has no batching rule");
  Batched result = op.batch({params, values, batched, size_});
  for (std::size_t k = 0; k < result.out.size(); ++k) {
    if (result.batched[k]) result.out[k] = wrap(result.out[k], &op);
  }
  return result.out;
}

Array repeat_leading(const Array& a, std::int64_t size) { return broadcast_to(a, prepend(size, a.shape())); }

Batched vmap(const ErasedFunction& f, const Leaves& inputs, const std::vector<bool>& batched, std::int64_t size,
             bool all) {
  auto trace = std::make_shared<BatchTrace>(current_trace(), size);
  FinishScope finish(trace);
  Leaves arguments;
  for (std::size_t k = 0; k < inputs.size(); ++k) arguments.push_back(batched[k] ? trace->wrap(inputs[k]) : inputs[k]);
  Batched result;
  {
    TraceScope scope(trace);
    result.out = f(arguments);
  }
  for (Array& a : result.out) {
    auto [value, has] = trace->unwrap(a);
    a = !has && all ? repeat_leading(value, size) : value;
    result.batched.push_back(has || all);
  }
  return result;
}

}  // namespace dini::detail
