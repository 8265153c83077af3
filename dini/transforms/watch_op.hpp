// watch: a solve's monitor, token and deadline as an op, so that they are looked at wherever the solve runs: eagerly, in a
// compiled loop, in lanes.
//
//   watch  {watch: WatchOpaque}   [step int64, residual norm, best norm, going bool] -> [whether to stop, bool]
//
// All have one shape: () for a single solve, with an axis for each vmap around it. One evaluation calls the monitor for each
// lane that is going, in order, and looks at the token and the clock once, for all of them.
#pragma once

#include <memory>

#include "dini/ops/watched.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

const Op& watch_op();

/// Whether to stop now: true once the token is cancelled or the deadline has passed, for every lane. The monitor is called
/// where `going`. The norms may be of any floating dtype, and have no tangents as far as this op is concerned.
Array watch(const std::shared_ptr<const WatchOpaque>& w, const Array& step, const Array& residual_norm,
            const Array& best_norm, const Array& going);

}  // namespace dini::detail
