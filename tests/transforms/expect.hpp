// What the tests of transformations share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/ops/internal.hpp"

namespace dini {

// f throws an E whose message has all of these parts.
template <class E, class F> void throws(F&& f, const std::vector<std::string>& parts) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown; wanted: " << parts.front();
  } catch (const E& e) {
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << "\"" << part << "\" is not in: " << e.what();
    }
  }
}

inline void close(const Array& got, const Array& wanted, double tolerance = 1e-13) {
  ASSERT_EQ(got.shape(), wanted.shape()) << got.shape().str() << " for " << wanted.shape().str();
  const auto a = got.to_vector<double>(), b = wanted.to_vector<double>();
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (std::isnan(b[k])) {
      EXPECT_TRUE(std::isnan(a[k])) << k << ": " << a[k];
    } else if (a[k] != b[k]) {
      EXPECT_NEAR(a[k], b[k], tolerance * std::max(1.0, std::fabs(b[k]))) << k;
    }
  }
}

inline void same(const Leaves& got, const Leaves& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t k = 0; k < got.size(); ++k) close(got[k], wanted[k]);
}

}  // namespace dini
