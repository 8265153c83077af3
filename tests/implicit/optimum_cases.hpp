// Optima whose values and derivatives are known.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"

namespace dini::tests {

// An energy of θ and z, or residuals; where its least is and how that depends on θ. Slopes are [z, θ].
struct OptimumCase {
  std::string name;
  bool fit;
  std::function<Array(const Array& theta, const Array& z)> f;
  Array theta, start, value, slope;
};

const std::vector<OptimumCase>& optimum_cases();

}  // namespace dini::tests
