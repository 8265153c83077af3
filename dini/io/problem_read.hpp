// Parts of reading a problem: what several keys have in common.
#pragma once

#include <string>
#include <vector>

#include "dini/io/problem.hpp"

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

/// ProblemError where it is no name, or has a meaning in formulas.
void check_name(const std::string& name, const std::string& key);
/// The text of a value.
const std::string& read_text(const ProblemValue& value, const std::string& key);

/// A number, nested lists of numbers, {"value": ..., "dtype": ...} or {"file": ..., "key": ...}. Floating ones become
/// `dtype`; integers and bool, of files or asked for by `dtype`, stay what they are. Infinities, which no file's text has, stay.
Array read_array(const ProblemValue& value, const std::string& key, Dtype dtype, const Source& source);

/// The names that formulas may use: inputs, those and the `let`s that are without z, or all of them and z.
struct Names {
  FormulaNames inputs, without_z, with_z;
};

/// Bounds, constraints, and what a program is made of, into the problem. ProblemError for what does not go together.
void read_constraints(const ProblemValue& contents, const Names& names, const Source& source, Problem& p);
/// The result that is the start: z, its lanes and its multipliers.
void read_start(const ProblemValue& contents, const Source& source, Problem& p);

}  // namespace dini::problem_reader
