// How the linear system of a solution's derivative, A dz = b or Aᵀu = w with A = ∂F/∂z, is solved.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dini {

template <class Made> struct MethodInfo;

/// A is formed and factorised (LU). Exact. The default up to 1,000 unknowns.
struct Direct {};
/// Generalised minimal residuals with restarts, of products with A alone (Saad and Schultz, SIAM J. Sci. Stat. Comput. 7, 1986).
struct GMRES {
  int restart = 50;
  double tolerance = 0;        // relative residual; 0: eps^(3/4)
  std::int64_t max_steps = 0;  // products; 0: max(1000, 10 n)
};
/// Conjugate gradients, for symmetric positive definite A, or I - ∂f/∂z of a fixed point. `breakdown` where it is not.
struct CG {
  double tolerance = 0;
  std::int64_t max_steps = 0;
};
/// Stabilised biconjugate gradients (van der Vorst, SIAM J. Sci. Stat. Comput. 13, 1992).
struct BiCGStab {
  double tolerance = 0;
  std::int64_t max_steps = 0;
};
/// The solver of the equation itself: u = (∂f/∂z)ᵀu + w as a fixed point. For fixed points.
struct SameSolver {};
/// (I - J)⁻¹ ≈ I + J + ... + J^(terms-1), J = ∂f/∂z. Not exact: derivatives are those of the sum. For fixed points.
struct Neumann {
  int terms = 5;
};
/// (I - J)⁻¹ ≈ I ("Jacobian-free"). Not exact. For fixed points.
struct OneStep {};

/// Any of these; by default Direct where A is small enough to be formed, GMRES beyond.
class Adjoint {
 public:
  enum class Kind { automatic, direct, gmres, cg, bicgstab, same_solver, neumann, one_step };
  Adjoint() = default;
  Adjoint(Direct) : kind(Kind::direct) {}
  Adjoint(GMRES o) : kind(Kind::gmres), restart(o.restart), tolerance(o.tolerance), max_steps(o.max_steps) {}
  Adjoint(CG o) : kind(Kind::cg), tolerance(o.tolerance), max_steps(o.max_steps) {}
  Adjoint(BiCGStab o) : kind(Kind::bicgstab), tolerance(o.tolerance), max_steps(o.max_steps) {}
  Adjoint(SameSolver) : kind(Kind::same_solver) {}
  Adjoint(Neumann o) : kind(Kind::neumann), terms(o.terms) {}
  Adjoint(OneStep) : kind(Kind::one_step) {}

  /// Whether the derivative is that of the solution, and not an approximation by choice.
  bool exact() const { return kind != Kind::neumann && kind != Kind::one_step; }
  std::string name() const;
  std::string key() const;
  /// The kind, with `automatic` decided for n unknowns. ValueError for options out of range.
  Adjoint resolved(std::int64_t n, bool fixed_point) const;

  Kind kind = Kind::automatic;
  int restart = 50, terms = 5;
  double tolerance = 0;
  std::int64_t max_steps = 0;
};

/// All adjoints by the names that problem files use (core/option_table.hpp), but "auto".
const std::vector<MethodInfo<Adjoint>>& library_adjoints();

}  // namespace dini
