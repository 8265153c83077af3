// How the solve of a quadratic program ends: finished, proved to have no solution, or neither.
#pragma once

#include "dini/solvers/certificates.hpp"

namespace dini::detail {

/// What a solver of quadratic programs ends with.
struct QuadraticEnd {
  KktPoint at;
  // In the equilibrated program without its fixed variables what tends to a proof, where there is no solution.
  Infeasibility infeasible;
  Array ray;
  Array
      doubtful;  // whether there may be none though a point looks like one: what is far enough away does, beside its size
};

/// The point finished. What has an error (solvers/kkt.hpp) of at most eps^0.575, 1e-9, is a solution even where no active set was
/// confirmed. Where there is none a proof is looked for; two crossed bounds are one, and a P with a negative eigenvalue is
/// `not_a_minimum` whatever was found. `free` is the program without its fixed variables, equilibrated by
/// `by`; z0 is what counts as 0 beside the start.
Outcome quadratic_outcome(const SolverProblem& problem, const QuadraticData& data, const QuadraticData& free,
                          const QuadraticScaling& by, const QuadraticEnd& end, const Array& z0, const StopRule& stop);

}  // namespace dini::detail
