// What `dini solve` is told on the command line.
#pragma once

#include <CLI/CLI.hpp>

#include "apps/dini/options.hpp"

namespace dini::app {

/// The arguments and options of `dini solve`, which go to `options`.
void add_solve_options(CLI::App& solve, Options& options);

}  // namespace dini::app
