// What solvers that form A have in common: a state with A's factors and Newton's correction, and the search along a direction.
#pragma once

#include "dini/solvers/drive.hpp"

namespace dini::detail {

/// The state at z of a solver that forms A there. Its failure is the one given, or that A or F is not finite, or, where
/// `singular_ends`, that A is singular.
SolverState formed_state(const SolverProblem& problem, const Array& z, const Array& residual, const Array& failure,
                         const Array& evaluations, Leaves memory = {}, bool singular_ends = true);

/// Backtracking from z along δ: t = 1, ½, ¼, ..., until ‖F(z + tδ)‖ ≤ max((1 - slope·t)‖F(z)‖, floor), at most so many times. With
/// 0 the full step is taken wherever it leads. Where `persist` is given and false, the full step is the only one tried.
struct Backtracking {
  int max_halvings;
  double slope;
};
/// Its end: the point, z itself where none was found, and why none was; how many were tried; whether F was not finite at the first.
struct Backtracked {
  Array z, residual, t, failure, tried, left_domain;
  auto tree() { return std::tie(z, residual, t, failure, tried, left_domain); }
};
Backtracked backtrack(const SolverProblem& problem, const Array& z, const Array& residual, const Array& delta,
                      const Array& floor, const Backtracking& rule, const Array& persist = {});

/// ‖v‖ where it may be divided by: 1 in the place of 0.
Array length_or_one(const Array& v);

}  // namespace dini::detail
