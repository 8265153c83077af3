// Aitken's Δ² on a fixed-point iteration: Steffensen's method.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// From z, z₁ = f(z) and f(z₁), with g = z₁ - z and Δ = (f(z₁) - z₁) - g,
///
///     z ← z - g²/Δ                     in each element by itself (A. C. Aitken, Proc. R. Soc. Edinburgh 46, 1926; J. F. Steffensen, 1933)
///     z ← z - g·(gᵀΔ)/(ΔᵀΔ)           with `vector` = 1, by one factor for all (B. M. Irons and R. C. Tuck, Int. J. Numer.
/// Methods Eng. 1, 1969)
///
/// The first is quadratic where elements depend on themselves alone; the second minds how they hang together, and takes away what decays
/// slowest. Where that is no number, or ‖f(z) - z‖ is larger there than at z and at z₁, f(z₁) is taken. Two evaluations a step, no
/// derivative of f.
struct Aitken {
  int vector = 0;
  std::shared_ptr<const detail::SolverMethod> method() const;
  static const detail::MethodTable<Aitken>& table();
};

}  // namespace dini
