// An augmented Lagrangian as a merit function within bounds.
//
//     f + Σ (ν_i + ½ρ c_i) c_i + Σ (max(0, λ_i + ρ g_i)² - λ_i²)/2ρ
//
// Its gradient is ∇L with the multipliers ν + ρc and max(0, λ + ρg), its Hessian ∇²L with them and ρ(CᵀC + GᵀG), of the rows whose
// multipliers are not 0.
#pragma once

#include "dini/solvers/bounded_merit.hpp"
#include "dini/solvers/nonlinear_program.hpp"

namespace dini::detail {

/// ν, λ and ρ.
struct PenaltyWeights {
  Array equal, at_most, rho;
  auto tree() { return std::tie(equal, at_most, rho); }
};

/// What its model says besides (BoundedModel::more): the problem's own values and slopes at z, and the multipliers that z has.
struct PenalizedPoint {
  NonlinearProgram::Values values;
  NonlinearProgram::Slopes slopes;
  Array equal, at_most;
  auto tree() { return std::tie(values, slopes, equal, at_most); }
};

/// The program outlives it.
BoundedMerit augmented_merit(const NonlinearProgram& program, const PenaltyWeights& weights, const Array& z0);

/// The largest |c_i| and |max(g_i, -λ_i/ρ)|: how far z is from what the multipliers say.
Array penalty_violation(const NonlinearProgram::Values& v, const PenaltyWeights& weights);

}  // namespace dini::detail
