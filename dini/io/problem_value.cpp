#include "dini/io/problem_value.hpp"

namespace dini {

const ProblemValue* ProblemValue::find(std::string_view key) const {
  if (!holds<Object>()) return nullptr;
  for (const auto& [name, value] : get<Object>()) {
    if (name == key) return &value;
  }
  return nullptr;
}

void ProblemValue::set(const std::string& key, ProblemValue value) {
  for (auto& [name, old] : get<Object>()) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  get<Object>().emplace_back(key, std::move(value));
}

const char* ProblemValue::kind() const {
  constexpr const char* kinds[] = {"null", "a bool", "a number", "a number", "text", "a list", "an object"};
  return kinds[content.index()];
}

}  // namespace dini
