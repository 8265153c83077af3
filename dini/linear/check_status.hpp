// check_status: an op that hands a value on, and throws a SolveError when it is run and something failed.
//
// A failure is known when the values are, and not when a solve is traced. In batches the op sees all lanes at once, so that it
// throws after all of them have run, with every lane's report.
#pragma once

#include <functional>
#include <string>

#include "dini/core/status.hpp"
#include "dini/trace/trace.hpp"

namespace dini::detail {

/// A scalar constant of StatusCode's array type, int64.
Array code(StatusCode c);

/// What a failure's message says beside the status.
enum class ReportKind {
  solve,           // counts are steps, measures ‖F‖
  derivative,      // counts are a Cause, measures what it is based on
  linear,          // measures the linear system's ‖b - A x‖
  bracketed_solve  // as solve, of a map whose θ starts with the two ends of a bracket
};
/// Why a point has no derivative.
enum class Cause : int { condition = 0, multiple_root, far_from_solution, semidefinite, tie };
struct Report {
  std::string what;  // the solver's or adjoint's name
  ReportKind kind = ReportKind::solve;
  /// The map [z, θ...] -> f or F of a solve, with θ: it is run once more to say which entry is at fault where one can be.
  ProgramRef map = {};
  Leaves theta = {};
  /// The point that the report is of, where that is not x.
  Array z = {};
  /// What nonfinite_entry said, where it has been asked already.
  std::string entry = {};
};

/// (x, status int64, count, measure, z, θ...) -> x. {what, kind, entry: texts of the report; map, lanes: for `nonfinite`}
const Op& check_status_op();

/// x, but a SolveError when the op runs and a status is not `converged`.
Array check_status(const Array& x, const Array& status, const Array& count, const Array& measure, const Report& report);

/// x where `alive`, NaN elsewhere but where x is 0, which stays 0. Linear in x and its own transpose: nothing comes out of a
/// failed lane that a loss has masked, in either mode, and no number that looks like a derivative of it. `alive` is a truth value.
Array guard(const Array& x, const Array& alive);
const Op& guard_op();  // (x [...], alive [...])

/// Which value of the map at z is NaN or infinite, or else which entry of its Jacobian: " (...)", or nothing.
std::string nonfinite_entry(const std::function<Array(const Array&)>& map, const Array& z);

/// Of a bracket that a solve has failed in with this code, and of its best z: which element has no change of sign, or goes through
/// 0 without a root, and what F is there: " (...)", or nothing.
std::string bracket_entry(StatusCode code, const std::function<Array(const Array&)>& map, const Array& z,
                          const Array& lower, const Array& upper);

}  // namespace dini::detail
