// The loop that every staged solver runs in, and the rule that ends it.
//
// With δ = -A⁻¹F(z) (A = ∂F/∂z), s the larger of ‖z‖ and ‖z0‖, rtol = eps^(2/3): a solver that knows δ has converged when
// ‖δ‖ ≤ rtol·s, or when the residual is at its rounding floor, ‖F‖ ≤ 8·eps·‖ |A||z| ‖, or F = 0. One that does not stops on
// ‖F‖ ≤ rtol·s, and δ is computed once. Then δ is taken, and further corrections while each is less than half of the last
// (five at most). This is invariant to the scale of the equations, and right for slow contractions, whose error is far
// larger than their residual. An explicit tolerance is on ‖F‖ instead, and the point found is returned as it is.
#pragma once

#include "dini/core/option_table.hpp"
#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// Where a solver stands. `correction` is ‖δ‖ and `floor` the rounding floor of ‖F‖ for solvers that have A; infinity and 0
/// for those that have not. `failure` is a StatusCode that ends the solve unless it has converged.
struct SolverState {
  Array z, residual, correction, floor, failure, evaluations;
  Leaves memory;
  auto tree() { return std::tie(z, residual, correction, floor, failure, evaluations, memory); }
};

struct StepFunctions {
  std::function<SolverState(const SolverProblem&, const Array& z0)> init;
  std::function<SolverState(const SolverProblem&, const SolverState&)> step;
  std::int64_t default_max_steps = 1000;
  std::int64_t patience = 1000;  // steps without a new smallest residual before it is `stagnated`
  bool forms_jacobian = false;   // so that a last correction costs no more than a step, however large z is
};

Outcome drive(const StepFunctions& solver, const SolverProblem& problem, const Array& z0, const StopRule& stop);

/// A scalar constant of StatusCode's array type.
Array code(StatusCode c);
/// A real scalar constant of z's dtype.
Array scalar_like(double value, const Array& z);
/// ‖v‖.
Array length(const Array& v);

/// A = ∂F/∂z, δ = -A⁻¹F, ‖δ‖ and the rounding floor 8·eps·‖ |A||z| ‖ at z.
struct Correction {
  Array delta, norm, floor, jacobian;
};
Correction newton_correction(const SolverProblem& problem, const Array& z, const Array& residual);

/// The method of a solver whose steps are given. ValueError for options out of range.
class StepMethod : public SolverMethod {
 public:
  template <class S>
  StepMethod(const S& solver, StepFunctions steps)
      : name_(S::table().name),
        key_(S::table().key(solver)),
        steps_(std::move(steps)),
        fixed_point_only_(S::table().fixed_point_only) {
    S::table().check(solver);
  }
  std::string name() const override { return name_; }
  std::string key() const override { return key_; }
  bool fixed_point_only() const override { return fixed_point_only_; }
  bool contracts() const override { return name_ == "forward_iteration"; }
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    return drive(steps_, p, z0, stop);
  }

 private:
  std::string name_, key_;
  StepFunctions steps_;
  bool fixed_point_only_;
};

}  // namespace dini::detail
