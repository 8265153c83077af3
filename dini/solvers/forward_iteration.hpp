// Forward iteration (Picard, Banach): z ← f(z). Converges where f contracts, by the factor of its largest slope a step.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// z ← (1 - damping)·f(z) + damping·z, for fixed points. No derivative of f, one evaluation a step.
struct ForwardIteration {
  double damping = 0;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<ForwardIteration>& table();
};

}  // namespace dini
