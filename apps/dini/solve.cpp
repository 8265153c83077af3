#include "apps/dini/solve.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "apps/dini/equation.hpp"
#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"

namespace dini::app {

namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

Array as_problem_dtype(const Problem& p, const Array& a) { return is_floating(a.dtype()) ? astype(a, p.dtype) : a; }

void add_derivatives(const Problem& p, const Problem::Inputs& inputs, const Solution& solution, Lane& lane,
                     Array* added) {
  lane.gradient = gradients(p, inputs, solution, added);
  lane.hessian = hessians(p, inputs, solution);
  lane.jacobian = jacobians(p, inputs, solution);
  lane.derivatives = true;
}

Lane evaluate_value(const Problem& p, const Problem::Inputs& inputs) {
  const Solution value = [&](const Problem::Inputs& at) { return as_problem_dtype(p, p.evaluate(*p.formula, at)); };
  Lane lane;
  lane.z = value(inputs);
  lane.status = "converged";
  lane.message = "evaluated";
  if (p.loss) lane.loss = loss_at(p, inputs, lane.z);
  add_derivatives(p, inputs, value, lane, nullptr);
  return lane;
}

Lane solve_and_differentiate(const Problem& p, const Problem::Inputs& inputs, const Array& z0,
                             const SolveSettings& settings, const std::optional<double>& seconds_left) {
  // Once with values: an index that is out of range can only be told from one that is not where it can be read.
  p.evaluate(*p.formula, inputs, z0);
  Lane lane = solve_equation(p, inputs, z0, settings, seconds_left);
  if (p.loss) lane.loss = loss_at(p, inputs, lane.z);
  if (p.gradient.empty() && p.hessian.empty() && p.jacobian.empty()) return lane;
  if (!lane.converged() && !settings.gradient_anyway) return lane;
  const Adjoint adjoint = make_adjoint(p).resolved(z0.size(), p.kind == ProblemKind::fixed_point);
  lane.adjoint = AdjointReport{"converged", adjoint.name(), adjoint.exact(), {}};
  try {
    Array added = zeros_like(lane.z);
    add_derivatives(p, inputs, solution_at(p, inputs, lane), lane, &added);
    if (!lane.gradient.empty()) lane.adjoint->residual_norm = adjoint_residual(p, inputs, lane, added);
  } catch (const SolveError& e) {
    lane.adjoint->status = name(e.code);
    lane.gradient.clear();
    lane.hessian.clear();
    lane.jacobian.clear();
  }
  return lane;
}

// The digits that agree with differences of problems solved anew, from the solution that was found.
double check(const Problem& p, const Problem::Inputs& inputs, const Lane& lane) {
  const Solution anew = [&](const Problem::Inputs& at) {
    if (p.kind == ProblemKind::value) return as_problem_dtype(p, p.evaluate(*p.formula, at));
    Problem again = p;
    again.tolerance.reset();
    const Lane moved = solve_equation(again, at, astype(lane.z, p.dtype), {}, {});
    return moved.converged() ? moved.z : full_like(moved.z, Array(std::nan("")));
  };
  return check_gradient(p, inputs, lane.gradient, anew);
}

Problem::Inputs inputs_of_lane(const Problem& p, std::int64_t lane) {
  Problem::Inputs out = p.inputs;
  for (const std::string& n : p.batch) {
    if (n != "z0") out[n] = out[n](lane);
  }
  return out;
}

bool is_batched(const Problem& p, const std::string& n) {
  return std::find(p.batch.begin(), p.batch.end(), n) != p.batch.end();
}

// Lanes' arrays side by side; NaN where a lane has none, of the shape of those that have.
Array beside(const std::vector<Array>& rows, Dtype dtype) {
  Shape shape;
  for (const Array& a : rows) {
    if (a.defined()) shape = a.shape();
  }
  std::vector<Array> parts;
  for (const Array& a : rows) parts.push_back(a.defined() ? a : full(shape, Array(std::nan("")), dtype));
  return stack(parts);
}

using Select = std::function<const ProblemResult::Named&(const Lane&)>;

ProblemResult::Named join(const Problem& p, const std::vector<Lane>& lanes, const std::vector<std::string>& names,
                          bool sum_shared, const Select& select) {
  ProblemResult::Named out;
  for (std::size_t k = 0; k < names.size(); ++k) {
    std::vector<Array> rows;
    for (const Lane& l : lanes) rows.push_back(select(l).empty() ? Array() : select(l)[k].second);
    if (!sum_shared || is_batched(p, names[k])) {
      out.emplace_back(names[k], beside(rows, p.dtype));
      continue;
    }
    Array total;
    for (const Array& a : rows) {
      if (a.defined()) total = total.defined() ? total + a : a;
    }
    out.emplace_back(names[k], total);
  }
  return out;
}

ProblemResult joined(const Problem& p, const std::vector<Lane>& lanes, bool anyway) {
  ProblemResult r;
  r.batched = !p.batch.empty();
  bool estimates = true;
  std::int64_t with_derivatives = 0;
  const bool wanted = !p.gradient.empty() || !p.hessian.empty() || !p.jacobian.empty();
  std::vector<Array> z, loss;
  for (const Lane& l : lanes) {
    r.status.push_back(l.status);
    r.steps.push_back(l.steps);
    r.evaluations.push_back(l.evaluations);
    r.residual_norm.push_back(l.residual_norm);
    estimates = estimates && l.error_estimate;
    r.error_estimate.push_back(l.error_estimate.value_or(0));
    z.push_back(l.z);
    loss.push_back(l.converged() || anyway || !r.batched ? l.loss : Array());
    const bool complete = l.derivatives && !(l.adjoint && l.adjoint->status != "converged");
    with_derivatives += wanted && complete;
    if (!l.converged() && complete) r.gradient_anyway = wanted;
    if (l.adjoint) {
      if (!r.adjoint) r.adjoint = l.adjoint;
      if (r.adjoint->status == "converged") r.adjoint->status = l.adjoint->status;
      if (l.adjoint->residual_norm) {
        r.adjoint->residual_norm = std::max(r.adjoint->residual_norm.value_or(0), *l.adjoint->residual_norm);
      }
    }
    if (r.message.empty() || (r.converged() != l.converged())) r.message = l.message;
    if (r.solver.empty()) r.solver = l.solver;
    if (r.solver != l.solver) r.solver = "auto";
    if (!l.history.empty()) r.history = l.history;
  }
  if (!estimates) r.error_estimate.clear();
  if (r.batched) {
    const auto good = std::count(r.status.begin(), r.status.end(), "converged");
    r.message = std::to_string(good) + " of " + std::to_string(lanes.size()) + " lanes converged";
  }
  r.z = r.batched ? beside(z, p.dtype) : z[0];
  if (p.loss) r.loss = !r.batched ? loss[0] : beside(loss, p.dtype);
  if (with_derivatives > 0) {
    const auto gradient = [](const Lane& l) -> const ProblemResult::Named& { return l.gradient; };
    const auto hessian = [](const Lane& l) -> const ProblemResult::Named& { return l.hessian; };
    const auto jacobian = [](const Lane& l) -> const ProblemResult::Named& { return l.jacobian; };
    const auto take = [&](const std::vector<std::string>& names, bool sum_shared, const Select& select, bool& has) {
      has = !names.empty();
      if (!r.batched) return has ? select(lanes[0]) : ProblemResult::Named{};
      return join(p, lanes, names, sum_shared, select);
    };
    r.gradient = take(p.gradient, true, gradient, r.has_gradient);
    r.hessian = take(p.hessian, true, hessian, r.has_hessian);
    r.jacobian = take(p.jacobian, false, jacobian, r.has_jacobian);
  }
  if (r.batched && wanted) r.lanes_summed = with_derivatives;
  return r;
}

}  // namespace

ProblemResult solve_problem(const Problem& p, const SolveSettings& settings) {
  const auto start = Clock::now();
  // Refused, since a solution found without them could be another one.
  if (p.lower.defined() || p.upper.defined())
    throw ProblemError("`lower`, `upper`: bounds are not available in this version");
  if (p.bracket) throw ProblemError("`bracket`: brackets are not available in this version");
  std::int64_t count = 1;
  if (!p.batch.empty()) count = (p.batch[0] == "z0" ? p.z0 : p.inputs.at(p.batch[0])).shape()[0];
  if (count > settings.max_bytes / 1000) {
    throw ProblemError("`batch`: " + std::to_string(count) + " lanes would take more memory than the limit of " +
                       std::to_string(settings.max_bytes / 1048576) + " MB (--max-memory)");
  }
  std::vector<Lane> lanes;
  std::optional<double> digits;
  for (std::int64_t k = 0; k < count; ++k) {
    const Problem::Inputs inputs = p.batch.empty() ? p.inputs : inputs_of_lane(p, k);
    if (k == 0) check_memory(p, inputs, is_batched(p, "z0") ? p.z0(k) : Array(), settings.max_bytes);
    if (p.kind == ProblemKind::value) {
      lanes.push_back(evaluate_value(p, inputs));
    } else {
      const Array z0 = is_batched(p, "z0") ? p.z0(k) : p.start(inputs);
      std::optional<double> left;
      if (p.deadline) left = std::max(0.0, *p.deadline - since(start));
      lanes.push_back(solve_and_differentiate(p, inputs, z0, settings, left));
    }
    if (settings.check && lanes.back().converged() && !lanes.back().gradient.empty()) {
      const Problem& precise = settings.precise ? *settings.precise : p;
      const Problem::Inputs at = precise.batch.empty() ? precise.inputs : inputs_of_lane(precise, k);
      digits = std::min(digits.value_or(16), check(precise, at, lanes.back()));
    }
  }
  ProblemResult r = joined(p, lanes, settings.gradient_anyway);
  r.check_digits = digits;
  r.seconds_solve = since(start);
  return r;
}

}  // namespace dini::app
