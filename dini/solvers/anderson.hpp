// Anderson acceleration of a fixed-point iteration.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// Mixes the last `history` iterates: with g(z) = f(z) - z, and dᵢ, eᵢ the differences of earlier iterates and of their g from the
/// newest ones,
///
///     z ← z + Σ γᵢ dᵢ + mixing·(g + Σ γᵢ eᵢ)
///
/// Of type 2, γ makes ‖g + Σ γᵢ eᵢ‖² least (D. G. Anderson, J. ACM 12, 1965; Walker and Ni, SIAM J. Numer. Anal. 49, 2011); of
/// type 1, which is Broyden's good method where the other is his bad one, g + Σ γᵢ eᵢ is orthogonal to all dᵢ (Fang and Saad,
/// Numer. Linear Algebra Appl. 16, 2009; Zhang, O'Donoghue and Boyd, SIAM J. Optim. 30, 2020). The eᵢ (and dᵢ) are taken at
/// length 1, and `ridge`, or 8 eps where that is more, is added to the diagonal of the system for γ. Where the step leads to a
/// larger ‖g‖ than `safeguard` times the last, or to none, the plain step z + mixing·g is made in its place, for one evaluation
/// more. For fixed points; no derivative of f, one evaluation a step.
struct Anderson {
  int history = 5;
  double mixing = 1;
  double ridge = 0;
  int type = 2;
  double safeguard = 0;  // 0: none
  int restart = 0;       // forgets all iterates but the newest after so many; 0: never
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Anderson>& table();
};

}  // namespace dini
