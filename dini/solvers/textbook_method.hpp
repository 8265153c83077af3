// What the textbook's solvers have in common.
#pragma once

#include <functional>

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

/// A solver's own limits, where the solve has none.
inline double tolerance(double own, const StopRule& stop) { return stop.tolerance.absolute.value_or(own); }
inline std::int64_t cap(std::int64_t own, const StopRule& stop) { return stop.max_steps >= 0 ? stop.max_steps : own; }

}  // namespace dini::detail::textbook
