// What the tests of faults share: numbers, and the errors that actions throw.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "dini/trace/internal.hpp"

namespace faults_test {

using namespace dini;

inline const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

inline Array vec(std::vector<double> v) { return array(v); }

// The SolveError that an action throws.
template <class F> SolveError solve_error(F&& action) {
  try {
    action();
  } catch (const SolveError& e) {
    EXPECT_EQ(current_trace(), nullptr);
    return e;
  } catch (const std::exception& e) {
    ADD_FAILURE() << "not a SolveError: " << e.what();
    return SolveError("", StatusCode::converged);
  }
  ADD_FAILURE() << "nothing was thrown";
  return SolveError("", StatusCode::converged);
}
template <class E, class F> std::string message(F&& action) {
  try {
    action();
  } catch (const E& e) {
    EXPECT_EQ(current_trace(), nullptr);
    return e.what();
  } catch (const std::exception& e) {
    ADD_FAILURE() << "another kind of error: " << e.what();
    return "";
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}
inline void expect_has(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& p : parts)
    EXPECT_NE(text.find(p), std::string::npos) << "\"" << p << "\" is not in: " << text;
}
inline double at(const Array& a, std::int64_t k) { return a(k).item(); }

}  // namespace faults_test
