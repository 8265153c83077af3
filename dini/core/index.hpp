// What may stand between the parentheses of a(...) and a.at(...): NumPy's index expressions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

/// The type of `end`; only its name is used: slice(1, end).
struct EndTag {};
inline EndTag end(EndTag tag) { return tag; }  // defined, since an unoptimised build takes its address

/// NumPy's start:stop:step. Negative numbers count from the end; a missing bound is the axis' own.
struct Slice {
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
};

/// Everything along an axis, `:`.
inline Slice slice() { return {}; }
/// slice(a, b) is a:b, with an optional step; `slice(1, end)` is 1:, `slice(end, 3)` is :3. (The type of `end` is deduced, or
/// the literal 0 would be a null function.)
inline Slice slice(std::int64_t start, std::int64_t stop, std::int64_t step = 1) { return {start, stop, step}; }
template <class E>
requires std::is_same_v<E, EndTag(EndTag)> Slice slice(std::int64_t start, E*, std::int64_t step = 1) {
  return {start, std::nullopt, step};
}
template <class E>
requires std::is_same_v<E, EndTag(EndTag)> Slice slice(E*, std::int64_t stop, std::int64_t step = 1) {
  return {std::nullopt, stop, step};
}
template <class E>
requires std::is_same_v<E, EndTag(EndTag)> Slice slice(E*, E*, std::int64_t step = 1) {
  return {std::nullopt, std::nullopt, step};
}

struct NewaxisTag {};
/// A new axis of length 1, NumPy's None.
inline constexpr NewaxisTag newaxis{};
struct EllipsisTag {};
/// As many full slices as are missing, NumPy's `...`.
inline constexpr EllipsisTag ellipsis{};

/// One item of an index expression.
struct IndexItem {
  enum class Kind { integer, slice, newaxis, ellipsis, array };
  template <std::integral I> IndexItem(I i) : kind(Kind::integer), integer(static_cast<std::int64_t>(i)) {}
  IndexItem(const Slice& s) : kind(Kind::slice), slice(s) {}
  IndexItem(NewaxisTag) : kind(Kind::newaxis) {}
  IndexItem(EllipsisTag) : kind(Kind::ellipsis) {}
  IndexItem(const Array& a) : kind(Kind::array), array(a) {}  // integers, or a concrete mask
  Kind kind;
  std::int64_t integer = 0;
  Slice slice{};
  Array array;
};

/// a.at(items): a place in an array that is not yet changed. Each function returns a new array. Where an index stands
/// more than once, `set` keeps one of the values (the last), the others combine all of them. Values broadcast to the
/// indexed shape and are converted to the array's dtype.
class IndexUpdate {
 public:
  IndexUpdate(Array a, std::vector<IndexItem> items) : array_(std::move(a)), items_(std::move(items)) {}
  [[nodiscard]] Array get() const;
  [[nodiscard("arrays are immutable: write a = a.at(...).set(v)")]] Array set(const Array& values) const;
  [[nodiscard("arrays are immutable: write a = a.at(...).add(v)")]] Array add(const Array& values) const;
  [[nodiscard("arrays are immutable: write a = a.at(...).multiply(v)")]] Array multiply(const Array& values) const;
  [[nodiscard("arrays are immutable: write a = a.at(...).divide(v)")]] Array divide(const Array& values) const;
  [[nodiscard("arrays are immutable: write a = a.at(...).power(v)")]] Array power(const Array& values) const;
  [[nodiscard("arrays are immutable: write a = a.at(...).min(v)")]] Array min(const Array& values) const;
  [[nodiscard("arrays are immutable: write a = a.at(...).max(v)")]] Array max(const Array& values) const;

 private:
  Array array_;
  std::vector<IndexItem> items_;
};

template <class... I>
requires(sizeof...(I) > 0 &&
         (std::is_constructible_v<IndexItem, const I&> && ...)) IndexUpdate Array::at(const I&... items)
const { return IndexUpdate(*this, {IndexItem(items)...}); }

}  // namespace dini
