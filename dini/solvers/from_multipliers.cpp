#include "dini/solvers/from_multipliers.hpp"

#include <limits>

#include "dini/linear/check_status.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/solvers/kkt.hpp"
#include "dini/solvers/quadratic_data.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

namespace {

class FromMultipliers final : public SolverMethod {
 public:
  explicit FromMultipliers(std::shared_ptr<const SolverMethod> then) : then_(std::move(then)) {}
  std::string name() const override { return then_ ? then_->name() : "start"; }
  std::string key() const override { return "from_multipliers " + (then_ ? then_->key() : ""); }
  Kinds kinds() const override { return then_ ? then_->kinds() : Kinds::all(); }
  Restriction takes() const override { return then_ ? then_->takes() : Restriction::general; }
  std::vector<std::string> methods(Kind kind, Restriction restriction) const override {
    std::vector<std::string> names{"start"};
    if (!then_) return names;
    for (const std::string& n : then_->methods(kind, restriction)) names.push_back(n);
    return names;
  }

  Outcome solve(const SolverProblem& p, const Array& z0, const StopRule& stop) const override {
    const std::size_t first = (p.lower.defined() ? 1u : 0u) + (p.upper.defined() ? 1u : 0u);
    const Array none = array(std::int64_t{0});
    const Array norms = full({stop.history}, Array(std::numeric_limits<double>::quiet_NaN()), z0.dtype());
    const KktPoint start{
        z0, p.theta.at(first), p.theta.at(first + 1), code(StatusCode::stagnated), none, array(std::int64_t{1}), norms};
    Outcome out = finished(p, start, z0, stop);
    // A program that is not convex has no solution to any start.
    if (p.kind == Kind::quadratic_program) {
      const Array convex = is_convex(quadratic_data(p, z0));
      out.status = where(convex, out.status, code(StatusCode::not_a_minimum));
    }
    if (stop.history > 0) out.history = where(arange(stop.history) == 0, out.residual_norm, norms);
    if (!then_) return out;
    return loop([](const Outcome& o) { return o.status != 0; },
                [&](const Outcome& o) {
                  StopRule rule = stop;
                  // In a batch the lanes that are there already take part, with no steps left to them.
                  rule.budget = where(o.status != 0, array(std::numeric_limits<std::int64_t>::max()), none);
                  Outcome next = then_->solve(p, z0, rule);
                  next.factors.clear();
                  next.method = next.method + 1;
                  next.evaluations = next.evaluations + o.evaluations;
                  return next;
                },
                out, 1);
  }

 private:
  std::shared_ptr<const SolverMethod> then_;
};

}  // namespace

std::shared_ptr<const SolverMethod> from_multipliers(std::shared_ptr<const SolverMethod> then) {
  return std::make_shared<FromMultipliers>(std::move(then));
}

}  // namespace dini::detail
