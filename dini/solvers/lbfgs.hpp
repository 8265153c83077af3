// The method of Broyden, Fletcher, Goldfarb and Shanno with a short memory.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For minima and fits of any size: as BFGS, with B⁻¹ known by the last `history` steps alone (Liu and Nocedal, On the limited
/// memory BFGS method for large scale optimization, Math. Program. 45, 1989).
struct LBFGS {
  int history = 10;
  double decrease = 1e-4;
  double curvature = 0.9;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<LBFGS>& table();
};

}  // namespace dini
