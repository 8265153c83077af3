// What a JSON or TOML file says, before it is known what it means: an ordered tree of values.
//
// Both readers keep the order of keys, refuse duplicate keys at any depth, numbers that are not finite, nesting deeper
// than `max_nesting` and text that is not UTF-8, and say where.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dini/core/error.hpp"

namespace dini {

/// A problem that is wrong: the message names the key, the place or the option.
struct ProblemError : Error {
  using Error::Error;
};

struct ProblemValue {
  using List = std::vector<ProblemValue>;
  using Object = std::vector<std::pair<std::string, ProblemValue>>;
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, List, Object> content = nullptr;

  bool is_number() const { return holds<std::int64_t>() || holds<double>(); }
  template <class T> bool holds() const { return std::holds_alternative<T>(content); }
  template <class T> const T& get() const { return std::get<T>(content); }
  template <class T> T& get() { return std::get<T>(content); }
  /// The number as a double.
  double number() const { return holds<double>() ? get<double>() : static_cast<double>(get<std::int64_t>()); }
  /// The value of a key; null where this is no object, or there is no such key.
  const ProblemValue* find(std::string_view key) const;
  /// Adds or replaces a key of an object.
  void set(const std::string& key, ProblemValue value);
  /// "a number", "a list", ... for messages.
  const char* kind() const;

  static constexpr int max_nesting = 100;
  static constexpr std::size_t max_values = 4'000'000;
};

/// Reads one JSON value. `source` is what messages call the text. ProblemError with line and column.
ProblemValue parse_json(std::string_view text, const std::string& source);
/// Reads a TOML document; keys of a table stand in the order of the text. Dates and times are a ProblemError.
ProblemValue parse_toml(std::string_view text, const std::string& source);

}  // namespace dini
