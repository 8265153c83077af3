// The derivatives that a problem asks for, at points that were found.
#pragma once

#include <optional>

#include "apps/dini/equation.hpp"
#include "apps/dini/lanes.hpp"
#include "dini/io/problem_result.hpp"

namespace dini::app {

/// How the library takes them: the points as they are, whatever their residuals. But for the adjoint same_solver and for programs, which
/// are solved again.
FixedPointOptions derivative_options(const Problem& problem, std::int64_t unknowns);

/// The loss of every lane with its row of the points, as a differentiable function of the lanes' inputs.
Array losses(const Lanes& lanes, const Point& points, const FixedPointOptions& options, const Array& added = {});

/// Of a batched input, and every Jacobian, with a leading axis of lanes; of a shared one summed over them.
struct Derivatives {
  ProblemResult::Named gradient, hessian, jacobian;
  /// Of the gradient's linear system in each lane: how far from a solution the adjoint's is. Undefined without a gradient, and with
  /// bounds or constraints.
  Array adjoint_residual;
};

/// All of them at the lanes' points, the gradient in one reverse pass. SolveError where a lane has none, as the options say.
Derivatives derivatives(const Lanes& lanes, const Point& points, const FixedPointOptions& options);

/// Those of the rows that have some.
struct Derived {
  std::optional<Derivatives> derivatives;  // none where no row has any
  std::vector<std::int64_t> rows;
  struct Failure {
    std::int64_t lane;
    StatusCode code;
    std::string message;
  };
  std::optional<Failure> failure;  // of the first of the other rows
};
Derived regular_derivatives(const Lanes& lanes, const Point& points, const std::vector<std::int64_t>& rows,
                            const FixedPointOptions& options);

}  // namespace dini::app
