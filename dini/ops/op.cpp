#include "dini/ops/op.hpp"

#include <stdexcept>

namespace dini::detail {

const Params::Value* Params::find(const std::string& name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return &value;
  }
  return nullptr;
}

const Params::Value& Params::value(const char* name) const {
  const Value* v = find(name);
  if (!v) throw std::logic_error(std::string("an op's parameter is missing: ") + name);
  return *v;
}

void Params::set(const std::string& name, Value value) {
  for (auto& [key, old] : items_) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  items_.emplace_back(name, std::move(value));
}

Params::Ints to_ints(const Axes& axes) { return {axes.begin(), axes.end()}; }

}  // namespace dini::detail
