// A linear system A x = b, and the methods that solve it.
//
// A is known as a matrix, or by its products v -> A v: then as a Program of [v, kept...], less the identity where the system is
// that of a fixed point, A = ∂f/∂z - I. A method prepares what it needs of A once, as arrays (factors), and solves with A or Aᵀ
// from them. Everything is written with ops, so that it is batched, fused and compiled as all else.
//
//     x = A⁻¹ b,      dx = A⁻¹ (db - dA x),      b̄ = A⁻ᵀ x̄
//
// hold for every method, in every order; what is prepared is never differentiated itself.
#pragma once

#include <functional>
#include <string>

#include "dini/core/option_table.hpp"
#include "dini/core/status.hpp"
#include "dini/linear/adjoint.hpp"
#include "dini/linear/krylov.hpp"
#include "dini/transforms/derive.hpp"

namespace dini::detail {

/// Unknowns up to which A is formed without being asked for, and up to which it is formed just to look at a point.
constexpr std::int64_t formed_unasked = 1000, formed_for_a_look = 200;

inline bool is_symmetric(const MatrixStructure& s) { return s.symmetric || s.positive_definite; }

class LinearSystem {
 public:
  static LinearSystem of_matrix(const Array& a, MatrixStructure structure = {});
  /// A = M for the Program [v, kept...] -> M v.
  static LinearSystem of_products(ProgramRef product, Leaves kept, MatrixStructure structure = {});
  /// A = M - I, `structure` being that of I - M.
  static LinearSystem of_fixed_point(ProgramRef product, Leaves kept, MatrixStructure structure = {});

  /// A v.
  Array apply(const Array& v) const;
  /// M v of a fixed point's system.
  Array apply_map(const Array& v) const;
  bool is_fixed_point() const { return minus_identity_; }
  bool formed() const { return formed_; }
  /// A, where it is known as a matrix.
  const Array& matrix() const { return kept_[0]; }
  const ProgramRef& product() const { return product_; }
  const Leaves& kept() const { return kept_; }
  const MatrixStructure& structure() const { return structure_; }
  /// That of Aᵀ, where it is known by products.
  LinearSystem transposed() const;
  /// The same A with other arrays in the place of those kept.
  LinearSystem with(const Leaves& kept) const;

 private:
  ProgramRef product_;  // of a matrix, made when asked for
  Leaves kept_;
  MatrixStructure structure_;
  bool minus_identity_ = false, formed_ = false;
};

struct LinearOutcome {
  Array x, status, residual;  // status: of StatusCode
  auto tree() { return std::tie(x, status, residual); }
};

/// What a linear solve does that fails: throw a SolveError when it is run (in batches after all lanes have run), give NaN in
/// the lanes that failed, or give what it has.
enum class LinearFailure { raise, nan, keep };

/// A method with its options.
struct LinearMethod : std::enable_shared_from_this<LinearMethod> {
  virtual ~LinearMethod() = default;
  /// "gmres", ...
  virtual std::string name() const = 0;
  /// Name and options.
  virtual std::string key() const = 0;
  virtual Kinds kinds() const { return Kinds::all(); }
  /// Whether A x = b holds for what it gives.
  virtual bool exact() const { return true; }
  /// A sentence for the message of a failure, " (...)", or nothing.
  virtual std::string advice() const { return ""; }
  /// Whether it works on the matrix of A.
  virtual bool wants_matrix() const { return false; }
  /// What is made of A once.
  virtual Leaves prepare(const LinearSystem& system) const { return (void)system, Leaves{}; }
  /// x with A x = b, or with Aᵀx = b, in ops. `apply` is v -> A v, or v -> Aᵀv. b is of size about 1.
  virtual LinearOutcome attempt(const Product& apply, const LinearSystem& system, const Leaves& prepared,
                                const Array& b, bool transposed) const = 0;
  /// X with A X = B, or AᵀX = B, for these columns at once and one A, differentiable in the system and in B, where that costs less than
  /// attempts for each; undefined elsewhere.
  virtual Array solve_many(const LinearSystem& system, const Leaves& prepared, const Array& columns,
                           bool transposed) const {
    return (void)system, (void)prepared, (void)columns, (void)transposed, Array();
  }
  /// x with A x = b, differentiable in the system and in b.
  virtual Array solve(const LinearSystem& system, const Leaves& prepared, const Array& b, LinearFailure failure) const;
};

/// The method of an option struct with a table.
template <class S> struct TableMethod : LinearMethod {
  explicit TableMethod(const S& s) : options(s) { S::table().check(s); }
  S options;
  std::string name() const override { return S::table().name; }
  std::string key() const override { return S::table().key(options); }
  Kinds kinds() const override { return S::table().kinds; }
};

// ---- Matrices ---------------------------------------------------------------------------------------------------------

// A [n, n], or the vector of its diagonal where it is nothing else.
/// A v, and Aᵀv.
Array product_with(const Array& a, const Array& v);
Array transposed_product_with(const Array& a, const Array& v);
Array diagonal_of(const Array& a);

// ---- Factors ---------------------------------------------------------------------------------------------------------

/// What Direct makes of a matrix: [factors, pivots], Cholesky's or LDLᵀ's where A is symmetric, LU's otherwise; nothing where
/// it is diagonal, be it a matrix or a vector.
Leaves factorize(const Array& a, const MatrixStructure& structure);
/// Arrays of the types of factorize's, of no meaning: for a loop that makes them.
Leaves no_factors(const Array& a, const MatrixStructure& structure);
/// A⁻¹B from them, B [n] or [n, k]. With `refined`, the factors may be those of a matrix near A: two corrections by A itself
/// follow.
Array solve_factored(const Leaves& factors, const Array& a, const Array& b, const MatrixStructure& structure,
                     bool refined = false);
/// Whether a symmetric A is positive definite, as its factors say.
Array is_definite(const Leaves& factors, const Array& a);

/// Whether A looks symmetric, where its structure does not say so: for methods that are for symmetric A alone.
Array looks_symmetric(const LinearSystem& system, std::int64_t n, Dtype dtype);

}  // namespace dini::detail
