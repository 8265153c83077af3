// What the textbook's solvers have in common.
#pragma once

#include <functional>

#include "dini/ops/elementwise.hpp"
#include "dini/linear/check_status.hpp"
#include "dini/solvers/named_method.hpp"

namespace dini::detail::textbook {

/// How many steps without a smaller residual are the end.
constexpr std::int64_t patience = 1000;

class Method final : public NamedMethod {
 public:
  using Run = std::function<Outcome(const SolverProblem&, const Array& z0, const StopRule&)>;
  template <class S> Method(const S& solver, Run run) : NamedMethod(solver), run_(std::move(run)) {}
  bool contracts() const override { return name() == "fwd_solver"; }
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    return run_(p, z0, stop);
  }

 private:
  Run run_;
};

/// How an iteration has ended: there, or at its last step, or after so many without a smaller residual, or with one that is no number.
inline Array status_of(const Array& there, const Array& since, const Array& residual) {
  Array status = where(since >= patience, code(StatusCode::stagnated), code(StatusCode::max_steps));
  status = where(isfinite(residual), status, code(StatusCode::nonfinite));
  return where(there, code(StatusCode::converged), status);
}

/// A solver's own limits, where the solve has none.
inline double tolerance(double own, const StopRule& stop) { return stop.tolerance.absolute.value_or(own); }
inline std::int64_t cap(std::int64_t own, const StopRule& stop) { return stop.max_steps >= 0 ? stop.max_steps : own; }

}  // namespace dini::detail::textbook
