// An op that counts how often it is run.
#pragma once

#include <atomic>
#include <cstring>

#include "dini/dini.hpp"
#include "dini/ops/op.hpp"
#include "dini/trace/emit.hpp"

namespace dini::transforms_tests {

/// x as it is, and a count of how often that was run: of arrays that depend on lanes and of others.
inline std::atomic<std::int64_t> times_run = 0;  // by whatever threads run lanes
inline const detail::Op& counted_op() {
  static const detail::Op op = [] {
    detail::Op o;
    o.name = "counted";
    o.infer = [](std::span<const Aval> in, const Params&) { return std::vector<Aval>{in[0]}; };
    o.kernel = [](const detail::KernelCall& call) {
      ++times_run;
      std::memcpy(call.out[0], call.in[0],
                  static_cast<std::size_t>(call.in_avals[0].shape.size()) * item_size(call.in_avals[0].dtype));
    };
    o.jvp = [](const detail::JvpCall& call) { return Leaves{call.tangents[0]}; };
    o.batch = [](const detail::BatchCall& call) {
      return detail::Batched{emit(counted_op(), {call.in[0]}, {}), {true}};
    };
    return o;
  }();
  return op;
}
inline Array counted(const Array& x) { return emit(counted_op(), {x}, {})[0]; }
template <class F> std::int64_t runs_of(const F& f) {
  times_run = 0;
  f();
  return times_run;
}

}  // namespace dini::transforms_tests
