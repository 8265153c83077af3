// What the tests of array functions share: an array against a shape and numbers, an error against its text.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

inline void expect_array(const Array& got, const Shape& shape, const std::vector<double>& values,
                         double tolerance = 0) {
  EXPECT_EQ(got.shape(), shape) << got.shape().str() << " for " << shape.str();
  const std::vector<double> numbers = got.to_vector<double>();
  ASSERT_EQ(numbers.size(), values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (std::isnan(values[k]))
      EXPECT_TRUE(std::isnan(numbers[k])) << k << ": " << numbers[k];
    else
      EXPECT_LE(std::fabs(numbers[k] - values[k]), tolerance * std::max(1.0, std::fabs(values[k])))
          << k << ": " << numbers[k] << " for " << values[k];
  }
}

/// f throws an E whose message is this.
template <class E, class F> void expect_error(F&& f, const std::string& message) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown; wanted: " << message;
  } catch (const E& e) { EXPECT_EQ(e.what(), message); }
}

/// 0, 1, 2, ... in a shape.
inline Array counted(const Shape& shape, double first = 0) {
  std::vector<double> v;
  for (std::int64_t k = 0; k < shape.size(); ++k) v.push_back(first + static_cast<double>(k));
  return from_data(v.data(), shape);
}

}  // namespace dini
