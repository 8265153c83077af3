// JSON through nlohmann's SAX interface: its DOM would sort keys and drop duplicates. The parser keeps no stack of its own
// calls, so that nesting is limited here and not by the thread's stack.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "dini/formula/text.hpp"
#include "dini/io/problem_value.hpp"

namespace dini {

namespace json_reader {

// "line 3, column 7" of a byte.
std::string place(std::string_view all, std::size_t at) {
  at = std::min(at, all.size());
  const std::size_t newline = at == 0 ? std::string_view::npos : all.rfind('\n', at - 1);
  const std::size_t first = newline == std::string_view::npos ? 0 : newline + 1;
  const auto line = 1 + std::count(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first), '\n');
  return "line " + std::to_string(line) + ", column " +
         std::to_string(text::characters(all.substr(first), at - first) + 1);
}

class Handler {
 public:
  using Json = nlohmann::json;

  Handler(std::string_view all, const std::string& source) : all_(all), source_(source) {}

  bool null() { return put(nullptr); }
  bool boolean(bool v) { return put(v); }
  bool number_integer(Json::number_integer_t v) { return put(static_cast<std::int64_t>(v)); }
  bool number_unsigned(Json::number_unsigned_t v) {
    if (v <= static_cast<Json::number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return put(static_cast<std::int64_t>(v));
    }
    return put(static_cast<double>(v));
  }
  bool number_float(Json::number_float_t v, const Json::string_t&) { return put(v); }
  bool string(Json::string_t& v) { return put(std::move(v)); }
  bool binary(Json::binary_t&) { return false; }

  bool start_object(std::size_t) { return open(ProblemValue::Object{}); }
  bool start_array(std::size_t) { return open(ProblemValue::List{}); }
  bool end_object() {
    keys_.pop_back();
    return close();
  }
  bool end_array() {
    keys_.pop_back();
    return close();
  }
  bool key(Json::string_t& name) {
    if (!keys_.back().insert(name).second) fail("the key " + text::in_quotes(name) + " stands twice in one object");
    open_.back().second = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const Json::exception& e) {
    const std::size_t at = position == 0 ? 0 : position - 1;  // nlohmann counts the characters that it has read
    std::string why = e.what();
    if (e.id == 406) {
      why = "the number " + text::in_quotes(token) + " is larger than a number can be";
    } else {
      const std::size_t colon = why.find(": ");
      if (colon != std::string::npos) why.erase(0, colon + 2);
      const std::string_view rest = all_.substr(std::min(at, all_.size()));
      if (rest.starts_with("NaN") || rest.starts_with("Inf")) why = "NaN and infinities are no numbers here";
    }
    throw ProblemError(source_ + ", " + place(all_, at) + ": " + text::escaped(why, 300));
  }

  ProblemValue take() { return std::move(root_); }

 private:
  using Frame = std::pair<ProblemValue, std::string>;  // an unfinished list or object, and the key that waits

  [[noreturn]] void fail(const std::string& why) const { throw ProblemError(source_ + ": " + path() + why); }

  // Where in the tree: "inputs.W: ".
  std::string path() const {
    std::string out;
    for (std::size_t k = 0; k < std::min<std::size_t>(open_.size(), 8); ++k) {
      if (open_[k].second.empty()) continue;
      out += (out.empty() ? "" : ".") + text::escaped(open_[k].second);
    }
    return out.empty() ? "" : "in " + out + ": ";
  }

  template <class T> bool put(T v) {
    ProblemValue value;
    value.content = std::move(v);
    return put_value(std::move(value));
  }
  bool put_value(ProblemValue value) {
    if (++count_ > ProblemValue::max_values) {
      fail("more than " + std::to_string(ProblemValue::max_values) + " values; large arrays belong in .npy files");
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    auto& [parent, key] = open_.back();
    if (parent.holds<ProblemValue::List>())
      parent.get<ProblemValue::List>().push_back(std::move(value));
    else
      parent.get<ProblemValue::Object>().emplace_back(std::exchange(key, {}), std::move(value));
    return true;
  }
  template <class T> bool open(T empty) {
    if (open_.size() >= static_cast<std::size_t>(ProblemValue::max_nesting)) {
      fail("nested deeper than " + std::to_string(ProblemValue::max_nesting));
    }
    ProblemValue value;
    value.content = std::move(empty);
    open_.emplace_back(std::move(value), std::string());
    keys_.emplace_back();
    return true;
  }
  bool close() {
    ProblemValue value = std::move(open_.back().first);
    open_.pop_back();
    return put_value(std::move(value));
  }

  std::string_view all_;
  std::string source_;
  std::vector<Frame> open_;
  std::vector<std::unordered_set<std::string>> keys_;
  ProblemValue root_;
  std::size_t count_ = 0;
};

}  // namespace json_reader

ProblemValue parse_json(std::string_view text, const std::string& source) {
  if (text.starts_with("\xEF\xBB\xBF")) throw ProblemError(source + ": starts with a byte order mark");
  const std::size_t bad = text::invalid_utf8(text);
  if (bad != std::string_view::npos) {
    throw ProblemError(source + ", " + json_reader::place(text, bad) + ": a byte that is not UTF-8");
  }
  json_reader::Handler handler(text, source);
  nlohmann::json::sax_parse(text.begin(), text.end(), &handler);
  return handler.take();
}

}  // namespace dini
