// Chandrupatla's method for brackets: inverse quadratic interpolation where it is safe, bisection elsewhere.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// For roots in brackets. Of the newest point 1, the other end 2 and the end given up last 3, with
/// ξ = (x₁ - x₂)/(x₃ - x₂) and φ = (F₁ - F₂)/(F₃ - F₂), z is interpolated as a quadratic in F where φ² < ξ and (1 - φ)² < 1 - ξ, which is
/// where that is monotone between the ends; elsewhere the bracket is halved (T. R. Chandrupatla, Adv. Eng. Software 28, 1997). Some 10
/// evaluations for a smooth F.
struct Chandrupatla {
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Chandrupatla>& table();
};

}  // namespace dini
