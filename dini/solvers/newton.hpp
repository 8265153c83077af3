// Newton's method with a backtracking line search: A δ = -F(z), z ← z + tδ.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// Newton's method for roots and fixed points, A = ∂F/∂z formed and factorised once a step. The step is halved until
/// ‖F‖ falls enough (Armijo: ‖F(z + tδ)‖ ≤ (1 - slope·t)‖F(z)‖; Dennis and Schnabel, Numerical Methods for Unconstrained
/// Optimization and Nonlinear Equations, 1983, A6.3.1), points where F is not finite being refused. Where the full step leads out of
/// f's domain, the first time of a fixed point f(z) is gone to instead, which lies in it: halves of the step would lead to the
/// edge, where a pole may pass for a fixed point. Quadratic convergence near a simple root; `singular` where A is.
struct Newton {
  int max_halvings = 40;  // 0: no line search, the full step is taken wherever it leads
  double slope = 1e-4;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Newton>& table();
};

}  // namespace dini
