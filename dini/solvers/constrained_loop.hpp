// The loop of solvers of problems with bounds and constraints.
//
// A step is the solver's. What the loop looks at after each is the scaled error of the conditions of optimality
// (solvers/kkt.hpp). Where it is small the point is finished and judged; a point that is refused goes on, and has to be a hundred
// times better before it is judged again. An explicit tolerance is on that error instead. A solver that can go no further, for
// whatever reason, is judged, too: it may stand at a solution.
#pragma once

#include "dini/solvers/kkt.hpp"
#include "dini/solvers/named_method.hpp"

namespace dini::detail {

/// Where a solver stands. `failure` is a StatusCode that ends the solve unless the point is a solution.
struct ConstrainedState {
  Array z, equal, at_most;  // z, ν, λ
  Array error, failure, evaluations;
  Leaves memory;
  auto tree() { return std::tie(z, equal, at_most, error, failure, evaluations, memory); }
};

/// A solver of one problem. What both functions use may be captured: it is made once, before the loop.
struct ConstrainedSteps {
  std::function<ConstrainedState(const Array& z0)> init;
  std::function<ConstrainedState(const ConstrainedState&)> step;
  std::int64_t default_max_steps = 1000;
  std::int64_t patience = 50;  // steps without a smaller error near a solution before it is `stagnated`
};

Outcome drive_constrained(const ConstrainedSteps& solver, const SolverProblem& problem, const Array& z0,
                          const StopRule& stop);

/// The method of a solver that makes its steps for a problem.
class ConstrainedMethod : public NamedMethod {
 public:
  using Make = std::function<ConstrainedSteps(const SolverProblem&, const Array& z0)>;
  template <class S> ConstrainedMethod(const S& solver, Make make) : NamedMethod(solver), make_(std::move(make)) {}
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    return drive_constrained(z0.size() > 0 ? make_(p, z0) : ConstrainedSteps{}, p, z0, stop);
  }

 private:
  Make make_;
};

}  // namespace dini::detail
