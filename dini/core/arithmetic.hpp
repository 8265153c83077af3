// Arithmetic as the library's results are defined: rounded to nearest, with subnormal numbers, and no exception that traps.
//
// A host may have it otherwise: a program linked with -ffast-math starts with subnormals flushed to zero. What runs kernels,
// converts or prints numbers sets it right for its time. To look costs 3 ns; only where something is different is it set, and
// put back after.
#pragma once

#include <xmmintrin.h>

namespace dini {

class DefaultArithmetic {
 public:
  DefaultArithmetic() : before_(_mm_getcsr()) {
    if (differs()) _mm_setcsr(standard);
  }
  ~DefaultArithmetic() {
    if (differs()) _mm_setcsr(before_);
  }
  DefaultArithmetic(const DefaultArithmetic&) = delete;
  DefaultArithmetic& operator=(const DefaultArithmetic&) = delete;

 private:
  static constexpr unsigned standard = 0x1f80, raised = 0x003f;  // raised: the flags of exceptions that were
  bool differs() const { return (before_ & ~raised) != standard; }
  unsigned before_;
};

}  // namespace dini
