// What came of a problem, and how it is written as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

struct AdjointReport {
  std::string status, method;
  bool exact = true;
  std::optional<double> residual_norm;  // of the gradient's linear system
  std::string message;                  // why it failed
};

/// The values that belong to a lane have one entry without a batch, and one a lane with it.
struct ProblemResult {
  using Named = std::vector<std::pair<std::string, Array>>;

  bool batched = false;
  std::string message, solver;
  std::vector<std::string> status;
  std::vector<std::int64_t> steps, evaluations;
  std::vector<double> residual_norm, error_estimate;
  Array z, loss, objective;  // a loss and an objective are undefined where there are none
  bool has_gradient = false, has_hessian = false, has_jacobian = false;
  Named gradient, hessian, jacobian;
  std::optional<AdjointReport> adjoint;
  std::optional<std::int64_t> lanes_summed;
  std::optional<double> check_digits;
  // With bounds or constraints: multipliers, and how many are active; multipliers that prove that there is no solution, where in some
  // lane there is none; a direction in which there is no end, where there is one.
  Named duals, certificate;
  std::vector<std::int64_t> active, weakly_active, dependent;
  Array ray;
  Named slacks;                  // distances to the limits, by the names of duals; not in the JSON
  std::string check_refused;     // why the gradient could not be compared with differences
  bool gradient_anyway = false;  // derivatives although the solve failed
  double seconds_total = 0, seconds_solve = 0;
  std::vector<std::vector<double>> history;  // the residual norm after each step, by lanes; not in the JSON

  bool converged() const;
  bool derivative_failed() const { return adjoint && adjoint->status != "converged"; }
};

/// One JSON object on one line. Floating numbers are in the shortest form that reads back to the same value of their
/// dtype, with a point or an exponent; what is not finite is "nan", "inf" or "-inf".
std::string to_json(const ProblemResult& result);
/// {"status": "error", "message": "..."}, or with another status.
std::string error_json(const std::string& message, const char* status = "error");

/// A number as above.
std::string json_number(double v);
std::string json_number(float v);
/// Text between quotes with what JSON wants escaped; bytes that are not UTF-8 are replaced.
std::string json_text(const std::string& s);
/// Nested lists.
std::string json_array(const Array& a);

}  // namespace dini
