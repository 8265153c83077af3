// How the library looks at a thread's CancelScope.
#pragma once

#include "dini/core/watch.hpp"

namespace dini::detail {

/// The thread's innermost scope; null as a rule, so that a look at it costs a load and a branch.
extern constinit thread_local CancelScope* cancel_scope;

/// CancelledError where the thread's scopes say so. To be called where something long begins.
inline void poll_cancel() {
  if (cancel_scope) [[unlikely]]
    cancel_scope->poll();
}

/// While it lives, nothing on this thread ends by the scopes around it.
class CancelShield {
 public:
  CancelShield() : before_(cancel_scope) { cancel_scope = nullptr; }
  ~CancelShield() { cancel_scope = before_; }
  CancelShield(const CancelShield&) = delete;
  CancelShield& operator=(const CancelShield&) = delete;

 private:
  CancelScope* before_;
};

}  // namespace dini::detail
