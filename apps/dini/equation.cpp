#include "apps/dini/equation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>

#include "dini/formula/text.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/solvers/forward_iteration.hpp"
#include "dini/solvers/newton.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/host.hpp"

namespace dini::app {

namespace {

using Clock = std::chrono::steady_clock;

// Thrown from within a solve, through the solver, to where it was started.
struct Cancelled {};

// What a solve's evaluations are watched by.
struct Watch {
  const std::atomic<bool>* cancel = nullptr;
  std::optional<Clock::time_point> deadline;
  std::function<void(std::int64_t, double)> on_evaluation;
  std::int64_t evaluations = 0;
  Array best;
  double best_norm = std::numeric_limits<double>::infinity();
};

struct WatchFunction final : HostFunction {
  std::shared_ptr<Watch> watch;
  std::string name() const override { return "watch"; }
  std::vector<Aval> outputs(std::span<const Aval>) const override { return {{Shape{}, Dtype::bool_, false}}; }
  Leaves call(const Leaves& in) const override {
    const double norm = in[1].item();
    ++watch->evaluations;
    if (!watch->best.defined() || norm < watch->best_norm) {
      watch->best = in[0];
      watch->best_norm = norm;
    }
    if (watch->on_evaluation) watch->on_evaluation(watch->evaluations, norm);
    if ((watch->cancel && *watch->cancel) || (watch->deadline && Clock::now() >= *watch->deadline)) throw Cancelled{};
    return {array(true)};
  }
};

bool is_fixed_point(const Problem& p) { return p.kind == ProblemKind::fixed_point; }

// The map of a fixed point, the residual of a root, or the gradient of what is to be made least.
Array equation(const Problem& p, const Problem::Inputs& all, const Array& z) {
  Problem::Inputs inputs = all;
  inputs.erase("");
  Array out;
  if (p.kind == ProblemKind::root || p.kind == ProblemKind::fixed_point) {
    out = astype(p.evaluate(*p.formula, inputs, z), p.dtype);
    if (out.shape() != z.shape()) {
      throw ProblemError("`formula`: its shape is " + out.shape().str() + ", that of z is " + z.shape().str() +
                         "; as many equations as unknowns are wanted");
    }
  } else {
    const bool squares = p.kind == ProblemKind::least_squares;
    out = grad([&](const Array& at) {
      const Array value = astype(p.evaluate(*p.formula, inputs, at), p.dtype);
      if (!squares && value.ndim() != 0) {
        throw ProblemError("`formula`: to minimise, a scalar is wanted; its shape is " + value.shape().str());
      }
      return squares ? 0.5 * sum(square(value)) : value;
    })(z);
  }
  const auto added = all.find("");
  return added == all.end() ? out : out + added->second;
}

// The floating inputs, which the solution is a function of; the others are fixed, so that they can be read.
Problem::Inputs floating(const Problem::Inputs& inputs) {
  Problem::Inputs out;
  for (const auto& [name, a] : inputs) {
    if (is_floating(a.dtype())) out[name] = a;
  }
  return out;
}

// The solve of the equation with these options, of the varied inputs among all.
auto solve(const Problem& p, const Problem::Inputs& inputs, const Array& z0, const FixedPointOptions& options,
           const std::shared_ptr<Watch>& watch = {}) {
  const auto f = [&](const Problem::Inputs& varied, const Array& z) {
    Problem::Inputs all = inputs;
    for (const auto& [name, a] : varied) all[name] = a;
    Array value = equation(p, all, z);
    if (watch) {
      auto function = std::make_shared<WatchFunction>();
      function->watch = watch;
      const Array residual = stop_gradient(is_fixed_point(p) ? value - z : value);
      emit(detail::callback_op(), {stop_gradient(z), norm(residual)}, {{"function", OpaqueRef(function)}});
    }
    return value;
  };
  return is_fixed_point(p) ? fixed_point(f, z0, options, floating(inputs)) : root(f, z0, options, floating(inputs));
}

FixedPointOptions options_of(const Problem& p, const Solver& solver) {
  FixedPointOptions o;
  o.solver = solver;
  if (p.tolerance) o.tolerance = Tolerance(p.tolerance->absolute, p.tolerance->relative);
  o.adjoint = make_adjoint(p);
  o.on_failure = OnFailure::best;
  return o;
}

// A stationary point is a minimum where the Hessian is positive definite.
bool is_minimum(const Problem& p, const Problem::Inputs& inputs, const Array& z) {
  const std::int64_t n = z.size();
  if (n == 0) return true;
  const Array h = reshape(jacobian([&](const Array& at) { return equation(p, inputs, at); })(z), {n, n});
  return isfinite(sum(linalg::cholesky(h))).item<bool>();
}

}  // namespace

Lane solve_equation(const Problem& p, const Problem::Inputs& inputs, const Array& z0, const SolveSettings& settings,
                    const std::optional<double>& seconds_left) {
  auto watch = std::make_shared<Watch>();
  watch->cancel = settings.cancel;
  watch->on_evaluation = settings.on_evaluation;
  if (seconds_left) {
    watch->deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                         std::chrono::duration<double>(std::min(*seconds_left, 1e8)));
  }
  const std::vector<NamedSolver> solvers = make_solvers(p, z0.size());
  Lane best;
  best.residual_norm = std::numeric_limits<double>::infinity();
  std::int64_t steps_left = p.max_steps.value_or(-1), evaluations = 0;
  // Each solver from z0; then each from the best iterate, where there is one and there are several solvers.
  const std::size_t rounds = solvers.size() > 1 ? 2 : 1;
  for (std::size_t k = 0; k < rounds * solvers.size(); ++k) {
    const NamedSolver& s = solvers[k % solvers.size()];
    const Array start = k < solvers.size() || !best.z.defined() ? z0 : best.z;
    FixedPointOptions o = options_of(p, s.solver);
    o.max_steps = steps_left;
    if (settings.history) o.history = std::min<std::int64_t>(o.max_steps < 0 ? 10000 : o.max_steps, 100000) + 1;
    Lane lane;
    lane.solver = s.name;
    try {
      const auto found = solve(p, inputs, start, o, watch);
      const StatusCode code = found.status.get();
      lane.z = found.value;
      lane.status = name(code);
      lane.message = describe(code);
      lane.steps = found.steps.item<std::int64_t>();
      evaluations += found.evaluations.item<std::int64_t>();
      lane.residual_norm = found.residual_norm.item();
      lane.error_estimate = found.error_estimate.item();
      if (settings.history && found.history.defined()) {
        for (double v : found.history.to_vector<double>()) {
          if (static_cast<std::int64_t>(lane.history.size()) <= lane.steps) lane.history.push_back(v);
        }
      }
    } catch (const Cancelled&) {
      lane.status = name(StatusCode::cancelled);
      lane.message = watch->cancel && *watch->cancel ? "cancelled by a signal" : "the deadline has passed";
      lane.z = watch->best.defined() ? watch->best : start;
      lane.residual_norm = watch->best_norm;
      lane.evaluations = watch->evaluations;
      return lane;
    }
    if (p.kind != ProblemKind::root && !is_fixed_point(p) && lane.converged() && !is_minimum(p, inputs, lane.z)) {
      lane.status = name(StatusCode::not_a_minimum);
      lane.message = describe(StatusCode::not_a_minimum);
    }
    if (lane.status == "nonfinite" && lane.steps == 0) {
      const std::vector<double> at_start = equation(p, inputs, start).to_vector<double>();
      for (std::size_t i = 0; i < at_start.size(); ++i) {
        if (std::isfinite(at_start[i])) continue;
        lane.message = "the formula is not finite at the start, at index " + std::to_string(i) +
                       (start.ndim() > 1 ? " of its elements in a row" : "");
        break;
      }
    }
    const bool better = lane.converged() || !best.z.defined() || lane.residual_norm < best.residual_norm;
    const std::int64_t used = lane.steps;
    if (better) best = std::move(lane);
    best.evaluations = evaluations;
    if (best.converged()) break;
    if (steps_left >= 0 && (steps_left -= used) <= 0) {
      best.status = name(StatusCode::max_steps);
      best.message = describe(StatusCode::max_steps);
      break;
    }
  }
  if (best.converged())
    best.message = best.solver + ", " + std::to_string(best.steps) + (best.steps == 1 ? " step" : " steps");
  return best;
}

Solution solution_at(const Problem& p, const Problem::Inputs& inputs, const Lane& lane) {
  FixedPointOptions o;
  std::vector<NamedSolver> solvers = make_solvers(p, lane.z.size());
  o = options_of(p, solvers.front().solver);
  for (const NamedSolver& s : solvers) {
    if (s.name == lane.solver) o.solver = s.solver;
  }
  if (p.adjoint.name != "same_solver") {
    // The point is taken as it is: any residual will do.
    if (is_fixed_point(p))
      o.solver = ForwardIteration{};
    else
      o.solver = Newton{};
    o.tolerance = Tolerance(1e300, 0);
    o.max_steps = 0;
  }
  o.derivative_anyway = true;
  // The residual, which the lane's Solution must not outlive its problem for, is by reference.
  return [&p, &inputs, z = lane.z, o](const Problem::Inputs& at) {
    Problem::Inputs all = inputs;
    for (const auto& [name, a] : at) all[name] = a;
    return solve(p, all, z, o).value;
  };
}

double adjoint_residual(const Problem& p, const Problem::Inputs& inputs, const Lane& lane, const Array& cotangent) {
  const Array w = grad([&](const Array& z) { return loss_at(p, inputs, z); })(lane.z);
  auto [value, pullback] = vjp([&](const Array& z) { return equation(p, inputs, z); }, lane.z);
  // z = f(z) + p: (I - J)ᵀp̄ = w.   0 = F(z) + p: Aᵀp̄ = -w.
  const Array product = pullback(cotangent);
  return norm(is_fixed_point(p) ? cotangent - product - w : product + w).item();
}

}  // namespace dini::app
