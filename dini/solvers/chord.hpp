// The chord method: Newton's with factors that are kept for some steps.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// A δ = -F(z), z ← z + δ with A = ∂F/∂z of an earlier point, for up to `keep` steps and for as long as each leaves at most the part
/// `slow` of ‖F‖; otherwise A is formed and factorised anew at the point reached, and the next step is Newton's, with its line
/// search (C. T. Kelley, Iterative Methods for Linear and Nonlinear Equations, 1995, ch. 5). Linear convergence, of many cheap steps
/// for each factorisation: for large A, or where ∂F/∂z costs far more than F.
struct Chord {
  int keep = 10;
  double slow = 0.5;
  int max_halvings = 40;
  double slope = 1e-4;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Chord>& table();
};

}  // namespace dini
