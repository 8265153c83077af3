// Proofs that a quadratic program has no solution. (What is said of other problems: feasibility.hpp.)
//
// Multipliers ν and λ, μ_l, μ_u ≥ 0 with Aᵀν + Gᵀλ - μ_l + μ_u = 0 and bᵀν + hᵀλ - lᵀμ_l + uᵀμ_u < 0 prove that no point satisfies the rows
// (Farkas); where the former is ε, in the sum of magnitudes, that none does with ‖x‖_∞ below the latter by ε. A direction d with Pd = 0,
// Ad = 0, Gd ≤ 0, d_j ≥ 0 or ≤ 0 where there is a bound and qᵀd < 0 proves that the objective falls for ever. What a solver's iterates
// tend to is projected on the equations among the rows that it has a part in.
#pragma once

#include "dini/solvers/quadratic_data.hpp"

namespace dini::detail {

struct Infeasibility {
  Array equal, at_most, lower, upper;  // the largest 1
  Array proved;
  auto tree() { return std::tie(equal, at_most, lower, upper, proved); }
};
/// From multipliers near such ones, the bounds' [n] each and 0 or more; the problem as scaled(data, by), its proof in the units of data.
Infeasibility proof_of_infeasibility(const QuadraticData& data, const QuadraticScaling& by, const Infeasibility& near);

struct Unboundedness {
  Array ray;  // the largest component 1
  Array proved;
  auto tree() { return std::tie(ray, proved); }
};
/// From a direction near such a one.
Unboundedness proof_of_unboundedness(const QuadraticData& data, const QuadraticScaling& by, const Array& near);

}  // namespace dini::detail
