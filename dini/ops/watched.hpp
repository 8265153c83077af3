// A Watch as an op's parameter, and what runs under it.
#pragma once

#include <string>
#include <utility>

#include "dini/core/error.hpp"
#include "dini/core/watch.hpp"
#include "dini/ops/op.hpp"

namespace dini::detail {

/// Programs with different ones are different.
struct WatchOpaque final : Opaque {
  explicit WatchOpaque(Watch w) : watch(std::move(w)) {}
  std::string name() const override { return "watch"; }
  Watch watch;
};

/// Runs f until the watch's token or deadline ends it; returns whether f came to its end. A null watch ends nothing, and what
/// another scope ends is thrown on.
template <class F> bool run_watched(const Watch* watch, F&& f) {
  if (!watch || !(watch->token || watch->deadline.given())) {
    f();
    return true;
  }
  try {
    CancelScope scope(watch->token, watch->deadline);
    f();
    return true;
  } catch (const CancelledError&) {
    if (!watch->stopped()) throw;
    return false;
  }
}

/// The watch among an op's parameters; null where there is none.
inline const Watch* watch_of(const Params& params) {
  return params.has("watch") ? &static_cast<const WatchOpaque&>(*params.get<OpaqueRef>("watch")).watch : nullptr;
}

}  // namespace dini::detail
