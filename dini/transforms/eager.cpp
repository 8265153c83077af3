#include "dini/transforms/eager.hpp"

#include <algorithm>

#include "dini/trace/emit.hpp"
#include "dini/trace/internal.hpp"

namespace dini {

namespace {

class EagerTrace final : public Trace {
 public:
  using Trace::Trace;
  Leaves process(const Op& op, const Leaves& inputs, const Params& params) override {
    const bool concrete = std::all_of(inputs.begin(), inputs.end(), [](const Array& a) { return a.concrete(); });
    TraceScope scope(concrete ? nullptr : parent());
    return emit(op, inputs, params);
  }
  std::string kind() const override { return "eager"; }
};

TraceRef eager_trace() {
  if (!anything_abstract()) return current_trace();
  return std::make_shared<EagerTrace>(current_trace());
}

}  // namespace

EagerScope::EagerScope() : scope_(eager_trace()) {}

}  // namespace dini
