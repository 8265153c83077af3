#include "allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local long allocation_count = 0;
thread_local long allocation_to_fail = -1;  // by that count; -1: none
thread_local bool allocation_failed = false;

void* allocate_counted(std::size_t bytes, std::size_t align) {
  if (++allocation_count == allocation_to_fail) {
    allocation_failed = true;
    throw std::bad_alloc();
  }
  const std::size_t rounded = (bytes + align - 1) / align * align;
  void* p = align <= alignof(std::max_align_t) ? std::malloc(bytes ? bytes : 1)
                                               : std::aligned_alloc(align, rounded ? rounded : align);
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate_counted(bytes, 1); }
void* operator new[](std::size_t bytes) { return allocate_counted(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t a) {
  return allocate_counted(bytes, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t bytes, std::align_val_t a) {
  return allocate_counted(bytes, static_cast<std::size_t>(a));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return allocate_counted(bytes, 1);
  } catch (...) { return nullptr; }
}
void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept { return operator new(bytes, tag); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace dini::tests {

long allocations() { return allocation_count; }

FailAllocation::FailAllocation(long n) {
  allocation_failed = false;
  allocation_to_fail = allocation_count + n;
}
FailAllocation::~FailAllocation() { allocation_to_fail = -1; }
bool FailAllocation::happened() const { return allocation_failed; }

}  // namespace dini::tests
