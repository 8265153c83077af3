#include <limits>

#include "dini/linear/check_status.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise_build.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

namespace guarded {

template <class T> void run(const void* const* in, void* out, std::size_t n) {
  const T* x = static_cast<const T*>(in[0]);
  const bool* alive = static_cast<const bool*>(in[1]);
  for (std::size_t k = 0; k < n; ++k) {
    static_cast<T*>(out)[k] = alive[k] || x[k] == 0 ? x[k] : std::numeric_limits<T>::quiet_NaN();
  }
}

ElementKernel element(std::span<const Aval> in, const Aval&) {
  return in[0].dtype == Dtype::float32 ? run<float> : in[0].dtype == Dtype::float64 ? run<double> : nullptr;
}

}  // namespace guarded

const Op& guard_op() {
  static const Op op = [] {
    Op o;
    o.name = "guard";
    o.rounding = Rounding::exact;
    o.infer = [](std::span<const Aval> in, const Params&) {
      return std::vector<Aval>{{in[0].shape, in[0].dtype, false}};
    };
    o.element = guarded::element;
    o.kernel = run_elementwise<&guarded::element>;
    o.jvp = [](const JvpCall& call) -> Leaves {
      if (!call.tangents[0].defined()) return {Array()};
      return {emit_one(guard_op(), {call.tangents[0], call.in[1]})};
    };
    o.transpose = [](const TransposeCall& call) -> Leaves {
      Leaves out(2);
      if (call.cotangents[0].defined()) out[0] = emit_one(guard_op(), {call.cotangents[0], call.in[1]});
      return out;
    };
    o.batch = [](const BatchCall& call) { return batch_elementwise(guard_op(), call); };
    // What is not alive has no value to compare with.
    o.samples = [](Dtype d) {
      const Array alive = sample_array({1, 1, 1, 1, 1}, Shape{5}, Dtype::bool_);
      return std::vector<Sample>{{{sample_array({-2.5, 0.3, 0, -1, 0}, Shape{5}, d), alive}, {}}};
    };
    o.reference = [](const long double* x) { return x[0]; };
    return o;
  }();
  return op;
}

Array guard(const Array& x, const Array& alive) { return emit_one(guard_op(), {x, broadcast_to(alive, x.shape())}); }

}  // namespace dini::detail
