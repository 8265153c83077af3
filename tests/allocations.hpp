// Counting allocations, and making one fail, for tests. allocations.cpp replaces the global operator new.
#pragma once

namespace dini::tests {

/// How often this thread has called operator new.
long allocations();

/// Makes this thread's n-th allocation from now on throw std::bad_alloc (1: the next one), for the life of the object.
class FailAllocation {
 public:
  explicit FailAllocation(long n);
  ~FailAllocation();
  FailAllocation(const FailAllocation&) = delete;
  FailAllocation& operator=(const FailAllocation&) = delete;
  /// Whether it has come to that.
  bool happened() const;
};

}  // namespace dini::tests
