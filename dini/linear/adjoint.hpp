// How the linear system of a solution's derivative, A dz = b or Aᵀu = w with A = ∂F/∂z, is solved.
//
// An adjoint is a linear method with its options: `{.adjoint = GMRES{.restart = 100}}`. One that is given nothing is chosen by
// cost: the factors that the solver has made of A, else products where a fixed point's map contracts, or a factorisation where A is
// small enough to be formed unasked, else MINRES where A is known to be symmetric, else GMRES.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/core/kind.hpp"

namespace dini {

template <class Made> struct MethodInfo;

namespace detail {
struct LinearMethod;
template <class S> struct MethodTable;
using LinearMethodRef = std::shared_ptr<const LinearMethod>;
}  // namespace detail

/// What is known of A = ∂F/∂z beforehand; of a fixed point, of I - ∂f/∂z. What is said here is believed. Minimisation and least
/// squares say themselves that their Hessians are symmetric.
struct MatrixStructure {
  bool symmetric = false;
  bool positive_definite = false;  // and symmetric
  /// Each equation in its own unknown alone: A is then one product, and a vector. Where nothing is said of a root's or a fixed point's
  /// equations, and all that they do with z is elementwise, it is found out.
  bool diagonal = false;
  bool known() const { return symmetric || positive_definite || diagonal; }
};

/// v -> M⁻¹v with M near A, for Krylov methods: a linear function of v that captures numbers and concrete arrays. Its transpose,
/// which reverse mode needs, is made from it.
class Preconditioner {
 public:
  Preconditioner() = default;
  template <class F>
  requires std::is_invocable_r_v<Array, const F&, const Array&> Preconditioner(const F& f)
      : apply_(std::make_shared<const std::function<Array(const Array&)>>(f)) {}
  explicit operator bool() const { return static_cast<bool>(apply_); }
  Array operator()(const Array& v) const { return (*apply_)(v); }
  /// Equal keys are one object.
  std::string key() const;

 private:
  std::shared_ptr<const std::function<Array(const Array&)>> apply_;
};

/// A is formed and factorised, as its structure says: its diagonal alone; Cholesky where it is symmetric, LDLᵀ where that breaks
/// down; LU otherwise. Exact. The default up to 1,000 unknowns but where a fixed point's map contracts, and with a solver's factors.
struct Direct {
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<Direct>& table();
};
/// Triangular factors with row exchanges, P A = L U, whatever the structure. Exact.
struct LU {
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<LU>& table();
};
/// A = L Lᵀ, for symmetric positive definite A, or I - ∂f/∂z of a fixed point. `breakdown` where it is not. Exact.
struct Cholesky {
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<Cholesky>& table();
};
/// A = L D Lᵀ with 1×1 and 2×2 blocks, for symmetric A (Bunch and Kaufman, Math. Comp. 31, 1977). `breakdown` where A is not
/// symmetric. Exact.
struct LDLT {
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<LDLT>& table();
};
/// A = Q R by Householder reflections: twice the cost of LU, and no growth of elements. Exact.
struct QR {
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<QR>& table();
};
/// A is a diagonal, found by one product. `breakdown` where a product with A is not that of its diagonal. Exact.
struct Diagonal {
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<Diagonal>& table();
};
/// Generalised minimal residuals with restarts, of products with A alone (Saad and Schultz, SIAM J. Sci. Stat. Comput. 7, 1986),
/// preconditioned from the right.
struct GMRES {
  int restart = 50;            // products between restarts: that many vectors are kept
  double tolerance = 0;        // ‖b - A x‖ ≤ tolerance·‖b‖; 0: eps^(3/4), or what rounding of A x allows
  std::int64_t max_steps = 0;  // products; 0: max(1000, 10 n)
  Preconditioner preconditioner = {};
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<GMRES>& table();
};
/// Minimal residuals for symmetric A, which may be indefinite (Paige and Saunders, SIAM J. Numer. Anal. 12, 1975). `breakdown`
/// where A is not symmetric. The preconditioner has to be symmetric positive definite.
struct MINRES {
  double tolerance = 0;
  std::int64_t max_steps = 0;
  Preconditioner preconditioner = {};
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<MINRES>& table();
};
/// Conjugate gradients, for symmetric positive definite A, or I - ∂f/∂z of a fixed point (Hestenes and Stiefel, J. Res. NBS 49,
/// 1952). `breakdown` where A is not symmetric or not definite.
struct CG {
  double tolerance = 0;
  std::int64_t max_steps = 0;
  Preconditioner preconditioner = {};
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<CG>& table();
};
/// Stabilised biconjugate gradients (van der Vorst, SIAM J. Sci. Stat. Comput. 13, 1992).
struct BiCGStab {
  double tolerance = 0;
  std::int64_t max_steps = 0;
  Preconditioner preconditioner = {};
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<BiCGStab>& table();
};
/// The solver of the equation itself: u = (∂f/∂z)ᵀu + w as a fixed point. For fixed points.
struct SameSolver {
  double tolerance = -1;        // as the solver's own option, on a right-hand side of size about 1; -1: the solve's
  std::int64_t max_steps = -1;  // -1: the solver's default, whatever the solve was allowed
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<SameSolver>& table();
};
/// (I - J)⁻¹ ≈ I + J + ... + J^(terms-1), J = ∂f/∂z. Not exact: derivatives are those of the sum. For fixed points.
struct Neumann {
  int terms = 5;
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<Neumann>& table();
};
/// (I - J)⁻¹ ≈ I ("Jacobian-free"). Not exact. For fixed points.
struct OneStep {
  detail::LinearMethodRef method() const;
  static const detail::MethodTable<OneStep>& table();
};

/// Any of these; without one, chosen by cost as it says above.
class Adjoint {
 public:
  Adjoint() = default;
  template <class M>
  requires requires(const M& m) {
    { m.method() } -> std::same_as<detail::LinearMethodRef>;
  }
  Adjoint(const M& m) : method_(m.method()) {}

  bool automatic() const { return !method_; }
  /// Whether the derivative is that of the solution, and not an approximation by choice.
  bool exact() const;
  /// "auto", "direct", "gmres", ...
  std::string name() const;
  /// Name and options: adjoints with equal keys are equal.
  std::string key() const;
  /// ValueError where the method is not for problems of this kind.
  void check(Kind kind) const;
  /// The method; null for `automatic`.
  const detail::LinearMethodRef& method() const { return method_; }

 private:
  detail::LinearMethodRef method_;
};

/// All adjoints by the names that problem files use (core/option_table.hpp), but "auto".
const std::vector<MethodInfo<Adjoint>>& library_adjoints();

}  // namespace dini
