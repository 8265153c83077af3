// TOML through toml++, whose tables sort their keys: the order of the text is found again by the keys' positions.
#include <algorithm>
#include <cmath>
#include <toml++/toml.h>

#include "dini/formula/text.hpp"
#include "dini/io/problem_value.hpp"

namespace dini {

namespace toml_reader {

std::string place(const toml::source_region& region) {
  return "line " + std::to_string(region.begin.line) + ", column " + std::to_string(region.begin.column);
}

class Converter {
 public:
  explicit Converter(const std::string& source) : source_(source) {}

  ProblemValue convert(const toml::node& node, int depth) {
    if (depth > ProblemValue::max_nesting) {
      fail(node.source(), "nested deeper than " + std::to_string(ProblemValue::max_nesting));
    }
    if (++count_ > ProblemValue::max_values) {
      fail(node.source(),
           "more than " + std::to_string(ProblemValue::max_values) + " values; large arrays belong in .npy files");
    }
    ProblemValue out;
    switch (node.type()) {
      case toml::node_type::table: {
        std::vector<std::pair<const toml::key*, const toml::node*>> entries;
        for (auto&& [key, value] : *node.as_table()) entries.emplace_back(&key, &value);
        std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
          const auto &p = a.first->source().begin, &q = b.first->source().begin;
          return p.line != q.line ? p.line < q.line : p.column < q.column;
        });
        ProblemValue::Object object;
        for (const auto& [key, value] : entries) {
          object.emplace_back(std::string(key->str()), convert(*value, depth + 1));
        }
        out.content = std::move(object);
        break;
      }
      case toml::node_type::array: {
        ProblemValue::List list;
        for (const toml::node& item : *node.as_array()) list.push_back(convert(item, depth + 1));
        out.content = std::move(list);
        break;
      }
      case toml::node_type::string: out.content = std::string(node.as_string()->get()); break;
      case toml::node_type::integer: out.content = static_cast<std::int64_t>(node.as_integer()->get()); break;
      case toml::node_type::boolean: out.content = node.as_boolean()->get(); break;
      case toml::node_type::floating_point: {
        const double v = node.as_floating_point()->get();
        if (!std::isfinite(v)) fail(node.source(), "NaN and infinities are no numbers here");
        out.content = v;
        break;
      }
      default: fail(node.source(), "dates and times have no meaning here");
    }
    return out;
  }

 private:
  [[noreturn]] void fail(const toml::source_region& region, const std::string& why) const {
    throw ProblemError(source_ + ", " + place(region) + ": " + why);
  }

  std::string source_;
  std::size_t count_ = 0;
};

}  // namespace toml_reader

ProblemValue parse_toml(std::string_view text, const std::string& source) {
  if (text.starts_with("\xEF\xBB\xBF")) throw ProblemError(source + ": starts with a byte order mark");
  try {
    const toml::table table = toml::parse(text);
    return toml_reader::Converter(source).convert(table, 0);
  } catch (const toml::parse_error& e) {
    throw ProblemError(source + ", " + toml_reader::place(e.source()) + ": " + text::escaped(e.description(), 300));
  }
}

}  // namespace dini
