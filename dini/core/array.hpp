// Array: an immutable n-dimensional array, or a value that a transformation is tracing. One type for both, so that a
// user's function is written, and compiled, once.
//
// An Array is a handle to a node with a shape and a dtype. A concrete node holds a contiguous row-major buffer; what the
// other nodes hold is the business of trace/. Operators and functions on arrays are declared in ops/api.hpp.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dini/core/dtype.hpp"
#include "dini/core/error.hpp"
#include "dini/core/shape.hpp"

namespace dini {

class Array;
class IndexUpdate;
struct IndexItem;

/// What is known of an array without its elements. `weak` marks a C++ literal, which takes the dtype of its partner.
struct Aval {
  Shape shape;
  Dtype dtype = Dtype::float64;
  bool weak = false;
  bool operator==(const Aval&) const = default;
  /// "float64(10, 4)"; a weak one has a star: "float64*()".
  std::string str() const;
};

namespace detail {

// For a static_assert that says what to write instead.
template <class...> inline constexpr bool never = false;

// Reference-counted memory: its own, aligned to 64 bytes, or another's, which lives as long as `owner` does and is never written.
class Buffer {
 public:
  static Buffer* create(std::size_t bytes);  // uninitialised; one reference
  static Buffer* adopt(const void* data, std::size_t bytes, std::shared_ptr<const void> owner);
  void retain() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release();
  bool unique() const { return !owner_ && refs_.load(std::memory_order_acquire) == 1; }
  void* data() { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::atomic<std::uint32_t> refs_{1};
  std::size_t bytes_ = 0;
  void* data_ = nullptr;
  std::shared_ptr<const void> owner_;
};

template <class T> class Ref {
 public:
  Ref() = default;
  explicit Ref(T* owned) : p_(owned) {}  // takes over one reference
  Ref(const Ref& o) : p_(o.p_) {
    if (p_) p_->retain();
  }
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Ref() {
    if (p_) p_->release();
  }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  T* p_ = nullptr;
};

// What an Array points to: a Value or a Tracer.
struct Node {
  Node(Aval a, bool value) : aval(std::move(a)), is_value(value) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;
  void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  std::atomic<std::uint32_t> refs{1};
  const Aval aval;
  const bool is_value;
};

struct Value final : Node {
  Value(Aval a, Ref<Buffer> b) : Node(std::move(a), true), buffer(std::move(b)) {}
  Ref<Buffer> buffer;
};

class Trace;

// A value that a trace follows; see trace/trace.hpp for the kinds.
struct Tracer : Node {
  Tracer(Aval a, std::shared_ptr<Trace> t) : Node(std::move(a), false), trace(std::move(t)) {}
  /// The value that is followed where there is one (jvp, linearize); null where it is abstract.
  virtual const Array* primal() const { return nullptr; }
  std::shared_ptr<Trace> trace;
};

}  // namespace detail

/// An immutable array of bool, int32, int64, float32 or float64, or a traced value. Copies share the data.
class Array {
 public:
  /// No array at all: `defined()` is false. Stands for a symbolic zero where derivatives are passed.
  Array() = default;
  Array(const Array&) = default;
  Array(Array&&) noexcept = default;
  Array& operator=(const Array&) & = default;
  Array& operator=(Array&&) & noexcept = default;

  /// A weak scalar: beside another array it takes that one's dtype. `array(2.0f)` is the strong one.
  template <class T>
  requires std::is_arithmetic_v<T> Array(T value) : Array(weak_scalar(value)) {}

  bool defined() const { return static_cast<bool>(node_); }
  /// These are a ValueError of no array at all.
  const Aval& aval() const {
    if (!node_) [[unlikely]]
      throw_unassigned();
    return node_->aval;
  }
  Shape shape() const { return aval().shape; }
  Dtype dtype() const { return aval().dtype; }
  bool weak() const { return aval().weak; }
  int ndim() const { return aval().shape.ndim(); }
  std::int64_t size() const { return aval().shape.size(); }

  /// Whether this is data and not a traced value.
  bool concrete() const { return node_ && node_->is_value; }

  /// The elements, row-major. Under jvp, vjp and grad those of the primal. TraceError where the value is abstract (jit,
  /// vmap); DtypeError when T is not the dtype's C++ type. The span lives as long as this array.
  template <class T> std::span<const T> data() const {
    check_type(dtype_of<T>());
    return {static_cast<const T*>(raw()), static_cast<std::size_t>(size())};
  }
  const void* raw() const;

  /// The one element as a C++ number, converted; ShapeError when there is not exactly one.
  template <class T = double>
  requires std::is_arithmetic_v<T> T item()
  const {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return static_cast<T>(item_integer());
    else if constexpr (std::is_same_v<T, bool>)
      return item_bool();
    else
      return static_cast<T>(item_double());
  }
  /// For arrays of one element: `while (norm(a - b) > 1e-5)`.
  explicit operator bool() const { return item_bool(); }

  /// All elements, row-major, converted to T.
  template <class T> std::vector<T> to_vector() const {
    std::vector<T> out(static_cast<std::size_t>(size()));
    const void* from = raw();
    visit_dtype(dtype(), [&]<class S>() {
      for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<T>(static_cast<const S*>(from)[k]);
    });
    return out;
  }

  /// NumPy's indexing: integers, slice(...), newaxis, ellipsis, integer or boolean arrays.
  template <class... I>
  requires(sizeof...(I) > 0 && (std::is_constructible_v<IndexItem, const I&> && ...)) Array operator()(
      const I&... items) const {
    return index({IndexItem(items)...});
  }

  /// Functional updates: a.at(i, j).set(v), .add, .multiply, .min, .max return a new array.
  template <class... I>
  requires(sizeof...(I) > 0 && (std::is_constructible_v<IndexItem, const I&> && ...)) IndexUpdate at(const I&... items)
  const;

  /// The transpose: axes reversed.
  Array T() const;

  Array operator+() const { return *this; }
  Array operator-() const;
  friend Array operator+(const Array& a, const Array& b);
  friend Array operator-(const Array& a, const Array& b);
  friend Array operator*(const Array& a, const Array& b);
  friend Array operator/(const Array& a, const Array& b);
  friend Array operator%(const Array& a, const Array& b);
  friend Array operator<(const Array& a, const Array& b);
  friend Array operator<=(const Array& a, const Array& b);
  friend Array operator>(const Array& a, const Array& b);
  friend Array operator>=(const Array& a, const Array& b);
  friend Array operator==(const Array& a, const Array& b);
  friend Array operator!=(const Array& a, const Array& b);
  friend Array operator&(const Array& a, const Array& b);
  friend Array operator|(const Array& a, const Array& b);
  friend Array operator^(const Array& a, const Array& b);
  friend Array operator~(const Array& a);
  Array& operator+=(const Array& b) & { return *this = *this + b; }
  Array& operator-=(const Array& b) & { return *this = *this - b; }
  Array& operator*=(const Array& b) & { return *this = *this * b; }
  Array& operator/=(const Array& b) & { return *this = *this / b; }

  // What a(i) is assigned would be lost: it is an array of its own.
  template <class T> void operator=(T&&) && {
    static_assert(detail::never<T>, "a(i, j) = v changes nothing, arrays are immutable: write a = a.at(i, j).set(v)");
  }
  template <class T> void operator+=(T&&) && {
    static_assert(detail::never<T>, "a(i, j) += v changes nothing, arrays are immutable: write a = a.at(i, j).add(v)");
  }
  template <class T> void operator-=(T&&) && {
    static_assert(detail::never<T>, "a(i, j) -= v changes nothing, arrays are immutable: write a = a.at(i, j).add(-v)");
  }
  template <class T> void operator*=(T&&) && {
    static_assert(detail::never<T>,
                  "a(i, j) *= v changes nothing, arrays are immutable: write a = a.at(i, j).multiply(v)");
  }
  template <class T> void operator/=(T&&) && {
    static_assert(detail::never<T>,
                  "a(i, j) /= v changes nothing, arrays are immutable: write a = a.at(i, j).divide(v)");
  }

  /// As NumPy prints; see core/print.hpp.
  friend std::ostream& operator<<(std::ostream& out, const Array& a);

  // For the library.
  explicit Array(detail::Ref<detail::Node> node) : node_(std::move(node)) {}
  detail::Node* node() const { return node_.get(); }
  const detail::Ref<detail::Node>& ref() const { return node_; }

 private:
  template <class T> static Array weak_scalar(T value) {
    if constexpr (std::is_same_v<T, bool>)
      return weak_bool(value);
    else if constexpr (std::is_integral_v<T>)
      return weak_integer(static_cast<std::int64_t>(value));
    else
      return weak_double(static_cast<double>(value));
  }
  static Array weak_bool(bool value);
  static Array weak_integer(std::int64_t value);
  static Array weak_double(double value);
  [[noreturn]] static void throw_unassigned();
  void check_type(Dtype wanted) const;
  double item_double() const;
  std::int64_t item_integer() const;
  bool item_bool() const;
  Array index(const std::vector<IndexItem>& items) const;

  detail::Ref<detail::Node> node_;
};

namespace detail {
/// Leaves of a tree, in order.
using Leaves = std::vector<Array>;
}  // namespace detail

/// An uninitialised concrete array and its memory, to be filled once. ShapeError for 10¹² bytes and more.
Array allocate(const Aval& aval, void** memory);
/// A concrete array in memory that is somebody else's, without a copy: contiguous, row-major, elements at their natural alignment. It is
/// only read, nobody may write to it while an array or what was computed lazily from one may be in use, and `owner` is let go, from any
/// thread, when the last one is. ValueError for memory that is not there or not aligned.
Array adopt(const Aval& aval, const void* memory, std::shared_ptr<const void> owner);
/// A concrete array with the same buffer and another shape of the same size (no copy).
Array with_aval(const Array& concrete, const Aval& aval);

/// A strong array of the data's own dtype and the given shape, which says how many elements are read and copied.
template <class T> Array from_data(const T* data, const Shape& shape);
extern template Array from_data(const bool*, const Shape&);
extern template Array from_data(const std::int32_t*, const Shape&);
extern template Array from_data(const std::int64_t*, const Shape&);
extern template Array from_data(const float*, const Shape&);
extern template Array from_data(const double*, const Shape&);

/// A strong scalar: array(2.0f) is a float32.
template <class T>
requires std::is_arithmetic_v<T> Array array(T value) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, float> || std::is_same_v<T, double>) {
    return from_data(&value, Shape{});
  } else if constexpr (dtype_of<T>() == Dtype::int32) {
    std::int32_t v = static_cast<std::int32_t>(value);
    return from_data(&v, Shape{});
  } else if constexpr (std::is_integral_v<T>) {
    std::int64_t v = static_cast<std::int64_t>(value);
    return from_data(&v, Shape{});
  } else {
    double v = static_cast<double>(value);
    return from_data(&v, Shape{});
  }
}
/// A vector, or a matrix or box by nested braces: array({{1.0, 2.0}, {3.0, 4.0}}). ShapeError when ragged. Integers
/// given as C++ int become int64, as in NumPy.
template <class T>
requires std::is_arithmetic_v<T> Array array(const std::vector<T>& v);
template <class T>
requires std::is_arithmetic_v<T> Array array(std::initializer_list<T> v) { return array(std::vector<T>(v)); }
namespace detail {
template <class T> struct Stored { using type = T; };
template <> struct Stored<bool> { using type = unsigned char; };
Array from_rows(const void* data, Dtype dtype, const Shape& shape);
[[noreturn]] void throw_ragged();
// What the elements of `T` are kept as: C++ int becomes int64, long double becomes double.
template <class T>
using element_t = std::conditional_t<std::is_same_v<T, bool> || std::is_same_v<T, float>, T,
                                     std::conditional_t<std::is_integral_v<T>, std::int64_t, double>>;
template <class T> Array array_from(const std::vector<T>& flat, const Shape& shape) {
  using E = element_t<T>;
  std::vector<typename Stored<E>::type> copy(flat.begin(), flat.end());
  return from_rows(copy.data(), dtype_of<E>(), shape);
}
}  // namespace detail
template <class T>
requires std::is_arithmetic_v<T> Array array(const std::vector<T>& v) {
  return detail::array_from(v, Shape{static_cast<std::int64_t>(v.size())});
}
template <class T>
requires std::is_arithmetic_v<T> Array array(std::initializer_list<std::initializer_list<T>> rows) {
  std::vector<T> flat;
  const std::size_t n = rows.size() ? rows.begin()->size() : 0;
  for (const auto& row : rows) {
    if (row.size() != n) detail::throw_ragged();
    flat.insert(flat.end(), row.begin(), row.end());
  }
  return detail::array_from(flat, Shape{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(n)});
}
template <class T>
requires std::is_arithmetic_v<T> Array
array(std::initializer_list<std::initializer_list<std::initializer_list<T>>> planes) {
  std::vector<T> flat;
  const std::size_t m = planes.size() ? planes.begin()->size() : 0;
  const std::size_t n = m ? planes.begin()->begin()->size() : 0;
  for (const auto& rows : planes) {
    if (rows.size() != m) detail::throw_ragged();
    for (const auto& row : rows) {
      if (row.size() != n) detail::throw_ragged();
      flat.insert(flat.end(), row.begin(), row.end());
    }
  }
  return detail::array_from(flat, Shape{static_cast<std::int64_t>(planes.size()), static_cast<std::int64_t>(m),
                                        static_cast<std::int64_t>(n)});
}

}  // namespace dini
