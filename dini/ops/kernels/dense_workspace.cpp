#include "dini/ops/kernels/dense_workspace.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

namespace dini::kernels {
namespace {

constexpr std::size_t alignment = 64;

struct Free {
  void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t(alignment)); }
};

struct Chunk {
  explicit Chunk(std::size_t n)
      : data(static_cast<std::byte*>(::operator new[](n, std::align_val_t(alignment)))), size(n) {}
  std::unique_ptr<std::byte[], Free> data;
  std::size_t size;
};

struct Chunks {
  std::vector<Chunk> list;
  Workspace::Mark top;
};

Chunks& chunks() {
  thread_local Chunks instance;
  return instance;
}

}  // namespace

Workspace::Mark Workspace::mark() { return chunks().top; }

void* Workspace::take(std::size_t bytes) {
  Chunks& c = chunks();
  bytes = (bytes + alignment - 1) / alignment * alignment;
  while (c.top.chunk < c.list.size() && c.top.offset + bytes > c.list[c.top.chunk].size) {
    ++c.top.chunk;
    c.top.offset = 0;
  }
  if (c.top.chunk == c.list.size()) {
    const std::size_t last = c.list.empty() ? 128 * 1024 : c.list.back().size;
    c.list.emplace_back(std::max(bytes, 2 * last));
    c.top.offset = 0;
  }
  void* p = c.list[c.top.chunk].data.get() + c.top.offset;
  c.top.offset += bytes;
  return p;
}

void Workspace::release(Mark mark) { chunks().top = mark; }

}  // namespace dini::kernels
