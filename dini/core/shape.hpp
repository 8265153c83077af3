// The lengths of an array's axes.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <vector>

namespace dini {

/// A list of axis lengths, outermost first, at most `max_ndim` of them; `{}` is a scalar's. Immutable in spirit: the
/// functions that change it are for building one. ShapeError for negative lengths or too many axes.
class Shape {
 public:
  static constexpr int max_ndim = 16;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> lengths) : Shape(lengths.begin(), lengths.end()) {}
  Shape(const std::vector<std::int64_t>& lengths) : Shape(lengths.data(), lengths.data() + lengths.size()) {}
  Shape(const std::int64_t* first, const std::int64_t* last);

  int ndim() const { return ndim_; }
  /// The number of elements: 1 for a scalar. ShapeError where the product overflows.
  std::int64_t size() const { return size_; }

  std::int64_t operator[](int axis) const { return lengths_[axis]; }
  /// As [], and a negative axis counts from the end; no check.
  std::int64_t at(int axis) const { return lengths_[axis < 0 ? axis + ndim_ : axis]; }
  std::int64_t back() const { return lengths_[ndim_ - 1]; }
  const std::int64_t* begin() const { return lengths_; }
  const std::int64_t* end() const { return lengths_ + ndim_; }
  std::vector<std::int64_t> vector() const { return {begin(), end()}; }

  void set(int axis, std::int64_t length);
  void append(std::int64_t length);

  /// This shape with an axis put in before `axis`, or with one taken out.
  Shape inserted(int axis, std::int64_t length) const;
  Shape erased(int axis) const;
  /// The axes from `first` up to but not including `last`.
  Shape sub(int first, int last) const;

  bool operator==(const Shape& other) const;
  bool operator!=(const Shape& other) const { return !(*this == other); }

  /// "(10, 4)", "(5,)", "()".
  std::string str() const;
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape);

 private:
  void update_size();
  int ndim_ = 0;
  std::int64_t size_ = 1;
  std::int64_t lengths_[max_ndim] = {};
};

namespace detail {
/// Axis lengths as functions take them: 3, {2, 3}, a Shape. Where a function says so one may be -1: what is left.
class Lengths {
 public:
  Lengths() = default;
  template <std::integral I> Lengths(I length) : values_{static_cast<std::int64_t>(length)} {}
  Lengths(std::initializer_list<std::int64_t> lengths) : values_(lengths) {}
  Lengths(const std::vector<std::int64_t>& lengths) : values_(lengths) {}
  Lengths(const Shape& shape) : values_(shape.begin(), shape.end()) {}
  const std::vector<std::int64_t>& values() const { return values_; }
  /// ShapeError, in the name of `function`, where it is none.
  Shape shape(const char* function) const;
  std::string str() const;

 private:
  std::vector<std::int64_t> values_;
};
}  // namespace detail

/// A shape with one more axis in front.
Shape prepend(std::int64_t length, const Shape& shape);
/// Two shapes one after the other.
Shape operator+(const Shape& a, const Shape& b);

/// Axes, for functions that take several. Negative ones count from the end.
using Axes = std::vector<int>;

/// first, first + 1, ..., last - 1.
Axes axes_from(int first, int last);

/// An axis in 0..ndim-1 for one that may be negative. ShapeError, in the name of `function`, when out of range.
int normalize_axis(int axis, int ndim, const char* function);

/// The axes normalized; ShapeError when one is out of range or stands twice.
Axes normalize_axes(const Axes& axes, int ndim, const char* function);

/// NumPy's broadcast of two shapes; ShapeError, in the name of `function`, with both.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* function);

}  // namespace dini
