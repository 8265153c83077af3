#include "dini/core/array.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "dini/core/arithmetic.hpp"
#include "dini/core/readback.hpp"
#include "dini/core/size.hpp"

namespace dini {

std::string Aval::str() const { return std::string(name(dtype)) + (weak ? "*" : "") + shape.str(); }

namespace detail {

namespace {

constexpr std::size_t align = 64;

// One block holds the header and, from its 64th byte, the elements.
std::size_t block_size(std::size_t bytes) { return align + (bytes + align - 1) / align * align; }

#if defined(__SANITIZE_ADDRESS__)
#define DINI_KEEPS_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DINI_KEEPS_BLOCKS 0
#endif
#endif
#ifndef DINI_KEEPS_BLOCKS
#define DINI_KEEPS_BLOCKS 1
#endif

// Small blocks that a thread has freed, for its next small arrays: the results of a call that takes a microsecond or two cost as much as
// the rest of it where aligned memory is asked for each time. (A sanitizer is to see what is used after its end.)
class KeptBlocks {
 public:
  static constexpr std::size_t largest = DINI_KEEPS_BLOCKS ? 4096 : 0, most_bytes = std::size_t{1} << 17;
  ~KeptBlocks() {
    ended = true;
    for (Link*& list : lists_) {
      while (list) ::operator delete(static_cast<void*>(std::exchange(list, list->next)), std::align_val_t(align));
    }
  }
  /// A block of this size, or none.
  void* take(std::size_t size) {
    Link*& list = lists_[size / align];
    if (!list) return nullptr;
    bytes_ -= size;
    return std::exchange(list, list->next);
  }
  bool keep(void* block, std::size_t size) {
    if (bytes_ + size > most_bytes) return false;
    bytes_ += size;
    Link*& list = lists_[size / align];
    list = new (block) Link{list};
    return true;
  }
  /// This thread's, or null for a size that is not kept, and when the thread is about to end.
  static KeptBlocks* of(std::size_t size) {
    if (size > largest || ended) return nullptr;
    thread_local KeptBlocks kept;
    return &kept;
  }

 private:
  struct Link {
    Link* next;
  };
  static thread_local bool ended;
  Link* lists_[largest / align + 1] = {};
  std::size_t bytes_ = 0;
};
thread_local bool KeptBlocks::ended = false;

}  // namespace

Buffer* Buffer::create(std::size_t bytes) {
  static_assert(sizeof(Buffer) <= align);
  const std::size_t total = block_size(bytes);
  KeptBlocks* kept = KeptBlocks::of(total);
  void* block = kept ? kept->take(total) : nullptr;
  if (!block) block = ::operator new(total, std::align_val_t(align));
  Buffer* b = new (block) Buffer;
  b->bytes_ = bytes;
  b->data_ = static_cast<char*>(block) + align;
  return b;
}

Buffer* Buffer::adopt(const void* data, std::size_t bytes, std::shared_ptr<const void> owner) {
  void* block = ::operator new(align, std::align_val_t(align));
  Buffer* b = new (block) Buffer;
  b->bytes_ = bytes;
  b->data_ = const_cast<void*>(data);  // `unique` keeps everybody from writing
  b->owner_ = std::move(owner);
  return b;
}

void Buffer::release() {
  if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::size_t size = owner_ ? align : block_size(bytes_);
  this->~Buffer();
  KeptBlocks* kept = KeptBlocks::of(size);
  if (!kept || !kept->keep(this, size)) ::operator delete(static_cast<void*>(this), std::align_val_t(align));
}

Array from_rows(const void* data, Dtype dtype, const Shape& shape) {
  void* memory;
  Array out = allocate({shape, dtype, false}, &memory);
  if (shape.size()) std::memcpy(memory, data, static_cast<std::size_t>(shape.size()) * item_size(dtype));
  return out;
}

void throw_ragged() { throw ShapeError("array: the rows have different lengths"); }

}  // namespace detail

namespace {
template <class T> Array scalar(T value, Dtype dtype) {
  void* memory;
  Array out = allocate({Shape{}, dtype, true}, &memory);
  *static_cast<T*>(memory) = value;
  return out;
}
}  // namespace

Array Array::weak_bool(bool value) { return scalar(value, Dtype::bool_); }
Array Array::weak_integer(std::int64_t value) { return scalar(value, Dtype::int64); }
Array Array::weak_double(double value) { return scalar(value, Dtype::float64); }

void detail::check_size(const Aval& aval, const char* function) {
  constexpr std::int64_t most_bytes = 1000000000000;
  if (aval.shape.size() >= most_bytes / static_cast<std::int64_t>(item_size(aval.dtype)))
    throw ShapeError(std::string(function) + ": an array " + aval.str() + " is larger than memory could hold");
}

Array allocate(const Aval& aval, void** memory) {
  detail::check_size(aval, "allocate");
  const auto bytes = static_cast<std::size_t>(aval.shape.size()) * item_size(aval.dtype);
  detail::Ref<detail::Buffer> buffer(detail::Buffer::create(bytes));
  *memory = buffer->data();
  return Array(detail::Ref<detail::Node>(new detail::Value(aval, std::move(buffer))));
}

Array adopt(const Aval& aval, const void* memory, std::shared_ptr<const void> owner) {
  detail::check_size(aval, "adopt");
  const std::size_t item = item_size(aval.dtype);
  if (!owner) throw ValueError("adopt: the memory has no owner");
  if (!memory && aval.shape.size() > 0) throw ValueError("adopt: no memory for an array " + aval.str());
  if (reinterpret_cast<std::uintptr_t>(memory) % item != 0)
    throw ValueError("adopt: the memory is not aligned to the " + std::to_string(item) + " bytes of an element");
  const auto bytes = static_cast<std::size_t>(aval.shape.size()) * item;
  detail::Ref<detail::Buffer> buffer(detail::Buffer::adopt(memory, bytes, std::move(owner)));
  return Array(detail::Ref<detail::Node>(new detail::Value(aval, std::move(buffer))));
}

Array with_aval(const Array& a, const Aval& aval) {
  return Array(detail::Ref<detail::Node>(new detail::Value(aval, static_cast<detail::Value*>(a.node())->buffer)));
}

template <class T> Array from_data(const T* data, const Shape& shape) {
  return detail::from_rows(data, dtype_of<T>(), shape);
}
template Array from_data(const bool*, const Shape&);
template Array from_data(const std::int32_t*, const Shape&);
template Array from_data(const std::int64_t*, const Shape&);
template Array from_data(const float*, const Shape&);
template Array from_data(const double*, const Shape&);

const void* Array::raw() const {
  if (!node_) throw_unassigned();
  if (node_->is_value) return static_cast<detail::Value*>(node_.get())->buffer->data();
  // Data of a tracer's primal: the tracer keeps it alive, so the pointer is good as long as this handle is.
  const Array* primal = detail::readable(*static_cast<detail::Tracer*>(node_.get()));
  return primal->raw();
}

void Array::throw_unassigned() { throw ValueError("Array: reading an array that was never assigned"); }

void Array::check_type(Dtype wanted) const {
  if (dtype() != wanted) {
    throw DtypeError(std::string("Array::data: asked for ") + name(wanted) + ", the array is " + aval().str());
  }
}

namespace {
template <class T> T one_item(const Array& a) {
  const void* raw = a.raw();  // first, since that there is nothing to read matters more than its shape
  if (a.size() != 1) throw ShapeError("Array::item: the array has shape " + a.shape().str() + ", not one element");
  const DefaultArithmetic arithmetic;
  return visit_dtype(a.dtype(), [&]<class S>() { return static_cast<T>(*static_cast<const S*>(raw)); });
}
}  // namespace

double Array::item_double() const { return one_item<double>(*this); }
std::int64_t Array::item_integer() const { return one_item<std::int64_t>(*this); }
bool Array::item_bool() const { return one_item<bool>(*this); }

}  // namespace dini
