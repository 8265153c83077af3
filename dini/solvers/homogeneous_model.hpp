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

  /// Which of the rows are there, [mg + 2 n].
  const Array& live() const { return live_; }

 private:
  struct Direction {
    Array x, y, z, s, tau, kappa;
  };
  struct Factors {
    Array matrix, by;  // equilibrated, with what it was multiplied by from both sides
    Leaves of;
  };
  // a where the mask holds, 0 elsewhere; v as a column.
  static Array only(const Array& mask, const Array& a);
  static Array column(const Array& v);
  Array rows(const Array& x) const;
  Array rows_transposed(const Array& z) const;
  // How far along a direction it is to the border, 1/border at the most.
  Array longest(const HomogeneousIterate& at, const Direction& to) const;
  // Of [P + bounds' z/s, Aᵀ, Gᵀ; A, 0, 0; G, 0, -s/z].
  Factors factorized(const Array& w) const;
  // [P Aᵀ Gᵀ; A 0 0; G 0 -w] x = b with all rows, refined by that matrix; b [n + me + rows, k].
  Array solve(const Factors& f, const Array& w, const Array& b) const;

  QuadraticData d;
  double border_;
  int refinements_;
  std::int64_t n_, me_, mg_;
  Array live_, h_, g_, count_;
};

}  // namespace dini::detail
