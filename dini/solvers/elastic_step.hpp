// The step of sequential quadratic programming: a quadratic program that always has a solution.
//
//     min gᵀd + ½dᵀBd + ρ (Σ|c + Cd| + Σ max(0, g + Gd)),   low ≤ d ≤ high
//
// with a variable for each part of each violation, by the homogeneous interior-point method (solvers/homogeneous_model.hpp).
#pragma once

#include "dini/solvers/nonlinear_program.hpp"

namespace dini::detail {

struct ElasticProgram {
  Array b;  // positive semidefinite
  Array gradient;
  Array equal, equal_slopes, at_most, at_most_slopes;  // c, C, g, G
  Array low, high;
  Array rho;
  Array unit;  // of d: the program is solved for d/unit
};
struct ElasticStep {
  Array d, equal, at_most;  // with multipliers, none of which is larger than ρ
  auto tree() { return std::tie(d, equal, at_most); }
};
ElasticStep elastic_step(const ElasticProgram& program);

/// Σ|c + Cd| + Σ max(0, g + Gd), and what is minimised.
Array elastic_violation(const ElasticProgram& program, const Array& d);
Array elastic_value(const ElasticProgram& program, const Array& d);

}  // namespace dini::detail
