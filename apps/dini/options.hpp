// The command line of `dini solve`: which problem, and what of it to replace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dini/io/problem.hpp"

namespace dini::app {

struct Options {
  std::string file;                                           // empty: the problem is written out in options
  std::vector<std::pair<std::string, std::string>> formulas;  // kind and formula
  std::vector<std::string> inputs;                            // NAME=VALUE
  std::optional<std::string> z0, loss, gradient, hessian, jacobian, batch, dtype, solver, adjoint, tolerance, max_steps,
      deadline, lower, upper, bracket, ties, start, robust, max_memory;
  std::vector<std::string> equalities, inequalities;  // NAME=EXPR
  std::optional<std::string> out, history, plot;
  bool json = false, gradient_anyway = false, check = false, quiet = false, verbose = false;
};

/// The problem's contents: the file's (or standard input's), with the options' keys in place of its own.
ProblemValue problem_contents(const Options& options);
/// The folder that files named in the problem are relative to.
std::string problem_folder(const Options& options);
/// Bytes that arrays may take: "4G", "500M", or half of the machine's memory. ProblemError.
std::int64_t memory_limit(const Options& options);

}  // namespace dini::app
