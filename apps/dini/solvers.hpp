// The solvers and adjoints by the names that problem files and options use.
#pragma once

#include <string>

#include "dini/implicit/fixed_point.hpp"
#include "dini/implicit/loss.hpp"
#include "dini/io/problem.hpp"

namespace dini::app {

/// The solver that a problem names. ProblemError for an unknown name or option, which lists those there are, for a value
/// out of range, and where it is not for problems of that kind.
/// `resumed`: with what detail::from_multipliers does first.
Solver make_solver(const Problem& problem, bool resumed = false);
/// What the residuals of a fit count for; their squares where the problem says nothing.
Loss make_robust(const Problem& problem);
/// What a problem says of the error that is small enough.
Tolerance make_tolerance(const Problem& problem);
/// The same for the adjoint. "auto" is named: what follows of the solver for so many unknowns. Of a program it is the library's.
Adjoint make_adjoint(const Problem& problem, std::int64_t unknowns);

/// Whether the problem's solver, or one of those that "auto" tries, forms the matrix of ∂F/∂z for so many unknowns, and the
/// name of the first that does; else nothing.
std::string forms_matrix(const Problem& problem, std::int64_t unknowns);
/// The names of solvers and adjoints, of those that "auto" chooses from, that do without that matrix: "`a` and `b`", or nothing.
std::string solvers_without_matrix(Kind kind, std::int64_t unknowns);
std::string adjoints_without_matrix(Kind kind);

/// What `dini solvers` prints.
std::string solver_list();

}  // namespace dini::app
