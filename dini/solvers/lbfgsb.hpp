// The method of Broyden, Fletcher, Goldfarb and Shanno with a short memory, within bounds.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For minima and fits of any size, from gradients alone: a model of the last `history` steps, its first minimum along the projected
/// gradient, from there its minimum among the variables that are off their bounds, and a line search to that (R. H. Byrd, P. Lu,
/// J. Nocedal and C. Zhu, A limited memory algorithm for bound constrained optimization, SIAM J. Sci. Comput. 16, 1995; J. L. Morales and
/// J. Nocedal, ACM Trans. Math. Software 38, 2011). All iterates are within the bounds.
struct LBFGSB {
  int history = 10;
  double decrease = 1e-4;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<LBFGSB>& table();
};

}  // namespace dini
