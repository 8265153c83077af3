#pragma once

// Scratch memory for the dense kernels: a few KiB on the stack, beyond that a stack of chunks per thread which only
// grows. Once a thread has run a sequence of calls, running it again allocates nothing.

#include <cstddef>

namespace dini::kernels {

// The thread's bump allocator. Blocks are 64-byte aligned and are given back in reverse order.
class Workspace {
 public:
  struct Mark {
    std::size_t chunk = 0;
    std::size_t offset = 0;
  };
  static Mark mark();
  static void* take(std::size_t bytes);
  static void release(Mark mark);
};

// `count` elements of T, not initialised, until the end of the scope.
template <class T> class Scratch {
 public:
  explicit Scratch(std::size_t count) {
    if (count * sizeof(T) > inline_bytes) {
      mark_ = Workspace::mark();
      data_ = static_cast<T*>(Workspace::take(count * sizeof(T)));
    } else {
      data_ = reinterpret_cast<T*>(inline_);
    }
  }
  ~Scratch() {
    if (static_cast<void*>(data_) != static_cast<void*>(inline_)) Workspace::release(mark_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }

 private:
  static constexpr std::size_t inline_bytes = 16384;
  alignas(64) std::byte inline_[inline_bytes];
  T* data_;
  Workspace::Mark mark_;
};

}  // namespace dini::kernels
