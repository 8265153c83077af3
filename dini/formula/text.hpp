// Text that came from a user, made fit to be shown in a message; and guesses at what was meant by a wrong name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dini::text {

/// The text with control characters, direction marks and bytes that are not UTF-8 as escapes (\n, \x1b, \u202e), cut
/// with "..." after `limit` characters.
std::string escaped(std::string_view s, std::size_t limit = 100);
/// The escaped text between backquotes.
std::string in_quotes(std::string_view s);

/// The known name with the fewest changes to `name` (insertions, deletions, replacements and swaps of neighbours; case
/// counts little); empty where none is known.
std::string nearest(std::string_view name, const std::vector<std::string>& known);
/// "; the nearest known one is `z`", or nothing.
std::string nearest_hint(std::string_view name, const std::vector<std::string>& known);

/// The first byte that is not part of valid UTF-8; npos where all is valid. Overlong forms, surrogates and what is
/// beyond U+10FFFF are not valid.
std::size_t invalid_utf8(std::string_view s);

/// The characters before byte `offset`.
std::size_t characters(std::string_view s, std::size_t offset);

/// "a", "a and b", "a, b and c", each between backquotes.
std::string listed(const std::vector<std::string>& names);

}  // namespace dini::text
