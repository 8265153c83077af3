// Parts of reading a problem: what several keys have in common.
#pragma once

#include <string>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/io/problem_value.hpp"

namespace dini::problem_reader {

/// ProblemError: "`key`: why".
[[noreturn]] void fail(const std::string& key, const std::string& why);
/// A number in its shortest form.
std::string shown(double v);
/// ProblemError for a key of the object that is not known, with the nearest one.
void check_keys(const ProblemValue& object, const std::vector<std::string>& known, const std::string& where);
/// The number of the choice that a text names.
std::size_t read_choice(const ProblemValue& value, const std::string& key, const std::vector<std::string>& choices);

/// Where files are looked for, and what their arrays may take.
struct Source {
  std::string folder;
  std::int64_t max_bytes;
};

/// A number, nested lists of numbers, {"value": ..., "dtype": ...} or {"file": ..., "key": ...}. Floating ones become
/// `dtype`; integers and bool, of files or asked for by `dtype`, stay what they are.
Array read_array(const ProblemValue& value, const std::string& key, Dtype dtype, const Source& source);

}  // namespace dini::problem_reader
