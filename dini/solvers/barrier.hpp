// The barrier problems of an interior-point method, and Newton's steps for them.
//
// With slacks s > 0 for g(z) + s = 0, min f - μ(Σ log(z - l) + Σ log(u - z) + Σ log s) subject to c(z) = 0 and g(z) + s = 0 has
//
//     ∇f + Cᵀν + Gᵀλ - μ_l + μ_u = 0,   sλ = μ,   (z - l) μ_l = μ,   (u - z) μ_u = μ
//
// whose Newton step, slacks and bounds' multipliers eliminated, is that of the symmetric system
//
//     [ H + Σ + δI   Cᵀ     Gᵀ    ]
//     [ C           -δ_c     0    ]        Σ = μ_l/(z - l) + μ_u/(u - z).
//     [ G            0     -s/λ   ]
//
// δ is the least found that gives it as many negative eigenvalues as there are rows: then the step goes downhill on the rows' null
// space (A. Wächter and L. T. Biegler, On the implementation of an interior-point filter line-search algorithm, Math. Program. 106,
// 2006). A variable whose bounds are equal stays where it is.
#pragma once

#include "dini/linear/symmetric_indefinite.hpp"
#include "dini/solvers/nonlinear_program.hpp"

namespace dini::detail {

/// A point of an interior-point method: z strictly within the bounds, slacks and multipliers but ν positive.
struct BarrierPoint {
  Array z, slack, equal, at_most, lower, upper;  // z, s, ν, λ, μ_l, μ_u
  auto tree() { return std::tie(z, slack, equal, at_most, lower, upper); }
};

class Barrier {
 public:
  explicit Barrier(const NonlinearProgram& program);
  using Values = NonlinearProgram::Values;
  using Slopes = NonlinearProgram::Slopes;

  /// z moved into the bounds, by a hundredth of their distance or of its size at least.
  Array inside(const Array& z) const;
  /// f - μ Σ log.
  Array objective(const Values& v, const BarrierPoint& p, const Array& mu) const;
  /// ‖c‖₁ + ‖g + s‖₁.
  Array violation(const Values& v, const Array& slack) const;
  /// By how much the conditions above are missed, multipliers being counted by their size.
  Array error(const Values& v, const Slopes& s, const BarrierPoint& p, const Array& mu) const;

  /// Factors of the system with the right inertia, and the δ that took.
  struct System {
    SymmetricFactors factors;
    Array shift, sound;
    auto tree() { return std::tie(factors, shift, sound); }
  };
  System system(const Slopes& s, const BarrierPoint& p, const Array& mu, const Array& last_shift) const;
  /// The step, given what the rows are to lose: c and g + s, or a second-order correction of them.
  BarrierPoint step(const System& k, const Slopes& s, const BarrierPoint& p, const Array& mu, const Array& equal,
                    const Array& at_most) const;
  /// The largest parts of a step, up to 1, that keep z and s, and the multipliers, 1 - τ from 0.
  struct Lengths {
    Array primal, dual;
  };
  Lengths to_border(const BarrierPoint& p, const BarrierPoint& d, const Array& tau) const;
  /// p + αd; multipliers are kept near μ/s.
  BarrierPoint moved(const BarrierPoint& p, const BarrierPoint& d, const Array& primal, const Array& dual,
                     const Array& mu) const;
  /// The slope of the objective along a step.
  Array slope(const Slopes& s, const BarrierPoint& p, const BarrierPoint& d, const Array& mu) const;
  /// ν with the least ∇L.
  Array equal_of_least_slope(const Slopes& s, const BarrierPoint& p) const;
  /// Multipliers of a z that has none: μ over slacks.
  BarrierPoint centred(const Array& z, const Array& slack, const Array& equal, const Array& mu) const;

  const NonlinearProgram& program() const { return program_; }

 private:
  const NonlinearProgram& program_;
  Array has_lower_, has_upper_, fixed_;
  Array below(const Array& z) const;  // z - l, 1 where there is no bound
  Array above(const Array& z) const;
  Array stationarity(const Slopes& s, const BarrierPoint& p) const;  // ∇f + Cᵀν + Gᵀλ
};

}  // namespace dini::detail
