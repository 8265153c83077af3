// The solvers and adjoints by the names that problem files and options use.
#pragma once

#include <string>
#include <vector>

#include "dini/implicit/fixed_point.hpp"
#include "dini/io/problem.hpp"

namespace dini::app {

struct NamedSolver {
  std::string name;
  Solver solver;
};

/// The solver that a problem names, or for "auto" all that are worth trying, in that order. ProblemError for an unknown
/// name or option, which lists those there are, or a value out of range.
std::vector<NamedSolver> make_solvers(const Problem& problem, std::int64_t unknowns);
Adjoint make_adjoint(const Problem& problem);

/// What `dini solvers` prints.
std::string solver_list();

}  // namespace dini::app
