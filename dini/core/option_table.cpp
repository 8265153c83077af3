#include "dini/core/option_table.hpp"

#include <charconv>
#include <cstdio>

namespace dini {

namespace {

std::string short_number(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.10g", v);
  return text;
}

}  // namespace

std::string OptionRange::text() const {
  if (std::isinf(most) && std::isinf(least)) return "finite";
  if (std::isinf(most) && least_included) return short_number(least) + " or more";
  return std::string("in ") + (least_included ? "[" : "(") + short_number(least) + ", " + short_number(most) +
         (most_included ? "]" : ")");
}

namespace detail {

void no_such_option(const std::string& method, const std::string& option, const std::vector<OptionInfo>& known) {
  std::string names;
  for (std::size_t k = 0; k < known.size(); ++k) {
    names += (k == 0 ? "`" : k + 1 == known.size() ? " and `" : ", `") + known[k].name + "`";
  }
  throw ValueError(method + " has no option `" + option + "`; " +
                   (known.empty() ? "it has none" : "there are " + names));
}

void out_of_range(const std::string& method, const OptionInfo& option, double value) {
  throw ValueError(method + ": " + option.name + " must be " + (option.whole ? "a whole number, " : "") +
                   option.range.text() + ", got " + short_number(value));
}

std::string exact_digits(double value) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace detail
}  // namespace dini
