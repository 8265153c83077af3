#include "dini/transforms/watch_op.hpp"

#include <algorithm>

#include "dini/core/cancel.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/trace/trace.hpp"
#include "dini/transforms/batch.hpp"

namespace dini::detail {

namespace watching {

template <class T> void report(const Monitor& monitor, const KernelCall& call, std::size_t lanes) {
  const auto* step = static_cast<const std::int64_t*>(call.in[0]);
  const auto *norm = static_cast<const T*>(call.in[1]), *best = static_cast<const T*>(call.in[2]);
  const bool* going = static_cast<const bool*>(call.in[3]);
  for (std::size_t k = 0; k < lanes; ++k) {
    if (going[k]) monitor({static_cast<std::int64_t>(k), step[k], norm[k], best[k]});
  }
}

void run(const KernelCall& call) {
  const Watch& w = *watch_of(call.params);
  const auto lanes = static_cast<std::size_t>(call.out_avals[0].shape.size());
  if (w.monitor) {
    const TraceScope untraced(nullptr);
    const CancelShield shield;  // it may cancel, and still compute
    if (call.in_avals[1].dtype == Dtype::float32)
      report<float>(w.monitor, call, lanes);
    else
      report<double>(w.monitor, call, lanes);
  }
  std::fill_n(static_cast<bool*>(call.out[0]), lanes, w.stopped());
}

}  // namespace watching

const Op& watch_op() {
  static const Op op = [] {
    Op o;
    o.name = "watch";
    o.effectful = true;
    o.differentiable = false;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{in[0].shape, Dtype::bool_, false}};
    };
    o.kernel = watching::run;
    o.batch = [](const BatchCall& call) {
      Leaves in(call.in.begin(), call.in.end());
      for (std::size_t k = 0; k < in.size(); ++k) {
        if (!call.batched[k]) in[k] = repeat_leading(in[k], call.size);
      }
      return Batched{emit(watch_op(), in, call.params), {true}};
    };
    o.samples = [](Dtype d) {
      const Params params{{"watch", OpaqueRef(std::make_shared<WatchOpaque>(Watch{[](const StepReport&) {}}))}};
      return std::vector<Sample>{
          {{sample_integers({3}, {}), sample({}, d), sample({}, d, 1), array(true)}, params},
          {{sample_integers({4, 1, 2}, {3}), sample({3}, d), sample({3}, d, 1), array({true, false, true})}, params},
          {{sample_integers({}, {0}), sample({0}, d), sample({0}, d), full({0}, false)}, params}};
    };
    o.plain = [](const Sample& s) {
      return std::vector<std::vector<long double>>{
          std::vector<long double>(static_cast<std::size_t>(s.in[0].size()), 0)};
    };
    return o;
  }();
  return op;
}

Array watch(const std::shared_ptr<const WatchOpaque>& w, const Array& step, const Array& residual_norm,
            const Array& best_norm, const Array& going) {
  Array norm = residual_norm, best = best_norm;
  promote_operands(norm, best, "watch", true);
  return emit_one(watch_op(), {astype(step, Dtype::int64), norm, best, going}, {{"watch", OpaqueRef(w)}});
}

}  // namespace dini::detail
