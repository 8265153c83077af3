#include "dini/implicit/implicit_function.hpp"

#include "dini/core/option_table.hpp"
#include "dini/implicit/solve_spec.hpp"

namespace dini::detail {

namespace {

struct GivenPoint final : SolverMethod {
  explicit GivenPoint(double a) : accept(a) {}
  double accept;
  std::string name() const override { return "implicit_function"; }
  std::string key() const override { return "implicit_function " + exact_digits(accept); }
  bool has_status() const override { return false; }
  bool factors(Kind, std::int64_t order, const StopRule&) const override { return implicit::judge_factors(order); }
  Outcome solve(const SolverProblem& problem, const Array& z0, const StopRule&) const override {
    return implicit::judge_value(problem, z0, z0, accept);
  }
};

}  // namespace

Solver given_point(double accept) { return Solver(std::make_shared<GivenPoint>(accept)); }

}  // namespace dini::detail
