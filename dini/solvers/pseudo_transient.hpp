// Pseudo-transient continuation: the root as the steady state of a flow.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// (A + V/τ) δ = -F(z), z ← z + δ: implicit Euler steps of length τ of the flow V z' = -F(z), whose steady states are the roots. τ
/// grows as ‖F‖ falls, τ ← τ‖F_before‖/‖F‖ (switched evolution relaxation: Mulder and van Leer 1985; Kelley and Keyes, SIAM J. Numer.
/// Anal. 35, 1998), so that the steps become Newton's. V is diagonal, the largest norms so far of A's columns with the signs of A's
/// diagonal at the start, of a fixed point with minus, by which the flow is z' = f(z) - z. ‖F‖ may grow on the way: for problems
/// where it has minima that are no roots. A step to where F is not finite is made shorter.
struct PseudoTransient {
  double first = 100;   // the first τ
  double most = 1e15;   // of τ
  int max_trials = 20;  // of a step, each with a tenth of τ
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<PseudoTransient>& table();
};

}  // namespace dini
