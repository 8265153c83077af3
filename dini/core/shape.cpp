#include "dini/core/shape.hpp"

#include <algorithm>
#include <ostream>

#include "dini/core/error.hpp"

namespace dini {

Shape::Shape(const std::int64_t* first, const std::int64_t* last) {
  for (; first != last; ++first) {
    if (ndim_ == max_ndim) throw ShapeError("Shape: more than " + std::to_string(max_ndim) + " axes");
    lengths_[ndim_++] = *first;
  }
  update_size();
}

void Shape::update_size() {
  bool empty = false, overflow = false;
  std::int64_t size = 1;
  for (int k = 0; k < ndim_; ++k) {
    if (lengths_[k] < 0) throw ShapeError("Shape: negative length in " + str());
    if (lengths_[k] == 0)
      empty = true;
    else
      overflow |= __builtin_mul_overflow(size, lengths_[k], &size);
  }
  if (overflow && !empty) throw ShapeError("Shape: the number of elements of " + str() + " overflows");
  size_ = empty ? 0 : size;
}

void Shape::set(int axis, std::int64_t length) {
  lengths_[axis] = length;
  update_size();
}

void Shape::append(std::int64_t length) { *this = inserted(ndim_, length); }

Shape Shape::inserted(int axis, std::int64_t length) const {
  std::vector<std::int64_t> v = vector();
  v.insert(v.begin() + axis, length);
  return v;
}

Shape Shape::erased(int axis) const {
  std::vector<std::int64_t> v = vector();
  v.erase(v.begin() + axis);
  return v;
}

Shape Shape::sub(int first, int last) const { return Shape(lengths_ + first, lengths_ + last); }

bool Shape::operator==(const Shape& o) const { return ndim_ == o.ndim_ && std::equal(begin(), end(), o.begin()); }

namespace {
std::string joined_lengths(const std::int64_t* lengths, int count) {
  std::string out = "(";
  for (int k = 0; k < count; ++k) out += (k ? ", " : "") + std::to_string(lengths[k]);
  return out + (count == 1 ? ",)" : ")");
}
}  // namespace

std::string Shape::str() const { return joined_lengths(lengths_, ndim_); }
std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

std::string detail::Lengths::str() const { return joined_lengths(values_.data(), static_cast<int>(values_.size())); }
Shape detail::Lengths::shape(const char* function) const {
  for (std::int64_t n : values_) {
    if (n < 0) throw ShapeError(std::string(function) + ": negative length in " + str());
  }
  return values_;
}

Shape prepend(std::int64_t length, const Shape& shape) { return shape.inserted(0, length); }

Shape operator+(const Shape& a, const Shape& b) {
  std::vector<std::int64_t> v = a.vector();
  v.insert(v.end(), b.begin(), b.end());
  return v;
}

Axes axes_from(int first, int last) {
  Axes axes;
  for (int k = first; k < last; ++k) axes.push_back(k);
  return axes;
}

int normalize_axis(int axis, int ndim, const char* function) {
  if (axis < -ndim || axis >= ndim) {
    throw ShapeError(std::string(function) + ": axis " + std::to_string(axis) + " is out of range for an array of " +
                     std::to_string(ndim) + (ndim == 1 ? " axis" : " axes"));
  }
  return axis < 0 ? axis + ndim : axis;
}

Axes normalize_axes(const Axes& axes, int ndim, const char* function) {
  Axes out;
  for (int axis : axes) {
    axis = normalize_axis(axis, ndim, function);
    if (std::find(out.begin(), out.end(), axis) != out.end()) {
      throw ShapeError(std::string(function) + ": axis " + std::to_string(axis) + " stands twice");
    }
    out.push_back(axis);
  }
  return out;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* function) {
  if (a == b) return a;
  const int n = std::max(a.ndim(), b.ndim());
  std::vector<std::int64_t> out(n);
  for (int k = 0; k < n; ++k) {
    const int i = k - (n - a.ndim()), j = k - (n - b.ndim());
    const std::int64_t la = i < 0 ? 1 : a[i], lb = j < 0 ? 1 : b[j];
    if (la != lb && la != 1 && lb != 1) {
      throw ShapeError(std::string(function) + ": shapes " + a.str() + " and " + b.str() + " do not broadcast");
    }
    out[k] = la == 1 ? lb : la;
  }
  return out;
}

}  // namespace dini
