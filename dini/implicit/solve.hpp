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
// Only the residual F differs between the kinds: f(z) - z, F, ∇E, ∇½‖r‖². A point where A is singular has no derivative
// (implicit/regularity.hpp).
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini {

/// What a failed solve, or a failed linear solve of its derivative, does: throw a SolveError, give NaN (in failed lanes
/// only), or give the best iterate (whose derivative is refused).
enum class OnFailure { raise, nan, best };

/// At a tie, a bound or row that is active with a multiplier of 0, the derivative has two sides: the mean of the two (clip's ½ at
/// its corner), the side on which it is active, that on which it is not, or a SolveError.
enum class Ties { average, active, inactive, raise };

namespace detail {

/// Which constraints a solve's map comes with: bounds as the first of θ, further outputs.
struct ConstraintForm {
  bool lower = false, upper = false, equal = false, at_most = false;
  bool any() const { return lower || upper || equal || at_most; }
  std::size_t bounds() const { return (lower ? 1u : 0u) + (upper ? 1u : 0u); }
  Restriction restriction() const {
    if (equal || at_most) return Restriction::general;
    return any() ? Restriction::bounds : Restriction::none;
  }
};

struct SolveSettings {
  Kind kind = Kind::root;
  std::shared_ptr<const SolverMethod> method;
  StopRule stop;
  Adjoint adjoint;
  MatrixStructure structure;
  OnFailure on_failure = OnFailure::raise;
  bool derivative_anyway = false;
  double accept = 1e-2;
  ConstraintForm form = {};
  Ties ties = Ties::average;
  std::string key() const;
};

/// The outcome of a solve whose map (f of a fixed point, F of a root, E of a minimum, r of a least-squares fit) is the Program
/// [z, θ...] -> [its value]. z and its values but E have one axis. Of a bracketed root the first two of θ are the
/// bracket. Outcome::factors are empty. With constraints θ begins with the
/// bounds, and the Program has the values of equal and at_most besides, those that `form` says; of Outcome::constrained ν, λ and the
/// bounds' multipliers μ_l - μ_u, which come last, are differentiable as z is.
Outcome solve(const ProgramRef& map, const SolveSettings& settings, const Array& z0, const Leaves& theta);

/// The same for a map that reads values on the host: it is called with values at each step, and once more at the solution
/// for the derivative. Nothing around it may be abstract.
Outcome solve_eagerly(const std::function<Array(const Array&)>& map, const SolveSettings& settings, const Array& z0);

}  // namespace detail
}  // namespace dini
