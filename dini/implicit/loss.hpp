// Robust losses: fits that a few wrong observations do not pull away.
//
//     least_squares(r, z0, {.loss = huber(1.5)}, θ...)      z = argmin ½ Σ w² ρ(r²/w²),  w = 1.5
//
// Residuals well below the width w count as they do without a loss, those beyond it less:
//
//     huber      ρ(s) = s up to 1, 2√s - 1 beyond               (Huber, Ann. Math. Statist. 35, 1964)
//     soft_l1    ρ(s) = 2(√(1 + s) - 1)                         Huber's, smoothed
//     cauchy     ρ(s) = ln(1 + s)
//     tukey      ρ(s) = (1 - (1 - s)³)/3 up to 1, ⅓ beyond      what is beyond has no say (Beaton and Tukey, Technometrics 16, 1974)
//
// They are SciPy's and Ceres's with the same names; ours of tukey is Ceres's. What is solved is the least-squares problem of the
// residuals r√(ρ(s)/s), s = r²/w², whose half square sum is the objective to the digit: every solver of fits takes it, with its
// full Hessian, and the derivative is that of the objective. Where ρ bends (huber, tukey: at s = 1) second derivatives are those
// of the side that s is on.
#pragma once

#include "dini/implicit/fixed_point.hpp"

namespace dini {

struct Loss {
  enum class Shape { squares, huber, soft_l1, cauchy, tukey };
  Shape shape = Shape::squares;
  double width = 1;  // of a residual, in its units
  /// r√(ρ(s)/s). ValueError where the width is not above 0 and finite.
  Array operator()(const Array& residuals) const;
};
Loss huber(double width);
Loss soft_l1(double width);
Loss cauchy(double width);
Loss tukey(double width);

/// Those of FixedPointOptions, where they are described, in the same order; then a fit's own.
struct LeastSquaresOptions {
  Solver solver = {};
  Tolerance tolerance = {};
  std::int64_t max_steps = -1;
  Adjoint adjoint = {};
  OnFailure on_failure = OnFailure::raise;
  std::int64_t history = 0;
  bool stage = true;
  bool derivative_anyway = false;
  double accept = 1e-2;
  MatrixStructure structure = {};
  Watch watch = {};
  Ties ties = Ties::average;
  double strict = 0;
  /// What is made least of the residuals. None: their squares.
  Loss loss = {};

  operator FixedPointOptions() const;
  static LeastSquaresOptions of(const FixedPointOptions& options, const Loss& loss = {});
};

namespace detail {

/// params..., z -> the residuals of which the squares are made least.
template <class R> auto robust(const R& r, const Loss& loss) {
  return [&r, loss](const auto&... a) {
    auto values = as_tree(r(a...));
    return loss.shape == Loss::Shape::squares ? values : tree_map([&](const Array& v) { return loss(v); }, values);
  };
}

}  // namespace detail
}  // namespace dini
