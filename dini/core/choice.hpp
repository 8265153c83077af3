// An argument that is one of two ways: a bool, or NumPy's name for it.
#pragma once

#include <concepts>
#include <string>

namespace dini::detail {

/// "left" or "right", "xy" or "ij", ...: a function says which names, and which of them is true. Pointers are names, never
/// bools.
class Choice {
 public:
  template <std::same_as<bool> B> Choice(B value) : value_(value) {}
  Choice(const char* name) : name_(name) {}
  Choice(const std::string& name) : name_(name) {}
  /// ValueError, in the name of `function`, for a name that is neither.
  bool resolve(const char* function, const char* if_false, const char* if_true) const;

 private:
  bool value_ = false;
  std::string name_;
};

}  // namespace dini::detail
