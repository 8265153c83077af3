// Simplices of points that go downhill by values alone.
#pragma once

#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// The corners [n + 1, n], lowest first, and E there; the unknowns' units; E at the start, and when the simplex was made.
struct Simplex {
  Array points, values, units, first, made;
  auto tree() { return std::tie(points, values, units, first, made); }
};

/// A right-angled one at z, of edges `size` in the units of z's components; n + 1 evaluations.
Simplex simplex_at(const SolverProblem& problem, const Array& z, double size, const Array& first);

/// How far a corner goes through the middle of the others, in lengths of the way to it; and what is left of edges that shrink.
struct SimplexLengths {
  double reflection, expansion, contraction, shrinkage;
};
/// The simplex with its highest corner moved, or with all but the lowest drawn to that; and the evaluations that it took.
struct MovedSimplex {
  Simplex s;
  Array evaluations;
  auto tree() { return std::tie(s, evaluations); }
};
MovedSimplex moved(const SolverProblem& problem, const Simplex& s, const SimplexLengths& by);

}  // namespace dini::detail
