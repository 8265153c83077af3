// The homogeneous model of a quadratic program (solvers/interior_point_qp.hpp), and Mehrotra's step in it.
#pragma once

#include "dini/solvers/quadratic_data.hpp"

namespace dini::detail {

/// Where an iterate stands; s and z of the rows of G, of the lower and of the upper bounds, 1 for rows that are none.
struct HomogeneousIterate {
  Array x, y, z, s, tau, kappa;
  auto tree() { return std::tie(x, y, z, s, tau, kappa); }
};

/// The program with the bounds as rows, -x ≤ -l and x ≤ u.
///
/// A step solves systems of [P Cᵀ; C -w], C all rows, w = s/z and 0 of an equation. The rows are eliminated: what is factorised is
/// P + Cᵀ(w + δ)⁻¹C, positive definite, with δ = √eps, and the solution is refined by the system itself. The smaller δ, the better the
/// factors fit the system, and the more of P is lost beside the rows that are active.
class HomogeneousModel {
 public:
  /// Of an equilibrated program; a step goes `border` of the way to where an s, a z, τ or κ is 0.
  HomogeneousModel(const QuadraticData& data, double border, int refinements);

  /// The solution with slacks as long as their multipliers, of which those and these that are too small are raised to 1.
  HomogeneousIterate start() const;
  /// Predictor and corrector. The larger of τ and κ is 1 after it, for any multiple of an iterate will do.
  HomogeneousIterate step(const HomogeneousIterate& at) const;
  /// μ.
  Array complementarity(const HomogeneousIterate& at) const;

  /// z, 0 of what is no row: of the rows of G, of the lower and of the upper bounds.
  struct Multipliers {
    Array at_most, lower, upper;
  };
  Multipliers multipliers(const Array& z) const;

 private:
  struct Direction {
    Array x, y, z, s, tau, kappa;
  };
  // Of unknowns and rows, those of A first.
  struct Both {
    Array x, rows;
  };
  struct Factors {
    Array w;           // of all rows
    Array weights;     // 1/(w + δ), 0 of what is no row
    Array matrix, by;  // with ones on the diagonal, by what was multiplied from both sides
    Leaves of;
  };
  // a where the mask holds, 0 elsewhere; v as a column.
  static Array only(const Array& mask, const Array& a);
  static Array column(const Array& v);
  // Cx, where what is no row has any number, and Cᵀv.
  Array along(const Array& x) const;
  Array pull(const Array& v) const;
  // How far along a direction it is to the border, 1/border at the most.
  Array longest(const HomogeneousIterate& at, const Direction& to) const;
  Factors factorized(const Array& w) const;
  Both solve(const Factors& f, const Both& b, int refinements) const;

  QuadraticData d;
  double border_;
  int refinements_;
  std::int64_t n_, me_, mg_, bounds_;   // the bounds' rows
  Array live_, h_, c_, sides_, count_;  // c_: the rows of A and G
};

}  // namespace dini::detail
