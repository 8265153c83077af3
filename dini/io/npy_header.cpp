// The dictionary in a .npy file: a Python literal with three known keys.
#include <bit>
#include <optional>
#include <vector>

#include "dini/io/file.hpp"
#include "dini/io/npy_stream.hpp"

namespace dini::io {

namespace npy_text {

constexpr char other_order = std::endian::native == std::endian::little ? '>' : '<';

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  NpyHeader header() {
    bool has_shape = false, has_order = false;
    NpyHeader h;
    std::optional<std::size_t> descr;
    expect('{');
    while (!accept('}')) {
      const std::size_t at = place();
      const std::string_view key = in_quotes("a key");
      expect(':');
      if (key == "descr" && !descr) {
        descr = place();
        descriptor(h);
      } else if (key == "fortran_order" && !has_order) {
        has_order = true;
        h.fortran = boolean();
      } else if (key == "shape" && !has_shape) {
        has_shape = true;
        h.shape = shape();
      } else {
        const bool known = key == "descr" || key == "fortran_order" || key == "shape";
        fail(at, (known ? "the key '" : "an unknown key '") + escaped(key) + (known ? "' stands twice" : "'"));
      }
      if (!accept(',') && peek() != '}') fail(place(), "expected ',' or '}'");
    }
    skip_space();
    if (at_ != text_.size()) fail(at_, "something follows the dictionary");
    for (const auto& [there, key] :
         {std::pair(descr.has_value(), "descr"), {has_order, "fortran_order"}, {has_shape, "shape"}}) {
      if (!there) fail(at_, std::string("the key '") + key + "' is missing");
    }
    return h;
  }

 private:
  [[noreturn]] void fail(std::size_t position, std::string message) const {
    throw NpyHeaderError{position, std::move(message)};
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  std::size_t place() {
    skip_space();
    return at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(at_, std::string("expected '") + c + "'" + found());
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  std::string found() {
    return at_ < text_.size() ? ", found '" + escaped(text_.substr(at_), 20) + "'" : ", found the header's end";
  }

  std::string_view in_quotes(const char* what) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail(at_, std::string("expected ") + what + " in quotes" + found());
    const std::size_t first = ++at_, last = text_.find(quote, first);
    if (last == std::string_view::npos) fail(first, "a quote is not closed");
    at_ = last + 1;
    return text_.substr(first, last - first);
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (!accept_word("False")) fail(at_, "expected True or False" + found());
    return false;
  }

  void descriptor(NpyHeader& h) {
    const std::size_t at = place();
    if (peek() == '[' || peek() == '(') fail(at, "the dtype is structured; wanted numbers or booleans");
    const std::string_view text = in_quotes("a dtype");
    const bool marked = !text.empty() && std::string_view("<>=|").find(text[0]) != std::string_view::npos;
    const std::string_view type = marked ? text.substr(1) : text;
    static constexpr std::pair<std::string_view, NpyType> known[] = {
        {"b1", NpyType::b1}, {"i1", NpyType::i1}, {"i2", NpyType::i2}, {"i4", NpyType::i4},
        {"i8", NpyType::i8}, {"u1", NpyType::u1}, {"u2", NpyType::u2}, {"u4", NpyType::u4},
        {"f2", NpyType::f2}, {"f4", NpyType::f4}, {"f8", NpyType::f8}};
    for (const auto& [name, value] : known) {
      if (type != name) continue;
      // The order of the bytes is told where there are several, and only there.
      if (marked && text[0] == '|' && type[1] != '1') break;
      h.type = value;
      h.swapped = marked && text[0] == other_order && type[1] != '1';
      return;
    }
    static constexpr std::pair<char, const char*> kinds[] = {{'O', "of Python objects, which are not unpickled"},
                                                             {'c', "complex"},
                                                             {'S', "of byte strings"},
                                                             {'a', "of byte strings"},
                                                             {'U', "of strings"},
                                                             {'V', "of raw bytes"},
                                                             {'M', "of dates"},
                                                             {'m', "of durations"}};
    std::string kind;
    for (const auto& [letter, name] : kinds) {
      if (!type.empty() && type[0] == letter) kind = std::string(", ") + name;
    }
    fail(at, "the dtype is '" + escaped(text) + "'" + kind + "; wanted one of b1 i1 i2 i4 i8 u1 u2 u4 f2 f4 f8");
  }

  Shape shape() {
    const std::size_t start = place();
    expect('(');
    std::vector<std::int64_t> lengths;
    bool comma = true;
    while (!accept(')')) {
      if (!comma) fail(place(), "expected ',' or ')'" + found());
      lengths.push_back(length());
      comma = accept(',');
    }
    if (lengths.size() == 1 && !comma) fail(start, "the shape is a number, not a tuple: (n) instead of (n,)");
    try {
      return Shape(lengths);
    } catch (const ShapeError& e) { fail(start, std::string("the shape is impossible: ") + e.what()); }
  }

  std::int64_t length() {
    const std::size_t at = place();
    if (peek() == '-') fail(at, "a length is negative" + found());
    std::int64_t value = 0;
    bool fits = true;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
             !__builtin_add_overflow(value, text_[at_] - '0', &value);
      ++at_;
    }
    if (at_ == at) fail(at, "expected a length" + found());
    if (!fits) fail(at, "a length is larger than 2^63: " + escaped(text_.substr(at, at_ - at), 40));
    if (text_[at] == '0' && at_ - at > 1) fail(at, "a length begins with 0");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote them
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace npy_text

NpyHeader parse_npy_header(std::string_view text) { return npy_text::Reader(text).header(); }

}  // namespace dini::io
