// What a minimum or a fit makes least, for the solvers that go downhill.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// E(z), of a fit ½‖r(z)‖².
Array objective_at(const SolverProblem& problem, const Array& z);

/// That and its gradient in z, which is the problem's residual.
struct Slope {
  Array value, gradient;
  auto tree() { return std::tie(value, gradient); }
};
Slope slope_at(const SolverProblem& problem, const Array& z);

/// What a point without an end below it is known by: E < -1e20·max(1, |E(z0)|).
Array falls_without_end(const Array& value, const Array& first);

/// The failure of a point at which value and gradient are these: unbounded, nonfinite, or none.
Array failure_at(const Slope& slope, const Array& first);

/// The roundings of E's last digits: where a step promises less than this, E cannot tell whether it is good.
Array unseen_decrease(const Array& value);

}  // namespace dini::detail
