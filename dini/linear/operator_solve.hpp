// Linear solves with an operator that is known by its products: an op with a jvp and a transpose of its own.
//
//     x = A⁻¹ b,      dx = A⁻¹ (db - dA x),      b̄ = A⁻ᵀ x̄
#pragma once

#include <memory>

#include "dini/linear/adjoint.hpp"
#include "dini/core/status.hpp"
#include "dini/transforms/derive.hpp"

namespace dini::detail {

struct LinearOutcome {
  Array x, status, residual;
};

/// A method for A x = b, written with ops (it is traced once).
struct LinearMethod {
  virtual ~LinearMethod() = default;
  virtual std::string key() const = 0;
  /// `apply` is v -> A v; where A = M - I is a fixed point's, `map` is v -> M v, and empty otherwise. b has size about 1.
  virtual LinearOutcome solve(const ProgramRef& apply, const Leaves& kept,
                              const std::function<Array(const Array&)>& map, const Array& b) const = 0;
};
using LinearMethodRef = std::shared_ptr<const LinearMethod>;
LinearMethodRef krylov_method(const Adjoint& adjoint);

/// A x = b where `product` is the Program [v, kept...] -> M v, and A = M - I with `minus_identity`, M without. One lane's
/// failure throws a SolveError when the op is run, after all lanes have run, or with `nan` makes that lane's x NaN.
Array operator_solve(const ProgramRef& product, bool minus_identity, const LinearMethodRef& method, bool nan,
                     const Array& b, const Leaves& kept);

/// What a failure's message says beside the status.
enum class ReportKind {
  solve,       // counts are steps, measures ‖F‖
  derivative,  // counts are a Cause, measures what it is based on
  linear       // measures the linear system's ‖b - A x‖
};
/// Why a point has no derivative.
enum class Cause : int { condition = 0, multiple_root, far_from_solution };
struct Report {
  std::string what;  // the solver's or adjoint's name
  ReportKind kind = ReportKind::solve;
  /// The map [z, θ...] -> f or F of a solve, with θ: on `nonfinite` it is run once more to say which entry is at fault.
  ProgramRef map = {};
  Leaves theta = {};
  /// The point that the report is of, where that is not x.
  Array z = {};
  /// What nonfinite_entry said, where it has been asked already.
  std::string entry = {};
};

/// x, but a SolveError when the op runs and a status is not `converged`.
Array check_status(const Array& x, const Array& status, const Array& count, const Array& measure, const Report& report);

/// Which value of the map at z is NaN or infinite, or else which entry of its Jacobian: " (...)", or nothing.
std::string nonfinite_entry(const std::function<Array(const Array&)>& map, const Array& z);

}  // namespace dini::detail
