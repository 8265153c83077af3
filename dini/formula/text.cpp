#include "dini/formula/text.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>

namespace dini::text {

namespace {

// The length of the valid character that starts at `at`, and the character; 0 where there is none.
std::size_t decode(std::string_view s, std::size_t at, std::uint32_t& character) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[at + k]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    character = first;
    return 1;
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > s.size()) return 0;
  character = first & (0x7Fu >> length);
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(k) & 0xC0) != 0x80) return 0;
    character = character << 6 | (byte(k) & 0x3Fu);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (character < smallest[length] || character > 0x10FFFF || (character >= 0xD800 && character < 0xE000)) return 0;
  return length;
}

// Characters that a terminal obeys instead of showing.
bool is_hidden(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

std::string hidden(std::uint32_t c) {
  switch (c) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\r': return "\\r";
    default: break;
  }
  char out[16];
  std::snprintf(out, sizeof out, c < 0x80 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
  return out;
}

// Optimal string alignment. A letter too many or too few costs 2, another one 3, the same in another case 1.
int distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<int> before, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(2 * j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(2 * i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replace = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 3;
      row[j] = std::min({last[j] + 2, row[j - 1] + 2, last[j - 1] + replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 2);
    }
    before = last;
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string escaped(std::string_view s, std::size_t limit) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t count = 0; at < s.size(); ++count) {
    if (count == limit) return out + "...";
    std::uint32_t c = 0;
    const std::size_t length = decode(s, at, c);
    if (length == 0) {
      char byte[8];
      std::snprintf(byte, sizeof byte, "\\x%02x", static_cast<unsigned char>(s[at]));
      out += byte;
    } else if (is_hidden(c)) {
      out += hidden(c);
    } else {
      out += s.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::string in_quotes(std::string_view s) { return "`" + escaped(s) + "`"; }

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  name = name.substr(0, 64);
  std::string best;
  int least = 0;
  for (const std::string& k : known) {
    const int d = distance(name, std::string_view(k).substr(0, 64));
    if (best.empty() || d < least) {
      best = k;
      least = d;
    }
  }
  return best;
}

std::string nearest_hint(std::string_view name, const std::vector<std::string>& known) {
  const std::string best = nearest(name, known);
  return best.empty() ? "" : "; the nearest known one is " + in_quotes(best);
}

std::size_t invalid_utf8(std::string_view s) {
  std::uint32_t c;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t length = decode(s, at, c);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::size_t characters(std::string_view s, std::size_t offset) {
  std::size_t count = 0, at = 0;
  while (at < std::min(offset, s.size())) {
    std::uint32_t c;
    at += std::max<std::size_t>(decode(s, at, c), 1);
    ++count;
  }
  return count;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (k) out += k + 1 == names.size() ? " and " : ", ";
    out += in_quotes(names[k]);
  }
  return out;
}

}  // namespace dini::text
