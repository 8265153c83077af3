// Anderson acceleration of a fixed-point iteration.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// z ← Σ αᵢ ((1 - mixing) zᵢ + mixing f(zᵢ)) over the last `history` iterates, with the α of sum 1 that make
/// ‖Σ αᵢ (f(zᵢ) - zᵢ)‖² + ridge·max‖f(zᵢ) - zᵢ‖²·‖α‖² least (D. G. Anderson, J. ACM 12, 1965; Walker and Ni, SIAM J. Numer. Anal. 49, 2011).
/// For fixed points; no derivative of f, one evaluation a step.
struct Anderson {
  int history = 5;
  double mixing = 1;
  double ridge = 1e-10;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Anderson>& table();
};

}  // namespace dini
