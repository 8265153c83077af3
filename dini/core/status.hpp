// How a solve ended.
#pragma once

#include <string>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {

enum class StatusCode : int {
  converged = 0,
  max_steps,
  stagnated,      // the residual has not fallen for long, or no step along the search direction makes it fall
  diverged,       // it grows without end
  nonfinite,      // a NaN or infinity, at the start or where no smaller step avoids it
  singular,       // ∂F/∂z is singular
  breakdown,      // the linear solver met a direction that it cannot divide by
  unbounded,      // the function to minimise falls without end
  not_a_minimum,  // a stationary point that is a saddle or a maximum
  infeasible,
  bracket,  // no change of sign between its ends
  cancelled,
  not_a_solution,  // a value handed over as a solution that is far from one
};

/// "converged", "max_steps", ...
const char* name(StatusCode code);
/// A sentence for people.
std::string describe(StatusCode code);

/// A solve's status: one code, or one for each lane. An array (int64) that may be traced; compares with StatusCode where it
/// can be read: `s.status == StatusCode::converged`, for lanes when all of them are.
struct Status {
  Array code;
  auto tree() { return std::tie(code); }
  /// The code; of lanes, the first that is not `converged`.
  StatusCode get() const;
  friend bool operator==(const Status& s, StatusCode c);
  friend bool operator!=(const Status& s, StatusCode c) { return !(s == c); }
  friend std::ostream& operator<<(std::ostream& out, const Status& s);
};

/// Thrown where a solve or its derivative fails, unless asked otherwise. Holds the report of every lane: arrays are scalars
/// for a single solve and have a leading axis for lanes.
struct SolveError : Error {
  SolveError(const std::string& message, StatusCode c) : Error(message), code(c) {}
  StatusCode code;     // of the first that failed
  std::string solver;  // "newton", "adjoint: direct", ...
  Array value;         // the best iterates, the leaves of z side by side in the last axis
  Array status, steps, residual_norm;
  std::vector<Array> parts =
      {};  // the same in the leaves of z, where the solve itself has thrown and no compiled function
};

}  // namespace dini
