// DebugNans: an error at the operation that makes a NaN, instead of a NaN at the end.
//
//     DebugNans watch;                       // on this thread, until the end of the block
//     grad(loss)(x);                         // NanError: log: its result float64(3,) is nan at (1); input 0 there: -0.5
//
// Every operation that is run, of values and of derivatives, is looked at. A compiled function is looked at when it has
// run: where its result has a NaN, or it throws, it is run again an operation at a time to find the one. NaNs that stay
// within a compiled function, guarded by where, are no error; in operations that are run one by one they are. Operations that
// only move numbers (reshape, where, ...) are not to blame for the NaNs they move. Off, it costs one test an operation.
#pragma once

#include "dini/core/error.hpp"

namespace dini {

/// What DebugNans throws: the operation, its result's shape, the first index, what the inputs were there.
struct NanError : Error {
  using Error::Error;
};

/// On this thread, while the object lives. With `infinities`, those are errors too; DebugNans(false, false) switches off.
class DebugNans {
 public:
  explicit DebugNans(bool infinities = false, bool on = true);
  ~DebugNans();
  DebugNans(const DebugNans&) = delete;
  DebugNans& operator=(const DebugNans&) = delete;

 private:
  int before_;
};

}  // namespace dini
