// The steps of sequential quadratic programming.
#pragma once

#include "dini/solvers/elastic_step.hpp"
#include "dini/solvers/sqp.hpp"

namespace dini::detail {

class SqpSteps {
 public:
  SqpSteps(const SQP& o, const SolverProblem& p, const Array& z0) : options_(o), problem_(p), program_(problem_, z0) {}
  SqpSteps(const SqpSteps&) = delete;
  SqpSteps& operator=(const SqpSteps&) = delete;

  ConstrainedState init(const Array& z0) const;
  ConstrainedState step(const ConstrainedState& s) const;

 private:
  struct Memory {
    Array z, equal, at_most;
    NonlinearProgram::Values values;
    NonlinearProgram::Slopes slopes;
    Array rho, radius, first_value;
    auto tree() { return std::tie(z, equal, at_most, values, slopes, rho, radius, first_value); }
  };
  // A step of the model, and how much of what was predicted the merit has fallen.
  struct Trial {
    ElasticStep step;
    Array z;
    NonlinearProgram::Values values;
    Array quality, evaluations;
    auto tree() { return std::tie(step, z, values, quality, evaluations); }
  };
  SQP options_;
  SolverProblem problem_;
  NonlinearProgram program_;

  ConstrainedState state(const Memory& m, const Array& evaluations) const;
};

}  // namespace dini::detail
