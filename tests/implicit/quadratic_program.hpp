// What the tests of quadratic programs share.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace dini::tests {

using Found = Optimum<Array, Array, Array>;
using Numbers = std::vector<double>;

const double inf = std::numeric_limits<double>::infinity();

// A result by its name.
inline Array result(const Found& f, const std::string& name) {
  if (name == "x") return f.value;
  if (name == "equal") return f.duals.equal;
  if (name == "at_most") return ravel(f.duals.at_most);
  if (name == "lower") return f.duals.lower;
  if (name == "upper") return f.duals.upper;
  return reshape(f.objective, {1});
}
inline void expect_near(const Array& got, const Numbers& wanted, double tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), static_cast<std::int64_t>(wanted.size())) << what;
  const std::vector<double> numbers = astype(got, float64).to_vector<double>();
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    EXPECT_NEAR(numbers[k], wanted[k], tolerance * std::max(1.0, std::abs(wanted[k]))) << what << ", element " << k;
  }
}

}  // namespace dini::tests
