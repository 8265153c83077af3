// The simplex method of Nelder and Mead.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For minima of functions of few unknowns whose gradient is of no use on the way: noisy, or with kinks. n + 1 points, of which the highest
/// is moved through the middle of the others, E alone deciding how far (Nelder and Mead, A simplex method for function minimization, The
/// Computer Journal 7, 1965; coefficients that go with n: Gao and Han, Implementing the Nelder-Mead simplex algorithm with adaptive
/// parameters, Comput. Optim. Appl. 51, 2012). E shows where its minimum is to half of the digits; once the points are that near to each
/// other the rest come from Newton's corrections. Where these lead nowhere the simplex is made anew, as often as E falls by that; then it
/// is `stagnated`, as at a kink. One to two evaluations of E a step, of which a minimum takes hundreds. For who names it.
struct NelderMead {
  double size = 0.05;      // of the first simplex, beside the start's components
  double reflection = 1;   // how far through the middle, in lengths of the way to it
  double expansion = 0;    // of a step that found something lower; 0: 1 + 2/n
  double contraction = 0;  // of one that did not; 0: 3/4 - 1/(2n)
  double shrinkage = 0;    // of the whole simplex towards its lowest point; 0: 1 - 1/n. (n = 1: as n = 2)
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<NelderMead>& table();
};

}  // namespace dini
