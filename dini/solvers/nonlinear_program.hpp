// A problem with constraints as its solvers see it: scaled, with derivatives.
//
// f and each row are multiplied by min(1, 100/‖∇‖∞), with the gradient at the start. Everything is in those units but for what
// `error`, `equal_of` and `at_most_of` give.
#pragma once

#include "dini/solvers/constrained_loop.hpp"

namespace dini::detail {

class NonlinearProgram {
 public:
  /// Takes a problem that outlives it.
  NonlinearProgram(const SolverProblem& problem, const Array& z0);

  struct Values {
    Array objective, equal, at_most;
    auto tree() { return std::tie(objective, equal, at_most); }
  };
  Values values(const Array& z) const;

  /// First derivatives, and H = ∇²(f + νᵀc + λᵀg).
  struct Slopes {
    Array gradient, equal, at_most, hessian;
    auto tree() { return std::tie(gradient, equal, at_most, hessian); }
  };
  Slopes slopes(const Array& z, const Array& equal, const Array& at_most) const;

  /// The error of the conditions of optimality (kkt.hpp).
  Array error(const Array& z, const Values& v, const Slopes& s, const Array& equal, const Array& at_most) const;
  /// The problem's own multipliers.
  Array equal_of(const Array& equal) const { return equal * equal_scale_ / scale_; }
  Array at_most_of(const Array& at_most) const { return at_most * at_most_scale_ / scale_; }
  /// How far the rows are from being kept, at the worst, in their own units.
  Array violation(const Array& z, const Values& v, const Slopes& s) const;

  const BoundsOf& bounds() const { return bounds_; }
  const RowCounts& rows() const { return rows_; }

 private:
  const SolverProblem& problem_;
  Array z0_;
  BoundsOf bounds_;
  RowCounts rows_;
  Array scale_, equal_scale_, at_most_scale_;
  KktLook look(const Array& z, const Values& v, const Slopes& s, const Array& equal, const Array& at_most) const;
};

}  // namespace dini::detail
