// The loop that every staged solver runs in.
//
// A step is the solver's; what ends the loop is the criterion of the problem's kind (criterion.hpp). At each step a cheap look says
// whether the point is worth a judgement: of a solver that forms A, whether its correction δ is small beside z; of one that does
// not, whether r·ρ/(1 - ρ) is, with r = ‖F‖ and ρ the rate at which r fell lately: the error of a contraction, which is far larger
// than its residual where it is slow. Only then is the judgement made, which costs some evaluations and, where A is not there, its
// factors. A point that it does not take goes on. An explicit tolerance is on ‖F‖ instead, and the point found is returned as it
// is.
#pragma once

#include "dini/core/option_table.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/solvers/named_method.hpp"

namespace dini::detail {

/// Where a solver stands. Of solvers that form A, `delta` is the correction -A⁻¹F, `floor` the rounding floor of ‖F‖, 8·eps·‖
/// |A||z| ‖, and `factors` [A, its factors...]; of the others, of length 0 or an estimate of it, 0, and nothing. `failure` is a
/// StatusCode that ends the solve unless it has converged.
struct SolverState {
  Array z, residual, delta, floor, failure, evaluations;
  Leaves factors, memory;
  auto tree() { return std::tie(z, residual, delta, floor, failure, evaluations, factors, memory); }
};

struct StepFunctions {
  std::function<SolverState(const SolverProblem&, const Array& z0)> init;
  std::function<SolverState(const SolverProblem&, const SolverState&)> step;
  std::int64_t default_max_steps = 1000;
  std::int64_t patience = 1000;  // steps without a new smallest residual before it is `stagnated`
  bool forms_jacobian = false;
  /// Of minima and fits: it goes downhill, so that the last point is the best one whatever its gradient is. It is left alone with how
  /// small the gradient was, and started again from beside a point that is no minimum.
  bool descends = false;
};

Outcome drive(const StepFunctions& solver, const SolverProblem& problem, const Array& z0, const StopRule& stop);
/// Whether drive's outcome of a problem of this order has factors.
bool drive_factors(const StepFunctions& solver, std::int64_t order, const StopRule& stop);

/// A and its factors at z, and δ = -A⁻¹F, NaN where A is not finite: [A, factors...].
struct Correction {
  Array delta;
  Leaves factors;
  auto tree() { return std::tie(delta, factors); }
};
Correction newton_correction(const SolverProblem& problem, const Array& z, const Array& residual);
/// What rounding of z makes of F where A is ∂F/∂z: 8·eps·‖ |A||z| ‖, 0 where that is not finite.
Array rounding_floor(const Array& a, const Array& z);
/// A⁻¹b from a Correction's factors.
Inverse inverse_of(const Leaves& factors, const MatrixStructure& structure);

/// The method of a solver whose steps are given. ValueError for options out of range.
class StepMethod : public NamedMethod {
 public:
  template <class S> StepMethod(const S& solver, StepFunctions steps) : NamedMethod(solver), steps_(std::move(steps)) {}
  bool contracts() const override { return name() == "forward_iteration"; }
  bool factors(Kind, std::int64_t order, const StopRule& stop) const override {
    return drive_factors(steps_, order, stop);
  }
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    return drive(steps_, p, z0, stop);
  }

 private:
  StepFunctions steps_;
};

}  // namespace dini::detail
