#include "dini/solvers/solver.hpp"

#include <limits>

#include "dini/ops/elementwise.hpp"
#include "dini/solvers/anderson.hpp"
#include "dini/solvers/drive.hpp"
#include "dini/solvers/newton.hpp"

namespace dini {

namespace detail {

namespace {

constexpr std::int64_t dense_limit = 1000;  // unknowns up to which Newton's matrix is formed without being asked for

struct HostMethod final : SolverMethod {
  HostMethod(std::function<Array(const Function&, const Array&)> f, bool outlive)
      : run(std::move(f)), outlives(outlive) {}
  std::function<Array(const Function&, const Array&)> run;
  bool outlives;
  std::string name() const override { return "a user's solver"; }
  std::string key() const override { return "user"; }
  bool staged() const override { return false; }
  bool fixed_point_only() const override { return true; }
  bool may_outlive() const override { return outlives; }
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule&) const override {
    const Array z = run(p.map, z0), nothing = array(std::int64_t{0});
    return {z, nothing, nothing, nothing, scalar_like(0, z), scalar_like(0, z), Array()};
  }
};

// Newton where its matrix can be formed; Anderson for fixed points beyond that.
struct Automatic final : SolverMethod {
  std::shared_ptr<const SolverMethod> newton = Newton{}.method(), anderson = Anderson{}.method();
  std::string name() const override { return "auto"; }
  std::string key() const override { return "auto"; }
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    return (z0.size() <= dense_limit || !p.fixed_point ? newton : anderson)->solve(p, z0, stop);
  }
};

}  // namespace

std::shared_ptr<const SolverMethod> host_method(std::function<Array(const Function&, const Array&)> f,
                                                bool may_outlive) {
  return std::make_shared<HostMethod>(std::move(f), may_outlive);
}

std::shared_ptr<const SolverMethod> automatic_method() {
  static const std::shared_ptr<const SolverMethod> method = std::make_shared<Automatic>();
  return method;
}

}  // namespace detail

Array Solver::operator()(const Function& f, const Array& z) const {
  detail::SolverProblem p;
  p.fixed_point = true;
  p.map = f;
  p.residual = Function([f](const Array& v) { return f(v) - v; });
  return method_->solve(p, z, {}).z;
}

}  // namespace dini
