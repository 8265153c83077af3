// Mutants: the library with one thing wrong, made in memory. A breaker wraps rules or passes, and at each place where
// something can go wrong asks whether the mutant of that name is wanted. So one run of the tests that wants none of them
// lists what can be broken, and what it lists is what a later run breaks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dini/ops/internal.hpp"

namespace dini::mutation {

/// What this process does: it wants the mutant of a name, or lists names.
struct Session {
  std::string wanted;
  bool listing = false;
  std::map<std::string, std::vector<std::string>> names;  // each with the tests that come to where it would go wrong
};
Session& session();

/// Whether to go wrong here. Names are "<subject> <place>: <what is wrong>".
bool chosen(const std::string& name);

/// Wraps the rules and kernels of an op. Names begin with the op's.
void break_op(const Op& op);
/// Wraps the passes of the executor. Names begin with "pass <name>".
void break_passes();

}  // namespace dini::mutation
