#include "dini/core/watch.hpp"

#include <algorithm>
#include <cmath>

#include "dini/core/cancel.hpp"
#include "dini/core/error.hpp"

namespace dini {

namespace detail {
constinit thread_local CancelScope* cancel_scope = nullptr;
}

Deadline Deadline::in(double seconds) {
  if (std::isnan(seconds)) throw ValueError("Deadline::in: the number of seconds is nan");
  const Clock::time_point now = Clock::now();
  const double most = std::chrono::duration<double>(Clock::time_point::max() - now).count();
  // Clock::duration counts nanoseconds: half of what there is, so that rounding cannot take the sum over the end.
  if (seconds >= most / 2) return {};
  return now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::max(seconds, 0.0)));
}

CancelScope::CancelScope(CancelToken token, Deadline deadline)
    : token_(std::move(token)), deadline_(deadline), outer_(detail::cancel_scope) {
  if (outer_ && outer_->deadline_.at() < deadline_.at()) deadline_ = outer_->deadline_;
  detail::cancel_scope = this;
}

CancelScope::~CancelScope() { detail::cancel_scope = outer_; }

namespace cancel {

constexpr std::uint32_t turns_a_look = 16;  // at the clock, which takes about 25 ns

}  // namespace cancel

void CancelScope::poll_tokens() const {
  for (const CancelScope* s = this; s; s = s->outer_) {
    if (s->token_.cancelled()) [[unlikely]]
      throw CancelledError("cancelled: the token of a CancelScope around this computation was cancelled");
  }
}

void CancelScope::poll_turn() {
  poll_tokens();
  // The threads of an operation share its scope.
  if (deadline_.given() && std::atomic_ref(turns_).fetch_add(1, std::memory_order_relaxed) % cancel::turns_a_look == 0)
    poll();
}

void CancelScope::poll() const {
  poll_tokens();
  if (deadline_.passed()) [[unlikely]]
    throw CancelledError("cancelled: the deadline of a CancelScope around this computation has passed");
}

}  // namespace dini
