#include "dini/solvers/solver.hpp"

#include "dini/ops/elementwise.hpp"
#include "dini/solvers/drive.hpp"

namespace dini {

namespace detail {

namespace {

struct HostMethod final : SolverMethod {
  HostMethod(std::function<Array(const Function&, const Array&)> f, bool outlive)
      : run(std::move(f)), outlives(outlive) {}
  std::function<Array(const Function&, const Array&)> run;
  bool outlives;
  std::string name() const override { return "a user's solver"; }
  std::string key() const override { return "user"; }
  bool staged() const override { return false; }
  Kinds kinds() const override { return {Kind::fixed_point}; }
  bool may_outlive() const override { return outlives; }
  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule&) const override {
    const Array z = run(p.map, z0), nothing = array(std::int64_t{0});
    return {z, nothing, nothing, nothing, scalar_like(0, z), scalar_like(0, z), Array(), nothing, {}, {}};
  }
};

}  // namespace

std::shared_ptr<const SolverMethod> host_method(std::function<Array(const Function&, const Array&)> f,
                                                bool may_outlive) {
  return std::make_shared<HostMethod>(std::move(f), may_outlive);
}

}  // namespace detail

Array Solver::operator()(const Function& f, const Array& z) const {
  detail::SolverProblem p;
  p.kind = Kind::fixed_point;
  p.map = f;
  p.residual = Function([f](const Array& v) { return f(v) - v; });
  return method_->solve(p, z, {}).z;
}

}  // namespace dini
