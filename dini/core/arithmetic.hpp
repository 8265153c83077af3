// Arithmetic as the library's results are defined: rounded to nearest, with subnormal numbers, and no exception that traps.
//
// A host may have it otherwise: a program linked with -ffast-math starts with subnormals flushed to zero. What runs kernels,
// converts or prints numbers sets it right for its time. To look costs 3 ns; only where something is different is it set, and
// put back after.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <cfenv>
#endif

#include <cstdint>

namespace dini {

#if defined(__x86_64__) || defined(__aarch64__)

/// The processor's register that says how it computes.
struct ArithmeticControl {
#ifdef __x86_64__
  using Bits = unsigned;
  static constexpr Bits standard = 0x1f80, raised = 0x003f;  // raised: the flags of exceptions that were
  static Bits get() { return _mm_getcsr(); }
  static void set(Bits bits) { _mm_setcsr(bits); }
#else
  using Bits = std::uint64_t;
  static constexpr Bits standard = 0, raised = 0;
  static Bits get() {
    Bits bits;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
  }
  static void set(Bits bits) { asm volatile("msr fpcr, %0" : : "r"(bits) : "memory"); }
#endif
};

class DefaultArithmetic {
 public:
  DefaultArithmetic() : before_(ArithmeticControl::get()) {
    if (differs()) ArithmeticControl::set(ArithmeticControl::standard);
  }
  ~DefaultArithmetic() {
    if (differs()) ArithmeticControl::set(before_);
  }
  DefaultArithmetic(const DefaultArithmetic&) = delete;
  DefaultArithmetic& operator=(const DefaultArithmetic&) = delete;

 private:
  bool differs() const { return (before_ & ~ArithmeticControl::raised) != ArithmeticControl::standard; }
  ArithmeticControl::Bits before_;
};

#else

class DefaultArithmetic {
 public:
  DefaultArithmetic() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultArithmetic() { std::fesetenv(&before_); }
  DefaultArithmetic(const DefaultArithmetic&) = delete;
  DefaultArithmetic& operator=(const DefaultArithmetic&) = delete;

 private:
  std::fenv_t before_;
};

#endif

}  // namespace dini
