// The spectral residual method.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// z ← z ± ασF(z), σ = sᵀs/sᵀy of the last step, where α comes down until ‖F‖² is at most the largest of the last `history` ones,
/// and a little more, less 10⁻⁴α²‖F‖² (La Cruz, Martínez and Raydan, Math. Comp. 75, 2006). One or two evaluations a step, and
/// `history` numbers beside z: nothing is solved, nothing kept. For very large z whose A has a spectrum of one sign and no great
/// spread.
struct DFSane {
  int history = 10;
  int max_trials = 40;  // of a step, each in both directions
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<DFSane>& table();
};

}  // namespace dini
