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

// Refuses what is nested deeper than max_nesting, from brackets and the dots of keys alone. toml++ limits brackets, but a
// key of a hundred thousand dots is as many tables, each within the one before, which are destroyed recursively. The text
// need not be TOML: as far as it is, strings, comments and keys are told apart as toml++ does, and where it is not, toml++
// reads no further.
class Nesting {
 public:
  Nesting(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  void check() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        at_line_start_ = false;
        continue;
      }
      ++at_;
      switch (c) {
        case '\n': end_line(); continue;
        case '#': at_ = std::min(text_.find('\n', at_), text_.size()); continue;
        case ' ':
        case '\t':
        case '\r': continue;
        case '[':
          if (open_.empty() && at_line_start_) {
            start_header();
            break;
          }
          [[fallthrough]];
        case '{': open(c); break;
        case ']':
        case '}': close(); break;
        case '=': in_key_ = false; break;
        case ',':
          if (!open_.empty()) start_entry();
          break;
        case '.':
          if (in_key_ && ++depth_ > ProblemValue::max_nesting) fail();
          break;
        default:
          if (static_cast<unsigned char>(c) >= 0x80) continue;  // at most another kind of space
      }
      at_line_start_ = false;
    }
  }

 private:
  // A list or an inline table that is not closed, and how deep its entries are.
  struct Open {
    char bracket;
    int depth;
  };

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool multiline = text_.substr(at_).starts_with(three);
    at_ += multiline ? 3 : 1;
    while (at_ < text_.size()) {
      if (quote == '"' && text_[at_] == '\\') {
        at_ += 2;
      } else if (multiline && text_.substr(at_).starts_with(three)) {
        at_ += 3;
        // Up to two more are part of the string.
        for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
        return;
      } else if (!multiline && text_[at_] == quote) {
        ++at_;
        return;
      } else if (!multiline && text_[at_] == '\n') {
        return;  // not TOML
      } else {
        ++at_;
      }
    }
    at_ = text_.size();
  }

  void end_line() {
    if (!open_.empty()) return;  // of a list
    at_line_start_ = true;
    if (in_header_) table_ = depth_;
    in_header_ = false;
    start_entry();
  }
  void start_header() {
    in_header_ = true;
    depth_ = 1;
    in_key_ = true;
  }
  void start_entry() {
    depth_ = open_.empty() ? table_ : open_.back().depth;
    in_key_ = open_.empty() || open_.back().bracket == '{';
  }
  void open(char bracket) {
    if (in_header_) return;  // the second bracket of [[name]]
    if (depth_ + 1 > ProblemValue::max_nesting) fail();
    open_.push_back({bracket, depth_ + 1});
    start_entry();
  }
  void close() {
    if (in_header_ || open_.empty()) return;
    open_.pop_back();
  }

  [[noreturn]] void fail() const {
    const std::size_t newline = at_ < 2 ? std::string_view::npos : text_.rfind('\n', at_ - 2);
    const std::size_t first = newline == std::string_view::npos ? 0 : newline + 1;
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(first), '\n');
    throw ProblemError(source_ + ", line " + std::to_string(line) + ", column " +
                       std::to_string(text::characters(text_.substr(first), at_ - 1 - first) + 1) +
                       ": nested deeper than " + std::to_string(ProblemValue::max_nesting));
  }

  std::string_view text_;
  std::string source_;
  std::size_t at_ = 0;
  bool at_line_start_ = true, in_header_ = false, in_key_ = true;
  int depth_ = 0;  // of the value that is read
  int table_ = 0;  // of the last header's table
  std::vector<Open> open_;
};

}  // namespace toml_reader

ProblemValue parse_toml(std::string_view text, const std::string& source) {
  if (text.starts_with("\xEF\xBB\xBF")) throw ProblemError(source + ": starts with a byte order mark");
  toml_reader::Nesting(text, source).check();
  try {
    const toml::table table = toml::parse(text);
    return toml_reader::Converter(source).convert(table, 0);
  } catch (const toml::parse_error& e) {
    throw ProblemError(source + ", " + toml_reader::place(e.source()) + ": " + text::escaped(e.description(), 300));
  }
}

}  // namespace dini
