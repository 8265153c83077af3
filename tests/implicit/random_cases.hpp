// Random small problems of every kind, some of which have no solution; and the same problems written otherwise.
#pragma once

#include <string>
#include <vector>

#include "tests/solvers/known_cases.hpp"
#include "tests/solvers/search.hpp"

namespace dini::tests {

/// A problem whose data are drawn: `solvable`, or such that a solve has to fail, as `failure` says; max_steps
/// stands for any way.
struct RandomCase {
  KnownCase problem;
  std::function<Point(Draw&, bool solvable)> draw;
  StatusCode failure = StatusCode::max_steps;
  int lanes = 1000;  // of a batch, in tests
};
inline void PrintTo(const RandomCase& c, std::ostream* out) { *out << c.problem.name; }
/// One of each kind: with and without bounds and constraints.
const std::vector<RandomCase>& random_cases();

/// Other units, another order. With z = units∘(z' in that order), rows times their units in that order.
struct Rewriting {
  Array units, order;                   // of the unknowns
  Array equations, order_of_equations;  // of a root's equations; of a fit's residuals the order alone
  Array equal, order_of_equal;          // of the equalities
  Array at_most, order_of_at_most;      // of the inequalities; above 0
  double objective = 1;                 // times which f is
};
/// Random: units from 1/largest to largest.
Rewriting rewriting(const RandomCase& c, const Array& theta, Draw& draw, double largest);
KnownCase rewritten(const KnownCase& c, const Rewriting& by);
/// What was found of a rewritten problem, in the units and the order of the problem itself.
Solved read_back(const KnownCase& c, const Solved& s, const Rewriting& by);
/// A point of the problem as one of the rewritten.
Array start_of(const Rewriting& by, const Array& z);

}  // namespace dini::tests
