// Interpolate, truncate, project: superlinear, with the worst case of bisection.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For roots in brackets. The secant's point is moved towards the middle by k1·w^k2/w₀^(k2-1), w₀ the first width and w the
/// present one, and then as far as it takes for the bracket to be no wider than bisection would have it `slack` steps later (I.
/// F. D. Oliveira and R. H. C. Takahashi, ACM Trans. Math. Software 47, 2020). The width that is aimed for is the spacing of
/// numbers at the ends; where the root turns out to be so much nearer to 0 that they are closer together, it begins again.
struct ITP {
  double k1 = 0.2;
  double k2 = 2;
  int slack = 1;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<ITP>& table();
};

}  // namespace dini
