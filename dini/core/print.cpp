#include "dini/core/print.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>
#include <type_traits>

#include "dini/core/arithmetic.hpp"

namespace dini {
namespace print_detail {

// A finite number's digits: 0.00314 is {"314", -3} as in 3.14e-3. Zero is {"0", 0}.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;
};

void trim(Decimal& d) {
  while (d.digits.size() > 1 && d.digits.back() == '0') d.digits.pop_back();
}

// The shortest digits that read back as x, or those of x rounded to `places` after the first where that is fewer.
template <class T> Decimal scientific_digits(T x, int places) {
  char text[128];
  const auto parse = [&](const char* last) {
    Decimal d;
    const char* at = text;
    if (*at == '-') d.negative = true, ++at;
    for (; *at != 'e'; ++at) {
      if (*at != '.') d.digits += *at;
    }
    at += at[1] == '+' ? 2 : 1;
    std::from_chars(at, last, d.exponent);
    trim(d);
    return d;
  };
  Decimal d = parse(std::to_chars(text, text + sizeof text, x, std::chars_format::scientific).ptr);
  if (places < 0 || static_cast<int>(d.digits.size()) <= places + 1) return d;
  return parse(std::to_chars(text, text + sizeof text, x, std::chars_format::scientific, std::min(places, 60)).ptr);
}

// The parts of a number before and after the point, without trailing zeros.
struct Parts {
  std::string before, after;
  int exponent = 0;
};

template <class T> Parts positional(T x, int precision) {
  const Decimal shortest = scientific_digits(x, -1);
  const int n = static_cast<int>(shortest.digits.size());
  Parts p;
  if (precision >= 0 && n - 1 - shortest.exponent > precision) {
    // Room for the 309 digits before the point of the largest double.
    char text[512];
    const char* last =
        std::to_chars(text, text + sizeof text, x, std::chars_format::fixed, std::min(precision, 100)).ptr;
    const char* point = std::find(static_cast<const char*>(text), last, '.');
    p.before.assign(static_cast<const char*>(text), point);
    if (point != last) p.after.assign(point + 1, last);
    while (!p.after.empty() && p.after.back() == '0') p.after.pop_back();
    return p;
  }
  if (shortest.negative) p.before = "-";
  const int split = shortest.exponent + 1;  // how many of the digits stand before the point
  if (split <= 0) {
    p.before += '0';
    if (shortest.digits != "0") p.after = std::string(static_cast<std::size_t>(-split), '0') + shortest.digits;
  } else if (split >= n) {
    p.before += shortest.digits + std::string(static_cast<std::size_t>(split - n), '0');
  } else {
    p.before += shortest.digits.substr(0, static_cast<std::size_t>(split));
    p.after = shortest.digits.substr(static_cast<std::size_t>(split));
  }
  return p;
}

template <class T> Parts scientific(T x, int precision) {
  const Decimal d = scientific_digits(x, precision);
  Parts p;
  p.before = (d.negative ? "-" : "") + d.digits.substr(0, 1);
  if (d.digits.size() > 1) p.after = d.digits.substr(1);
  p.exponent = d.exponent;
  return p;
}

// Where others need more digits, NumPy shows those of the number's exact value: 3.1428571, not 3.1428570.
template <class T> Parts scientific_filled(T x, int places) {
  char text[128];
  const char* last =
      std::to_chars(text, text + sizeof text, x, std::chars_format::scientific, std::min(places, 60)).ptr;
  const char* point = std::find(static_cast<const char*>(text), last, '.');
  const char* e = std::find(point, last, 'e');
  Parts p;
  p.before.assign(static_cast<const char*>(text), point);
  p.after.assign(point + 1, e);
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, last, p.exponent);
  return p;
}

std::string exponent_text(int exponent, int digits) {
  std::string text = std::to_string(std::abs(exponent));
  if (static_cast<int>(text.size()) < digits) text.insert(0, static_cast<std::size_t>(digits) - text.size(), '0');
  return (exponent < 0 ? "e-" : "e+") + text;
}

std::string pad_left(std::string s, std::size_t width) {
  if (s.size() < width) s.insert(0, width - s.size(), ' ');
  return s;
}

template <class T> std::string nonfinite(T x) { return std::isnan(x) ? "nan" : x < 0 ? "-inf" : "inf"; }

// A single number, with all its digits.
template <class T> std::string scalar_word(T x) {
  if constexpr (std::is_same_v<T, bool>) {
    return x ? "True" : "False";
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(x);
  } else {
    if (!std::isfinite(x)) return nonfinite(x);
    const double size = std::abs(static_cast<double>(x));
    if (size == 0 || (size >= 1e-4 && size < (sizeof(T) == 4 ? 1e6 : 1e16))) {
      const Parts p = positional(x, -1);
      return p.before + '.' + (p.after.empty() ? "0" : p.after);
    }
    const Parts p = scientific(x, -1);
    return p.before + (p.after.empty() ? "" : '.' + p.after) + exponent_text(p.exponent, 2);
  }
}

template <class T> bool wants_exponent(const std::vector<T>& values) {
  T largest = 0, least = 0;
  for (T v : values) {
    const T size = std::abs(v);
    if (!std::isfinite(size) || size == 0) continue;
    if (largest == 0 || size > largest) largest = size;
    if (least == 0 || size < least) least = size;
  }
  if (largest == 0) return false;
  return largest >= static_cast<T>(sizeof(T) == 4 ? 1e6 : 1e8) || least < static_cast<T>(1e-4) ||
         largest / least > static_cast<T>(1000);
}

// The elements as words of one width.
template <class T> std::vector<std::string> float_words(const std::vector<T>& values, int precision) {
  const bool exponent = wants_exponent(values);
  std::vector<Parts> parts(values.size());
  std::size_t before = 0, after = 0, digits = 2;
  bool finite = false, nan = false, infinite = false, negative_infinite = false;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const T v = values[k];
    if (!std::isfinite(v)) {
      (std::isnan(v) ? nan : infinite) = true;
      negative_infinite |= !std::isnan(v) && v < 0;
      continue;
    }
    finite = true;
    parts[k] = exponent ? scientific(v, precision) : positional(v, precision);
    before = std::max(before, parts[k].before.size());
    after = std::max(after, parts[k].after.size());
    digits = std::max(digits, std::to_string(std::abs(parts[k].exponent)).size());
  }
  std::size_t right = exponent ? digits + 2 + after : after;  // what stands to the right of the point
  if (!finite) right = 0;
  if (nan || infinite) {
    const std::size_t longest = negative_infinite ? 4 : 3;
    if (longest > right + 1) before = std::max(before, longest - right - 1);
  }
  std::vector<std::string> words(values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    const T v = values[k];
    if (!std::isfinite(v)) {
      words[k] = pad_left(nonfinite(v), before + right + 1);
      continue;
    }
    Parts& p = parts[k];
    if (exponent && p.after.size() < after) p = scientific_filled(v, static_cast<int>(after));
    const std::string fraction = p.after + std::string(after - p.after.size(), ' ');
    words[k] = pad_left(p.before, before) + '.' + fraction;
    if (exponent) words[k] += exponent_text(p.exponent, static_cast<int>(digits));
  }
  return words;
}

template <class T> std::vector<std::string> words_of(const std::vector<T>& values, int precision) {
  if constexpr (std::is_floating_point_v<T>) {
    return float_words(values, precision);
  } else {
    std::vector<std::string> words;
    std::size_t width = 0;
    for (T v : values) {
      // A boolean is an unsigned char here, since std::vector<bool> is no vector of bool.
      if constexpr (std::is_same_v<T, unsigned char>)
        words.push_back(v ? " True" : "False");
      else
        words.push_back(std::to_string(v));
      width = std::max(width, words.back().size());
    }
    for (std::string& w : words) w = pad_left(std::move(w), width);
    return words;
  }
}

struct Layout {
  const Shape& shape;
  const PrintOptions& options;
  bool abbreviated;

  bool abbreviates(int axis) const { return abbreviated && shape[axis] - edge() > edge(); }
  std::int64_t edge() const { return std::max<std::int64_t>(options.edgeitems, 0); }

  // Calls item(index) for what an axis shows, and gap() where it is abbreviated. The gap may stand at the end.
  template <class Item, class Gap> void walk(int axis, Item&& item, Gap&& gap) const {
    const std::int64_t n = shape[axis];
    if (!abbreviates(axis)) {
      for (std::int64_t i = 0; i < n; ++i) item(i);
      return;
    }
    for (std::int64_t i = 0; i < edge(); ++i) item(i);
    gap();
    for (std::int64_t i = n - edge(); i < n; ++i) item(i);
  }

  // The positions of the elements that are shown, in order.
  void collect(int axis, std::int64_t offset, std::vector<std::int64_t>& out) const {
    if (axis == shape.ndim()) {
      out.push_back(offset);
      return;
    }
    walk(
        axis, [&](std::int64_t i) { collect(axis + 1, offset * shape[axis] + i, out); }, [] {});
  }

  // The text of one (sub)array; `next` runs over the words. `indent` is what its continuation lines start with.
  std::string text(int axis, const std::vector<std::string>& words, std::size_t& next, const std::string& indent,
                   int width) const {
    std::string out;
    if (axis == shape.ndim() - 1) {
      const std::size_t room = static_cast<std::size_t>(std::max(width - 1, 0));
      std::string line = indent;
      bool first = true;
      const auto extend = [&](const std::string& word) {
        if (!first) line += ' ';
        first = false;
        if (line.size() + word.size() > room && line.size() > indent.size()) {
          while (!line.empty() && line.back() == ' ') line.pop_back();
          out += line + '\n';
          line = indent;
        }
        line += word;
      };
      walk(
          axis, [&](std::int64_t) { extend(words[next++]); }, [&] { extend("..."); });
      out += line;
    } else {
      const std::string separator(static_cast<std::size_t>(shape.ndim() - axis - 1), '\n');
      bool first = true;
      const auto extend = [&](const std::string& nested) {
        if (!first) out += separator;
        first = false;
        out += indent + nested;
      };
      walk(
          axis, [&](std::int64_t) { extend(text(axis + 1, words, next, indent + ' ', width - 1)); },
          [&] { extend("..."); });
    }
    return '[' + out.substr(indent.size()) + ']';
  }
};

template <class T> std::string array_text(const T* data, const Shape& shape, const PrintOptions& options) {
  if (shape.ndim() == 0) return scalar_word(*data);
  if (shape.size() == 0) return "[]";
  const Layout layout{shape, options, shape.size() > options.threshold};
  std::vector<std::int64_t> shown;
  layout.collect(0, 0, shown);
  std::vector<std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>> values;
  values.reserve(shown.size());
  for (std::int64_t k : shown) values.push_back(data[k]);
  std::size_t next = 0;
  return layout.text(0, words_of(values, options.precision), next, " ", options.line_width);
}

}  // namespace print_detail

std::string to_string(const Array& a, const PrintOptions& options) {
  if (!a.defined()) return "<undefined>";
  const Array* value = &a;
  while (!value->concrete()) {
    value = static_cast<const detail::Tracer*>(value->node())->primal();
    if (!value || !value->defined()) return "<traced " + a.aval().str() + ">";
  }
  const void* raw = value->raw();
  const DefaultArithmetic arithmetic;
  return visit_dtype(value->dtype(), [&]<class T>() {
    return print_detail::array_text(static_cast<const T*>(raw), value->shape(), options);
  });
}

std::ostream& operator<<(std::ostream& out, const Array& a) {
  // Written as a string, so that a width set on the stream pads the whole and the stream's locale is not asked.
  return out << to_string(a);
}

}  // namespace dini
