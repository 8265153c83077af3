// The implicit function theorem, once.
//
// A solve finds z with 0 = F(θ, z). Where A = ∂F/∂z is regular, z is a function of θ near by, and
//
//     dz = -A⁻¹ (∂F/∂θ) dθ,       θ̄ = -(∂F/∂θ)ᵀ A⁻ᵀ z̄
//
// at the point returned, linearised there. The op `solve` carries the Program of the residual, the solver and how the linear
// system is solved; its jvp is the line above, written with ops that have their own jvp and transpose, so that reverse mode,
// higher orders, batching and compilation follow. Nothing else in the library knows the theorem.
//
// A point where A is singular has no derivative: the condition of the equilibrated A is estimated, and since that alone
// misses a multiple root, so is ω = ‖A(z)⁻¹(A(z + δ) - A(z))‖, which falls quadratically at a simple root from one
// correction δ to the next and stays at ½ or more at a multiple one.
#pragma once

#include "dini/linear/operator_solve.hpp"
#include "dini/solvers/solver.hpp"

namespace dini {

/// What a failed solve, or a failed linear solve of its derivative, does: throw a SolveError, give NaN (in failed lanes
/// only), or give the best iterate (whose derivative is refused).
enum class OnFailure { raise, nan, best };

namespace detail {

struct SolveSettings {
  bool fixed_point = false;
  std::shared_ptr<const SolverMethod> method;
  StopRule stop;
  Adjoint adjoint;  // resolved
  OnFailure on_failure = OnFailure::raise;
  bool derivative_anyway = false;
  double accept = 1e-2;
  std::string key() const;
};

/// The outcome of a solve whose map (f of a fixed point, F of a root) is the Program [z, θ...] -> [f or F].
Outcome solve(const ProgramRef& map, const SolveSettings& settings, const Array& z0, const Leaves& theta);

/// The same for a map that reads values on the host: it is called with values at each step, and once more at the solution
/// for the derivative. Nothing around it may be abstract.
Outcome solve_eagerly(const std::function<Array(const Array&)>& map, const SolveSettings& settings, const Array& z0);

}  // namespace detail
}  // namespace dini
