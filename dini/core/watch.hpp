// Watching what takes long: a token that cancels it, a deadline, a monitor of a solve's steps.
//
//     CancelToken token;
//     std::thread other([&] { ...; token.cancel(); });
//     CancelScope scope(token, Deadline::in(2.5));   // whatever this thread computes from here on: CancelledError
//
// A solve that is given a Watch ends by itself, with status `cancelled` and the best point it has met. A CancelScope is for
// everything else: it ends operations, loops and compiled functions, which have nothing to show for it, by an exception.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace dini {

/// A flag that one side sets and another looks at. Copies are the same flag. Any thread may use it at any time, and a signal
/// handler may: `cancel` and `cancelled` are an atomic store and an atomic load without locks.
class CancelToken {
 public:
  /// A flag of its own, not set.
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
  /// A flag that lives elsewhere, at least as long as this token and its copies: a global that a signal handler sets.
  explicit CancelToken(std::atomic<bool>& flag) : flag_(std::shared_ptr<void>(), &flag) {}
  /// One without a flag: `cancel` does nothing. It costs nothing to make.
  static CancelToken never() { return CancelToken(nullptr); }

  void cancel() const noexcept {
    if (flag_) flag_->store(true, std::memory_order_release);
  }
  bool cancelled() const noexcept { return flag_ && flag_->load(std::memory_order_acquire); }
  /// Whether it could ever be cancelled.
  explicit operator bool() const noexcept { return flag_ != nullptr; }

 private:
  explicit CancelToken(std::nullptr_t) {}
  std::shared_ptr<std::atomic<bool>> flag_;
  static_assert(std::atomic<bool>::is_always_lock_free);
};

/// A point in time by which something has to have ended; none by default.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  Deadline() = default;
  Deadline(Clock::time_point at) : at_(at) {}
  /// So many seconds from now. Without end where that is beyond what the clock can say; ValueError for a NaN.
  static Deadline in(double seconds);

  bool given() const noexcept { return at_ != Clock::time_point::max(); }
  bool passed() const { return given() && Clock::now() >= at_; }
  Clock::time_point at() const noexcept { return at_; }

 private:
  Clock::time_point at_ = Clock::time_point::max();
};

/// One step of a solve, or of one of its lanes.
struct StepReport {
  std::int64_t lane = 0;  // of a batched solve; in nested ones their flat number, the last vmap's varying fastest
  std::int64_t step = 0;  // 0: the starting point
  double residual_norm = 0, best_norm = 0;
};

/// Called after each step, on the thread that computes, under `jit` as well. What it throws passes through the solve. It may
/// cancel a token.
using Monitor = std::function<void(const StepReport&)>;

/// What a solve is watched by.
struct Watch {
  Monitor monitor = nullptr;
  CancelToken token = CancelToken::never();
  Deadline deadline = {};
  /// Whether there is anything to it.
  bool wanted() const { return monitor || token || deadline.given(); }
  /// Whether the token is cancelled or the deadline has passed.
  bool stopped() const { return token.cancelled() || deadline.passed(); }
};

/// While it lives, what this thread computes ends with a CancelledError soon after the token is cancelled or the deadline has
/// passed: before the next operation, the next turn of a compiled loop, the next part of a large product or factorisation.
/// Results that were there before are whole, and everything may be used again. Scopes nest: each of them is heeded.
class CancelScope {
 public:
  explicit CancelScope(CancelToken token, Deadline deadline = {});
  explicit CancelScope(Deadline deadline) : CancelScope(CancelToken::never(), deadline) {}
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  /// CancelledError where this scope, or one around it, says so.
  void poll() const;
  /// The same for what is done thousands of times a millisecond: the clock is read now and then.
  void poll_turn();

 private:
  void poll_tokens() const;
  CancelToken token_;
  Deadline deadline_;  // the first of all scopes
  CancelScope* outer_;
  std::uint32_t turns_ = 0;
};

}  // namespace dini
