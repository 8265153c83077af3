// The steps of the interior-point method: Newton's for a barrier problem, or, where no length of one is good, steps that only make the
// violation of the constraints smaller.
#pragma once

#include "dini/solvers/barrier_search.hpp"
#include "dini/solvers/interior_point.hpp"

namespace dini::detail {

class InteriorPointSteps {
 public:
  InteriorPointSteps(const InteriorPoint& o, const SolverProblem& p, const Array& z0)
      : options_(o), problem_(p), program_(problem_, z0), barrier_(program_) {}
  InteriorPointSteps(const InteriorPointSteps&) = delete;
  InteriorPointSteps& operator=(const InteriorPointSteps&) = delete;

  ConstrainedState init(const Array& z0) const;
  ConstrainedState step(const ConstrainedState& s) const;

 private:
  struct Memory {
    BarrierPoint at;
    NonlinearProgram::Values values;
    NonlinearProgram::Slopes slopes;
    Filter filter;
    Array mu, shift, first_value;      // shift: the last δ that was needed
    Array restoring, wanted, damping;  // whether steps only lessen the violation, down to what, and their ρ
    auto tree() { return std::tie(at, values, slopes, filter, mu, shift, first_value, restoring, wanted, damping); }
  };
  InteriorPoint options_;
  SolverProblem problem_;
  NonlinearProgram program_;
  Barrier barrier_;

  Array least_weight() const;
  ConstrainedState state(const Memory& m, const Array& evaluations) const;
  // At z, where nothing but the values is known: slacks and multipliers as at the start.
  Memory restarted(Memory m, const Array& z) const;
  // μ falls while its barrier problem is solved well enough; what the filter knows is of the last one.
  Memory with_next_weight(const Memory& m) const;
  ConstrainedState newton_step(const ConstrainedState& s) const;
  ConstrainedState restoring_step(const ConstrainedState& s) const;
};

}  // namespace dini::detail
