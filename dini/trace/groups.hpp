// Groups of a list. The inputs of a Program are [carry..., xs..., captured...], say, and so are their leaves, their types and
// their marks:
//
//     Groups in;
//     const Group carry = in.next(n), xs = in.next(m), captured = in.next(rest);
//     evaluate(f, joined({carry.of(leaves), captured.of(leaves)}));
#pragma once

#include <cstddef>
#include <initializer_list>
#include <vector>

namespace dini::detail {

/// Consecutive elements of a list.
struct Group {
  std::size_t first = 0, size = 0;

  std::size_t end() const { return first + size; }
  bool has(std::size_t k) const { return k >= first && k < end(); }
  template <class T> std::vector<T> of(const std::vector<T>& list) const {
    const auto from = list.begin() + static_cast<std::ptrdiff_t>(first);
    return {from, from + static_cast<std::ptrdiff_t>(size)};
  }
};

/// Gives out groups, each behind the one before.
class Groups {
 public:
  Group next(std::size_t size) {
    const Group group{size_, size};
    size_ += size;
    return group;
  }
  /// Of all groups so far.
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

/// The lists in one, in this order.
template <class T> std::vector<T> joined(std::initializer_list<std::vector<T>> lists) {
  std::vector<T> out;
  for (const std::vector<T>& list : lists) out.insert(out.end(), list.begin(), list.end());
  return out;
}

/// The marked elements.
template <class T> std::vector<T> only(const std::vector<T>& list, const std::vector<bool>& mask) {
  std::vector<T> out;
  for (std::size_t k = 0; k < list.size(); ++k) {
    if (mask[k]) out.push_back(list[k]);
  }
  return out;
}

inline std::vector<bool> flipped(std::vector<bool> mask) {
  mask.flip();
  return mask;
}

}  // namespace dini::detail
